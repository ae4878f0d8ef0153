//! Who may use the server, and who can read along.

use crate::node::Node;
use crate::node::config;
use crate::node::enrolled;
use crate::server::Server;
use lamplight::runtime::block_on;
use lamplight::store::RedisHealth;
use lamplight::store::redis::Config;
use std::path::Path;

/// What docs/operations.md tells operators to allow.
const PERMISSIONS: [&str; 15] = [
    "~lamplight:*",
    "+evalsha",
    "+script|load",
    "+getrange",
    "+get",
    "+set",
    "+xadd",
    "+xread",
    "+xrange",
    "+xrevrange",
    "+xlen",
    "+info",
    "+select",
    "resetchannels",
    "on",
];

fn with_password(url: &str, dir: &Path, password: &str) -> Config {
    let password_file = dir.join("password");
    std::fs::write(&password_file, format!("{password}\n")).unwrap();
    Config {
        password_file,
        ..config(url)
    }
}

#[test]
fn a_wrong_password_is_told_without_telling_it_and_a_new_one_is_found_by_itself() {
    let server = Server::with(&["--requirepass", "right"]);
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let config = with_password(&server.url(), dir.path(), "wr0ng-s3cret");
        let node = Node::start(&config);
        let why = node.away().await;
        assert!(why.contains("redis.user, password_file"), "{why}");
        let shown = format!("{why} {node:?} {config:?}", node = node.redis);
        assert!(!shown.contains("s3cret"), "{shown}");
        with_password(&server.url(), dir.path(), "right");
        node.ship_at_last(1, &enrolled([1])).await;
        assert_eq!(node.redis.health(), RedisHealth::Well);
    });
}

#[test]
fn no_password_where_one_is_wanted_and_an_unreadable_file_are_told() {
    let server = Server::with(&["--requirepass", "right"]);
    block_on(async {
        let why = Node::start(&config(&server.url())).away().await;
        assert!(why.contains("password_file"), "{why}");
        let config = Config {
            password_file: server.dir.path().join("absent"),
            ..config(&server.url())
        };
        let why = Node::start(&config).away().await;
        assert!(why.contains("absent cannot be read"), "{why}");
    });
}

#[test]
fn a_server_that_repeats_the_password_in_its_error_does_not_bring_it_into_the_log() {
    let server = Server::with(&["--rename-command", "AUTH", ""]);
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let node = Node::start(&with_password(&server.url(), dir.path(), "s3cret"));
        let why = node.away().await;
        assert!(!why.contains("s3cret"), "{why}");
    });
}

#[test]
fn the_documented_permissions_suffice() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let mut words = vec!["ACL", "SETUSER", "lamp", ">p4ss"];
    words.extend(PERMISSIONS);
    assert_eq!(server.say(&words), "+OK");
    block_on(async {
        let config = Config {
            user: "lamp".to_owned(),
            ..with_password(&server.url(), dir.path(), "p4ss")
        };
        let a = Node::connected(&config).await;
        let mut b = Node::connected(&config).await;
        a.ship(1, &enrolled([1])).await.unwrap();
        assert_eq!(b.load_at_last(1).await, Some(enrolled([1])));
        b.event().await;
        assert_eq!(a.count("lamplight_redis_untold", None), 0);
        assert_eq!(a.count("lamplight_redis_broken", None), 0);
    });
    let documented = include_str!("../../docs/operations.md");
    let line = PERMISSIONS.join(" ");
    assert!(
        documented.contains(&line),
        "docs/operations.md lacks: {line}"
    );
}

#[test]
fn over_tls_it_is_the_server_of_the_certificate_or_nobody() {
    let server = Server::with(&[
        "--port",
        "0",
        "--tls-port",
        "PORT",
        "--tls-cert-file",
        "DIR/cert.pem",
        "--tls-key-file",
        "DIR/key.pem",
        "--tls-ca-cert-file",
        "DIR/cert.pem",
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://127.0.0.1:{}", server.port);
    block_on(async {
        let trusting = Config {
            authorities: server.dir.path().join("cert.pem"),
            ..config(&url)
        };
        let node = Node::connected(&trusting).await;
        node.ship_at_last(1, &enrolled([1])).await;
        assert_eq!(node.load_at_last(1).await, Some(enrolled([1])));

        let why = Node::start(&config(&url)).away().await;
        assert!(why.contains("is its certificate trusted"), "{why}");
        let config = Config {
            authorities: server.dir.path().join("absent.pem"),
            ..config(&url)
        };
        let why = Node::start(&config).away().await;
        assert!(why.contains("redis.authorities"), "{why}");
        let plain = Node::start(&crate::node::config(&server.url()));
        plain.away().await;
    });
}
