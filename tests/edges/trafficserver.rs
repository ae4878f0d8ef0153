//! Apache Traffic Server as a reverse proxy, over TLS to the origin with its certificate verified.

use crate::edge::Edge;
use crate::laws;
use crate::laws::Crowds;
use crate::origin::Origin;
use std::fs;
use std::process::Command;

/// Everything it reads and writes lies in the test's folder.
const LAYOUT: &str = "
prefix: DIR
exec_prefix: DIR
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: DIR/etc
datadir: DIR
includedir: DIR
libdir: DIR
libexecdir: DIR
localstatedir: DIR
runtimedir: DIR/run
logdir: DIR/run
mandir: DIR
infodir: DIR
cachedir: DIR/cache
";

/// Many who want the same read from the one who writes it (`enable_read_while_writer`), and those
/// who come before there is anything to read wait and look again.
const RECORDS: &str = "
CONFIG proxy.config.http.server_ports STRING PORT
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.http.cache.required_headers INT 2
CONFIG proxy.config.cache.enable_read_while_writer INT 1
CONFIG proxy.config.http.background_fill_active_timeout INT 0
CONFIG proxy.config.http.background_fill_completed_threshold FLOAT 0.0
CONFIG proxy.config.cache.read_while_writer.max_retries INT 100
CONFIG proxy.config.cache.read_while_writer_retry.delay INT 50
CONFIG proxy.config.http.cache.max_open_read_retries INT 100
CONFIG proxy.config.http.cache.open_read_retry_time INT 50
CONFIG proxy.config.http.cache.max_open_write_retries INT 100
CONFIG proxy.config.http.cache.open_write_fail_action INT 1
CONFIG proxy.config.http.cache.max_stale_age INT 660
CONFIG proxy.config.http.insert_age_in_response INT 1
CONFIG proxy.config.ssl.client.verify.server.policy STRING ENFORCED
CONFIG proxy.config.ssl.client.verify.server.properties STRING ALL
CONFIG proxy.config.ssl.client.CA.cert.filename STRING AUTHORITY
CONFIG proxy.config.ssl.client.sni_policy STRING remap
CONFIG proxy.config.hostdb.host_file.path STRING /etc/hosts
CONFIG proxy.config.crash_log_helper STRING NULL
CONFIG proxy.config.http.connect_attempts_max_retries INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 2
";

async fn start(origin: &Origin) -> Edge {
    let mut edge = Edge::start(|dir, port| {
        for folder in ["etc", "run", "cache"] {
            fs::create_dir(dir.join(folder)).unwrap();
        }
        let place = dir.display().to_string();
        let records = RECORDS
            .replace("PORT", &port.to_string())
            .replace("AUTHORITY", &origin.authority().display().to_string());
        let map = format!("map / https://localhost:{}/\n", origin.tls().port());
        let allow = "ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.1\n    action: allow\n    \
                     methods: ALL\n";
        for (name, text) in [
            ("runroot.yaml", LAYOUT.replace("DIR", &place)),
            ("etc/records.config", records),
            ("etc/remap.config", map),
            ("etc/storage.config", format!("{place}/cache 64M\n")),
            ("etc/ip_allow.yaml", allow.to_owned()),
        ] {
            fs::write(dir.join(name), text).unwrap();
        }
        let mut command = Command::new("traffic_server");
        command.arg(format!("--run-root={place}"));
        command
    });
    // RFC 7234, 5.5: the reply is stale, or asking for another failed.
    edge.is_stale = |fields| {
        fields
            .get("warning")
            .is_some_and(|w| w.as_bytes().starts_with(b"11"))
    };
    edge.ready().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_behind_traffic_server_costs_one_build() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::a_crowd_costs_one_build(&origin, &edge, Crowds::MayComeThrough).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traffic_server_revalidates_without_content() {
    let origin = Origin::start();
    laws::revalidation_costs_no_content(&origin, &start(&origin).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_of_traffic_server_are_the_sources_bytes() {
    let origin = Origin::start();
    laws::parts_are_the_sources(&start(&origin).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_traffic_server_learners_keep_what_is_kept_when_the_origin_stops() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::what_is_kept_outlives_the_origin(origin, &edge).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traffic_server_never_mixes_a_replaced_lesson() {
    let origin = Origin::start();
    laws::a_replaced_lesson_is_never_mixed(&origin, &start(&origin).await).await;
}
