//! Redbot's questions, and that the answers are the same, over every version of HTTP.

use crate::client::Client;
use crate::client::Reply;
use crate::resources;
use crate::support::Running;
use std::io::Read as _;

/// Fields that belong to one connection of HTTP/1.1 (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];
/// A 304 says again what tells a cache how to keep its copy (RFC 9110, 15.4.5).
const REPEATED: [&str; 4] = ["cache-control", "etag", "vary", "cdn-cache-control"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_gives_redbots_answers() {
    let server = Running::start();
    server.wait_ready();
    let certificate = server.certificate().into();
    let mut clients = Client::all(server.address(), &certificate).await;
    for resource in resources(&server).await {
        let mut before: Option<Vec<Reply>> = None;
        for client in &mut clients {
            let at = format!("{} over {}", resource.path, client.name());
            let replies = questions(client, &resource.path, resource.is_text, &at);
            let replies = Box::pin(replies).await;
            let same: Vec<_> = replies.into_iter().map(settled).collect();
            if let Some(before) = &before {
                assert_eq!(*before, same, "{at}");
            }
            before = Some(same);
        }
    }
}

/// The reply without what tells where its bytes came from this time.
fn settled(reply: Reply) -> Reply {
    let mut reply = reply.constant();
    for name in ["cache-status", "server-timing", "connection"] {
        reply.fields.remove(name);
    }
    reply
}

async fn questions(client: &mut Client, path: &str, is_text: bool, at: &str) -> Vec<Reply> {
    let whole = client.get(path).await;
    well_formed(client, &whole, at);
    assert_eq!(whole.status, 200, "{at}");
    let mut replies = conditions(client, path, &whole, at).await;
    replies.push(part(client, path, &whole, at).await);
    replies.push(coding(client, path, &whole, is_text, at).await);

    let head = client.ask("HEAD", path, &[]).await;
    assert!(head.body.is_empty(), "{at}");
    assert_eq!(
        settled(head.clone()).fields,
        settled(whole.clone()).fields,
        "{at}"
    );
    let refused = client.ask("DELETE", path, &[]).await;
    assert_eq!(refused.status, 405, "{at}");
    let allow = refused.field("allow");
    assert!(allow.is_some_and(|allow| allow.contains("GET")), "{at}");
    replies.extend([whole, head, refused]);
    replies
}

/// What a cache that has it asks.
async fn conditions(client: &mut Client, path: &str, whole: &Reply, at: &str) -> Vec<Reply> {
    let tag = whole.field("etag").unwrap();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{at}: strong");
    let by_tag = client.ask("GET", path, &[("if-none-match", tag)]).await;
    unchanged(&by_tag, whole, at);
    let mut replies = vec![by_tag];
    if let Some(date) = whole.field("last-modified") {
        let asked = [("if-modified-since", date)];
        let by_date = client.ask("GET", path, &asked).await;
        unchanged(&by_date, whole, at);
        replies.push(by_date);
    }
    replies
}

async fn part(client: &mut Client, path: &str, whole: &Reply, at: &str) -> Reply {
    let part = client.ask("GET", path, &[("range", "bytes=3-9")]).await;
    well_formed(client, &part, at);
    let (tag, told) = (part.field("etag"), part.field("content-range"));
    assert_eq!((part.status, tag), (206, whole.field("etag")), "{at}");
    assert_eq!(
        told,
        Some(&*format!("bytes 3-9/{}", whole.body.len())),
        "{at}"
    );
    assert_eq!(Some(&*part.body), whole.body.get(3..10), "{at}");
    part
}

async fn coding(client: &mut Client, path: &str, whole: &Reply, is_text: bool, at: &str) -> Reply {
    let coded = client
        .ask("GET", path, &[("accept-encoding", "gzip")])
        .await;
    well_formed(client, &coded, at);
    if !is_text {
        assert_eq!(
            (coded.field("content-encoding"), &coded.body),
            (None, &whole.body)
        );
        return coded;
    }
    assert_eq!(coded.field("content-encoding"), Some("gzip"), "{at}");
    assert_eq!(coded.field("vary"), whole.field("vary"), "{at}");
    assert!(
        coded.field("etag") != whole.field("etag"),
        "{at}: two codings, two tags"
    );
    let mut plain = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&*coded.body);
    decoder.read_to_end(&mut plain).unwrap();
    assert!(plain == whole.body, "{at}");
    coded
}

fn unchanged(reply: &Reply, whole: &Reply, at: &str) {
    assert_eq!((reply.status, reply.body.len()), (304, 0), "{at}");
    for name in REPEATED {
        assert_eq!(reply.field(name), whole.field(name), "{at}: {name}");
    }
}

fn well_formed(client: &Client, reply: &Reply, at: &str) {
    for (name, values) in &reply.fields {
        assert_eq!(values.len(), 1, "{at}: {name} twice");
        let clean = values.iter().all(|value| {
            value.trim() == value && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        });
        assert!(clean, "{at}: {name}: {values:?}");
    }
    let length = reply.body.len().to_string();
    assert_eq!(reply.field("content-length"), Some(&*length), "{at}");
    assert!(
        reply
            .field("date")
            .is_some_and(|date| date.ends_with(" GMT")),
        "{at}"
    );
    assert!(
        reply
            .field("content-type")
            .is_some_and(|kind| kind.contains('/')),
        "{at}"
    );
    if client.name() != "HTTP/1.1" {
        let odd = HOP_BY_HOP.iter().find(|name| reply.field(name).is_some());
        assert_eq!(odd, None, "{at}");
    }
}
