//! Enrolment, leaving, and whose state a call touches.

use crate::school::Pupil;
use crate::school::School;
use lamplight::base::id::CourseId;
use lamplight::base::id::QuizId;
use lamplight::http::Fields;
use lamplight::http::Method;
use lamplight::http::RequestHead;
use lamplight::http::Version;
use lamplight::identity::Session;
use lamplight::runtime;
use lamplight::session::QuizRules;
use lamplight::session::Timing;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::path::Path;

const ENROLMENTS: &str = "/v1/enrolments";
const COURSE: &str = "ky-nang-so";

fn enrol(school: &School, pupil: &Pupil, course: &str) -> (u16, Value) {
    let got = school.post(pupil, ENROLMENTS, &json!({ "course": course }));
    (got.status, got.json())
}

#[test]
fn an_enrolment_is_made_once_and_left_without_a_trace() {
    let school = School::open();
    let pupil = school.pupil(1);
    let (status, first) = enrol(&school, &pupil, COURSE);
    assert_eq!((status, &first["course"]), (201, &json!(COURSE)));
    assert_eq!(enrol(&school, &pupil, COURSE), (200, first.clone()));
    let courses = school.shown(&pupil)["courses"].clone();
    assert_eq!(courses[0]["enrolled_at"], first["enrolled_at"]);
    let (status, json) = enrol(&school, &pupil, "khac");
    assert_eq!(
        (status, &json["type"]),
        (404, &json!("/problems/not-found"))
    );
    for bad in [json!({}), json!({"course": 7}), json!({"course": "../x"})] {
        let got = school.post(&pupil, ENROLMENTS, &bad);
        assert_eq!(got.json()["type"], "/problems/bad-content", "{bad}");
    }
    for _ in 0..2 {
        let got = school.delete(&pupil, "/v1/enrolments/ky-nang-so");
        assert_eq!((got.status, got.body.len()), (204, 0));
        assert_eq!(school.shown(&pupil)["courses"], json!([]));
    }
    assert_eq!(
        school.delete(&pupil, "/v1/enrolments/khong-con").status,
        204
    );
    assert_eq!(school.delete(&pupil, "/v1/enrolments/A").status, 404);
    assert_eq!(enrol(&school, &pupil, COURSE).0, 201);
}

#[test]
fn nobody_leaves_a_course_in_the_middle_of_an_attempt() {
    let school = School::open();
    let pupil = school.pupil(1);
    enrol(&school, &pupil, COURSE);
    school.change(&pupil, |state| {
        let rules = QuizRules {
            quiz: QuizId::of("mat-khau-quiz"),
            version: 1,
            opens_ms: 0,
            closes_ms: u64::MAX,
            time_limit_ms: None,
            attempts_max: None,
        };
        let timing = Timing {
            now_ms: runtime::unix_ms(),
            grace_ms: 0,
        };
        state.open(CourseId::of(COURSE), &rules, timing).unwrap();
    });
    let attempts = school.shown(&pupil)["attempts"].clone();
    let (quiz, state) = (&attempts[0]["quiz"], &attempts[0]["state"]);
    assert_eq!((quiz, state), (&json!("mat-khau-quiz"), &json!("open")));
    assert_eq!(attempts[0]["deadline"], Value::Null);
    let got = school.delete(&pupil, "/v1/enrolments/ky-nang-so");
    assert_eq!(
        (got.status, &got.json()["type"]),
        (409, &json!("/problems/unfinished"))
    );
    assert_eq!(school.shown(&pupil)["attempts"], attempts);
}

fn course(dir: &Path, id: &str, before: &[&str], quiz: bool) {
    let dir = dir.join(id);
    fs::create_dir_all(dir.join("bai")).unwrap();
    let toml = format!("title = \"x\"\nlanguages = [\"vi\"]\nprerequisites = {before:?}\n");
    fs::write(dir.join("course.toml"), toml).unwrap();
    fs::write(dir.join("bai/text.vi.md"), "x").unwrap();
    if quiz {
        fs::write(dir.join("bai/thi.gift"), "Q {T}\n").unwrap();
    }
}

#[test]
fn a_course_that_builds_on_another_waits_until_that_is_passed() {
    let content = tempfile::tempdir().unwrap();
    course(content.path(), "nen-tang", &[], true);
    course(
        content.path(),
        "tiep-theo",
        &["nen-tang", "khong-co"],
        false,
    );
    let school = School::at(content.path());
    let pupil = school.pupil(1);
    let (status, json) = enrol(&school, &pupil, "tiep-theo");
    assert_eq!(
        (status, &json["type"]),
        (403, &json!("/problems/not-eligible"))
    );
    assert_eq!(json["detail"], "pass `nen-tang` first");
    enrol(&school, &pupil, "nen-tang");
    let graded = |best: u16| {
        move |state: &mut lamplight::session::State| {
            state.grade(CourseId::of("nen-tang"), QuizId::of("thi"), best, 0);
        }
    };
    school.change(&pupil, graded(6999));
    assert_eq!(enrol(&school, &pupil, "tiep-theo").0, 403);
    school.change(&pupil, graded(7000));
    assert_eq!(enrol(&school, &pupil, "tiep-theo").0, 201);
}

/// Every call of a learner, with content that would be taken.
fn calls() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::Get, "/v1/session", json!({})),
        (Method::Post, "/v1/session/beats", json!({"beats": []})),
        (Method::Post, ENROLMENTS, json!({"course": COURSE})),
        (Method::Delete, "/v1/enrolments/ky-nang-so", json!({})),
    ]
}

#[test]
fn without_a_good_session_no_call_tells_or_changes_anything() {
    let school = School::open();
    let pupil = school.pupil(1);
    enrol(&school, &pupil, COURSE);
    let before = school.shown(&pupil);
    let session = pupil.session;
    let expired = school.with_session(Session {
        expires_s: session.started_s + 1,
        ..session
    });
    let mut forged = pupil.fields().get_str("authorization").unwrap().to_owned();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'B' } else { 'A' });
    let json_of = |authorization: &str| {
        let fields = Fields::new().with("content-type", "application/json");
        fields.with("authorization", authorization)
    };
    let bad = [
        (Fields::new(), "session-missing"),
        (json_of("Basic eDp5"), "session-missing"),
        (json_of("Bearer x"), "session-invalid"),
        (json_of(&forged), "session-invalid"),
        (expired.fields(), "session-expired"),
    ];
    for (method, target, body) in calls() {
        for (fields, slug) in &bad {
            let got = school.raw((method, target), fields, body.to_string());
            let json = got.json();
            assert_eq!(
                (got.status, &json["type"]),
                (401, &json!(format!("/problems/{slug}")))
            );
            assert!(got.field("www-authenticate").unwrap().starts_with("Bearer"));
            assert_eq!(got.field("cache-control"), Some("no-store"), "{target}");
        }
    }
    assert_eq!(school.shown(&pupil), before);
    // Signed out: the token is as good as ever, and dead.
    school.change(&pupil, |state| {
        drop(state.sign_out_everywhere());
    });
    for (method, target, body) in calls() {
        let got = school.raw((method, target), &pupil.fields(), body.to_string());
        assert_eq!(got.json()["type"], "/problems/session-ended", "{target}");
    }
    let again = school.with_session(Session {
        epoch: 1,
        ..session
    });
    assert_eq!(school.shown(&again)["courses"], before["courses"]);
}

#[test]
fn one_learner_neither_reads_nor_changes_another_by_any_call() {
    let school = School::open();
    let (one, other) = (school.pupil(1), school.pupil(2));
    enrol(&school, &one, COURSE);
    let before = school.shown(&one);
    for (method, target, body) in calls() {
        let got = school.raw((method, target), &other.fields(), body.to_string());
        assert!(got.status < 300, "{target}");
        assert!(
            !got.text().contains(&one.session.learner.to_string()),
            "{target}"
        );
        assert_eq!(school.shown(&one), before, "{target}");
    }
    assert_ne!(school.shown(&other)["learner"], before["learner"]);
}

#[test]
fn methods_early_data_and_preflights_of_the_calls_are_each_their_own() {
    let school = School::open();
    let pupil = school.pupil(1);
    for (target, method, allow) in [
        ("/v1/session", Method::Post, "DELETE, GET, HEAD, OPTIONS"),
        ("/v1/sessions", Method::Get, "OPTIONS, POST"),
        ("/v1/session/renew", Method::Get, "OPTIONS, POST"),
        ("/v1/session/beats", Method::Get, "OPTIONS, POST"),
        (ENROLMENTS, Method::Put, "OPTIONS, POST"),
        ("/v1/enrolments/x", Method::Post, "DELETE, OPTIONS"),
    ] {
        let got = school.raw((method, target), &pupil.fields(), "{}");
        assert_eq!(
            (got.status, got.field("allow")),
            (405, Some(allow)),
            "{target}"
        );
        let fields = Fields::new().with("origin", "https://app.example");
        let got = school.raw((Method::Options, target), &fields, "");
        assert_eq!(
            (got.status, got.field("allow")),
            (204, Some(allow)),
            "{target}"
        );
        assert_eq!(got.field("access-control-allow-methods"), Some(allow));
        assert_eq!(got.field("access-control-allow-credentials"), Some("true"));
    }
    let fields = pupil.fields().with("origin", "https://app.example");
    let got = school.raw((Method::Get, "/v1/session"), &fields, "");
    assert_eq!(
        got.field("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert_eq!(got.field("x-request-id").map(str::len), Some(16));
    let fields = pupil.fields();
    for (method, target, body) in calls() {
        let head = RequestHead {
            version: Version::Http3,
            method,
            authority: "h",
            target,
            fields: &fields,
        };
        let got = school
            .house()
            .call_with(head, true, &body.to_string().into());
        let wanted = if method == Method::Get { 200 } else { 425 };
        assert_eq!(got.status, wanted, "{target}");
    }
}
