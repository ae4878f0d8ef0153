//! Replies judged by redbot, which knows what the HTTP RFCs ask of them. It speaks HTTP/1.1; the
//! questions it asks are put by `table` over HTTP/2 and HTTP/3 too.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking and runs its clients on a runtime of its own"
)]

#[expect(dead_code, reason = "shared with another suite that uses more of it")]
#[path = "../protocol/client.rs"]
mod client;
#[path = "../support/mod.rs"]
mod support;
mod table;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::Running;

/// A resource of each kind that players, front ends and edges ask for.
#[derive(Debug)]
struct Resource {
    kind: &'static str,
    path: String,
    /// Whether it is text, which is coded for those who take gzip.
    is_text: bool,
    has_date: bool,
}

/// Redbot's warnings that stand, with the reason.
const ACCEPTED: [(&str, &str, &str); 2] = [
    // `public` beside `max-age` is said for caches that hold replies to requests with credentials.
    ("", "STORE_PUBLIC_UNNECESSARY", "it is meant"),
    // A media segment begins with `styp`; only the initialisation segment with `ftyp`, which the
    // sniffer looks for. HLS and DASH call both video/mp4.
    ("segment", "CONTENT_TYPE_MISMATCH", "segments are no files"),
];

async fn resources(server: &Running) -> Vec<Resource> {
    let client = server.client(http::Version::HTTP_2);
    let get = async |path: String| {
        let reply = client.get(server.url(&path)).send().await.unwrap();
        reply.text().await.unwrap()
    };
    let lesson = "/media/ky-nang-so/mat-khau";
    let last = |text: &str, end: &str| {
        let line = text.lines().find(|line| line.ends_with(end));
        line.unwrap().to_owned()
    };
    let master = get(format!("{lesson}/master.m3u8")).await;
    let playlist = format!("{lesson}/{}", last(&master, "/playlist.m3u8"));
    let (folder, _) = playlist.rsplit_once('/').unwrap();
    let segment = format!("{folder}/{}", last(&get(playlist.clone()).await, ".m4s"));
    let course: Value =
        serde_json::from_str(&get("/v1/courses/ky-nang-so".to_owned()).await).unwrap();
    let quiz = course
        .pointer("/quizzes/0/url")
        .and_then(Value::as_str)
        .unwrap();
    let quiz = quiz.get(quiz.find("/quiz/").unwrap()..).unwrap().to_owned();
    let resource = |kind, path, is_text, has_date| Resource {
        kind,
        path,
        is_text,
        has_date,
    };
    vec![
        resource("playlist", playlist, true, true),
        resource("segment", segment, false, true),
        resource("quiz chunk", quiz, true, true),
        resource("catalogue", "/v1/courses".to_owned(), true, true),
        resource("page", "/".to_owned(), true, false),
    ]
}

fn notes(url: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/redbot/bin/python3");
    let output = Command::new(python)
        .arg(root.join("tests/redbot/notes.py"))
        .arg(url)
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("{error}; scripts/setup-redbot.sh installs redbot");
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{url}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redbot_finds_no_error() {
    let server = Running::with(|config| {
        config.tcp.plain_listen = vec!["127.0.0.1:0".parse().unwrap()];
    });
    server.wait_ready();
    let plain = *server.server().plain_addresses().first().unwrap();
    for resource in resources(&server).await {
        let found = notes(&format!("http://{plain}{}", resource.path));
        let is = |name: &str| found.get(name) == Some(&Value::Bool(true));
        assert!(
            is("complete") && found.get("status") == Some(&200.into()),
            "{found}"
        );
        assert!(is("ranges") && is("by_tag"), "{resource:?}: {found}");
        assert!(is("by_date") || !resource.has_date, "{resource:?}: {found}");
        assert_eq!(is("gzip"), resource.is_text, "{resource:?}: {found}");
        let notes = found.get("notes").and_then(Value::as_array).unwrap();
        assert!(notes.len() > 5, "redbot looked: {found}");
        for note in notes {
            let text = |key: &str| note.get(key).and_then(Value::as_str).unwrap();
            let accepted = ACCEPTED.iter().any(|(kind, name, _why)| {
                *name == text("name") && (kind.is_empty() || *kind == resource.kind)
            });
            let well = matches!(text("level"), "good" | "info");
            assert!(well || accepted, "{resource:?}: {note}");
        }
    }
}

#[test]
fn redbot_would_find_an_error() {
    // A server that breaks its own tag, length and dates: the judge must see it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let mut taken = [0; 4096];
            drop(std::io::Read::read(&mut socket, &mut taken));
            let reply = "HTTP/1.1 200 OK\r\ncontent-type: text\r\ndate: yesterday\r\n\
                         cache-control: max-age=soon\r\netag: bare\r\ncontent-length: 2\r\n\
                         connection: close\r\n\r\nok";
            drop(std::io::Write::write_all(&mut socket, reply.as_bytes()));
        }
    });
    let found = notes(&format!("http://{address}/"));
    let notes = found.get("notes").and_then(Value::as_array).unwrap();
    let bad = notes
        .iter()
        .filter(|note| note.get("level") == Some(&"bad".into()));
    assert!(bad.count() > 0, "{found}");
}
