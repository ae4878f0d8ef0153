//! Tests of the JSON form and the canonical bytes of answers.

use crate::base::limits::ANSWER_BYTES_MAX;
use crate::quiz::Answer;
use crate::quiz::FormFault;
use proptest::prelude::*;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

fn members(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else {
        panic!("no object")
    };
    members
}

fn read(value: Value) -> Result<Option<Answer>, FormFault> {
    Answer::read(&members(value))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The examples of docs/receipts.md: answer and canonical bytes.
fn vectors() -> Vec<(Value, String)> {
    let page = include_str!("../../../docs/receipts.md");
    let rows = page.lines().filter(|line| line.starts_with("| `{"));
    let cell = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let vectors = rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let json = serde_json::from_str(&cell(cells[1])).unwrap();
        (json, cell(cells[2]).replace(' ', ""))
    });
    vectors.collect()
}

#[test]
fn whoever_follows_the_docs_hashes_the_bytes_we_hash() {
    let vectors = vectors();
    assert!(vectors.len() >= 8, "{vectors:?}");
    for (json, bytes) in vectors {
        let answer = read(json.clone()).unwrap();
        let encoded = Answer::encode(answer.as_ref());
        assert_eq!(hex(&encoded), bytes, "{json}");
        assert!(Answer::decode(&encoded).is_some(), "{json}");
    }
}

#[test]
fn what_is_no_answer_is_named_by_its_member() {
    let wrong = |value: Value, word: &str| {
        let told = read(value.clone()).unwrap_err().to_string();
        assert!(told.contains(word), "{value}: {told}");
    };
    wrong(json!({"seq": 1}), "`choice`");
    wrong(json!({"choice": [1], "text": "b"}), "both");
    wrong(json!({"choice": 1}), "`choice`");
    wrong(json!({"choice": [1.5]}), "`choice`");
    wrong(json!({"choice": [-1]}), "`choice`");
    wrong(json!({"choice": [4_294_967_296_u64]}), "`choice`");
    wrong(json!({"truth": 1}), "`truth`");
    wrong(json!({"number": "1"}), "`number`");
    wrong(json!({"text": 1}), "`text`");
    wrong(json!({"pairs": [1, "x"]}), "`pairs`");
    wrong(json!({"order": [[1]]}), "`order`");
    assert_eq!(read(json!({"seq": 1, "number": null})), Ok(None));
}

#[test]
fn bytes_of_another_version_or_spelling_are_no_answer() {
    for bytes in [
        &[][..],
        &[0x10, 0],
        &[0x20],
        &[0x17],
        &[0x11, 2, 1],
        &[0x11, 0x80, 0x00],
        &[0x12],
        &[0x12, 2],
        &[0x13, 0],
        // Minus zero.
        &[0x13, 0x80, 0, 0, 0, 0, 0, 0, 0],
        &[0x14, 0xff],
        &[0x15, 0x80],
        &vec![0x14; ANSWER_BYTES_MAX + 1],
    ] {
        assert_eq!(Answer::decode(bytes), None, "{bytes:?}");
    }
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let places = || prop::collection::vec(0..20_u32, 0..8);
    let number = prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::NEGATIVE;
    let number = number.prop_filter("finite", |n: &f64| n.is_finite());
    prop_oneof![
        places().prop_map(|mut chosen| {
            chosen.sort_unstable();
            Answer::Choice(chosen)
        }),
        any::<bool>().prop_map(Answer::Truth),
        number.prop_map(|number| Answer::Number(number + 0.0)),
        "\\PC{0,40}".prop_map(Answer::Text),
        prop::collection::vec(prop::option::of(0..200_u32), 0..8).prop_map(Answer::Pairs),
        places().prop_map(Answer::Order),
    ]
}

proptest! {
    #[test]
    fn an_answer_comes_back_from_bytes_and_from_json_as_it_was(answer in any_answer()) {
        let bytes = Answer::encode(Some(&answer));
        prop_assert_eq!(Answer::decode(&bytes), Some(Some(answer.clone())));
        let (name, value) = answer.member();
        let text = serde_json::to_vec(&json!({ name: value })).unwrap();
        let again = Answer::read(&serde_json::from_slice(&text).unwrap());
        prop_assert_eq!(again, Ok(Some(answer)));
    }

    #[test]
    fn hostile_bytes_are_refused_or_canonical(bytes: Vec<u8>) {
        if let Some(answer) = Answer::decode(&bytes) {
            prop_assert_eq!(Answer::encode(answer.as_ref()), bytes);
        }
    }
}
