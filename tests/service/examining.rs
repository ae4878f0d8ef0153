//! Attempts at quizzes over the service: every kind of item, and everything that may go wrong.

use crate::hall::Hall;
use crate::hall::QUIZ;
use crate::hall::numbered;
use crate::hall::problem;
use crate::hall::right;
use crate::hall::text;
use crate::school::SEED;
use data_encoding::BASE64URL_NOPAD;
use lamplight::base::id::AttemptId;
use lamplight::base::id::DeviceId;
use lamplight::base::id::LearnerId;
use lamplight::http::Fields;
use lamplight::http::Method;
use lamplight::quiz;
use lamplight::store::Answered;
use lamplight::store::Receipt;
use lamplight::store::Signer;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::sync::atomic::Ordering::SeqCst;

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one attempt from its opening to its grade"
)]
fn every_kind_of_item_is_graded_and_every_receipt_holds() {
    let hall = Hall::new(&[("quiz.toml", QUIZ)]);
    let pupil = hall.pupil(1);
    let url = hall.opened(&pupil, "moi-kieu");
    let chunk = hall.chunk(&pupil, &url);
    let mut before = String::new();
    let key = Signer::new(1, &SEED).unwrap().public_key().to_vec();
    for (at, (item, answer)) in right(&chunk).iter().enumerate() {
        let got = hall.answer(&pupil, (&url, item), &numbered(answer, at + 1));
        assert_eq!(got.status, 200, "{item}: {}", got.text());
        let taken = got.json();
        assert_eq!(
            (
                &taken["durable"],
                &taken["superseded"],
                &taken["latest_seq"]
            ),
            (&json!("disk"), &json!(false), &json!(at + 1))
        );
        let receipt = Receipt::parse(&text(&taken, "receipt")).unwrap();
        let given = quiz::Answer::read(answer.as_object().unwrap()).unwrap();
        let body = quiz::Answer::encode(given.as_ref());
        let answered = Answered {
            learner: LearnerId([1; 16]),
            attempt: AttemptId::parse(url.rsplit('/').next().unwrap()).unwrap(),
            item,
            seq: u32::try_from(at + 1).unwrap(),
            device: DeviceId([1; 16]),
            body_sha256: sha256(&body),
            at_ms: receipt.at_ms,
        };
        assert_eq!(receipt.verify(&answered, &key), Ok(()), "{item}");
        let other = Answered {
            seq: 99,
            ..answered
        };
        assert!(receipt.verify(&other, &key).is_err());
        before.push_str(got.text());
    }
    let view = hall.school.get(&pupil, &url);
    before.push_str(view.text());
    assert_eq!(view.json()["answers"].as_array().unwrap().len(), 7);
    assert!(!before.contains("SECRET"), "told before the submission");
    let again = hall.open(&pupil, "moi-kieu");
    assert_eq!(
        (again.status, again.json()["answers"].clone()),
        (200, view.json()["answers"].clone())
    );
    let result = hall.submit(&pupil, &url, &json!({"answered": {"mot": 1, "thu-tu": 7}}));
    assert_eq!(result.status, 200, "{}", result.text());
    let result = result.json();
    assert_eq!(
        (
            &result["score"],
            &result["max"],
            &result["passed"],
            &result["review"]
        ),
        (&json!(7.0), &json!(7.0), &json!(true), &json!("clear"))
    );
    assert_eq!(
        result["per_item"][0]["comments"],
        json!(["SECRET-C", "SECRET-EXPLAIN"])
    );
    let repeated = hall.submit(&pupil, &url, &Value::Null);
    assert_eq!(repeated.status, 400);
    let repeated = hall.school.raw(
        (Method::Post, &format!("{url}/submit")),
        &pupil.fields(),
        "",
    );
    assert_eq!((repeated.status, repeated.json()), (200, result.clone()));
    assert_eq!(hall.school.get(&pupil, &url).json()["result"], result);
    let shown = hall.school.shown(&pupil);
    assert_eq!(shown["courses"][0]["quizzes"][0]["best"], json!(1.0));
    assert_eq!(shown["attempts"][0]["state"], json!("submitted"));
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    hash.as_ref().try_into().unwrap()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of bad answers")]
fn bad_answers_get_their_problem_and_change_nothing() {
    let hall = Hall::new(&[("quiz.toml", QUIZ)]);
    let pupil = hall.pupil(1);
    let url = hall.opened(&pupil, "moi-kieu");
    let good = json!({"seq": 1, "choice": [1], "elapsed_ms": 10});
    assert_eq!(hall.answer(&pupil, (&url, "mot"), &good).status, 200);
    let before = hall.school.get(&pupil, &url).json();
    let other = "/v1/attempts/AAECAwQFBgcICQoLDA0ODw".to_owned();
    let cases: [(&str, &str, Value, u16, &str); 15] = [
        (&url, "khong", good.clone(), 404, "not-found"),
        (&other, "mot", good.clone(), 404, "not-found"),
        ("/v1/attempts/x", "mot", good.clone(), 404, "not-found"),
        (&url, "so", good, 400, "bad-content"),
        (
            &url,
            "mot",
            json!({"seq": 2, "choice": [3], "elapsed_ms": 1}),
            400,
            "bad-content",
        ),
        (
            &url,
            "mot",
            json!({"seq": 2, "choice": [0, 1], "elapsed_ms": 1}),
            400,
            "bad-content",
        ),
        (
            &url,
            "nhieu",
            json!({"seq": 2, "choice": [0, 0], "elapsed_ms": 1}),
            400,
            "bad-content",
        ),
        (
            &url,
            "cap",
            json!({"seq": 2, "pairs": [0], "elapsed_ms": 1}),
            400,
            "bad-content",
        ),
        (
            &url,
            "thu-tu",
            json!({"seq": 2, "order": [0, 1], "elapsed_ms": 1}),
            400,
            "bad-content",
        ),
        (
            &url,
            "chu",
            json!({"seq": 2, "text": "x".repeat(4001), "elapsed_ms": 1}),
            400,
            "bad-content",
        ),
        (
            &url,
            "mot",
            json!({"seq": 2, "elapsed_ms": 1}),
            400,
            "bad-content",
        ),
        (
            &url,
            "mot",
            json!({"choice": [1], "elapsed_ms": 1}),
            400,
            "bad-content",
        ),
        (
            &url,
            "mot",
            json!({"seq": 2, "choice": [1]}),
            400,
            "bad-content",
        ),
        (
            &url,
            "mot",
            json!({"seq": 1, "choice": [2], "elapsed_ms": 10}),
            409,
            "answer-conflict",
        ),
        (
            &url,
            "mot",
            json!({"seq": 2, "choice": [2], "elapsed_ms": 1,
                "device": "9b2f0d4e-7a11-4c3d-8e5f-0123456789ab"}),
            403,
            "wrong-device",
        ),
    ];
    for (url, item, body, status, kind) in cases {
        let got = hall.answer(&pupil, (url, item), &body);
        assert_eq!(
            (got.status, problem(&got).as_str()),
            (status, kind),
            "{item} {body}"
        );
    }
    let mut after = hall.school.get(&pupil, &url).json();
    after["time_left_ms"] = before["time_left_ms"].clone();
    assert_eq!(after, before);
    // The longest text an author may ask for fits, in any script and spelling.
    let long = json!({"seq": 5, "text": "ề".repeat(4000), "elapsed_ms": 1});
    let escaped = long.to_string().replace('ề', "\\u1ec1");
    let got = hall.school.raw(
        (Method::Put, &format!("{url}/answers/chu")),
        &pupil.fields(),
        escaped,
    );
    assert_eq!(got.status, 200, "{}", got.text());
}

#[test]
fn one_learner_cannot_see_or_touch_the_attempt_of_another() {
    let hall = Hall::new(&[("quiz.toml", QUIZ)]);
    let (owner, other) = (hall.pupil(1), hall.pupil(2));
    let url = hall.opened(&owner, "moi-kieu");
    let good = json!({"seq": 1, "choice": [1], "elapsed_ms": 10});
    let before = hall.school.get(&owner, &url).json();
    let tries = [
        hall.school.get(&other, &url),
        hall.answer(&other, (&url, "mot"), &good),
        hall.submit(&other, &url, &json!({})),
    ];
    for got in tries {
        assert_eq!((got.status, problem(&got).as_str()), (404, "not-found"));
    }
    assert_eq!(hall.school.get(&owner, &url).json(), before);
    let url_of_other = hall.opened(&other, "moi-kieu");
    assert_ne!(url_of_other, url);
    let nobody = Fields::new().with("content-type", "application/json");
    let put = (Method::Put, &*format!("{url}/answers/mot"));
    let got = hall.school.raw(put, &nobody, good.to_string());
    assert_eq!(
        (got.status, problem(&got).as_str()),
        (401, "session-missing")
    );
}

#[test]
fn a_quiz_opens_and_closes_by_the_servers_clock_and_for_those_who_are_enrolled() {
    let item = "[[item]]\nkind = \"tf\"\ntext = \"?\"\ncorrect = true\n";
    let late = format!("opens_at = 2999-01-01T00:00:00Z\n{item}");
    let over = format!("closes_at = 2001-01-01T00:00:00Z\n{item}");
    let once = format!("attempts = 1\n{item}");
    let exam = format!("closes_at = 2999-01-01T00:00:00Z\n{item}");
    let hall = Hall::new(&[
        ("som.toml", &late),
        ("tre.toml", &over),
        ("mot-lan.toml", &once),
        ("thi.toml", &exam),
    ]);
    let stranger = hall.school.pupil(9);
    let got = hall.open(&stranger, "mot-lan");
    assert_eq!((got.status, problem(&got).as_str()), (403, "not-eligible"));
    let pupil = hall.pupil(1);
    let got = hall.open(&pupil, "som");
    assert_eq!((got.status, problem(&got).as_str()), (403, "quiz-not-open"));
    assert!(got.json()["retry_after_ms"].as_u64().unwrap() > 1_000_000);
    let got = hall.open(&pupil, "tre");
    assert_eq!((got.status, problem(&got).as_str()), (403, "quiz-closed"));
    let got = hall.open(&pupil, "khong");
    assert_eq!((got.status, problem(&got).as_str()), (404, "not-found"));
    let url = hall.opened(&pupil, "mot-lan");
    assert_eq!(hall.submit(&pupil, &url, &json!({})).status, 200);
    let got = hall.open(&pupil, "mot-lan");
    assert_eq!((got.status, problem(&got).as_str()), (409, "limit-reached"));
    let closed = json!({"seq": 1, "truth": true, "elapsed_ms": 1});
    let got = hall.answer(&pupil, (&url, "q1"), &closed);
    assert_eq!(
        (got.status, problem(&got).as_str()),
        (409, "attempt-closed")
    );
    let url = hall.opened(&pupil, "thi");
    let told = hall.submit(&pupil, &url, &json!({})).json();
    assert_eq!(told["per_item"], Value::Null, "others still sit the exam");
}

#[test]
fn an_answer_taken_back_or_overtaken_counts_as_its_number_says() {
    let hall = Hall::new(&[("quiz.toml", QUIZ)]);
    let pupil = hall.pupil(1);
    let url = hall.opened(&pupil, "moi-kieu");
    let put = |seq: u32, choice: Value| {
        let body = json!({"seq": seq, "choice": choice, "elapsed_ms": 10});
        hall.answer(&pupil, (&url, "mot"), &body).json()
    };
    let first = put(5, json!([2]));
    let again = put(5, json!([2]));
    // Both receipts are good; the second is of a later commit.
    assert_ne!(first["receipt"], again["receipt"]);
    let late = put(4, json!([1]));
    assert_eq!(
        (&late["superseded"], &late["latest_seq"]),
        (&json!(true), &json!(5))
    );
    let gone = put(6, Value::Null);
    assert_eq!(gone["latest_seq"], json!(6));
    let view = hall.school.get(&pupil, &url).json();
    assert_eq!(view["answers"][0]["choice"], Value::Null);
    let missing = json!({"answered": {"mot": 6, "so": 7}});
    let got = hall.submit(&pupil, &url, &missing);
    assert_eq!(
        (got.status, problem(&got).as_str()),
        (409, "answers-missing")
    );
    assert!(got.json()["detail"].as_str().unwrap().contains("so"));
    let told = hall
        .submit(&pupil, &url, &json!({"answered": {"mot": 6}}))
        .json();
    assert_eq!(told["score"], json!(0.0));
    assert_eq!(told["effort"]["answered"], json!(0));
}

#[test]
fn nothing_is_acknowledged_that_the_disk_does_not_have() {
    let hall = Hall::new(&[("quiz.toml", QUIZ)]);
    let pupil = hall.pupil(1);
    let url = hall.opened(&pupil, "moi-kieu");
    hall.school.broken.store(true, SeqCst);
    let good = json!({"seq": 1, "choice": [1], "elapsed_ms": 10});
    for got in [
        hall.answer(&pupil, (&url, "mot"), &good),
        hall.submit(&pupil, &url, &json!({})),
        hall.open(&pupil, "moi-kieu"),
    ] {
        assert_eq!(
            (got.status, problem(&got).as_str()),
            (503, "storage-failed")
        );
        assert!(!got.text().contains("receipt\""), "{}", got.text());
    }
    // Reading goes on, and shows nothing that was refused.
    let view = hall.school.get(&pupil, &url);
    assert_eq!(view.status, 200, "{}", view.text());
    assert_eq!(
        (&view.json()["state"], &view.json()["answers"]),
        (&json!("open"), &json!([]))
    );
}

#[test]
fn whoever_sits_a_replaced_quiz_still_gets_its_questions() {
    let hall = Hall::new(&[("quiz.toml", QUIZ)]);
    let pupil = hall.pupil(1);
    let url = hall.opened(&pupil, "moi-kieu");
    let before = hall.chunk(&pupil, &url);
    let quiz = QUIZ.replace("\"first\"", "\"primo\"");
    let path = hall.content.path().join("truong/01-mot/quiz.toml");
    fs::write(path, quiz).unwrap();
    // Long after a replaced version is let go.
    hall.school.reload_and_forget();
    assert_eq!(hall.chunk(&pupil, &url), before);
    let answer = numbered(&json!({"number": 2.5}), 1);
    assert_eq!(hall.answer(&pupil, (&url, "so"), &answer).status, 200);
    let told = hall.submit(&pupil, &url, &json!({})).json();
    assert_eq!(told["score"], json!(1.0));
    let next = hall.opened(&pupil, "moi-kieu");
    assert_ne!(hall.chunk(&pupil, &next), before);
}

#[test]
fn the_public_keys_of_receipts_are_for_everybody() {
    let hall = Hall::new(&[("quiz.toml", QUIZ)]);
    let got = hall
        .school
        .raw((Method::Get, "/v1/receipts/keys"), &Fields::new(), "");
    assert_eq!(got.status, 200);
    let key = Signer::new(1, &SEED).unwrap();
    let wanted = json!({"keys": [{"id": 1, "algorithm": "Ed25519", "current": true,
        "public_key": BASE64URL_NOPAD.encode(key.public_key())}]});
    assert_eq!(got.json(), wanted);
    assert!(got.field("cache-control").unwrap().starts_with("public"));
}
