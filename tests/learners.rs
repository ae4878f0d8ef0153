//! The server as the keeper of learners: starts, ends and disks.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use lamplight::issuers::Mode;
use lamplight::server::Server;
use lamplight::server::StartError;
use serde_json::Value;
use serde_json::json;
use std::future::Future;
use std::time::Duration;
use support::Running;

async fn status(running: &Running) -> Value {
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

/// A learner at a whole server.
struct Pupil {
    client: reqwest::Client,
    base: String,
    session: String,
    seq: u64,
}

impl Pupil {
    async fn of(running: &Running) -> Self {
        let mut pupil = Self {
            client: running.client(http::Version::HTTP_2),
            base: running.url(""),
            session: String::new(),
            seq: 0,
        };
        let wish = json!({"learner": "lan", "level": 1});
        let (_, token) = pupil.post("/v1/dev/token", &wish).await;
        pupil.session = token["token"].as_str().unwrap().to_owned();
        let wish = json!({"device": "9b2f0d4e-7a11-4c3d-8e5f-0123456789ab"});
        let (status, begun) = pupil.post("/v1/sessions", &wish).await;
        assert_eq!(status, 201, "{begun}");
        pupil.session = begun["session"].as_str().unwrap().to_owned();
        let (status, enrolled) = pupil
            .post("/v1/enrolments", &json!({"course": COURSE}))
            .await;
        assert!(status < 300, "{enrolled}");
        pupil
    }

    async fn post(&self, path: &str, content: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request.header("content-type", "application/json");
        let request = request.bearer_auth(&self.session).body(content.to_string());
        let reply = request.send().await.unwrap();
        let status = reply.status().as_u16();
        let text = reply.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn state(&self) -> u16 {
        let request = self.client.get(format!("{}/v1/session", self.base));
        let reply = request.bearer_auth(&self.session).send().await.unwrap();
        reply.status().as_u16()
    }

    /// Sends many beats at once, some 40 KiB of facts.
    async fn beat(&mut self) -> (u16, Value) {
        let beats: Vec<Value> = (1..=480)
            .map(|n| {
                json!({"seq": self.seq + n, "course": COURSE, "lesson": "mat-khau",
                "from_ms": 0, "to_ms": 900})
            })
            .collect();
        let (status, told) = self
            .post("/v1/session/beats", &json!({"beats": beats}))
            .await;
        if status == 200 {
            self.seq += 480;
            assert_eq!(told["durable_through"], self.seq, "{told}");
        }
        (status, told)
    }
}

const COURSE: &str = "ky-nang-so";

/// Asks again and again, a minute at most.
async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let limit = lamplight::runtime::now() + Duration::from_secs(60);
    while !ask().await {
        assert!(lamplight::runtime::now() < limit, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn readiness(running: &Running) -> (u16, String) {
    let reply = support::plain_client().get(running.ops("/readyz")).send();
    let reply = reply.await.unwrap();
    (reply.status().as_u16(), reply.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writers_serves_readers_and_heals() {
    let running = Running::with(|config| config.identity.mode = Mode::Dev);
    running.wait_ready();
    let journal = running.data.path().join("data/journal");
    let second = journal.join("journal-000000000002.log");
    until("the second segment is made", || async { second.exists() }).await;
    // What is in the way of the third segment keeps it from being made, as a full disk would.
    let obstacle = journal.join("journal-000000000003.log.new");
    std::fs::create_dir(&obstacle).unwrap();
    let mut pupil = Pupil::of(&running).await;
    let refused = loop {
        let (status, told) = pupil.beat().await;
        if status != 200 {
            break (status, told);
        }
        assert!(pupil.seq < 1_000_000, "the journal has no end");
    };
    assert_eq!(refused.0, 503, "{}", refused.1);
    let (status, ready) = readiness(&running).await;
    assert!(status == 503 && ready.contains("disk is full"), "{ready}");
    assert_eq!(pupil.state().await, 200, "reads go on");
    std::fs::remove_dir(&obstacle).unwrap();
    let limit = lamplight::runtime::now() + Duration::from_secs(60);
    while pupil.beat().await.0 != 200 {
        assert!(lamplight::runtime::now() < limit, "it never heals");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(readiness(&running).await.0, 200);
    running.close();
}
