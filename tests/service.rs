//! The service without a network: every door of the router, called as a driver calls it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

#[path = "service/behind.rs"]
mod behind;
#[path = "service/edges.rs"]
mod edges;
#[path = "service/enrolling.rs"]
mod enrolling;
#[path = "service/examining.rs"]
mod examining;
#[path = "service/hall.rs"]
mod hall;
#[path = "service/school.rs"]
mod school;
#[path = "service/signed.rs"]
mod signed;
#[path = "service/watching.rs"]
mod watching;

use bytes::Bytes;
use lamplight::content;
use lamplight::content::Library;
use lamplight::http::Answer;
use lamplight::http::Body;
use lamplight::http::Fields;
use lamplight::http::Method;
use lamplight::http::Refusal;
use lamplight::http::Reply;
use lamplight::http::Request;
use lamplight::http::RequestHead;
use lamplight::http::Service as _;
use lamplight::http::Status;
use lamplight::http::Version;
use lamplight::runtime;
use lamplight::runtime::Shutdown;
use lamplight::runtime::Trigger;
use lamplight::service::App;
use lamplight::service::Config;
use lamplight::service::Metrics;
use lamplight::service::Setup;
use lamplight::service::Shared;
use lamplight::service::route::Route;
use lamplight::service::route::TEMPLATES;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

struct House {
    app: App,
    trigger: Trigger,
    metrics: Arc<Metrics>,
}

struct Got {
    status: u16,
    fields: Fields,
    body: Bytes,
}

impl Got {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get_str(name)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn house(config: Config) -> House {
    house_of(config, Path::new(BUNDLED))
}

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/content");

fn house_of(config: Config, dir: &Path) -> House {
    house_with(dir, |library, shutdown| {
        Setup::new(config, library, shutdown)
    })
}

fn house_with(dir: &Path, setup: impl FnOnce(Arc<Library>, Shutdown) -> Setup) -> House {
    let content: content::Config = serde_json::from_value(json!({ "dir": dir })).unwrap();
    let library = Library::open(content).unwrap();
    let (trigger, shutdown) = Shutdown::new();
    let metrics = Arc::<Metrics>::default();
    let shared = Shared::new(setup(library, shutdown));
    House {
        app: App::new(shared, Arc::clone(&metrics), 1),
        trigger,
        metrics,
    }
}

impl House {
    fn ask(&self, method: Method, target: &str, fields: &Fields) -> Got {
        self.ask_at(method, "learn.example:4433", target, fields)
    }

    fn ask_at(&self, method: Method, authority: &str, target: &str, fields: &Fields) -> Got {
        let head = RequestHead {
            version: Version::Http2,
            method,
            authority,
            target,
            fields,
        };
        self.call(head, false)
    }

    fn call(&self, head: RequestHead<'_>, early: bool) -> Got {
        self.call_with(head, early, &Bytes::new())
    }

    fn call_with(&self, head: RequestHead<'_>, early: bool, body: &Bytes) -> Got {
        let request = Request {
            head,
            body,
            early,
            peer: ([127, 0, 0, 1], 1).into(),
            now: runtime::now(),
            unix_ms: runtime::unix_ms(),
        };
        runtime::block_on(async {
            let reply = match self.app.call(&request) {
                Answer::Now(reply) => reply,
                Answer::Later(future) => future.await,
            };
            collect(reply).await
        })
    }

    fn get(&self, target: &str) -> Got {
        self.ask(Method::Get, target, &Fields::new())
    }
}

async fn collect(reply: Reply) -> Got {
    let status = reply.status().0;
    let mut fields = reply.head.fields().clone();
    for (name, value) in reply.extra.iter() {
        fields.push(name, value);
    }
    let body = match reply.body {
        Body::Empty => Bytes::new(),
        Body::Slices(slices) => slices.concat().into(),
        Body::Pull(mut source) => {
            let mut all = Vec::new();
            while let Some(chunk) = std::future::poll_fn(|cx| source.poll_chunk(cx)).await {
                all.extend_from_slice(&chunk.unwrap());
            }
            all.into()
        }
    };
    Got {
        status,
        fields,
        body,
    }
}

fn with(name: &str, value: &str) -> Fields {
    Fields::new().with(name, value)
}

#[test]
fn path_escapes_are_refused_before_anything_is_looked_up() {
    let house = house(Config::default());
    for target in [
        "/files/ky-nang-so/../../Cargo.toml",
        "/files/ky-nang-so/%2e%2e/Cargo.toml",
        "/files/ky-nang-so/%2E%2E%2FCargo.toml",
        "/files/ky-nang-so/a%00b",
        "/files/ky-nang-so/%c0%ae%c0%ae/x",
        "/files/ky-nang-so//x",
        "/files/ky-nang-so/a\\b",
        "//evil.example/x",
        "/v1/courses/",
        "https://evil.example/",
        "",
    ] {
        let got = house.get(target);
        assert_eq!(
            (got.status, &got.json()["type"]),
            (400, &"/problems/bad-path".into()),
            "{target}"
        );
        assert_eq!(got.field("cache-control"), Some("no-store"), "{target}");
    }
    let long = format!("/v1/courses?q={}", "x".repeat(9000));
    assert_eq!(house.get(&long).status, 414);
}

#[test]
fn an_authority_that_is_no_host_never_reaches_a_url() {
    let house = house(Config::default());
    for authority in ["a/b", "user@host", "a b", "h\"x"] {
        let got = house.ask_at(Method::Get, authority, "/v1/courses", &Fields::new());
        assert_eq!(got.json()["type"], "/problems/bad-authority", "{authority}");
    }
}

#[test]
fn unknown_urls_are_404_for_five_seconds_and_say_so_to_other_origins() {
    let house = house(Config::default());
    for target in [
        "/v1/exams/x",
        "/v1",
        "/media/x",
        "/media/x/y/master.m3u8",
        "/nothing",
        "/page/x",
        "/quiz/ky-nang-so/x/0123456789abcdef0123456789abcdef.json",
        "/problems/x",
        "/v1/courses/x",
    ] {
        let got = house.get(target);
        assert_eq!(got.status, 404, "{target}");
        assert_eq!(
            got.field("cache-control"),
            Some("public, max-age=5"),
            "{target}"
        );
        assert_eq!(got.field("content-type"), Some("application/problem+json"));
        let json = got.json();
        assert_eq!(
            json["request_id"].as_str(),
            got.field("x-request-id"),
            "{target}"
        );
        let open = got.field("access-control-allow-origin") == Some("*");
        assert_eq!(
            open,
            target.starts_with("/media/") || target.starts_with("/quiz/"),
            "{target}"
        );
    }
    let head = house.ask(Method::Head, "/nothing", &Fields::new());
    assert!(head.body.is_empty() && head.field("content-length") != Some("0"));
}

#[test]
fn without_learners_there_are_no_sessions_and_no_cache_remembers_that() {
    let house = house(Config::default());
    for method in [Method::Get, Method::Post, Method::Options] {
        for target in ["/v1/session", "/v1/session/beats", "/v1/enrolments/x"] {
            let got = house.ask(method, target, &Fields::new());
            assert_eq!(got.status, 404, "{target}");
            assert_eq!(got.field("cache-control"), Some("no-store"), "{target}");
        }
    }
}

#[test]
fn wrong_methods_are_405_with_allow_and_change_nothing() {
    let house = house(Config::default());
    for method in [Method::Post, Method::Put, Method::Delete, Method::Other] {
        for target in ["/", "/v1/courses", "/media/a/b/master.m3u8", "/v1/health"] {
            let got = house.ask(method, target, &Fields::new());
            assert_eq!(
                (got.status, got.field("allow")),
                (405, Some("GET, HEAD, OPTIONS"))
            );
        }
    }
    let fields = Fields::new();
    let head = RequestHead {
        version: Version::Http3,
        method: Method::Post,
        authority: "h",
        target: "/v1/courses",
        fields: &fields,
    };
    assert_eq!(house.call(head, true).status, 425);
    assert_eq!(
        house
            .call(
                RequestHead {
                    method: Method::Get,
                    ..head
                },
                true
            )
            .status,
        200
    );
}

#[test]
fn preflights_open_media_to_all_and_the_api_to_listed_origins() {
    let origins = vec!["https://app.example".to_owned()];
    let house = house(Config {
        origins,
        ..Config::default()
    });
    let ask = |target: &str, origin: &str| {
        let fields = with("origin", origin).with("access-control-request-method", "GET");
        house.ask(Method::Options, target, &fields)
    };
    let got = ask("/media/a/b/master.m3u8", "https://any.example");
    assert_eq!(
        (got.status, got.field("access-control-allow-origin")),
        (204, Some("*"))
    );
    assert_eq!(got.field("access-control-max-age"), Some("86400"));
    assert_eq!(got.field("vary"), None);
    let got = ask("/v1/courses", "https://app.example");
    assert_eq!(
        got.field("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert_eq!(got.field("access-control-allow-credentials"), Some("true"));
    assert!(
        got.field("access-control-allow-headers")
            .unwrap()
            .contains("authorization")
    );
    let got = ask("/v1/courses", "https://evil.example");
    assert_eq!(
        (got.status, got.field("access-control-allow-origin")),
        (204, None)
    );
    let got = house.ask(
        Method::Get,
        "/v1/courses",
        &with("origin", "https://app.example"),
    );
    assert_eq!(
        got.field("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert!(got.fields.get_all("vary").any(|v| v == b"origin"));
    let got = house.ask(Method::Options, "*", &Fields::new());
    assert_eq!(
        (got.status, got.field("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );
}

#[test]
fn health_turns_red_while_draining_and_is_never_kept() {
    let house = house(Config::default());
    let got = house.get("/v1/health");
    assert_eq!((got.status, got.body.len()), (204, 0));
    assert_eq!(got.field("cache-control"), Some("no-store"));
    assert_eq!(got.field("x-request-id").map(str::len), Some(16));
    house.trigger.drain(runtime::now());
    let got = house.get("/v1/health");
    assert_eq!((got.status, got.field("retry-after")), (503, Some("1")));
    assert_eq!(got.json()["type"], "/problems/draining");
}

#[test]
fn the_page_is_served_with_its_guards_or_not_at_all() {
    let house_with = house(Config::default());
    let got = house_with.get("/");
    assert_eq!(
        (got.status, got.field("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(
        got.field("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    assert!(got.field("etag").is_some());
    assert_eq!(
        house_with.get("/page/app.js").field("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(
        house_with.get("/favicon.ico").field("content-type"),
        Some("image/svg+xml")
    );
    let coded = house_with.ask(
        Method::Get,
        "/page/app.js",
        &with("accept-encoding", "gzip, deflate, br"),
    );
    assert_eq!(coded.field("content-encoding"), Some("br"));
    let off = house(Config {
        page: false,
        ..Config::default()
    });
    for target in ["/", "/page/app.js", "/favicon.ico"] {
        assert_eq!(off.get(target).status, 404, "{target}");
    }
}

#[test]
fn the_openapi_file_lists_exactly_the_router_s_urls() {
    let house = house(Config::default());
    let got = house.get("/v1/openapi.json");
    let json = got.json();
    let listed: BTreeSet<_> = json["paths"].as_object().unwrap().keys().cloned().collect();
    let routed: BTreeSet<_> = TEMPLATES.iter().map(|t| (*t).to_owned()).collect();
    assert_eq!(listed, routed);
    for (path, item) in json["paths"].as_object().unwrap() {
        let filled = path
            .replace("{version}", &"0".repeat(32))
            .replace("{n}", "3")
            .replace("{lang}", "vi")
            .replace("{url}", "media/a/b/master.m3u8")
            .replace(['{', '}'], "");
        let allow = Route::of(&filled).unwrap().methods().allow();
        let listed = item.as_object().unwrap().keys();
        let listed: BTreeSet<_> = listed.filter(|m| *m != "parameters").cloned().collect();
        let taken: BTreeSet<_> = allow.split(", ").map(str::to_lowercase).collect();
        assert_eq!(listed, taken, "{path}");
        for method in taken {
            assert!(item[&method]["operationId"].is_string(), "{method} {path}");
        }
    }
    let contract = include_str!("../docs/protocol.md");
    for template in TEMPLATES {
        assert!(
            contract.contains(template),
            "docs/protocol.md does not mention {template}"
        );
    }
}

#[test]
fn every_problem_type_leads_to_its_explanation_and_stands_in_the_contract() {
    let house = house(Config::default());
    let contract = include_str!("../docs/protocol.md");
    for entry in lamplight::http::PROBLEMS {
        let got = house.get(&format!("/problems/{}", entry.slug));
        assert!(got.status == 200 && got.text().contains(entry.client));
        let retry = if entry.retry { "yes" } else { "no" };
        let Status(status) = entry.status;
        let row = format!(
            "| `{}` | {status} | {retry} | {} |",
            entry.slug, entry.client
        );
        assert!(contract.contains(&row), "docs/protocol.md lacks: {row}");
    }
}

#[test]
fn a_query_that_cannot_be_meant_is_refused_and_an_unknown_key_is_not() {
    let house = house(Config::default());
    for query in ["limit=0", "limit=-1", "limit=x", "limit="] {
        let got = house.get(&format!("/v1/courses?{query}"));
        assert_eq!(got.json()["type"], "/problems/bad-query", "{query}");
    }
    let long = "x".repeat(201);
    assert_eq!(house.get(&format!("/v1/courses?q={long}")).status, 400);
    let plain = house.get("/v1/courses");
    let cmcd = house.get("/v1/courses?CMCD=br%3D3200&utm_source=x");
    assert_eq!((cmcd.status, &cmcd.body), (200, &plain.body));
    assert_eq!(cmcd.field("etag"), plain.field("etag"));
}
