//! Tests of what an attempt comes to beyond its mark: effort, and what is told of items.

use crate::course::Language;
use crate::quiz::Answer;
use crate::quiz::Given;
use crate::quiz::Key;
use crate::quiz::Outcome;
use crate::quiz::Quiz;
use crate::quiz::Reveal;
use crate::quiz::Share;

/// A quiz of `count` statements that are all true, after the lines of `head`.
fn quiz(head: &str, count: usize) -> Quiz {
    let item = "[[item]]\nkind = \"tf\"\ntext = \"?\"\ncorrect = true\nexplain = \"so it is\"\n";
    let text = format!("{head}\n{}", item.repeat(count));
    let main = Language::parse("vi").unwrap();
    Quiz::parse("quiz.toml", &text, &main, 0.7).unwrap()
}

/// What `key` makes of answers that are true or not and took so many milliseconds.
fn outcome<'k>(key: &'k Key, answers: &[(bool, u32)]) -> Outcome<'k> {
    key.outcome(|place| {
        let (truth, elapsed_ms) = *answers.get(usize::from(place))?;
        let answer = Answer::Truth(truth);
        Some(Given { answer, elapsed_ms })
    })
}

#[test]
fn who_clicks_through_is_offered_a_retake_and_fails_nothing_by_it() {
    let key = quiz("", 10).key;
    let rapid = outcome(&key, &[(true, 800); 10]);
    assert!(rapid.mark.passed());
    assert_eq!(rapid.effort.is_low(), Some(true));
    assert_eq!((rapid.effort.earned, rapid.effort.max), (0, 0));
    let one_slip: Vec<_> = (0..10).map(|at| (at > 0, 2999 + at)).collect();
    let careful = outcome(&key, &one_slip);
    assert_eq!(careful.effort.share(), Some(Share::exactly(900_000)));
    assert_eq!(careful.effort.is_low(), Some(false));
    // The rapid guess was wrong and counts as missing, not as wrong.
    assert_eq!(careful.effort.earned, careful.effort.max);
    assert!(careful.mark.earned < careful.mark.max);
}

#[test]
fn a_handful_of_answers_tells_nothing_of_effort() {
    let key = quiz("", 10).key;
    let few = outcome(&key, &[(true, 100); 9]);
    assert_eq!((few.effort.answered, few.effort.effortful), (9, 0));
    assert_eq!((few.effort.share(), few.effort.is_low()), (None, None));
}

#[test]
fn items_are_told_as_the_author_says_and_never_while_others_sit_the_quiz() {
    let told = |head: &str, ms: u64| quiz(head, 1).key.reveals(ms);
    assert_eq!(told("", 0), Reveal::Explanations);
    assert_eq!(told("reveal = \"items\"", 0), Reveal::Items);
    assert_eq!(told("reveal = \"result\"", u64::MAX), Reveal::Result);
    let exam = "closes_at = 2027-03-01T10:00:00Z";
    assert_eq!(told(exam, 1_803_895_199_999), Reveal::Result);
    assert_eq!(told(exam, 1_803_895_200_000), Reveal::Explanations);
}

#[test]
fn places_and_ids_lead_to_each_other() {
    let key = quiz("", 3).key;
    assert_eq!(key.place("q2"), Some(1));
    assert_eq!(key.id_at(1), Some("q2"));
    assert_eq!((key.place("q4"), key.id_at(3)), (None, None));
    let outcome = outcome(&key, &[(false, 9000)]);
    assert_eq!(outcome.items[0].comments, ["so it is"]);
    assert_eq!(outcome.items[0].earned, Some(0));
    assert_eq!(outcome.mark.parts(), 0);
}

#[test]
fn an_essay_waits_for_a_person_and_counts_for_nothing_meanwhile() {
    let text = "::a:: Why? {}\n\n::b:: It is so. {T}\n";
    let main = Language::parse("vi").unwrap();
    let key = Quiz::parse("quiz.gift", text, &main, 0.7).unwrap().key;
    let all = |place| {
        let answer = match place {
            0 => Answer::Text("because".to_owned()),
            _ => Answer::Truth(true),
        };
        let elapsed_ms = 1;
        Some(Given { answer, elapsed_ms })
    };
    let outcome = key.outcome(all);
    assert_eq!(outcome.mark.for_person, 1);
    assert_eq!(outcome.items[0].earned, None);
    assert_eq!(outcome.mark.earned, outcome.mark.max);
    assert_eq!(outcome.effort.answered, 1);
    assert_eq!(outcome.mark.parts(), 10_000);
}

#[test]
fn limits_of_attempts_are_read_and_mistakes_named() {
    assert_eq!(quiz("attempts = 3", 1).attempts_max, Some(3));
    assert_eq!(quiz("", 1).attempts_max, None);
    let main = Language::parse("vi").unwrap();
    let item = "[[item]]\nkind = \"tf\"\ntext = \"?\"\ncorrect = true\n";
    for (head, word) in [("attempts = 0", "1"), ("reveal = \"all\"", "explanations")] {
        let problems = Quiz::parse("q.toml", &format!("{head}\n{item}"), &main, 0.7);
        let told = format!("{:?}", problems.unwrap_err());
        assert!(told.contains(word), "{told}");
    }
}
