//! The rules of RFC 9110 and RFC 9111, and our own promises to caches, for one reply.

use crate::client::Reply;
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Panics with `at` if the reply breaks a rule.
pub(crate) fn audit(at: &str, method: &str, reply: &Reply, version: &str) {
    let field = |name: &str| reply.field(name);
    once(at, reply);
    for never in [
        "age",
        "set-cookie",
        "expires",
        "pragma",
        "transfer-encoding",
    ] {
        assert_eq!(field(never), None, "{at}: {never}");
    }
    if version != "HTTP/1.1" {
        // RFC 9113, 8.2.2; RFC 9114, 4.2.
        for never in ["connection", "keep-alive", "upgrade", "proxy-connection"] {
            assert_eq!(field(never), None, "{at}: {never}");
        }
    }
    let date = field("date").unwrap_or_else(|| panic!("{at}: no date"));
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{at}: {date}");
    let kept = field("cache-control").unwrap_or_else(|| panic!("{at}: no cache-control"));
    kept_as_its_status_allows(at, reply, kept);
    match reply.status {
        200 | 206 => represents(at, reply),
        204 => bare(at, reply),
        304 => {
            bare(at, reply);
            assert!(field("etag").is_some(), "{at}: 304 without its tag");
            assert_eq!(field("content-type"), None, "{at}");
        }
        _ => refuses(at, reply),
    }
    if method == "OPTIONS" || reply.status == 405 {
        assert_eq!(field("allow"), Some("GET, HEAD, OPTIONS"), "{at}");
    }
}

/// HEAD says what GET says and sends nothing (RFC 9110, 9.3.2).
pub(crate) fn same_head(at: &str, get: &Reply, head: &Reply) {
    assert_eq!(head.body.len(), 0, "{at}");
    assert_eq!(head.status, get.status, "{at}");
    let (mut get, mut head) = (get.fields.clone(), head.fields.clone());
    for differs in [
        "date",
        "x-request-id",
        "content-length",
        "cache-status",
        "server-timing",
    ] {
        let (a, b) = (get.remove(differs), head.remove(differs));
        assert_eq!(a.is_some(), b.is_some(), "{at}: {differs}");
    }
    assert_eq!(get, head, "{at}");
}

/// The parts of a `multipart/byteranges`: the value of `content-range` and the bytes.
pub(crate) fn parts(reply: &Reply) -> Vec<(String, Vec<u8>)> {
    let kind = reply.field("content-type").unwrap();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let body = [b"\r\n", &reply.body[..]].concat();
    let mut found = Vec::new();
    let mut rest = body.strip_prefix(&delimiter[..]).unwrap();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = part.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(part[..end].to_vec()).unwrap();
        let range = head.lines().find_map(|l| l.strip_prefix("content-range: "));
        assert!(head.starts_with("content-type: "), "{head}");
        let range = range.unwrap();
        let content = &part[end + 4..];
        let (ends, _) = range
            .strip_prefix("bytes ")
            .unwrap()
            .split_once('/')
            .unwrap();
        let (first, last) = ends.split_once('-').unwrap();
        let len = last.parse::<usize>().unwrap() - first.parse::<usize>().unwrap() + 1;
        found.push((range.to_owned(), content[..len].to_vec()));
        rest = content[len..].strip_prefix(&delimiter[..]).unwrap();
    }
    assert_eq!(rest, b"--\r\n", "the end of all parts");
    found
}

/// A key of signed URLs.
pub(crate) fn write_key(dir: &Path, name: &str) {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600);
    let mut file = file.open(dir.join(format!("{name}.key"))).unwrap();
    std::io::Write::write_all(&mut file, "ab".repeat(32).as_bytes()).unwrap();
}

/// No field that holds one value comes twice.
fn once(at: &str, reply: &Reply) {
    for (name, values) in &reply.fields {
        assert!(
            values.len() == 1 || name == "vary",
            "{at}: {name} {values:?}"
        );
    }
}

fn kept_as_its_status_allows(at: &str, reply: &Reply, kept: &str) {
    let wanted = match reply.status {
        404 | 410 => Some("public, max-age=5"),
        204 | 400.. => Some("no-store"),
        _ => None,
    };
    assert!(wanted.is_none_or(|wanted| kept == wanted), "{at}: {kept}");
    let edges = reply.field("cdn-cache-control");
    assert_eq!(edges.is_some(), kept != "no-store", "{at}");
    // Edges are told the same times as everybody.
    for directive in edges.into_iter().flat_map(|e| e.split(", ")) {
        assert!(
            kept.split(", ").any(|d| d == directive),
            "{at}: {directive}"
        );
    }
}

fn represents(at: &str, reply: &Reply) {
    let field = |name: &str| reply.field(name);
    let etag = field("etag").unwrap_or_else(|| panic!("{at}: no etag"));
    assert!(
        etag.starts_with('"') && etag.ends_with('"') && etag.len() > 8,
        "{at}: {etag}"
    );
    let length = reply.body.len().to_string();
    assert_eq!(field("content-length"), Some(length.as_str()), "{at}");
    assert_eq!(field("accept-ranges"), Some("bytes"), "{at}");
    let kind = field("content-type").unwrap_or_else(|| panic!("{at}: no content-type"));
    assert_eq!(field("x-content-type-options"), Some("nosniff"), "{at}");
    let media = kind.starts_with("video/") || kind.starts_with("audio/");
    assert!(!media || field("vary").is_none(), "{at}: media never vary");
    if let Some(coding) = field("content-encoding") {
        assert_eq!(field("vary"), Some("accept-encoding"), "{at}");
        assert!(etag.ends_with(&format!("-{coding}\"")), "{at}: {etag}");
    }
    let several = kind.starts_with("multipart/byteranges");
    let ranged = field("content-range").is_some() || several;
    assert_eq!(ranged, reply.status == 206, "{at}");
    assert!(!several || parts(reply).len() > 1, "{at}");
}

/// No content, and no word about any (RFC 9110, 8.6).
fn bare(at: &str, reply: &Reply) {
    assert!(reply.body.is_empty(), "{at}");
    assert_eq!(reply.field("content-length"), None, "{at}");
}

fn refuses(at: &str, reply: &Reply) {
    let field = |name: &str| reply.field(name);
    assert_eq!(
        field("content-type"),
        Some("application/problem+json"),
        "{at}"
    );
    let json = reply.json();
    assert_eq!(json["status"], reply.status, "{at}");
    assert_eq!(json["request_id"].as_str(), field("x-request-id"), "{at}");
    let waits = matches!(reply.status, 429 | 503);
    assert_eq!(field("retry-after").is_some(), waits, "{at}");
    let length = field("content-range").and_then(|r| r.strip_prefix("bytes */"));
    let told = length.is_some_and(|n| n.parse::<u64>().is_ok());
    assert_eq!(told, reply.status == 416, "{at}");
    assert!(
        field("etag").is_none() && field("last-modified").is_none(),
        "{at}"
    );
}
