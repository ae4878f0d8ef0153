//! Squid as an accelerator, over TLS to the origin with its certificate verified.

use crate::edge::Edge;
use crate::laws;
use crate::laws::Crowds;
use crate::origin::Origin;
use std::fs;
use std::process::Command;

const CONFIGURATION: &str = r"
http_port 127.0.0.1:PORT accel defaultsite=localhost no-vhost
cache_peer localhost parent ORIGIN 0 no-query no-digest originserver name=origin tls tls-cafile=AUTHORITY
acl everybody src all
http_access allow everybody
cache_peer_access origin allow everybody
never_direct allow everybody
collapsed_forwarding on
cache_mem 64 MB
maximum_object_size_in_memory 16 MB
range_offset_limit none
refresh_pattern . 0 0% 1440
negative_ttl 0 seconds
visible_hostname edge.example
pid_filename none
access_log none
cache_store_log none
cache_log DIR/cache.log
coredump_dir DIR
netdb_filename none
pinger_enable off
memory_cache_shared off
shutdown_lifetime 0 seconds
";

async fn start(origin: &Origin) -> Edge {
    Edge::start(|dir, port| {
        let file = dir.join("squid.conf");
        let text = CONFIGURATION
            .replace("DIR", &dir.display().to_string())
            .replace("ORIGIN", &origin.tls().port().to_string())
            .replace("AUTHORITY", &origin.authority().display().to_string())
            .replace("PORT", &port.to_string());
        fs::write(&file, text).unwrap();
        let mut command = Command::new("squid");
        command.arg("-N").arg("-f").arg(file).current_dir(dir);
        command
    })
    .ready()
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_behind_squid_costs_one_build_and_one_request() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::a_crowd_costs_one_build(&origin, &edge, Crowds::AskedOnce).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn squid_revalidates_without_content() {
    let origin = Origin::start();
    laws::revalidation_costs_no_content(&origin, &start(&origin).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_of_squid_are_the_sources_bytes() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::parts_are_the_sources(&edge).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_squid_learners_keep_what_is_kept_when_the_origin_stops() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::what_is_kept_outlives_the_origin(origin, &edge).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn squid_never_mixes_a_replaced_lesson() {
    let origin = Origin::start();
    laws::a_replaced_lesson_is_never_mixed(&origin, &start(&origin).await).await;
}
