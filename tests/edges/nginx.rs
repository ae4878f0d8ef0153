//! nginx as a caching edge: `proxy_cache_lock`, `proxy_cache_revalidate`, `slice`, TLS to the
//! origin with its certificate verified.

use crate::edge::Edge;
use crate::laws;
use crate::laws::Crowds;
use crate::origin::LARGE;
use crate::origin::LARGE_BYTES;
use crate::origin::Origin;
use std::fs;
use std::process::Command;

/// How long things are fresh, and how long stale ones may be given: what the origin's fields say.
const CONFIGURATION: &str = r#"
daemon off;
worker_processes 1;
pid DIR/nginx.pid;
error_log DIR/error.log warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/fastcgi;
    uwsgi_temp_path DIR/uwsgi; scgi_temp_path DIR/scgi;
    proxy_cache_path DIR/cache keys_zone=edge:4m max_size=100m inactive=1h use_temp_path=off;
    upstream origin { server ORIGIN; keepalive 16; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate AUTHORITY;
    proxy_ssl_name localhost;
    proxy_ssl_server_name on;
    proxy_cache edge;
    proxy_cache_key $uri;
    proxy_cache_lock on;
    proxy_cache_lock_timeout 60s;
    proxy_cache_lock_age 60s;
    proxy_cache_revalidate on;
    add_header X-Cache $upstream_cache_status always;
    server {
        listen 127.0.0.1:PORT;
        location / { proxy_pass https://origin; }
        location /files/ {
            slice 1m;
            proxy_cache_key $uri$slice_range;
            proxy_set_header Range $slice_range;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_pass https://origin;
        }
    }
}
"#;

async fn start(origin: &Origin) -> Edge {
    let mut edge = Edge::start(|dir, port| {
        let file = dir.join("nginx.conf");
        let text = CONFIGURATION
            .replace("DIR", &dir.display().to_string())
            .replace("ORIGIN", &origin.tls().to_string())
            .replace("AUTHORITY", &origin.authority().display().to_string())
            .replace("PORT", &port.to_string());
        fs::write(&file, text).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-e").arg(dir.join("error.log"));
        command.arg("-p").arg(dir).arg("-c").arg(file);
        command
    });
    edge.is_stale = |fields| fields.get("x-cache").is_some_and(|state| state == "STALE");
    edge.ready().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_behind_nginx_costs_one_build_and_one_request() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::a_crowd_costs_one_build(&origin, &edge, Crowds::AskedOnce).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_revalidates_without_content() {
    let origin = Origin::start();
    laws::revalidation_costs_no_content(&origin, &start(&origin).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_of_nginx_are_the_sources_bytes() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    let before = origin.work().await.whole;
    laws::parts_are_the_sources(&edge).await;
    // Four slices, each asked for once whatever parts learners wanted.
    let slices = LARGE_BYTES.div_ceil(1024 * 1024) as u64;
    assert_eq!(origin.work().await.whole - before, slices);
    let reply = edge.get(LARGE).header("range", "bytes=0-0").send().await;
    let reply = reply.unwrap();
    assert_eq!(reply.headers().get("x-cache").unwrap(), "HIT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_learners_keep_what_is_kept_when_the_origin_stops() {
    let origin = Origin::start();
    let edge = start(&origin).await;
    laws::what_is_kept_outlives_the_origin(origin, &edge).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_never_mixes_a_replaced_lesson() {
    let origin = Origin::start();
    laws::a_replaced_lesson_is_never_mixed(&origin, &start(&origin).await).await;
}
