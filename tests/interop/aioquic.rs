//! aioquic (Python): the client is `aioquic_client.py`; the right bytes are known here only.

use crate::proxy::Path;
use crate::proxy::Proxy;
use crate::server::Offered;
use crate::server::Server;
use aws_lc_rs::digest;
use serde_json::Value;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::process::Command;

/// What one case saw.
struct Seen(Value);

impl Seen {
    /// Every answer is the whole of `offered`, and there are `count`.
    fn is(self, offered: &Offered, count: usize) -> Self {
        let answers = self.0["answers"].as_array().unwrap();
        assert_eq!(answers.len(), count, "{}", self.0);
        let sha256: String = digest::digest(&digest::SHA256, &offered.bytes)
            .as_ref()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        for answer in answers {
            assert_eq!(answer["status"], 200, "{answer}");
            assert_eq!(answer["length"], offered.bytes.len(), "{answer}");
            assert_eq!(answer["sha256"], sha256, "{answer}");
        }
        self
    }
}

/// The interpreter that `scripts/setup-test.sh` prepares.
fn python() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/venv/bin/python");
    assert!(
        python.exists(),
        "no {}: run scripts/setup-test.sh",
        python.display()
    );
    python
}

async fn run(case: &str, server: &Server, port: u16, offered: &Offered) -> Seen {
    let mut command = Command::new(python());
    command
        .arg("tests/interop/aioquic_client.py")
        .args([case, "--port", &port.to_string()])
        .args(["--path", &offered.path])
        .args(["--length", &offered.bytes.len().to_string()])
        .arg("--ca")
        .arg(&server.ca)
        .kill_on_drop(true);
    let output = command.output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {errors}");
    Seen(serde_json::from_slice(&output.stdout).unwrap())
}

async fn direct(case: &str, server: &Server, offered: &Offered) -> Seen {
    run(case, server, server.address.port(), offered).await
}

#[tokio::test]
async fn aioquic_transfers_the_same_bytes() {
    let server = Server::start(&[]);
    direct("transfer", &server, &server.small)
        .await
        .is(&server.small, 1);
    direct("transfer", &server, &server.large)
        .await
        .is(&server.large, 1);
}

#[tokio::test]
async fn aioquic_proves_its_address_after_a_retry() {
    let server = Server::start(&["quic.half_open_retry=0"]);
    let seen = direct("retry", &server, &server.small).await;
    let seen = seen.is(&server.small, 1);
    assert_eq!(seen.0["retried"], true, "{}", seen.0);
}

#[tokio::test]
async fn aioquic_is_not_asked_for_a_retry_when_calm() {
    let server = Server::start(&[]);
    let seen = direct("retry", &server, &server.small).await;
    let seen = seen.is(&server.small, 1);
    assert_eq!(seen.0["retried"], false, "{}", seen.0);
}

#[tokio::test]
async fn aioquic_resumes_its_session() {
    let server = Server::start(&[]);
    let seen = direct("resumption", &server, &server.small).await;
    let seen = seen.is(&server.small, 2);
    assert_eq!(seen.0["resumed"], serde_json::json!([false, true]));
}

#[tokio::test]
async fn aioquic_updates_keys_between_transfers() {
    let server = Server::start(&[]);
    let seen = direct("key_update", &server, &server.medium).await;
    let seen = seen.is(&server.medium, 4);
    // Each update is logged for both directions and by both ends' triggers.
    assert!(seen.0["key_updates"].as_u64().unwrap() >= 6, "{}", seen.0);
}

#[tokio::test]
async fn aioquic_learns_the_version_from_the_server() {
    let server = Server::start(&[]);
    let seen = direct("version_negotiation", &server, &server.small).await;
    let seen = seen.is(&server.small, 1);
    assert_eq!(seen.0["negotiated"], true, "{}", seen.0);
    assert_eq!(seen.0["version"], 1, "{}", seen.0);
}

#[tokio::test]
async fn aioquic_keeps_its_transfer_when_its_port_changes() {
    let server = Server::start(&[]);
    let seen = direct("port_rebind", &server, &server.large).await;
    moved(&seen.is(&server.large, 2), &server.large);
}

#[tokio::test]
async fn aioquic_keeps_its_transfer_when_its_address_changes() {
    let server = Server::start(&[]);
    let seen = direct("address_change", &server, &server.large).await;
    let seen = seen.is(&server.large, 2);
    assert_eq!(seen.0["to"][0], "127.0.0.2", "{}", seen.0);
    moved(&seen, &server.large);
}

/// The move happened in the middle of the first transfer.
fn moved(seen: &Seen, offered: &Offered) {
    assert_ne!(seen.0["from"], seen.0["to"], "{}", seen.0);
    let received = seen.0["received_when_moved"].as_u64().unwrap();
    assert!((received as usize) < offered.bytes.len(), "{}", seen.0);
}

#[tokio::test]
async fn aioquic_has_a_hundred_requests_answered_at_once() {
    let server = Server::start(&[]);
    let seen = direct("concurrent", &server, &server.medium).await;
    let _right = seen.is(&server.medium, 100);
}

#[tokio::test]
async fn aioquic_transfers_over_a_path_that_loses_and_delays() {
    let server = Server::start(&[]);
    let proxy = Proxy::start(server.address, POOR).await.unwrap();
    let port = proxy.address.port();
    let seen = run("transfer", &server, port, &server.medium).await;
    let _right = seen.is(&server.medium, 1);
    let (lost, passed) = proxy.counts();
    assert!(lost > 0, "none of {passed} datagrams was lost");
}

#[tokio::test]
async fn aioquic_does_not_notice_that_a_nat_restarted() {
    let server = Server::start(&[]);
    let calm = Path {
        delay: Duration::from_millis(5),
        ..Path::default()
    };
    let proxy = Proxy::start(server.address, calm).await.unwrap();
    let client = run("transfer", &server, proxy.address.port(), &server.large);
    let nat = async {
        while proxy.counts().1 < 1_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.rebind(IpAddr::from([127, 0, 0, 3]));
    };
    let (seen, ()) = tokio::join!(client, nat);
    let _right = seen.is(&server.large, 1);
    assert!(proxy.has_moved());
}

/// 5 % of all datagrams lost, 200 ms from end to end and back, some of them out of order.
pub(crate) const POOR: Path = Path {
    loss_per_mille: 50,
    delay: Duration::from_millis(100),
    jitter: Duration::from_millis(5),
    seed: 11,
};
