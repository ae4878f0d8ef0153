//! Varnish: its built-in VCL with grace, over the listener without TLS, and purging by
//! `Surrogate-Key` with xkey.

use crate::edge::Edge;
use crate::laws;
use crate::laws::Crowds;
use crate::origin::Origin;
use reqwest::Method;
use std::fs;
use std::process::Command;

/// Varnish takes its grace from `stale-while-revalidate` and knows no `stale-if-error`; the hour is
/// the operator's word for it.
const VCL: &str = r#"
vcl 4.1;
import xkey;
backend default { .host = "127.0.0.1"; .port = "ORIGIN"; }
acl editors { "127.0.0.1"; }
sub vcl_recv {
    if (req.method == "PURGE") {
        if (client.ip !~ editors) { return (synth(403)); }
        set req.http.n = xkey.purge(req.http.key);
        return (synth(200, "purged " + req.http.n));
    }
}
sub vcl_backend_response {
    set beresp.http.xkey = beresp.http.surrogate-key;
    set beresp.grace = 1h;
}
sub vcl_deliver { unset resp.http.xkey; }
"#;

async fn start(origin: &Origin) -> Edge {
    Edge::start(|dir, port| {
        let file = dir.join("default.vcl");
        fs::write(
            &file,
            VCL.replace("ORIGIN", &origin.plain.port().to_string()),
        )
        .unwrap();
        let mut command = Command::new("varnishd");
        command.args(["-F", "-j", "none", "-s", "default,64m"]);
        command.args(["-a", &format!("127.0.0.1:{port}"), "-T", "none"]);
        command.arg("-n").arg(dir.join("work")).arg("-f").arg(file);
        command
    })
    .ready()
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_behind_varnish_costs_one_build_and_one_request() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::a_crowd_costs_one_build(&origin, &edge, Crowds::AskedOnce).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn varnish_revalidates_without_content() {
    let origin = Origin::start();
    laws::revalidation_costs_no_content(&origin, &start(&origin).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_of_varnish_are_the_sources_bytes() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    let before = origin.work().await.whole;
    laws::parts_are_the_sources(&edge).await;
    let fetched = origin.work().await.whole - before;
    assert_eq!(fetched, 1, "one fetch serves every range");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_varnish_learners_keep_what_is_kept_when_the_origin_stops() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::what_is_kept_outlives_the_origin(origin, &edge).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn varnish_never_mixes_a_replaced_lesson() {
    let origin = Origin::start();
    laws::a_replaced_lesson_is_never_mixed(&origin, &start(&origin).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lesson_is_purged_from_varnish_by_its_surrogate_key() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    let mine = origin.playlist().await;
    let theirs = mine.replace("/mat-khau/", "/lua-dao-truc-tuyen/");
    for url in [&mine, &theirs] {
        edge.whole(url).await;
    }
    let purge = edge.request(Method::from_bytes(b"PURGE").unwrap(), "/");
    let purge = purge.header("key", "ky-nang-so/mat-khau").send().await;
    assert_eq!(purge.unwrap().status(), 200);
    // Gone is what has no age; the other lesson is still there, fresh or in grace.
    let hits = |reply: &reqwest::Response| {
        let ids = reply.headers().get("x-varnish").unwrap().to_str().unwrap();
        ids.split(' ').count() == 2
    };
    let reply = edge.get(&theirs).send().await.unwrap();
    assert!(hits(&reply), "the other lesson stays");
    let reply = edge.get(&mine).send().await.unwrap();
    assert!(!hits(&reply), "the lesson is fetched anew");
}
