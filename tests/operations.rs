//! The operations listener, and what it says of a server that comes, serves and goes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use support::Running;

async fn ask(method: reqwest::Method, url: String) -> (u16, String) {
    let client = support::plain_client();
    let reply = client.request(method, url).send().await.unwrap();
    (reply.status().as_u16(), reply.text().await.unwrap())
}

async fn get(url: String) -> (u16, String) {
    ask(reqwest::Method::GET, url).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_scrapers_and_people_get_their_documents() {
    let running = Running::start();
    running.wait_ready();
    let client = running.client(http::Version::HTTP_2);
    client.get(running.url("/v1/courses")).send().await.unwrap();
    assert_eq!(get(running.ops("/healthz")).await, (200, "ok\n".to_owned()));
    let (status, ready) = get(running.ops("/readyz")).await;
    assert_eq!(status, 200, "{ready}");
    let (_, text) = get(running.ops("/metrics")).await;
    assert!(
        text.contains("\nlamplight_tcp_requests_total{version=\"2\"} 1\n"),
        "{text}"
    );
    assert!(text.contains("\nlamplight_connections 1\n"), "{text}");
    assert!(text.ends_with("# EOF\n"));
    let (_, status) = get(running.ops("/admin/status")).await;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["ready"], true);
    assert_eq!(status["spki_sha256"], running.spki());
    assert_eq!(get(running.ops("/secret")).await.0, 404);
    assert_eq!(get(running.ops("/admin/drain")).await.0, 405);
    running.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_in_an_operators_browser_cannot_stop_the_server() {
    let running = Running::start();
    let client = support::plain_client();
    let request = client
        .post(running.ops("/admin/drain"))
        .header("origin", "https://evil.example");
    assert_eq!(request.send().await.unwrap().status(), 403);
    assert!(
        !running
            .server()
            .not_ready()
            .contains(&"draining".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_turns_readiness_red_with_its_reason() {
    let running = Running::start();
    let (status, _) = ask(reqwest::Method::POST, running.ops("/admin/drain")).await;
    assert_eq!(status, 202);
    let (status, ready) = get(running.ops("/readyz")).await;
    assert_eq!(status, 503);
    assert!(ready.contains("\"draining\""), "{ready}");
    running.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_that_fails_says_why_and_changes_nothing() {
    let made = tempfile::tempdir().unwrap();
    let (certificate, key) = (made.path().join("c.pem"), made.path().join("k.pem"));
    let write = |name: &str| {
        let pair = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        std::fs::write(&certificate, pair.cert.pem()).unwrap();
        std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    };
    write("localhost");
    let running = Running::with(|config| {
        config.tls.certificate.clone_from(&certificate);
        config.tls.key.clone_from(&key);
    });
    let before = running.server().prints();
    std::fs::write(&key, "broken").unwrap();
    let (status, text) = ask(reqwest::Method::POST, running.ops("/admin/reload")).await;
    assert_eq!(status, 422);
    assert!(text.contains("k.pem holds no private key"), "{text}");
    assert_eq!(running.server().prints(), before);
    write("localhost");
    let (status, text) = ask(reqwest::Method::POST, running.ops("/admin/reload")).await;
    assert_eq!((status, text.as_str()), (200, "reloaded\n"));
    assert_ne!(running.server().prints(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documentation_lists_every_metric_and_no_other() {
    let running = Running::start();
    let (_, text) = get(running.ops("/metrics")).await;
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let served: BTreeSet<_> = families.filter_map(|line| line.split(' ').next()).collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let document = std::fs::read_to_string(path).unwrap();
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `lamplight_"));
    let listed: BTreeSet<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let served: BTreeSet<_> = served
        .iter()
        .filter_map(|n| n.strip_prefix("lamplight_"))
        .collect();
    let missing: Vec<_> = served.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&served).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "missing {missing:?}, stale {stale:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_signed_certificate_near_its_end_is_renewed_while_serving() {
    let running = Running::start();
    let client = running.client(http::Version::HTTP_2);
    client.get(running.url("/v1/health")).send().await.unwrap();
    let before = running.server().prints();
    let path = running.data.path().join("data/self-signed/certificate.pem");
    let text = std::fs::read_to_string(&path).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let (label, until) = first.rsplit_once(' ').unwrap();
    let soon = until.parse::<u64>().unwrap() - 12 * 24 * 3600;
    std::fs::write(&path, format!("{label} {soon}\n{rest}")).unwrap();
    assert_eq!(
        ask(reqwest::Method::POST, running.ops("/admin/reload"))
            .await
            .0,
        200
    );
    let after = running.server().prints();
    assert_ne!(after.certificate, before.certificate);
    assert_eq!(after.spki, before.spki, "a pinned key still fits");
    client.get(running.url("/v1/health")).send().await.unwrap();
    let renewed = running.client(http::Version::HTTP_11);
    renewed.get(running.url("/v1/health")).send().await.unwrap();
}

/// `make open` against a server that runs: the real script, the real browser, without a window.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_opens_over_http3_and_nothing_of_the_browser_stays() {
    let running = Running::start();
    running.wait_ready();
    let temporary = tempfile::tempdir().unwrap();
    let mut script = std::process::Command::new("timeout");
    script
        .args(["300", "scripts/open.sh"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("OPEN_OPS", running.ops(""))
        .env("OPEN_ORIGIN", running.address().to_string())
        .env(
            "OPEN_FLAGS",
            "--headless=new --disable-gpu --disable-dev-shm-usage --dump-dom",
        )
        .env("TMPDIR", temporary.path());
    let ended = tokio::task::spawn_blocking(move || script.output().unwrap());
    let ended = ended.await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let told = format!("open: https://{}/ over HTTP/3", running.address());
    assert!(said.contains(&told), "{said}");
    assert!(said.contains("</html>"), "{said}");
    let (_, metrics) = get(running.ops("/metrics")).await;
    let quic = metrics
        .lines()
        .find_map(|line| line.strip_prefix("lamplight_quic_requests_total "));
    assert!(quic.is_some_and(|count| count != "0"), "{metrics}");
    let profiles = std::fs::read_dir(temporary.path()).unwrap();
    let left: Vec<_> = profiles.map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}
