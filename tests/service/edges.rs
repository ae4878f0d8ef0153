//! What is believed of edges that ask for others, and what one network may ask for.

use super::*;
use lamplight::http::forwarded::Family;
use std::time::Instant;

/// A house whose edge is the peer of all requests here.
fn behind_an_edge(config: Config) -> House {
    house_with(Path::new(BUNDLED), |library, shutdown| Setup {
        edges: vec!["127.0.0.1".parse().unwrap()],
        ..Setup::new(config, library, shutdown)
    })
}

fn hls(house: &House, fields: &Fields) -> String {
    let got = house.ask(Method::Get, "/v1/courses/ky-nang-so", fields);
    assert_eq!(got.status, 200);
    got.json()["lessons"][0]["hls"].as_str().unwrap().to_owned()
}

#[test]
fn urls_begin_with_the_host_that_the_edge_was_asked_at_and_never_with_a_stranger_s_word() {
    let older = with("x-forwarded-host", "courses.example").with("x-forwarded-proto", "http");
    let standard = with("forwarded", "for=192.0.2.1;host=courses.example;proto=http");
    let here = "https://learn.example:4433/media/";
    let there = "http://courses.example/media/";
    let forwarded = || Config {
        edge_fields: Family::Forwarded,
        ..Config::default()
    };
    for (house, fields, wanted) in [
        (house(Config::default()), &older, here),
        (house(forwarded()), &standard, here),
        (behind_an_edge(Config::default()), &older, there),
        (behind_an_edge(Config::default()), &standard, here),
        (behind_an_edge(forwarded()), &standard, there),
        (behind_an_edge(forwarded()), &older, here),
    ] {
        assert!(hls(&house, fields).starts_with(wanted), "{fields:?}");
        assert!(hls(&house, &Fields::new()).starts_with(here));
    }
    let hostile = with("x-forwarded-host", "evil.example/\"").with("x-forwarded-proto", "x");
    assert!(hls(&behind_an_edge(Config::default()), &hostile).starts_with(here));
    let base = Config {
        media_base: "https://cdn.example".to_owned(),
        ..Config::default()
    };
    assert!(hls(&behind_an_edge(base), &older).starts_with("https://cdn.example/"));
}

/// The status of a GET at that moment.
fn status(house: &House, now: Instant, target: &str, fields: &Fields) -> (u16, Fields) {
    let request = Request {
        head: RequestHead {
            version: Version::Http2,
            method: Method::Get,
            authority: "learn.example",
            target,
            fields,
        },
        body: &Bytes::new(),
        early: false,
        peer: ([127, 0, 0, 1], 1).into(),
        now,
        unix_ms: 0,
    };
    let Answer::Now(reply) = house.app.call(&request) else {
        panic!("{target} is not answered at once")
    };
    (reply.status().0, reply.head.fields().clone())
}

#[test]
fn a_network_that_searches_without_end_waits_and_the_others_behind_its_edge_do_not() {
    let house = behind_an_edge(Config {
        searches_per_prefix: 2,
        ..Config::default()
    });
    let now = runtime::now();
    let from = |address: &str| with("x-forwarded-for", address);
    let search = |n: u32, address: &str| {
        let target = format!("/v1/courses?q=x{n}");
        status(&house, now, &target, &from(address))
    };
    // Twenty at once, wherever in the network they come from.
    for n in 0..20 {
        assert_eq!(search(n, &format!("203.0.113.{n}")).0, 200);
    }
    let (refused, fields) = search(20, "203.0.113.99");
    assert_eq!((refused, fields.get_str("retry-after")), (429, Some("1")));
    assert_eq!(fields.get_str("cache-control"), Some("no-store"));
    // What is kept for everybody is free.
    for target in ["/v1/courses", "/v1/courses/ky-nang-so", "/v1/health"] {
        let got = status(&house, now, target, &from("203.0.113.99"));
        assert!(got.0 == 200 || got.0 == 204, "{target}");
    }
    let mut others = (0..20).map(|n| search(n, &format!("198.51.{n}.1")).0);
    assert!(others.any(|status| status == 200));
    // Who only says that it is an edge pays for itself.
    let alone = house_with(Path::new(BUNDLED), |library, shutdown| {
        let config = Config {
            searches_per_prefix: 2,
            ..Config::default()
        };
        Setup::new(config, library, shutdown)
    });
    let served = (0..100).filter(|n| {
        let fields = from(&format!("198.51.{n}.1"));
        status(&alone, now, "/v1/courses?q=x", &fields).0 == 200
    });
    assert_eq!(served.count(), 20);
}
