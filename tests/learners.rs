//! The server as the keeper of learners: starts, ends and disks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use lamplight::server::Server;
use lamplight::server::StartError;
use support::Running;

async fn status(running: &Running) -> serde_json::Value {
    let client = support::plain_client();
    let reply = client.get(running.ops("/admin/status")).send();
    serde_json::from_str(&reply.await.unwrap().text().await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_never_write_one_journal() {
    let running = Running::start();
    running.wait_ready();
    let config = support::config(running.data.path());
    let second = Server::start(config).map(drop).unwrap_err();
    assert!(matches!(second, StartError::InUse(_)), "{second}");
    assert!(second.to_string().contains("--data"), "{second}");
    let status = status(&running).await;
    assert_eq!(status["learners"]["journal"], "well");
    assert_eq!(status["learners"]["snapshots"], "well");
    running.close();
}

#[test]
fn a_closed_server_leaves_its_data_to_the_next() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let server = Server::start(support::config(data.path())).unwrap();
        server.drain();
        server.close().unwrap();
    }
}

#[test]
fn a_journal_that_is_damaged_in_the_middle_is_not_served_from() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(support::config(data.path())).unwrap();
    server.close().unwrap();
    let segment = data.path().join("data/journal/journal-000000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[..8].copy_from_slice(b"no start");
    std::fs::write(&segment, bytes).unwrap();
    let refused = Server::start(support::config(data.path())).map(drop);
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.starts_with("journal: journal-000000000001.log"),
        "{refused}"
    );
    assert!(refused.contains("estore"), "the remedy: {refused}");
}
