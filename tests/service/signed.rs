//! Content that is served by signed URLs only.

use super::*;
use lamplight::service::UrlKeys;

const MASTER: &str = "/media/ky-nang-so/mat-khau/master.m3u8";

/// A house that serves one lesson by signature only.
fn guarded() -> (House, Arc<UrlKeys>) {
    let keys = UrlKeys::of([("k1", [7; 32])]);
    let config = Config {
        signed: vec!["/media/ky-nang-so/mat-khau".to_owned()],
        url_keys: "keys".into(),
        ..Config::default()
    };
    let dir = Path::new(BUNDLED);
    let house = house_with(dir, |library, shutdown| Setup {
        url_keys: Arc::clone(&keys),
        ..Setup::new(config, library, shutdown)
    });
    (house, keys)
}

fn now_s() -> u64 {
    runtime::unix_ms() / 1000
}

#[test]
fn who_has_no_good_signature_hears_exactly_why() {
    let (house, keys) = guarded();
    let signed = |until: u64| {
        let token = keys.sign(None, "/media/ky-nang-so/mat-khau", until);
        format!("/s/{}{MASTER}", token.unwrap())
    };
    let good = signed(now_s() + 3600);
    let forged = good.replacen("k1.", "k1.1", 1);
    let other = good.replace("/mat-khau/", "/lua-dao/");
    for (target, reason) in [
        (MASTER.to_owned(), "signature-missing"),
        (signed(now_s() - 1), "signature-expired"),
        (forged, "signature-invalid"),
        (other, "signature-invalid"),
        (format!("/s/x{MASTER}"), "signature-invalid"),
    ] {
        for method in [Method::Get, Method::Head] {
            let got = house.ask(method, &target, &Fields::new());
            assert_eq!(got.status, 403, "{target}");
            assert_eq!(got.field("cache-control"), Some("no-store"), "{target}");
            let open = got.field("access-control-allow-origin");
            assert_eq!(open, Some("*"), "a player must be able to read why");
            if method == Method::Get {
                assert_eq!(
                    got.json()["type"],
                    format!("/problems/{reason}"),
                    "{target}"
                );
            }
        }
        let preflight = house.ask(Method::Options, &target, &Fields::new());
        assert_eq!(preflight.status, 204, "{target}");
    }
    // Other lessons are open, with and without.
    let open = house.get("/v1/courses/ky-nang-so").json();
    let open = open["lessons"][1]["hls"].as_str().unwrap().to_owned();
    let open = open.split_once("4433").unwrap().1.to_owned();
    assert_eq!(house.get(&open).status, 200);
}

#[test]
fn a_signed_playlist_leads_to_segments_and_no_cache_outlives_it() {
    let (house, keys) = guarded();
    let token = keys.sign(None, "/media/ky-nang-so/mat-khau", now_s() + 3600);
    let base = format!("/s/{}", token.unwrap());
    let mut url = format!("{base}{MASTER}");
    for end in [".m3u8", ".m4s"] {
        let got = house.get(&url);
        assert_eq!(got.status, 200, "{url}");
        let kept = got.field("cache-control");
        let wanted = "public, max-age=60, stale-while-revalidate=60, stale-if-error=600";
        assert_eq!(
            kept,
            Some(wanted),
            "an hour is longer than a playlist is kept"
        );
        let found = got.text().lines().find(|l| l.ends_with(end)).unwrap();
        let (folder, _) = url.rsplit_once('/').unwrap();
        url = format!("{folder}/{found}");
    }
    // Built for the first, in the cache for the second; a 206 and a 304 are kept no longer.
    let etag = house.get(&url).field("etag").unwrap().to_owned();
    for fields in [
        Fields::new(),
        with("range", "bytes=0-9"),
        with("if-none-match", &etag),
    ] {
        let got = house.ask(Method::Get, &url, &fields);
        let kept = got.field("cache-control").unwrap();
        let age = kept.strip_prefix("public, max-age=").unwrap();
        assert!(age.parse::<u64>().unwrap() <= 3600, "{kept}");
        assert_eq!(got.fields.get_all("cache-control").count(), 1);
        let cdn = got.field("cdn-cache-control");
        assert_eq!(cdn.and_then(|v| v.strip_prefix("max-age=")), Some(age));
    }
}

#[test]
fn without_keys_there_are_no_signed_urls() {
    let house = house(Config::default());
    assert_eq!(house.get(&format!("/s/x{MASTER}")).status, 404);
    assert_eq!(house.get(MASTER).status, 200);
}
