//! What a cache in front of a whole server sees, over HTTP/1.1, HTTP/2 and HTTP/3: every kind of
//! reply audited by the rules of RFC 9110 and RFC 9111, codings, ranges, purges.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking and runs its clients on a runtime of its own"
)]

#[path = "origin/audit.rs"]
mod audit;
#[path = "protocol/client.rs"]
#[expect(dead_code, reason = "another suite uses more of it")]
mod client;
mod support;

use client::Client;
use client::Reply;
use lamplight::service::UrlKeys;
use std::io::Read as _;
use support::Running;

const MASTER: &str = "/media/ky-nang-so/mat-khau/master.m3u8";

/// A server and a client of each version, HTTP/1.1 first.
async fn start() -> (Running, Vec<Client>) {
    start_with(|_| {}).await
}

async fn start_with(change: impl FnOnce(&mut lamplight::config::Config)) -> (Running, Vec<Client>) {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let running = Running::with(change);
    running.wait_ready();
    let certificate = running.certificate().into();
    let clients = Box::pin(Client::all(running.address(), &certificate)).await;
    (running, clients)
}

/// The first URL of a playlist that ends so.
async fn first(client: &mut Client, playlist: &str, end: &str) -> String {
    let reply = client.get(playlist).await;
    assert_eq!(reply.status, 200, "{playlist}");
    let line = reply.text().lines().find(|l| l.ends_with(end)).unwrap();
    let (folder, _) = playlist.rsplit_once('/').unwrap();
    format!("{folder}/{line}")
}

/// A media playlist and its first segment.
async fn lesson(client: &mut Client) -> (String, String) {
    let playlist = first(client, MASTER, ".m3u8").await;
    let segment = first(client, &playlist, ".m4s").await;
    (playlist, segment)
}

fn decoded(reply: &Reply) -> Vec<u8> {
    let mut plain = Vec::new();
    match reply.field("content-encoding") {
        None => plain.clone_from(&reply.body),
        Some("br") => brotli::BrotliDecompress(&mut &reply.body[..], &mut plain).unwrap(),
        Some("zstd") => plain = zstd::bulk::decompress(&reply.body, 1 << 24).unwrap(),
        Some("gzip") => {
            let mut decoder = flate2::read::GzDecoder::new(&reply.body[..]);
            decoder.read_to_end(&mut plain).unwrap();
        }
        Some(other) => panic!("unasked coding {other}"),
    }
    plain
}

#[tokio::test]
async fn every_coding_is_the_same_text_under_its_own_tag_and_a_304_names_it() {
    let (_running, mut clients) = start().await;
    let (playlist, segment) = lesson(&mut clients[0]).await;
    for url in [
        playlist.as_str(),
        "/v1/courses",
        "/page/app.js",
        "/v1/openapi.json",
    ] {
        let plain = clients[0].get(url).await;
        for client in &mut clients {
            let mut tags = vec![plain.field("etag").unwrap().to_owned()];
            for (accept, coding) in [
                ("br", "br"),
                ("zstd", "zstd"),
                ("gzip", "gzip"),
                ("gzip;q=0.5, zstd;q=0.7, br;q=0", "zstd"),
                ("identity;q=0.3, gzip;q=0.4", "gzip"),
            ] {
                let asked = [("accept-encoding", accept)];
                let coded = client.ask("GET", url, &asked).await;
                let at = format!("{} {url} {accept}", client.name());
                assert_eq!(coded.field("content-encoding"), Some(coding), "{at}");
                assert_eq!(coded.field("vary"), Some("accept-encoding"), "{at}");
                assert_eq!(decoded(&coded), plain.body, "{at}");
                let tag = coded.field("etag").unwrap().to_owned();
                let again = [("accept-encoding", accept), ("if-none-match", tag.as_str())];
                let same = client.ask("GET", url, &again).await;
                assert_eq!(
                    (same.status, same.field("etag")),
                    (304, Some(tag.as_str())),
                    "{at}"
                );
                tags.push(tag);
            }
            tags.sort();
            tags.dedup();
            assert_eq!(tags.len(), 4, "{tags:?}");
            for refused in ["identity", "br;q=0, zstd;q=0, gzip;q=0", "*;q=0", "deflate"] {
                let reply = client
                    .ask("GET", url, &[("accept-encoding", refused)])
                    .await;
                assert_eq!(reply.field("content-encoding"), None, "{url} {refused}");
                assert_eq!(reply.body, plain.body, "{url} {refused}");
            }
        }
    }
    for client in &mut clients {
        let asked = [("accept-encoding", "br, zstd, gzip")];
        let reply = client.ask("GET", &segment, &asked).await;
        assert_eq!(reply.field("content-encoding"), None);
        assert_eq!(reply.field("vary"), None);
    }
}

#[tokio::test]
async fn several_ranges_are_cut_exactly_from_the_cache_and_from_a_file() {
    let (_running, mut clients) = start().await;
    let (playlist, segment) = lesson(&mut clients[0]).await;
    let (folder, _) = playlist.rsplit_once('/').unwrap();
    let (lesson, track) = folder.rsplit_once('/').unwrap();
    for url in [segment, format!("{lesson}/source/{track}.mp4")] {
        let whole = clients[0].get(&url).await;
        let len = whole.body.len();
        assert!(len > 5000, "{url} is too short to say anything");
        let etag = whole.field("etag").unwrap();
        for client in &mut clients {
            let at = format!("{} {url}", client.name());
            let wanted = [(3000, 3099), (0, 0), (len - 50, len - 1)];
            let fields = [("range", "bytes=3000-3099,0-0,-50"), ("if-range", etag)];
            let reply = client.ask("GET", &url, &fields).await;
            assert_eq!(reply.status, 206, "{at}");
            assert_eq!(reply.field("etag"), Some(etag), "{at}");
            let length = reply.body.len().to_string();
            assert_eq!(reply.field("content-length"), Some(length.as_str()), "{at}");
            let named = reply.field("content-disposition");
            let name = url
                .contains("/source/")
                .then(|| format!("attachment; filename=\"mat-khau-{track}.mp4\""));
            assert_eq!(named, name.as_deref(), "{at}");
            let parts = audit::parts(&reply);
            assert_eq!(parts.len(), wanted.len(), "{at}");
            for ((range, bytes), (from, to)) in parts.into_iter().zip(wanted) {
                assert_eq!(range, format!("bytes {from}-{to}/{len}"), "{at}");
                assert_eq!(bytes, whole.body[from..=to], "{at}");
            }
            // A changed representation, and more ranges than are read, get the whole.
            let many: Vec<_> = (0..17).map(|n| format!("{0}-{0}", n * 300)).collect();
            let many = format!("bytes={}", many.join(","));
            for fields in [
                &[("range", "bytes=0-1,4000-"), ("if-range", "\"x\"")][..],
                &[("range", many.as_str())],
                &[("range", "bytes=0-,1-,2-,3-,4-,5-")],
            ] {
                let reply = client.ask("GET", &url, fields).await;
                let all = reply.status == 200 || reply.field("content-range").is_some();
                assert!(all && reply.body.len() <= len, "{at} {fields:?}");
                assert_eq!(reply.body, whole.body, "{at} {fields:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_purge_forgets_what_its_keys_mean_and_nothing_else() {
    let (running, mut clients) = start().await;
    let client = &mut clients[1];
    let (_, segment) = lesson(client).await;
    let other = first(
        client,
        "/media/ky-nang-so/lua-dao-truc-tuyen/master.m3u8",
        ".m3u8",
    )
    .await;
    client.get(&other).await;
    client.get(&segment).await;
    let before = client.get(&segment).await;
    assert_eq!(before.field("cache-status"), Some("lamplight; hit"));
    let version = segment.split('/').nth(5).unwrap().to_owned();
    let post = async |text: String| {
        let client = support::plain_client();
        let reply = client.post(running.ops("/admin/purge")).body(text);
        let reply = reply.send().await.unwrap();
        let status = reply.status().as_u16();
        (status, reply.text().await.unwrap())
    };
    for (key, gone) in [
        ("ky-nang-so/lua-dao-truc-tuyen", false),
        (version.as_str(), true),
        ("ky-nang", false),
        ("ky-nang-so/mat-khau", true),
        ("ky-nang-so", true),
    ] {
        let (status, text) = post(format!("{{\"keys\":[\"x\",\"{key}\"]}}")).await;
        assert_eq!(status, 200, "{text}");
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(
            !gone || said["purged"].as_u64().unwrap() > 0,
            "{key}: {text}"
        );
        let after = client.get(&segment).await;
        let built = after.field("cache-status") != Some("lamplight; hit");
        assert_eq!(built, gone, "{key}");
        assert_eq!(after.body, before.body, "{key}");
    }
    for bad in [
        "",
        "{}",
        "{\"keys\":[]}",
        "{\"keys\":\"x\"}",
        "[1]",
        "{\"keys\":[1]}",
    ] {
        assert_eq!(post(bad.to_owned()).await.0, 400, "{bad}");
    }
    let many = vec!["\"k\""; 257].join(",");
    assert_eq!(post(format!("{{\"keys\":[{many}]}}")).await.0, 400);
    assert_eq!(post("x".repeat(70_000)).await.0, 400);
}

#[tokio::test]
async fn a_key_of_signed_urls_is_added_and_taken_away_without_a_restart() {
    let keys = tempfile::tempdir().unwrap();
    audit::write_key(keys.path(), "k1");
    let (running, mut clients) = start_with(|config| {
        config.public.signed = vec!["/media".to_owned()];
        config.public.url_keys = keys.path().to_owned();
    })
    .await;
    let until = lamplight::runtime::unix_ms() / 1000 + 3600;
    audit::write_key(keys.path(), "k2");
    let both = UrlKeys::open(keys.path()).unwrap();
    let url = |key: &str| {
        let token = both.sign(Some(key), "/media/ky-nang-so", until).unwrap();
        format!("/s/{token}{MASTER}")
    };
    let reload = async || {
        let client = support::plain_client();
        let reply = client.post(running.ops("/admin/reload")).send().await;
        assert_eq!(reply.unwrap().status().as_u16(), 200);
    };
    let (old, new) = (url("k1"), url("k2"));
    let mut statuses = async |wanted: [u16; 2]| {
        for client in &mut clients {
            let got = [client.get(&old).await.status, client.get(&new).await.status];
            assert_eq!(got, wanted, "{}", client.name());
        }
    };
    statuses([200, 403]).await;
    reload().await;
    statuses([200, 200]).await;
    std::fs::remove_file(keys.path().join("k1.key")).unwrap();
    reload().await;
    statuses([403, 200]).await;
}

#[tokio::test]
async fn every_kind_of_reply_keeps_the_rules_for_caches() {
    let signed = "/files/ky-nang-so/geheim".to_owned();
    let keys = tempfile::tempdir().unwrap();
    audit::write_key(keys.path(), "k1");
    let (_running, mut clients) = start_with(|config| {
        config.public.signed = vec![signed.clone()];
        config.public.url_keys = keys.path().to_owned();
    })
    .await;
    let (playlist, segment) = lesson(&mut clients[0]).await;
    let (folder, _) = playlist.rsplit_once('/').unwrap();
    let (media, track) = folder.rsplit_once('/').unwrap();
    let source = format!("{media}/source/{track}.mp4");
    let gone = format!("{folder}/{}/0.m4s", "0".repeat(32));
    let etag = clients[0].get(&segment).await;
    let etag = etag.field("etag").unwrap();
    let long = format!("/v1/courses?q={}", "x".repeat(9000));
    let urls = Urls {
        playlist: &playlist,
        segment: &segment,
        etag,
        source: &source,
        gone: &gone,
        signed: &signed,
        long: &long,
    };
    for (method, path, fields, status) in &cases(&urls) {
        for client in &mut clients {
            let at = format!("{} {method} {path} {fields:?}", client.name());
            let reply = client.ask(method, path, fields).await;
            assert_eq!(reply.status, *status, "{at}");
            audit::audit(&at, method, &reply, client.name());
            if *method == "GET" && !fields.iter().any(|(name, _)| *name == "range") {
                let head = client.ask("HEAD", path, fields).await;
                audit::same_head(&at, &reply, &head);
            }
        }
    }
}

/// URLs that the table of replies asks.
struct Urls<'a> {
    playlist: &'a str,
    segment: &'a str,
    etag: &'a str,
    source: &'a str,
    gone: &'a str,
    signed: &'a str,
    long: &'a str,
}

/// Method, target, fields, and the status to come.
type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, u16);

fn cases<'a>(urls: &Urls<'a>) -> Vec<Case<'a>> {
    let none = ("if-none-match", urls.etag);
    let range = |value| ("range", value);
    vec![
        ("GET", "/", vec![], 200),
        (
            "GET",
            "/page/app.js",
            vec![("accept-encoding", "gzip")],
            200,
        ),
        ("GET", "/v1/courses", vec![], 200),
        (
            "GET",
            "/v1/courses?q=ky+nang",
            vec![("accept-encoding", "br")],
            200,
        ),
        (
            "GET",
            "/v1/courses/ky-nang-so",
            vec![("origin", "https://a.example")],
            200,
        ),
        (
            "GET",
            "/v1/openapi.json",
            vec![("accept-encoding", "zstd")],
            200,
        ),
        ("GET", "/v1/health", vec![], 204),
        ("GET", "/problems/gone", vec![], 200),
        (
            "GET",
            "/text/ky-nang-so/mat-khau/vi",
            vec![("accept-encoding", "br")],
            200,
        ),
        ("GET", MASTER, vec![], 200),
        ("GET", urls.playlist, vec![("accept-encoding", "br")], 200),
        ("GET", urls.segment, vec![], 200),
        ("GET", urls.segment, vec![none], 304),
        ("GET", urls.segment, vec![range("bytes=5-9")], 206),
        ("GET", urls.segment, vec![range("bytes=0-1,900-901")], 206),
        ("GET", urls.segment, vec![range("bytes=999999999-")], 416),
        ("GET", urls.segment, vec![("if-match", "\"x\"")], 412),
        ("GET", urls.source, vec![], 200),
        ("GET", urls.source, vec![range("bytes=-7")], 206),
        ("GET", urls.gone, vec![], 404),
        ("GET", "/nothing", vec![], 404),
        ("GET", "/v1/courses/nothing", vec![], 404),
        ("GET", "/v1/courses?limit=0", vec![], 400),
        ("GET", "/files/ky-nang-so/%00", vec![], 400),
        ("GET", urls.long, vec![], 414),
        ("GET", urls.signed, vec![], 403),
        ("POST", urls.segment, vec![], 405),
        ("DELETE", "/v1/courses", vec![], 405),
        (
            "OPTIONS",
            urls.segment,
            vec![("origin", "https://a.example")],
            204,
        ),
        ("OPTIONS", "/v1/courses", vec![], 204),
    ]
}
