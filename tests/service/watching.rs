//! Beats and the learner's state, good and bad.

use crate::school::Pupil;
use crate::school::School;
use bytes::Bytes;
use lamplight::base::limits::BEATS_PER_CALL_MAX;
use lamplight::base::limits::BODY_BYTES_MAX;
use lamplight::http::Fields;
use lamplight::http::Method;
use lamplight::http::RequestHead;
use lamplight::http::Service as _;
use lamplight::http::Version;
use lamplight::identity::Session;
use lamplight::runtime;
use serde_json::Value;
use serde_json::json;
use std::sync::atomic::Ordering::SeqCst;

const BEATS: &str = "/v1/session/beats";
/// The bundled course's first lesson is so long, milliseconds.
const LENGTH_MS: u64 = 54_000;

fn beat(seq: u64, from_ms: u64, to_ms: u64) -> Value {
    json!({"seq": seq, "course": "ky-nang-so", "lesson": "mat-khau", "from_ms": from_ms,
        "to_ms": to_ms, "rate": 1.0, "played_total_ms": to_ms, "visible_total_ms": to_ms / 2,
        "at_ms": runtime::unix_ms()})
}

fn enrolled(school: &School, n: u8) -> Pupil {
    let pupil = school.pupil(n);
    let got = school.post(&pupil, "/v1/enrolments", &json!({"course": "ky-nang-so"}));
    assert_eq!(got.status, 201, "{}", got.text());
    pupil
}

fn send(school: &School, pupil: &Pupil, beats: &[Value]) -> Value {
    let got = school.post(pupil, BEATS, &json!({ "beats": beats }));
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(got.field("cache-control"), Some("no-store"));
    got.json()
}

fn with(mut beat: Value, member: &str, value: Value) -> Value {
    beat[member] = value;
    beat
}

#[test]
fn what_was_watched_is_there_on_every_device_and_a_304_says_that_nothing_changed() {
    let school = School::open();
    let pupil = enrolled(&school, 1);
    let empty = school.shown(&pupil);
    assert_eq!(empty["learner"].as_str().map(str::len), Some(22));
    assert_eq!(
        (&empty["resume"], &empty["courses"][0]["lessons"]),
        (&Value::Null, &json!([]))
    );
    let taken = send(
        &school,
        &pupil,
        &[beat(1, 0, 12_000), beat(2, 12_000, 27_000)],
    );
    assert_eq!(
        taken,
        json!({"accepted_through": 2, "durable_through": 2, "rejected": []})
    );

    let elsewhere = school.with_session(Session {
        device: lamplight::base::id::DeviceId([8; 16]),
        ..pupil.session
    });
    let shown = school.shown(&elsewhere);
    let lesson = &shown["courses"][0]["lessons"][0];
    assert_eq!(
        (&lesson["id"], &lesson["position_ms"]),
        (&json!("mat-khau"), &json!(27_000))
    );
    assert_eq!(
        (&lesson["coverage"], &lesson["played_ms"]),
        (&json!(0.5), &json!(27_000))
    );
    assert_eq!(lesson["visible_ms"], 13_500);
    let place = json!({"course": "ky-nang-so", "lesson": "mat-khau", "at_ms": 27_000});
    assert_eq!(shown["resume"], place);
    let device = json!({"device": "01010101-0101-0101-0101-010101010101",
        "accepted_through": 2, "durable_through": 2});
    assert_eq!(shown["devices"], json!([device]));

    let got = school.get(&pupil, "/v1/session");
    let etag = got.field("etag").unwrap().to_owned();
    let fields = pupil.fields().with("if-none-match", &etag);
    let again = school.raw((Method::Get, "/v1/session"), &fields, "");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = school.raw((Method::Head, "/v1/session"), &pupil.fields(), "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("content-length"), got.field("content-length"));
    send(&school, &pupil, &[beat(3, 27_000, LENGTH_MS)]);
    let changed = school.raw((Method::Get, "/v1/session"), &fields, "");
    assert_eq!(changed.status, 200);
    let shown = changed.json();
    assert_eq!(shown["courses"][0]["lessons"][0]["coverage"], 1.0);
    assert_eq!(
        shown["resume"]["lesson"], "lua-dao-truc-tuyen",
        "the next lesson"
    );
}

#[test]
fn beats_that_come_again_in_any_order_change_nothing() {
    let school = School::open();
    let pupil = enrolled(&school, 1);
    let beats: Vec<Value> = (0..6)
        .map(|n| beat(n + 1, n * 9000, n * 9000 + 9000))
        .collect();
    let first = send(&school, &pupil, &beats);
    let shown = school.shown(&pupil);
    let mut back: Vec<Value> = beats.iter().rev().cloned().collect();
    back.extend(beats);
    assert_eq!(send(&school, &pupil, &back), first);
    assert_eq!(school.shown(&pupil), shown);
}

#[test]
fn each_bad_beat_is_told_and_the_good_ones_around_it_count() {
    let school = School::open();
    let pupil = enrolled(&school, 1);
    let hour_ms = 3_600_000;
    let future = json!(runtime::unix_ms() + 48 * hour_ms);
    let good = beat(1, 0, 8000);
    let cases = [
        (
            with(good.clone(), "course", json!("khac")),
            "unknown_course",
        ),
        (
            with(good.clone(), "lesson", json!("khac")),
            "unknown_lesson",
        ),
        (
            with(good.clone(), "lesson", json!("../x")),
            "unknown_lesson",
        ),
        (beat(1, 9000, 8000), "reversed"),
        (beat(1, 8000, 8000), "reversed"),
        (beat(1, 40_000, 90_000), "beyond_the_end"),
        (with(good.clone(), "at_ms", future), "from_the_future"),
        (with(good.clone(), "from_ms", json!(-1)), "malformed"),
        (with(good.clone(), "to_ms", json!("8000")), "malformed"),
        (with(good.clone(), "to_ms", json!(null)), "malformed"),
        (
            with(good.clone(), "played_total_ms", json!(1u64 << 40)),
            "malformed",
        ),
        (with(good.clone(), "lesson", json!(7)), "malformed"),
    ];
    let mut beats = vec![good];
    for (at, (bad, _)) in (2..).zip(&cases) {
        beats.push(with(bad.clone(), "seq", json!(at)));
    }
    beats.push(beat(99, 8000, 16_000));
    let taken = send(&school, &pupil, &beats);
    assert_eq!(taken["accepted_through"], 99);
    let rejected = taken["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), cases.len(), "{rejected:#?}");
    for (told, (at, (_, reason))) in rejected.iter().zip((2..).zip(&cases)) {
        assert_eq!(
            (&told["seq"], &told["reason"]),
            (&json!(at), &json!(reason))
        );
        assert!(!told["detail"].as_str().unwrap().is_empty());
    }
    let coverage = school.shown(&pupil)["courses"][0]["lessons"][0]["coverage"].clone();
    assert!(
        (coverage.as_f64().unwrap() - 16.0 / 54.0).abs() < 0.001,
        "{coverage}"
    );
}

#[test]
fn content_that_is_no_call_is_refused_by_name_and_changes_nothing() {
    let school = School::open();
    let pupil = enrolled(&school, 1);
    let before = school.shown(&pupil);
    let many: Vec<Value> = (1..=10_000).map(|n| beat(n, 0, 1000)).collect();
    let list = json!({"beats": many[..=BEATS_PER_CALL_MAX]}).to_string();
    let deep = format!("{{\"beats\":{}{}}}", "[".repeat(9000), "]".repeat(9000));
    let bad: [(&[u8], &str); 12] = [
        (b"", "cannot be read as JSON"),
        (b"[]", "cannot be read as JSON"),
        (b"{\"beats\":[]", "cannot be read as JSON"),
        (b"{\"beats\":[],\"beats\":[]}", "stands twice"),
        (b"{\"beats\":[{\"seq\":1,\"seq\":2}]}", "stands twice"),
        (b"{\"beats\":[],\"x\":\"\xff\"}", "cannot be read as JSON"),
        (b"{}", "`beats` must be"),
        (b"{\"beats\":[1]}", "`beats` must be"),
        (b"{\"beats\":[{}]}", "`beats[0].seq` must be"),
        (b"{\"beats\":[{\"seq\":0}]}", "`beats[0].seq` must be"),
        (list.as_bytes(), "`beats` must be"),
        (deep.as_bytes(), "cannot be read as JSON"),
    ];
    for (body, detail) in bad {
        let body = Bytes::copy_from_slice(body);
        let got = school.raw((Method::Post, BEATS), &pupil.fields(), body);
        let json = got.json();
        assert_eq!(
            (got.status, &json["type"]),
            (400, &json!("/problems/bad-content"))
        );
        assert!(json["detail"].as_str().unwrap().contains(detail), "{json}");
    }
    let wrong = json!({"device": "08080808-0808-0808-0808-080808080808", "beats": []});
    let got = school.post(&pupil, BEATS, &wrong);
    assert_eq!(
        (got.status, &got.json()["type"]),
        (403, &json!("/problems/wrong-device"))
    );
    let form = Fields::new()
        .with(
            "authorization",
            pupil.fields().get_str("authorization").unwrap(),
        )
        .with("content-type", "text/plain");
    let got = school.raw((Method::Post, BEATS), &form, "{\"beats\":[]}");
    assert_eq!(
        (got.status, got.field("accept")),
        (415, Some("application/json"))
    );
    assert_eq!(school.shown(&pupil), before);

    let fields = pupil.fields();
    let head = |target| RequestHead {
        version: Version::Http3,
        method: Method::Post,
        authority: "h",
        target,
        fields: &fields,
    };
    let app = &school.house().app;
    assert_eq!(app.body_limit(&head(BEATS)), BODY_BYTES_MAX);
    assert!(app.body_limit(&head("/v1/enrolments?x=1")) < BODY_BYTES_MAX);
    let json = many.iter().map(ToString::to_string).collect::<String>();
    assert!(
        json.len() > BODY_BYTES_MAX,
        "10,000 at once never get to the call"
    );
}

#[test]
fn a_disk_that_fails_acknowledges_nothing_and_what_is_known_is_still_shown() {
    let school = School::open();
    let pupil = enrolled(&school, 1);
    send(&school, &pupil, &[beat(1, 0, 8000)]);
    let shown = school.shown(&pupil);
    school.broken.store(true, SeqCst);
    for _ in 0..3 {
        let got = school.post(&pupil, BEATS, &json!({"beats": [beat(2, 8000, 16_000)]}));
        let json = got.json();
        assert_eq!(
            (got.status, &json["type"]),
            (503, &json!("/problems/storage-failed"))
        );
        assert_eq!(
            (&json["retry"], got.field("cache-control")),
            (&json!(false), Some("no-store"))
        );
    }
    let now = school.shown(&pupil);
    assert_eq!(
        now["courses"], shown["courses"],
        "what was refused never happened"
    );
}

#[test]
fn beats_of_a_course_that_was_never_entered_do_not_count() {
    let school = School::open();
    let pupil = school.pupil(1);
    let taken = send(&school, &pupil, &[beat(1, 0, 8000)]);
    assert_eq!(taken["rejected"][0]["reason"], "not_enrolled");
    assert_eq!(
        (&taken["accepted_through"], &taken["durable_through"]),
        (&json!(0), &json!(0))
    );
}
