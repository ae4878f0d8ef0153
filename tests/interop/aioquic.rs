//! aioquic, an HTTP/3 client in Python that shares no line with us.

use crate::proxy::{Path as Route, Proxy};
use crate::server::{File, Server, json};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// The Python with aioquic in it, installed on first use.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = root.join("scripts/setup-aioquic.sh");
        let status = Command::new(&script).status().unwrap();
        assert!(status.success(), "{} failed: {status}", script.display());
        root.join("target/venv/bin/python3")
    })
}

/// Runs one case against `to`, which is the server or a proxy before it.
fn run(server: &Server, to: SocketAddr, case: &str, arguments: &[&str]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python())
        .arg(root.join("tests/interop/aioquic_client.py"))
        .args(["--port", &to.port().to_string()])
        .args(["--authority", &server.authority(), "--ca"])
        .arg(&server.ca)
        .arg(case)
        .args(arguments)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "aioquic {case}: {complaint}");
    json(&output.stdout)
}

/// Runs one case straight against the server.
fn direct(server: &Server, case: &str, arguments: &[&str]) -> Value {
    run(server, server.address, case, arguments)
}

/// SHA-256 in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Fails unless the answers are 200 with these contents, in this order.
#[track_caller]
fn all_whole(seen: &Value, files: &[&File]) {
    let answers = seen["answers"].as_array().unwrap();
    assert_eq!(answers.len(), files.len());
    for (answer, file) in answers.iter().zip(files) {
        assert_eq!(answer["status"], 200, "{answer}");
        assert_eq!(answer["length"], file.body.len());
        assert_eq!(answer["sha256"], sha256(file.body), "{}", file.path);
    }
}

#[test]
fn aioquic_gets_small_and_big_bodies_unchanged() {
    let server = Server::start();
    let (small, middle, big) = (server.small(), server.middle(), server.big());
    let seen = direct(&server, "transfer", &[&small.path, &middle.path, &big.path]);
    all_whole(&seen, &[&small, &middle, &big]);
    assert_eq!(server.metric("lamplight_quic_handshakes"), 1);
}

#[test]
fn aioquic_follows_a_retry() {
    let server = Server::with(&[("quic.half_open_retry", "0")]);
    let small = server.small();
    let seen = direct(&server, "retry", &["--log", &small.path]);
    all_whole(&seen, &[&small]);
    // A client that waits long for the first answer asks again.
    assert!(seen["retries"].as_u64() >= Some(1), "{seen}");
    assert!(server.metric("lamplight_quic_retried") >= 1);
}

#[test]
fn aioquic_resumes_a_session() {
    let server = Server::start();
    let small = server.small();
    let seen = direct(&server, "resumption", &[&small.path]);
    all_whole(&seen, &[&small, &small]);
    assert_eq!(seen["resumed"], serde_json::json!([false, true]));
    assert_eq!(server.metric("lamplight_quic_resumed"), 1);
}

#[test]
fn aioquic_updates_keys_three_times() {
    let server = Server::start();
    let middle = server.middle();
    let seen = direct(&server, "key_update", &["--log", &middle.path]);
    all_whole(&seen, &[&middle; 4]);
    let both = ["server_1rtt_secret", "client_1rtt_secret"];
    assert_eq!(
        seen["updated"],
        serde_json::json!([both, both, both].concat())
    );
}

#[test]
fn aioquic_is_told_which_version_is_spoken() {
    let server = Server::start();
    let small = server.small();
    let seen = direct(&server, "version_negotiation", &["--log", &small.path]);
    all_whole(&seen, &[&small]);
    assert!(seen["negotiations"].as_u64() >= Some(1), "{seen}");
    assert_eq!(seen["version"], 1);
}

#[test]
fn aioquic_goes_on_from_another_port_mid_transfer() {
    let server = Server::start();
    moves(&server, "port_rebind", "127.0.0.1");
}

#[test]
fn aioquic_goes_on_from_another_address_mid_transfer() {
    let server = Server::start();
    moves(&server, "address_change", "127.0.0.2");
}

fn moves(server: &Server, case: &str, to: &str) {
    let big = server.big();
    let third = (big.body.len() / 3).to_string();
    let seen = direct(server, case, &["--mark", &third, &big.path]);
    all_whole(&seen, &[&big, &big]);
    assert_eq!(seen["from"][0], "127.0.0.1");
    assert_eq!(seen["to"][0], to);
    assert_ne!(seen["from"][1], seen["to"][1], "the port did not change");
    let received = seen["received"].as_u64().unwrap();
    let whole = big.body.len() as u64;
    assert!(received < whole, "the transfer had ended before the move");
    assert_eq!(
        server.metric("lamplight_quic_handshakes"),
        1,
        "a new connection was made"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aioquic_transfers_through_loss_and_delay() {
    let server = Server::start();
    let path = Route {
        loss_per_mille: 50,
        delay: Duration::from_millis(100),
        jitter: Duration::from_millis(20),
        seed: 5,
        ..Route::default()
    };
    let proxy = Proxy::start(server.address, path).await.unwrap();
    let (small, middle, to) = (server.small(), server.middle(), proxy.address);
    let work = || run(&server, to, "transfer", &[&small.path, &middle.path]);
    let seen = tokio::task::block_in_place(work);
    all_whole(&seen, &[&small, &middle]);
    assert!(
        proxy.counts().lost > 5,
        "nothing was lost: {:?}",
        proxy.counts()
    );
}

/// The client knows nothing of it: its datagrams come from elsewhere all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aioquic_does_not_notice_that_a_nat_forgot_it() {
    let server = Server::start();
    let path = Route {
        delay: Duration::from_millis(3),
        ..Route::default()
    };
    let proxy = Proxy::start(server.address, path).await.unwrap();
    let (big, to) = (server.big(), proxy.address);
    let work = move || {
        let seen = run(&server, to, "lively", &[&big.path, &big.path, &big.path]);
        (seen, server)
    };
    let running = tokio::task::spawn_blocking(work);
    for address in 1..=3 {
        proxy.passed_further(2 << 20).await;
        proxy.rebind([127, 0, 0, address]);
    }
    let (seen, server) = running.await.unwrap();
    let big = server.big();
    all_whole(&seen, &[&big; 3]);
    let counts = proxy.counts();
    assert_eq!(counts.moved, 3, "{counts:?}");
    assert_eq!(server.metric("lamplight_quic_handshakes"), 1);
}

#[test]
fn aioquic_has_a_hundred_requests_at_once() {
    let server = Server::start();
    let (small, middle) = (server.small(), server.middle());
    // Every tenth is large, so that small ones finish while others are still running.
    let files: Vec<_> = (0..100)
        .map(|n| if n % 10 == 0 { &middle } else { &small })
        .collect();
    let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    let seen = direct(&server, "concurrent", &paths);
    all_whole(&seen, &files);
    assert_eq!(server.metric("lamplight_quic_handshakes"), 1);
    assert_eq!(server.metric("lamplight_quic_requests"), 100);
}

#[test]
fn aioquic_asks_for_heads_ranges_and_changes() {
    let server = Server::start();
    let big = server.big();
    let first = direct(
        &server,
        "exchanges",
        &["--exchanges", &format!(r#"[["HEAD", "{}", []]]"#, big.path)],
    );
    let head = &first["answers"][0];
    assert_eq!((&head["status"], &head["length"]), (&200.into(), &0.into()));
    assert_eq!(field(head, "content-length"), big.body.len().to_string());
    let etag = field(head, "etag");
    let asked = serde_json::json!([
        ["GET", big.path, [["range", "bytes=1000000-3000000"]]],
        ["GET", big.path, [["range", "bytes=-7"]]],
        ["GET", big.path, [["range", "bytes=99999999-"]]],
        ["GET", big.path, [["if-none-match", etag]]],
        [
            "GET",
            big.path,
            [["range", "bytes=0-9"], ["if-range", "\"other\""]]
        ],
        ["GET", "/files/ky-nang-so/absent.bin", []],
    ]);
    let seen = direct(&server, "exchanges", &["--exchanges", &asked.to_string()]);
    let len = big.body.len();
    let wanted: [(u16, &[u8]); 5] = [
        (206, &big.body[1_000_000..=3_000_000]),
        (206, &big.body[len - 7..]),
        (416, &[]),
        (304, &[]),
        (200, big.body),
    ];
    for (answer, (status, body)) in seen["answers"].as_array().unwrap().iter().zip(wanted) {
        assert_eq!(answer["status"], status, "{answer}");
        if status != 416 {
            assert_eq!(answer["sha256"], sha256(body), "{status}");
        }
    }
    let [range, last, beyond, ..] = &seen["answers"].as_array().unwrap()[..] else {
        panic!("{seen}")
    };
    assert_eq!(
        field(range, "content-range"),
        format!("bytes 1000000-3000000/{len}")
    );
    assert_eq!(field(last, "content-length"), "7");
    assert_eq!(field(beyond, "content-range"), format!("bytes */{len}"));
    let absent = &seen["answers"][5];
    assert_eq!(absent["status"], 404);
    assert_eq!(field(absent, "content-type"), "application/problem+json");
}

/// The value of a field that must have come once.
#[track_caller]
fn field(answer: &Value, name: &str) -> String {
    let fields = answer["headers"].as_array().unwrap();
    let mut found = fields.iter().filter(|field| field[0] == name);
    let value = found
        .next()
        .unwrap_or_else(|| panic!("no {name} in {answer}"));
    assert!(found.next().is_none(), "{name} came twice: {answer}");
    value[1].as_str().unwrap().to_owned()
}
