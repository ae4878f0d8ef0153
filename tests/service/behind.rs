//! What is counted, built, refused and logged behind the doors.

use super::*;
use lamplight::base::metrics::Kind;
use lamplight::base::metrics::Part;
use lamplight::base::metrics::Sample;
use lamplight::base::metrics::Source as _;

#[test]
fn everything_is_counted() {
    let house = house(Config::default());
    house.get("/v1/health");
    house.get("/nothing");
    assert_eq!(house.metrics.replies(Version::Http2), 2);
}

/// The first URL of a playlist that ends so.
fn first(house: &House, playlist: &str, end: &str) -> String {
    let got = house.get(playlist);
    assert_eq!(got.status, 200, "{playlist}");
    let found = got.text().lines().find(|l| l.ends_with(end)).unwrap();
    let (folder, _) = playlist.rsplit_once('/').unwrap();
    format!("{folder}/{found}")
}

#[test]
fn what_is_built_once_is_a_hit_for_everybody_after() {
    let house = house(Config::default());
    let master = "/media/ky-nang-so/mat-khau/master.m3u8";
    let playlist = first(&house, master, ".m3u8");
    let segment = first(&house, &playlist, ".m4s");
    let miss = house.ask(Method::Get, &segment, &with("range", "bytes=0-9"));
    assert_eq!((miss.status, miss.body.len()), (206, 10));
    let status = miss.field("cache-status");
    assert_eq!(status, Some("lamplight; fwd=uri-miss; stored"));
    assert!(
        miss.field("server-timing")
            .unwrap()
            .starts_with("cache;desc=miss, build;dur=")
    );
    let hit = house.get(&segment);
    assert_eq!(
        (hit.status, hit.field("cache-status")),
        (200, Some("lamplight; hit"))
    );
    assert_eq!(miss.body, hit.body[..10]);
    let query = format!("{segment}?CMCD=bl%3D2000%2Csid%3D%22a%22");
    assert_eq!(
        house.get(&query).field("cache-status"),
        Some("lamplight; hit")
    );
}

#[test]
fn of_many_who_ask_for_one_cold_segment_one_builds_and_the_others_say_that_they_waited() {
    let house = house(Config::default());
    let playlist = first(&house, "/media/ky-nang-so/mat-khau/master.m3u8", ".m3u8");
    let segment = first(&house, &playlist, ".m4s");
    let fields = Fields::new();
    let request = Request {
        head: RequestHead {
            version: Version::Http3,
            method: Method::Get,
            authority: "learn.example",
            target: &segment,
            fields: &fields,
        },
        body: &Bytes::new(),
        early: false,
        peer: ([127, 0, 0, 1], 1).into(),
        now: runtime::now(),
        unix_ms: runtime::unix_ms(),
    };
    let got = runtime::block_on(async {
        let ask = || match house.app.call(&request) {
            Answer::Now(_) => panic!("already there"),
            Answer::Later(future) => future,
        };
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        [collect(a).await, collect(b).await, collect(c).await]
    });
    let said = |n: usize, name| got[n].field(name).unwrap().to_owned();
    assert_eq!(said(0, "cache-status"), "lamplight; fwd=uri-miss; stored");
    assert!(said(0, "server-timing").contains("build;dur="));
    for n in [1, 2] {
        let status = said(n, "cache-status");
        assert_eq!(status, "lamplight; fwd=uri-miss; collapsed");
        let timing = said(n, "server-timing");
        assert!(
            timing.starts_with("cache;desc=collapsed, wait;dur="),
            "{timing}"
        );
        assert_eq!(got[n].body, got[0].body);
        assert_eq!(got[n].field("etag"), got[0].field("etag"));
    }
}

#[test]
fn what_players_tell_is_counted_and_changes_no_answer() {
    let house = house(Config::default());
    let master = "/media/ky-nang-so/mat-khau/master.m3u8";
    let playlist = first(&house, master, ".m3u8");
    let plain = house.get(&playlist);
    let query = format!("{playlist}?CMCD=bl%3D2500%2Cbr%3D900%2Cbs%2Cmtp%3D4100%2Csid%3D%22a%22");
    let fields = Fields::new()
        .with("cmcd-object", "br=(1800;v),tb=(3000)")
        .with("cmcd-session", "v=2,msd=740")
        .with("cmcd-status", "bsd=(1200)");
    let bad = format!("{playlist}?CMCD=br%3D%zz");
    for got in [
        house.get(&query),
        house.ask(Method::Get, &playlist, &fields),
        house.get(&bad),
    ] {
        assert_eq!((got.status, &got.body), (200, &plain.body));
        assert_eq!(got.field("etag"), plain.field("etag"));
        assert_eq!(got.field("cache-status"), Some("lamplight; hit"));
    }
    let mut samples = Vec::new();
    house.metrics.sample(&mut samples);
    let value = |name: &str, kind: Kind| {
        let of = |s: &&Sample| {
            let over = s.label.is_none_or(|label| label == ("version", "2"));
            s.name == name && s.kind == kind && over
        };
        samples.iter().find(of).map(|s| s.value)
    };
    let sum = |name| value(name, Kind::Histogram(Part::Sum));
    for (name, wanted) in [
        ("lamplight_cmcd_requests", 2),
        ("lamplight_cmcd_v2_requests", 1),
        ("lamplight_cmcd_stalls", 1),
        ("lamplight_cmcd_startups", 0),
        ("lamplight_cmcd_ill_formed", 1),
    ] {
        assert_eq!(value(name, Kind::Counter), Some(wanted), "{name}");
    }
    for (name, wanted) in [
        ("lamplight_cmcd_bitrate_kbps", 2700),
        ("lamplight_cmcd_top_bitrate_kbps", 3000),
        ("lamplight_cmcd_buffer_ms", 2500),
        ("lamplight_cmcd_throughput_kbps", 4100),
        ("lamplight_cmcd_stall_ms", 1200),
        ("lamplight_cmcd_start_delay_ms", 740),
    ] {
        assert_eq!(sum(name), Some(wanted), "{name}");
    }
    let below = Kind::Histogram(Part::UpTo(1000));
    assert_eq!(value("lamplight_cmcd_bitrate_kbps", below), Some(1));
}

#[test]
fn a_version_that_never_was_is_not_invented() {
    let house = house(Config::default());
    let playlist = first(&house, "/media/ky-nang-so/mat-khau/master.m3u8", ".m3u8");
    let segment = first(&house, &playlist, ".m4s");
    let (folder, _) = segment.rsplit_once('/').unwrap();
    for url in [
        format!("{folder}/999999.m4s"),
        format!("{folder}/007.m4s"),
        segment.replace("/mat-khau/", "/other/"),
        format!(
            "{}/{}/0.m4s",
            folder.rsplit_once('/').unwrap().0,
            "0".repeat(32)
        ),
    ] {
        let got = house.get(&url);
        assert!(
            got.status == 404 || got.status == 410,
            "{url}: {}",
            got.status
        );
        assert_eq!(
            got.field("cache-control"),
            Some("public, max-age=5"),
            "{url}"
        );
    }
}

#[test]
fn urls_of_a_course_lead_to_the_media_host_or_back_here() {
    let begins = |house: &House, authority: &str, wanted: &str| {
        let got = house.ask_at(
            Method::Get,
            authority,
            "/v1/courses/ky-nang-so",
            &Fields::new(),
        );
        let json = got.json();
        for url in [&json["lessons"][0]["hls"], &json["quizzes"][0]["url"]] {
            let url = url.as_str().unwrap();
            assert!(url.strip_prefix(wanted).unwrap().starts_with('/'), "{url}");
        }
    };
    let here = house(Config::default());
    begins(&here, "Learn.example:4433", "https://learn.example:4433");
    begins(&here, "", "");
    let media_base = "https://cdn.example".to_owned();
    let cdn = house(Config {
        media_base,
        ..Config::default()
    });
    begins(&cdn, "learn.example", "https://cdn.example");
}

#[test]
fn a_drawing_with_a_script_in_it_cannot_act_as_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let course = dir.path().join("ky-nang-so");
    let lesson = course.join("01-mat-khau");
    fs::create_dir_all(&lesson).unwrap();
    let bundled = Path::new(BUNDLED).join("ky-nang-so");
    fs::copy(bundled.join("course.toml"), course.join("course.toml")).unwrap();
    for file in fs::read_dir(bundled.join("01-mat-khau")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), lesson.join(file.file_name())).unwrap();
    }
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    fs::write(lesson.join("drawing.svg"), svg).unwrap();
    let house = house_of(Config::default(), dir.path());
    let course = house.get("/v1/courses/ky-nang-so").json();
    let attached = &course["lessons"][0]["attachments"][0]["url"];
    let url = attached.as_str().unwrap();
    let url = url.strip_prefix("https://learn.example:4433").unwrap();
    // Built for the first request, in the cache for the second.
    for fields in [Fields::new(), Fields::new(), with("range", "bytes=0-3")] {
        let got = house.ask(Method::Get, url, &fields);
        assert!(
            got.status == 200 || got.status == 206,
            "{url}: {}",
            got.status
        );
        let policy = got.field("content-security-policy");
        let wanted = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        assert_eq!(policy, Some(wanted), "{url}");
        assert_eq!(got.field("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn a_driver_s_refusal_can_be_read_by_a_player_on_another_host() {
    let house = house(Config::default());
    for (refusal, status) in [
        (Refusal::BodyTooLarge, 413),
        (Refusal::FieldsTooLarge, 431),
        (Refusal::Timeout, 408),
        (Refusal::TooEarly, 425),
        (Refusal::Overloaded, 503),
        (Refusal::Malformed, 400),
    ] {
        let got = runtime::block_on(collect(house.app.refuse(refusal)));
        assert_eq!(
            (got.status, got.json()["status"].as_u64()),
            (status, Some(status.into()))
        );
        assert_eq!(
            got.field("access-control-allow-origin"),
            Some("*"),
            "{status}"
        );
        assert_eq!(
            got.field("retry-after").is_some(),
            status == 503,
            "{status}"
        );
    }
}

/// What the log says, for one test's thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_access_log_tells_the_path_and_neither_query_nor_address() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let house = house(Config {
            access_log_every: 2,
            ..Config::default()
        });
        for n in 0..6 {
            house.get(&format!("/v1/courses?q=secret{n}"));
        }
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|l| l.contains("path=")).collect();
    assert_eq!(lines.len(), 3, "{text}");
    for line in lines {
        assert!(
            line.contains("path=\"/v1/courses\"") && line.contains("status=200"),
            "{line}"
        );
        assert!(line.contains("client=127.0.0.0/24"), "{line}");
        assert!(
            !line.contains("secret") && !line.contains("127.0.0.1"),
            "{line}"
        );
    }
}
