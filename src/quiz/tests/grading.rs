//! Tests of grading and of comparing texts.

use crate::course::Language;
use crate::quiz::Answer;
use crate::quiz::ItemKey;
use crate::quiz::Key;
use crate::quiz::Misfit;
use crate::quiz::Quiz;
use crate::quiz::Score;
use crate::quiz::Share;
use crate::quiz::fold::fold;
use crate::quiz::grade;
use proptest::prelude::*;
use std::collections::BTreeMap;

const QUIZ: &str = r#"
pass = 0.5
[[item]]
kind = "one"
text = "?"
options = ["a", "b", "c"]
correct = [2]
explain = "to all"
feedback = ["to a", "", "to c"]
[[item]]
kind = "many"
text = "?"
options = ["a", "b", "c", "d", "e"]
correct = [0, 1, 3]
weight = 2
[[item]]
kind = "tf"
text = "?"
correct = false
feedback = ["to true", "to false"]
[[item]]
kind = "num"
text = "?"
correct = 2.1415
tolerance = 0.0005
[[item]]
kind = "text"
text = "?"
correct = ["Thủy Điện", "hòa bình"]
max_chars = 40
[[item]]
kind = "match"
text = "?"
left = ["1", "2", "3"]
right = ["một", "hai", "ba", "bốn"]
correct = [0, 1, 2]
[[item]]
kind = "order"
text = "?"
options = ["một", "hai", "ba", "bốn"]
correct = [0, 1, 2, 3]
"#;

fn key() -> Key {
    let vi = Language::parse("vi").unwrap();
    Quiz::parse("q.toml", QUIZ, &vi, 0.7).unwrap().key
}

fn earned(id: &str, answer: &Answer) -> u32 {
    match grade(key().item(id).unwrap(), answer) {
        Score::Graded(share) => share.millionths(),
        Score::Person => panic!("{id} needs a person"),
    }
}

fn choice(places: &[u32]) -> Answer {
    Answer::Choice(places.to_vec())
}

fn right(id: &str) -> Answer {
    match key().item(id).unwrap() {
        ItemKey::One(_) => choice(&[2]),
        ItemKey::Many(_) => choice(&[3, 0, 1]),
        ItemKey::Truth(truth) => Answer::Truth(*truth),
        ItemKey::Numbers(_) => Answer::Number(2.142),
        ItemKey::Texts { .. } | ItemKey::Person { .. } => Answer::Text("thuỷ điện".to_owned()),
        ItemKey::Pairs { right, .. } => Answer::Pairs(right.iter().copied().map(Some).collect()),
        ItemKey::Order(order) => Answer::Order(order.clone()),
    }
}

const IDS: [&str; 7] = ["q1", "q2", "q3", "q4", "q5", "q6", "q7"];

#[test]
fn the_right_answer_to_every_kind_earns_everything() {
    for id in IDS {
        assert_eq!(earned(id, &right(id)), 1_000_000, "{id}");
    }
    let answers: BTreeMap<&str, Answer> = IDS.into_iter().map(|id| (id, right(id))).collect();
    let mark = key().mark(|id| answers.get(id));
    assert_eq!((mark.share(), mark.passed()), (Share::ALL, true));
    assert_eq!(mark.max, 8 * 1000 * 1_000_000);
}

#[test]
fn a_wrong_answer_earns_nothing_and_half_a_right_one_its_part() {
    assert_eq!(earned("q1", &choice(&[0])), 0);
    assert_eq!(earned("q1", &choice(&[])), 0);
    assert_eq!(earned("q2", &choice(&[0, 1])), 666_667);
    assert_eq!(earned("q2", &choice(&[0, 1, 3, 2])), 500_000);
    assert_eq!(earned("q2", &choice(&[2, 4])), 0);
    assert_eq!(
        earned("q2", &choice(&[0, 1, 2, 3, 4])),
        0,
        "choosing everything"
    );
    assert_eq!(earned("q3", &Answer::Truth(true)), 0);
    for (number, share) in [
        (2.141, 1_000_000),
        (2.1420001, 0),
        (2.1409, 0),
        (-2.1415, 0),
    ] {
        assert_eq!(earned("q4", &Answer::Number(number)), share, "{number}");
    }
    let Answer::Pairs(mut pairs) = right("q6") else {
        panic!("no pairs");
    };
    pairs[0] = None;
    assert_eq!(earned("q6", &Answer::Pairs(pairs.clone())), 666_666);
    pairs[1] = pairs[2];
    assert_eq!(earned("q6", &Answer::Pairs(pairs)), 333_333);
    let Answer::Order(mut order) = right("q7") else {
        panic!("no order");
    };
    order.swap(1, 2);
    assert_eq!(earned("q7", &Answer::Order(order.clone())), 666_666);
    order.swap(1, 2);
    order.reverse();
    assert_eq!(earned("q7", &Answer::Order(order)), 0);
}

#[test]
fn an_item_without_an_answer_counts_as_wrong_and_weights_count() {
    let two = right("q2");
    let mark = key().mark(|id| (id == "q2").then_some(&two));
    assert_eq!((mark.share().millionths(), mark.passed()), (250_000, false));
    let answers: BTreeMap<&str, Answer> = ["q2", "q3", "q4"].map(|id| (id, right(id))).into();
    let mark = key().mark(|id| answers.get(id));
    assert_eq!((mark.share().millionths(), mark.passed()), (500_000, true));
    assert!(!Key::default().mark(|_| None).passed(), "nothing to pass");
}

#[test]
fn what_fits_no_item_is_named_and_earns_nothing() {
    let key = key();
    let misfit = |id: &str, answer: &Answer| {
        assert_eq!(earned(id, answer), 0);
        key.item(id).unwrap().fits(answer).unwrap_err()
    };
    assert_eq!(misfit("q1", &choice(&[1, 2])), Misfit::Count(1));
    assert_eq!(misfit("q1", &choice(&[3])), Misfit::Position(3));
    assert_eq!(misfit("q2", &choice(&[0, 0])), Misfit::Twice(0));
    assert_eq!(misfit("q3", &choice(&[0])), Misfit::Kind);
    assert_eq!(misfit("q4", &Answer::Number(f64::NAN)), Misfit::Infinite);
    let long = Answer::Text("ầ".repeat(41));
    assert_eq!(misfit("q5", &long), Misfit::Long(40));
    assert_eq!(
        misfit("q6", &Answer::Pairs(vec![None; 2])),
        Misfit::Count(3)
    );
    let beyond = Answer::Pairs(vec![None, Some(4), None]);
    assert_eq!(misfit("q6", &beyond), Misfit::Position(4));
    assert_eq!(
        misfit("q7", &Answer::Order(vec![0, 1, 2])),
        Misfit::Count(4)
    );
    assert_eq!(
        misfit("q7", &Answer::Order(vec![0, 1, 2, 2])),
        Misfit::Twice(2)
    );
}

#[test]
fn learners_are_told_what_the_author_wrote_for_their_answer() {
    let key = key();
    assert_eq!(key.comments("q1", Some(&choice(&[0]))), ["to a", "to all"]);
    assert_eq!(key.comments("q1", Some(&choice(&[1]))), ["to all"]);
    assert_eq!(key.comments("q1", Some(&choice(&[9]))), ["to all"]);
    assert_eq!(key.comments("q1", None), ["to all"]);
    assert_eq!(key.comments("q3", Some(&Answer::Truth(true))), ["to true"]);
    assert_eq!(
        key.comments("q3", Some(&Answer::Truth(false))),
        ["to false"]
    );
    assert!(key.comments("none", None).is_empty());
}

#[test]
fn texts_that_a_teacher_takes_for_the_same_are_the_same() {
    for (a, b) in [
        ("  Hà \u{a0} Nội\n", "hà nội"),
        ("Ha\u{300} No\u{323}\u{302}i", "HÀ NỘI"),
        ("hoà bình", "hòa bình"),
        ("THUÝ", "thúy"),
        ("ĐƯỜNG", "đường"),
        ("Straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("it’s “so” – yes", "it's \"so\" - yes"),
        ("sen\u{200b}", "sen"),
    ] {
        assert_eq!(fold(a), fold(b), "{a} {b}");
    }
    for (a, b) in [
        ("ma", "má"),
        ("o a", "oa"),
        ("hoa", "hoà"),
        ("1,5", "1.5"),
        ("x²", "x2"),
    ] {
        assert_ne!(fold(a), fold(b), "{a} {b}");
    }
}

proptest! {
    #[test]
    fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }

    #[test]
    fn no_answer_panics_or_earns_more_than_everything(
        places in proptest::collection::vec(any::<u32>().prop_map(|n| n % 9), 0..9),
        number in any::<f64>(),
        text in "\\PC{0,60}",
    ) {
        let key = key();
        let some = places.iter().map(|p| (*p != 8).then_some(*p)).collect();
        for answer in [
            Answer::Choice(places.clone()),
            Answer::Truth(places.len() > 4),
            Answer::Number(number),
            Answer::Text(text),
            Answer::Pairs(some),
            Answer::Order(places),
        ] {
            for id in IDS {
                let item = key.item(id).unwrap();
                let Score::Graded(share) = grade(item, &answer) else { panic!("{id}") };
                prop_assert!(share <= Share::ALL);
                prop_assert!(item.fits(&answer).is_ok() || share == Share::NONE);
                drop(key.comments(id, Some(&answer)));
            }
        }
    }

    #[test]
    fn an_order_and_its_reverse_earn_no_more_than_one_whole(
        order in Just(vec![0_u32, 1, 2, 3]).prop_shuffle(),
    ) {
        let back: Vec<u32> = order.iter().rev().copied().collect();
        let there = earned("q7", &Answer::Order(order));
        let back = earned("q7", &Answer::Order(back));
        prop_assert!(there == 0 || back == 0);
        prop_assert!(there + back <= 1_000_000);
    }

    #[test]
    fn a_further_right_option_never_costs_and_a_wrong_one_never_pays(
        chosen in proptest::collection::btree_set(0_u32..5, 0..5),
        more in 0_u32..5,
    ) {
        let before = earned("q2", &Answer::Choice(chosen.iter().copied().collect()));
        let mut with = chosen;
        with.insert(more);
        let after = earned("q2", &Answer::Choice(with.into_iter().collect()));
        if [0, 1, 3].contains(&more) {
            prop_assert!(after >= before);
        } else {
            prop_assert!(after <= before);
        }
    }
}
