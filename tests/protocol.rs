//! The wire contract of docs/protocol.md, asked of a whole server over HTTP/1.1, HTTP/2 and HTTP/3
//! by independent clients: the same bytes and the same fields over all three.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking and runs its clients on a runtime of its own"
)]

#[path = "protocol/client.rs"]
mod client;
#[path = "protocol/examples.rs"]
mod examples;
#[path = "protocol/house.rs"]
mod house;
#[path = "protocol/openapi.rs"]
mod openapi;

use client::Client;
use client::Reply;
use house::House;
use lamplight::base::limits::BODY_BYTES_MAX;
use lamplight::base::limits::REQUEST_BYTES_HELD_MAX;
use lamplight::base::units::Span;
use std::collections::BTreeSet;

/// URLs of everything there is: pages, catalogue, and all that playlists lead to.
async fn everything(client: &mut Client) -> Vec<String> {
    let mut urls: Vec<String> = ["/", "/page/app.js", "/favicon.ico", "/v1/openapi.json"]
        .into_iter()
        .chain(["/v1/courses", "/v1/courses/ky-nang-so", "/problems/gone"])
        .map(str::to_owned)
        .collect();
    let course = client.get("/v1/courses/ky-nang-so").await.json();
    let local = |url: &serde_json::Value| {
        let (_, path) = url.as_str().unwrap().split_once("://").unwrap();
        format!("/{}", path.split_once('/').unwrap().1)
    };
    for quiz in course["quizzes"].as_array().unwrap() {
        urls.push(local(&quiz["url"]));
    }
    for lesson in course["lessons"].as_array().unwrap() {
        urls.extend(
            lesson["attachments"]
                .as_array()
                .unwrap()
                .iter()
                .map(|a| local(&a["url"])),
        );
    }
    urls.push(local(&course["lessons"][0]["dash"]));
    let master = local(&course["lessons"][0]["hls"]);
    let playlists = referenced(&master, client.get(&master).await.text());
    urls.push(master);
    let track = playlists
        .iter()
        .find_map(|p| p.strip_suffix("/playlist.m3u8"));
    let (folder, track) = track.unwrap().rsplit_once('/').unwrap();
    urls.push(format!("{folder}/source/{track}.mp4"));
    for playlist in playlists {
        urls.extend(referenced(&playlist, client.get(&playlist).await.text()));
        urls.push(playlist);
    }
    urls
}

/// The URLs a playlist names, resolved, each once.
fn referenced(playlist: &str, text: &str) -> Vec<String> {
    let (folder, _) = playlist.rsplit_once('/').unwrap();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let uri = match line.split_once("URI=\"") {
            Some((_, rest)) => rest.split('"').next().unwrap(),
            None if line.starts_with('#') || line.is_empty() => continue,
            None => line,
        };
        found.insert(format!("{folder}/{uri}"));
    }
    found.into_iter().collect()
}

/// Asks all clients the same; they must agree. Returns the common reply.
async fn agreed(
    clients: &mut [Client],
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> Reply {
    // What has to be built is built before, so that all of them find it in the cache.
    clients[0].get(path).await;
    let mut common: Option<Reply> = None;
    for client in clients {
        let reply = client.ask(method, path, fields).await.constant();
        if let Some(common) = &common {
            assert_eq!(
                reply.body.len(),
                common.body.len(),
                "{} {path}",
                client.name()
            );
            assert_eq!(
                reply.fields,
                common.fields,
                "{} {method} {path}",
                client.name()
            );
            assert_eq!(&reply, common, "{} {method} {path}", client.name());
        }
        common = Some(reply);
    }
    common.unwrap()
}

#[tokio::test]
async fn every_url_answers_the_same_over_all_three_versions() {
    let house = House::start();
    let mut clients = house.clients().await;
    let urls = everything(&mut clients[0]).await;
    assert!(
        urls.iter().filter(|u| u.ends_with(".m4s")).count() > 10,
        "{urls:?}"
    );
    assert!(urls.iter().any(|u| u.ends_with(".vtt")), "{urls:?}");
    for url in &urls {
        let get = agreed(&mut clients, "GET", url, &[]).await;
        assert_eq!(get.status, 200, "{url}");
        let length = get.body.len().to_string();
        assert_eq!(get.field("content-length"), Some(length.as_str()), "{url}");
        assert!(
            get.field("cache-control").is_some() && get.field("etag").is_some(),
            "{url}"
        );
        let head = agreed(&mut clients, "HEAD", url, &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{url}");
        assert_eq!(head.fields, get.fields, "{url}");
        let etag = get.field("etag").unwrap();
        let again = agreed(&mut clients, "GET", url, &[("if-none-match", etag)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{url}");
        assert_eq!(again.field("etag"), Some(etag), "{url}");
        assert_eq!(
            again.field("cache-control"),
            get.field("cache-control"),
            "{url}"
        );
        let part = agreed(&mut clients, "GET", url, &[("range", "bytes=3-7")]).await;
        assert_eq!(
            (part.status, &part.body[..]),
            (206, &get.body[3..8]),
            "{url}"
        );
        let preflight = [
            ("origin", "https://a.example"),
            ("access-control-request-method", "GET"),
        ];
        assert_eq!(
            agreed(&mut clients, "OPTIONS", url, &preflight)
                .await
                .status,
            204,
            "{url}"
        );
        let post = agreed(&mut clients, "POST", url, &[]).await;
        assert_eq!(
            (post.status, post.field("allow")),
            (405, Some("GET, HEAD, OPTIONS")),
            "{url}"
        );
    }
}

#[tokio::test]
async fn text_in_brotli_is_the_same_text_under_another_tag() {
    let house = House::start();
    let mut clients = house.clients().await;
    for url in everything(&mut clients[0]).await {
        let plain = agreed(&mut clients, "GET", &url, &[]).await;
        let coded = agreed(&mut clients, "GET", &url, &[("accept-encoding", "br")]).await;
        if coded.field("content-encoding").is_none() {
            assert_eq!(coded, plain, "{url}");
            continue;
        }
        assert_ne!(coded.field("etag"), plain.field("etag"), "{url}");
        assert_eq!(coded.field("vary"), Some("accept-encoding"), "{url}");
        assert!(coded.body.len() < plain.body.len(), "{url}");
        let mut text = Vec::new();
        brotli::BrotliDecompress(&mut &coded.body[..], &mut text).unwrap();
        assert_eq!(text, plain.body, "{url}");
    }
}

#[tokio::test]
async fn content_is_open_to_every_origin_and_kept_as_its_kind_allows() {
    let house = House::start();
    let mut clients = house.clients().await;
    for url in everything(&mut clients[0]).await {
        let reply = agreed(
            &mut clients,
            "GET",
            &url,
            &[("origin", "https://any.example")],
        )
        .await;
        let immutable = [".m4s", "init.mp4", ".vtt"]
            .iter()
            .any(|end| url.ends_with(end));
        let kept = match reply.field("cache-control").unwrap() {
            _ if !url.starts_with("/media/") && !url.starts_with("/quiz/") => continue,
            kept => kept,
        };
        assert_eq!(
            reply.field("access-control-allow-origin"),
            Some("*"),
            "{url}"
        );
        assert_eq!(reply.field("timing-allow-origin"), Some("*"), "{url}");
        assert!(
            reply.field("vary").is_none_or(|v| v == "accept-encoding"),
            "{url}"
        );
        assert!(reply.field("set-cookie").is_none(), "{url}");
        assert!(reply.field("last-modified").is_some(), "{url}");
        let immutable = immutable || url.starts_with("/quiz/");
        assert_eq!(kept.ends_with("immutable"), immutable, "{url}");
        let keys = reply.field("surrogate-key").unwrap();
        assert!(keys.split(' ').any(|k| k == "ky-nang-so"), "{keys}");
        assert_eq!(
            reply.field("cache-tag").unwrap(),
            keys.replace(' ', ","),
            "{url}"
        );
        let akamai = keys.replace(' ', ",").replace('/', ".");
        assert_eq!(reply.field("edge-cache-tag").unwrap(), akamai, "{url}");
    }
}

#[tokio::test]
async fn impossible_conditions_and_ranges_get_their_exact_status() {
    let house = House::start();
    let mut clients = house.clients().await;
    let url = everything(&mut clients[0]).await;
    let url = url.iter().find(|u| u.ends_with(".m4s")).unwrap();
    let whole = clients[0].get(url).await;
    let len = whole.body.len();
    let ask = async |clients: &mut [Client], fields: &[(&str, &str)]| {
        agreed(clients, "GET", url, fields).await
    };
    let beyond = format!("bytes={len}-");
    let reply = ask(&mut clients, &[("range", &beyond)]).await;
    assert_eq!(reply.status, 416);
    assert_eq!(
        reply.field("content-range"),
        Some(format!("bytes */{len}").as_str())
    );
    assert_eq!(reply.json()["type"], "/problems/range-not-satisfiable");
    let reply = ask(&mut clients, &[("range", "bytes=-4")]).await;
    assert_eq!(
        (reply.status, &reply.body[..]),
        (206, &whole.body[len - 4..])
    );
    // Two near ones are one part.
    let reply = ask(&mut clients, &[("range", "bytes=0-1,4-5")]).await;
    assert_eq!((reply.status, &reply.body[..]), (206, &whole.body[..6]));
    for ignored in ["bytes=5-1", "lines=1-2", "bytes=x"] {
        let reply = ask(&mut clients, &[("range", ignored)]).await;
        assert_eq!((reply.status, reply.body.len()), (200, len), "{ignored}");
    }
    let reply = ask(
        &mut clients,
        &[("range", "bytes=0-1"), ("if-range", "\"other\"")],
    )
    .await;
    assert_eq!((reply.status, reply.body.len()), (200, len));
    let etag = whole.field("etag").unwrap();
    let reply = ask(&mut clients, &[("range", "bytes=0-1"), ("if-range", etag)]).await;
    assert_eq!((reply.status, reply.body.len()), (206, 2));
    let reply = ask(&mut clients, &[("if-match", "\"other\"")]).await;
    assert_eq!(
        (reply.status, &reply.json()["type"]),
        (412, &"/problems/precondition-failed".into())
    );
    let modified = whole.field("last-modified").unwrap();
    let reply = ask(&mut clients, &[("if-modified-since", modified)]).await;
    assert_eq!(reply.status, 304);
    let fields = [
        ("if-none-match", "\"other\""),
        ("if-modified-since", modified),
    ];
    assert_eq!(ask(&mut clients, &fields).await.status, 200);
}

#[tokio::test]
async fn errors_are_problem_documents_over_every_version() {
    let house = House::start();
    let mut clients = house.clients().await;
    let cases = [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/v1/exams/x", 404, "not-found"),
        (
            "GET",
            "/media/ky-nang-so/mat-khau/thumbs.vtt",
            404,
            "not-found",
        ),
        ("GET", "/v1/courses?limit=none", 400, "bad-query"),
        ("GET", "/files/ky-nang-so/%00", 400, "bad-path"),
        ("GET", "/files/ky-nang-so/a%2fb", 400, "bad-path"),
        ("GET", "/files/ky-nang-so/%c0%ae%c0%ae/x", 400, "bad-path"),
        ("GET", "/v1//courses", 400, "bad-path"),
        ("DELETE", "/v1/courses", 405, "method-not-allowed"),
        ("PATCH", "/", 405, "method-not-allowed"),
    ];
    for (method, path, status, slug) in cases {
        let reply = agreed(&mut clients, method, path, &[]).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(
            reply.field("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
        let json = reply.json();
        assert_eq!(json["type"], format!("/problems/{slug}"), "{path}");
        assert_eq!(json["status"], status, "{path}");
        for client in &mut clients {
            let raw = client.ask(method, path, &[]).await;
            let id = raw.field("x-request-id").unwrap().to_owned();
            assert_eq!(raw.json()["request_id"], id.as_str(), "{path}");
        }
    }
    // A URL library resolves dots before it sends; the h3 crate sends what it is given.
    for path in [
        "/files/ky-nang-so/../../Cargo.toml",
        "/files/ky-nang-so/%2e%2e/x",
    ] {
        let reply = clients[2].get(path).await;
        assert_eq!(
            (reply.status, &reply.json()["type"]),
            (400, &"/problems/bad-path".into())
        );
    }
    for client in &mut clients {
        assert_eq!(
            client.get("/v1/health").await.status,
            204,
            "{}",
            client.name()
        );
    }
}

#[tokio::test]
async fn what_the_http3_driver_refuses_is_a_whole_problem_document() {
    let short = House::with(|config| config.quic.request_timeout = Span::secs(1));
    let house = House::with(|config| config.quic.request_timeout = Span::secs(600));
    let (mut hasty, mut patient) = (short.clients().await, house.clients().await);
    let client = &mut patient[2];
    let refused = |reply: &Reply, status: u16, slug: &str| {
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(
            reply.field("content-type"),
            Some("application/problem+json")
        );
        let length = reply.body.len().to_string();
        assert_eq!(reply.field("content-length"), Some(length.as_str()));
        assert_eq!(reply.json()["type"], format!("/problems/{slug}"));
    };
    let late = hasty[2].begin("/v1/courses", 10).await.reply().await;
    refused(&late, 408, "request-timeout");
    let large = client.begin("/v1/courses", 20_000).await.reply().await;
    refused(&large, 413, "content-too-large");
    // More half-sent requests than one connection may have held for it. Their packets interleave,
    // so any of them may be the one too many.
    let mut held = tokio::task::JoinSet::new();
    for _ in 0..=REQUEST_BYTES_HELD_MAX / 15_000 {
        let mut begun = client.begin("/v1/courses", 15_000).await;
        held.spawn(async move { begun.reply().await });
    }
    let full = held.join_next().await.unwrap().unwrap();
    refused(&full, 503, "overloaded");
    assert_eq!(full.field("retry-after"), Some("2"));
    assert_eq!(client.get("/v1/health").await.status, 204);
}

#[tokio::test]
async fn content_beyond_a_calls_bound_is_refused_over_every_version() {
    let house = House::start();
    for client in &mut house.clients().await {
        for (path, bytes_max) in [
            ("/v1/session/beats", BODY_BYTES_MAX),
            ("/v1/enrolments", 4096),
        ] {
            let fields = [("content-type", "application/json")];
            let mut content = vec![b' '; bytes_max];
            let at = format!("{path} over {}", client.name());
            let reply = client.send("POST", path, &fields, &content).await;
            assert_eq!(reply.status, 401, "{at}: {}", reply.text());
            content.push(b' ');
            let reply = client.send("POST", path, &fields, &content).await;
            assert_eq!(reply.status, 413, "{at}: {}", reply.text());
            assert_eq!(reply.json()["type"], "/problems/content-too-large", "{at}");
        }
        assert_eq!(client.get("/v1/health").await.status, 204);
    }
}

#[tokio::test]
async fn replies_over_tcp_tell_where_http3_is() {
    let house = House::start();
    for client in &mut house.clients().await {
        let reply = client.get("/v1/health").await;
        let told = format!("h3=\":{}\"; ma=86400", client.port());
        let wanted = (client.name() != "HTTP/3").then_some(told.as_str());
        assert_eq!(reply.field("alt-svc"), wanted, "{}", client.name());
        assert!(reply.field("date").is_some(), "{}", client.name());
    }
}
