//! Time of one request inside the service: routing and a prepared reply, without any network.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has failed"
)]

use bytes::Bytes;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use lamplight::content;
use lamplight::content::Library;
use lamplight::http::Answer;
use lamplight::http::Asked;
use lamplight::http::Body;
use lamplight::http::EntityTag;
use lamplight::http::Fields;
use lamplight::http::Method;
use lamplight::http::Reply;
use lamplight::http::Request;
use lamplight::http::RequestHead;
use lamplight::http::Service as _;
use lamplight::http::Target;
use lamplight::http::Version;
use lamplight::http::conditional::Validators;
use lamplight::http::range;
use lamplight::runtime;
use lamplight::runtime::Shutdown;
use lamplight::service::App;
use lamplight::service::Config;
use lamplight::service::Setup;
use lamplight::service::Shared;
use serde_json::json;
use std::hint::black_box;
use std::time::Instant;

/// What Chromium sends with a segment request of a player.
fn browser_fields() -> Fields {
    Fields::new()
        .with("sec-ch-ua-platform", "\"Linux\"")
        .with(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36",
        )
        .with(
            "sec-ch-ua",
            "\"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"",
        )
        .with("sec-ch-ua-mobile", "?0")
        .with("accept", "*/*")
        .with("sec-fetch-site", "same-origin")
        .with("sec-fetch-mode", "cors")
        .with("sec-fetch-dest", "empty")
        .with("referer", "https://localhost:4433/")
        .with("accept-encoding", "gzip, deflate, br, zstd")
        .with("accept-language", "vi,en;q=0.9")
        .with("priority", "u=1, i")
}

fn ask(app: &App, target: &str, fields: &Fields, now: Instant) -> Answer {
    let request = Request {
        head: RequestHead {
            version: Version::Http3,
            method: Method::Get,
            authority: "localhost:4433",
            target,
            fields,
        },
        body: &Bytes::new(),
        early: false,
        peer: ([127, 0, 0, 1], 1).into(),
        now,
        unix_ms: 0,
    };
    app.call(&request)
}

/// The reply's text; builds what is not in the cache.
fn text(app: &App, target: &str) -> String {
    let answer = ask(app, target, &Fields::new(), runtime::now());
    let reply: Reply = runtime::block_on(async {
        match answer {
            Answer::Now(reply) => reply,
            Answer::Later(future) => future.await,
        }
    });
    assert_eq!(reply.status().0, 200, "{target}");
    let Body::Slices(slices) = reply.body else {
        return String::new();
    };
    String::from_utf8_lossy(&slices.concat()).into_owned()
}

fn service(c: &mut Criterion) {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/content");
    let content: content::Config = serde_json::from_value(json!({ "dir": dir })).unwrap();
    let (_trigger, shutdown) = Shutdown::new();
    let library = Library::open(content).unwrap();
    let shared = Shared::new(Setup::new(Config::default(), library, shutdown));
    let app = App::new(shared, Default::default(), 1);
    let fields = browser_fields();
    let now = runtime::now();
    let mut group = c.benchmark_group("service");
    let mut run = |name: &str, target: &str, fields: &Fields| {
        text(&app, target);
        group.bench_function(name, |b| {
            b.iter(|| ask(&app, black_box(target), black_box(fields), now));
        });
    };
    let course: serde_json::Value =
        serde_json::from_str(&text(&app, "/v1/courses/ky-nang-so")).unwrap();
    let quiz = course.pointer("/quizzes/0/url").unwrap().as_str().unwrap();
    let quiz = quiz.trim_start_matches("https://localhost:4433");
    let folder = "/media/ky-nang-so/mat-khau";
    let master = text(&app, &format!("{folder}/master.m3u8"));
    let track = master.lines().find(|l| l.ends_with(".m3u8")).unwrap();
    let playlist = format!("{folder}/{track}");
    let media = text(&app, &playlist);
    let segment = media.lines().find(|l| l.ends_with(".m4s")).unwrap();
    let base = playlist.rsplit_once('/').unwrap().0;
    let segment = format!("{base}/{segment}");
    run("quiz chunk", quiz, &fields);
    run("segment", &segment, &fields);
    run(
        "segment, range",
        &segment,
        &fields.clone().with("range", "bytes=0-1023"),
    );
    run("playlist in brotli", &playlist, &fields);
    run("course", "/v1/courses/ky-nang-so", &fields);
    group.bench_function("not found", |b| {
        b.iter(|| ask(&app, black_box("/media/a/b/master.m3u8"), &fields, now));
    });
    group.finish();
}

fn parts(c: &mut Criterion) {
    let mut group = c.benchmark_group("http");
    let fields = browser_fields();
    let v = "0123456789abcdef0123456789abcdef";
    let path = format!("/media/ky-nang-so/mat-khau/240p/{v}/12.m4s");
    group.bench_function("target", |b| b.iter(|| Target::parse(black_box(&path))));
    group.bench_function("content path", |b| {
        b.iter(|| content::Path::parse(black_box(&path)));
    });
    group.bench_function("range", |b| {
        b.iter(|| range::select(black_box(b"bytes=65536-131071"), black_box(1 << 20)));
    });
    let etag = EntityTag::new(v, None);
    let have = Validators {
        etag: &etag,
        modified: None,
    };
    let conditional = fields.with("if-none-match", etag.as_bytes());
    group.bench_function("conditional", |b| {
        b.iter(|| {
            let fields = black_box(&conditional);
            Asked::of(fields).verdict(fields, &have)
        });
    });
    group.finish();
}

criterion_group!(benches, parts, service);
criterion_main!(benches);
