//! Two whole servers that share a keyring and a Redis: a learner goes to and fro between them.

use crate::node::within;
use crate::server::Server;
use crate::support::Running;
use crate::support::plain_client;
use http::Method;
use lamplight::base::units::Span;
use lamplight::issuers::Mode;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

const DEVICE: &str = "9b2f0d4e-7a11-4c3d-8e5f-0123456789ab";
const COURSE: &str = "ky-nang-so";

/// A server with this Redis and, if given, a copy of this keyring.
fn house(redis: &Server, keys: Option<PathBuf>) -> Running {
    let running = Running::with(|config| {
        config.redis.url = redis.url();
        config.redis.timeout = Span::ms(500);
        config.redis.ship_after = Span::ms(0);
        config.identity.mode = Mode::Dev;
        if let Some(keys) = keys {
            copy(&keys, &config.server.data.join("keys"));
        }
    });
    running.wait_ready();
    running
}

fn copy(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A call; status and content.
async fn call(
    house: &Running,
    (method, path): (Method, &str),
    token: &str,
    content: Value,
) -> (u16, Value) {
    let client = house.client(http::Version::HTTP_2);
    let mut request = client.request(method.clone(), house.url(path));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if method == Method::POST {
        let field = http::header::CONTENT_TYPE;
        request = request.header(field, "application/json");
        request = request.body(content.to_string());
    }
    let reply = request.send().await.unwrap();
    let status = reply.status().as_u16();
    let text = reply.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// Signs a learner in and gives the session.
async fn sign_in(house: &Running, name: &str) -> String {
    let wanted = json!({ "learner": name });
    let (status, dev) = call(house, (Method::POST, "/v1/dev/token"), "", wanted).await;
    assert_eq!(status, 200, "{dev}");
    let device = json!({ "device": DEVICE });
    let token = dev["token"].as_str().unwrap();
    let (status, begun) = call(house, (Method::POST, "/v1/sessions"), token, device).await;
    assert_eq!(status, 201, "{begun}");
    begun["session"].as_str().unwrap().to_owned()
}

async fn enrol(house: &Running, session: &str) {
    let course = json!({ "course": COURSE });
    let (status, said) = call(house, (Method::POST, "/v1/enrolments"), session, course).await;
    assert!([200, 201].contains(&status), "{said}");
}

/// Asks for the learner until the answer is as wanted.
async fn wait_session(house: &Running, session: &str, wanted: impl Fn(u16, &Value) -> bool) {
    let look = async {
        loop {
            let (status, said) =
                call(house, (Method::GET, "/v1/session"), session, json!({})).await;
            if wanted(status, &said) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within("a session to be as wanted", Box::pin(look)).await;
}

/// Waits until `/admin/status` says so of Redis.
async fn wait_redis(house: &Running, wanted: &str) {
    let look = async {
        loop {
            let reply = plain_client().get(house.ops("/admin/status")).send().await;
            let text = reply.unwrap().text().await.unwrap();
            let status: Value = serde_json::from_str(&text).unwrap();
            if status["learners"]["redis"]
                .as_str()
                .unwrap()
                .starts_with(wanted)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(wanted, Box::pin(look)).await;
}

fn is_enrolled(status: u16, said: &Value) -> bool {
    status == 200 && said["courses"][0]["id"] == COURSE
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_at_another_node_and_ends_on_all() {
    let redis = Server::start();
    let a = house(&redis, None);
    let b = house(&redis, Some(a.data.path().join("data/keys")));
    wait_redis(&a, "well").await;
    wait_redis(&b, "well").await;
    let session = sign_in(&a, "lan").await;
    enrol(&a, &session).await;
    wait_session(&b, &session, is_enrolled).await;
    // The same person with a session of her own at the other node.
    let elsewhere = sign_in(&b, "lan").await;
    wait_session(&a, &elsewhere, is_enrolled).await;
    let everywhere = (Method::DELETE, "/v1/session?everywhere=true");
    let (status, said) = call(&b, everywhere, &elsewhere, json!({})).await;
    assert_eq!(status, 204, "{said}");
    for house in [&a, &b] {
        wait_session(house, &session, |status, _| status == 401).await;
        wait_session(house, &elsewhere, |status, _| status == 401).await;
    }
    a.close();
    b.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_everybody_is_served_and_nodes_agree_later() {
    let mut redis = Server::start();
    let a = house(&redis, None);
    let b = house(&redis, Some(a.data.path().join("data/keys")));
    wait_redis(&a, "well").await;
    redis.kill();
    wait_redis(&a, "away").await;
    wait_redis(&b, "away").await;
    assert!(
        a.server().not_ready().is_empty(),
        "{:?}",
        a.server().not_ready()
    );
    let session = sign_in(&a, "minh").await;
    enrol(&a, &session).await;
    wait_session(&a, &session, is_enrolled).await;
    // The other node opens the session and knows nothing of the learner yet.
    let nothing = |status, said: &Value| status == 200 && said["courses"] == json!([]);
    wait_session(&b, &session, nothing).await;
    redis.begin();
    wait_session(&b, &session, is_enrolled).await;
    a.close();
    b.close();
}
