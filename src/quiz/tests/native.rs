//! Tests of the native form and the public chunk.

use crate::course::Language;
use crate::course::Problem;
use crate::course::Slug;
use crate::quiz::ItemKey;
use crate::quiz::Quiz;
use proptest::prelude::*;

const QUIZ: &str = r#"
id = "so-quiz"
lang = "vi"
pass = 0.5
time_limit = "20m"
opens_at = 2027-03-01T08:00:00+07:00
[title]
vi = "Luyện tập"
en = "Exercise"
[[item]]
id = "q1"
kind = "one"
text = "Chọn"
options = ["a", "b", "c"]
correct = [2]
explain = "vì c"
skills = ["so"]
[[item]]
kind = "many"
text = "Chọn nhiều"
options = ["a", "b", "c"]
correct = [2, 0]
weight = 1.5
[[item]]
kind = "tf"
text = "Đúng?"
correct = false
[[item]]
kind = "num"
text = "Bao nhiêu?"
unit = "m"
correct = 12
tolerance = 0.5
[[item]]
kind = "text"
text = "Viết"
correct = ["riêng", "khác"]
[[item]]
kind = "match"
text = "Nối"
left = ["1", "2", "3"]
right = ["một", "hai", "ba"]
correct = [0, 1, 2]
[[item]]
kind = "order"
text = "Sắp xếp"
options = ["một", "hai", "ba", "bốn"]
correct = [0, 1, 2, 3]
"#;

fn vi() -> Language {
    Language::parse("vi").unwrap()
}

fn parse(text: &str) -> Result<Quiz, Vec<Problem>> {
    Quiz::parse("c/01-a/quiz.toml", text, &vi(), 0.6)
}

fn chunk(quiz: &Quiz) -> serde_json::Value {
    let (json, version) = quiz.chunk(quiz.id.as_ref().unwrap());
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(value["version"], version.to_string());
    value
}

#[test]
fn the_chunk_has_the_shape_of_the_contract() {
    let quiz = parse(QUIZ).unwrap();
    let value = chunk(&quiz);
    assert_eq!(
        (&value["v"], &value["lang"], &value["pass"]),
        (&1.into(), &"vi".into(), &0.5.into())
    );
    let first = serde_json::json!({"id": "q1", "kind": "one", "text": "Chọn",
        "options": ["a", "b", "c"], "weight": 1, "skills": ["so"]});
    assert_eq!(value["items"][0], first);
    assert_eq!(value["items"][1]["weight"], 1.5);
    let tf =
        serde_json::json!({"id": "q3", "kind": "tf", "text": "Đúng?", "weight": 1, "skills": []});
    assert_eq!(value["items"][2], tf);
    assert_eq!(value["items"][3]["unit"], "m");
    assert_eq!(value["items"][4]["max_chars"], 200);
    assert_eq!(
        value["items"][5]["left"],
        serde_json::json!(["1", "2", "3"])
    );
    assert_eq!(value["time_limit_ms"], 1_200_000);
    assert_eq!(quiz.opens_at.unwrap().to_string(), "2027-03-01T01:00:00Z");
    assert_eq!((quiz.items(), quiz.key.len()), (7, 7));
}

#[test]
fn a_quiz_without_a_share_of_its_own_asks_for_the_courses() {
    let quiz = parse(&QUIZ.replace("pass = 0.5\n", "")).unwrap();
    assert_eq!(chunk(&quiz)["pass"], 0.6);
}

#[test]
fn the_key_still_fits_after_the_options_were_shuffled() {
    let quiz = parse(QUIZ).unwrap();
    let value = chunk(&quiz);
    let Some(ItemKey::Pairs { right: pairs, .. }) = quiz.key.item("q6") else {
        panic!("no pairs");
    };
    let right: Vec<_> = pairs
        .iter()
        .map(|p| value["items"][5]["right"][*p as usize].clone())
        .collect();
    assert_eq!(right, ["một", "hai", "ba"]);
    let Some(ItemKey::Order(order)) = quiz.key.item("q7") else {
        panic!("no order");
    };
    let sorted: Vec<_> = order
        .iter()
        .map(|p| value["items"][6]["options"][*p as usize].clone())
        .collect();
    assert_eq!(sorted, ["một", "hai", "ba", "bốn"]);
}

#[test]
fn what_is_right_changes_nothing_that_is_public() {
    let original = parse(QUIZ).unwrap();
    let id = original.id.clone().unwrap();
    for (from, to) in [
        ("correct = [2]", "correct = [0]"),
        ("correct = [2, 0]", "correct = [1]"),
        ("correct = false", "correct = true"),
        ("correct = 12", "correct = 345678"),
        ("tolerance = 0.5", "tolerance = 0"),
        ("[\"riêng\", \"khác\"]", "[\"một câu trả lời rất dài\"]"),
        ("correct = [0, 1, 2]\n", "correct = [2, 1, 0]\n"),
        ("correct = [0, 1, 2, 3]", "correct = [3, 1, 0, 2]"),
        ("explain = \"vì c\"", "explain = \"vì câu c là đúng\""),
    ] {
        assert!(QUIZ.contains(from), "{from}");
        let other = parse(&QUIZ.replace(from, to)).unwrap();
        assert_eq!(other.chunk(&id), original.chunk(&id), "{from}");
    }
    let text = String::from_utf8(original.chunk(&id).0).unwrap();
    for secret in ["correct", "explain", "tolerance", "riêng", "vì c"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(format!("{:?}", original.key), "Key(7 items)");
}

#[test]
fn the_right_order_cannot_be_read_from_the_public_one() {
    let reversed = QUIZ
        .replace(
            r#"["một", "hai", "ba", "bốn"]"#,
            r#"["bốn", "ba", "hai", "một"]"#,
        )
        .replace("correct = [0, 1, 2, 3]", "correct = [3, 2, 1, 0]");
    let id = Slug::parse("so-quiz").unwrap();
    assert_eq!(
        parse(QUIZ).unwrap().chunk(&id),
        parse(&reversed).unwrap().chunk(&id)
    );
}

#[test]
fn authors_mistakes_are_named_with_line_and_remedy() {
    let cases = [
        (
            "kind = \"one\"",
            "kind = \"onee\"",
            12,
            "did you mean \"one\"?",
        ),
        ("correct = [2]", "correct = [3]", 15, "from 0 to 2"),
        ("correct = [2]", "correct = [1, 2]", 15, "kind = \"many\""),
        ("correct = [2, 0]", "correct = [0, 0]", 22, "once"),
        ("correct = false", "correct = \"sai\"", 27, "true or false"),
        (
            "options = [\"a\", \"b\", \"c\"]",
            "options = [\"a\"]",
            14,
            "2 to 16",
        ),
        (
            "options = [\"a\", \"b\", \"c\"]",
            "options = [\"a\", \"a\"]",
            14,
            "different",
        ),
        ("explain = ", "explian = ", 16, "did you mean `explain`?"),
        ("unit = \"m\"", "options = [\"m\"]", 31, "remove it"),
        (
            "correct = [0, 1, 2, 3]",
            "correct = [0, 1, 2]",
            48,
            "one for each",
        ),
        (
            "time_limit = \"20m\"",
            "time_limit = 20",
            5,
            "text in quotes",
        ),
        (
            "2027-03-01T08:00:00+07:00",
            "2027-03-01T08:00:00",
            6,
            "offset",
        ),
    ];
    for (from, to, line, remedy) in cases {
        assert!(QUIZ.contains(from), "{from}");
        let problems = parse(&QUIZ.replacen(from, to, 1)).unwrap_err();
        let found = problems
            .iter()
            .any(|p| p.line == Some(line) && p.remedy.contains(remedy));
        assert!(found, "{to}: {problems:#?}");
    }
    assert!(
        parse("id = \"x\"\n").unwrap_err()[0]
            .what
            .contains("no `item`")
    );
}

#[test]
fn a_quiz_larger_than_a_chunk_is_refused() {
    let item = "[[item]]\nkind = \"tf\"\ntext = \"".to_owned()
        + &"x".repeat(3000)
        + "\"\ncorrect = true\n";
    assert!(parse(&item.repeat(5)).is_ok());
    let problems = parse(&item.repeat(6)).unwrap_err();
    assert!(problems[0].what.contains("16 KiB"), "{problems:?}");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(?s).{0,200}") {
        drop(parse(&text));
        drop(parse(&format!("[[item]]\nkind = \"one\"\n{text}")));
    }
}
