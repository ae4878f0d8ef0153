//! Answers to quizzes, as JSON and as canonical bytes.
//!
//! Promises: no panic; what is read has one spelling in bytes and comes back the same; grading it
//! gives at most everything, and nothing where it does not fit; a refusal repeats no content.

use lamplight::course::Language;
use lamplight::quiz::Answer;
use lamplight::quiz::Key;
use lamplight::quiz::Quiz;
use lamplight::quiz::Score;
use lamplight::quiz::Share;
use lamplight::quiz::grade;
use std::sync::LazyLock;

const IDS: [&str; 7] = ["one", "many", "tf", "num", "text", "match", "order"];

static KEY: LazyLock<Key> = LazyLock::new(|| {
    let rest = [
        "options = [\"a\", \"b\"]\ncorrect = [1]",
        "options = [\"a\", \"b\", \"c\"]\ncorrect = [0, 2]",
        "correct = true",
        "correct = 7\ntolerance = 0.5",
        "correct = [\"đúng\"]",
        "left = [\"x\", \"y\"]\nright = [\"1\", \"2\"]\ncorrect = [1, 0]",
        "options = [\"i\", \"ii\", \"iii\"]\ncorrect = [2, 0, 1]",
    ];
    let items = IDS.iter().zip(rest).map(|(id, rest)| {
        format!("[[item]]\nid = \"{id}\"\nkind = \"{id}\"\ntext = \"?\"\n{rest}\n")
    });
    let main = Language::parse("vi").unwrap();
    Quiz::parse("quiz.toml", &items.collect::<String>(), &main, 0.7).unwrap().key
});

pub(crate) fn run(bytes: &[u8]) {
    if let Some(answer) = Answer::decode(bytes) {
        assert_eq!(Answer::encode(answer.as_ref()), bytes);
        answer.iter().for_each(judge);
    }
    let Ok(members) = serde_json::from_slice(bytes) else {
        return;
    };
    match Answer::read(&members) {
        Ok(Some(answer)) => {
            let canonical = Answer::encode(Some(&answer));
            let again = Answer::decode(&canonical);
            // A text may be longer than anything that is kept.
            assert!(again.is_some() || canonical.len() > 16 * 1024);
            let (name, value) = answer.member();
            assert!(members.get(name).is_some() && !value.is_null());
            judge(&answer);
        }
        Ok(None) => {}
        Err(fault) => {
            let sentence = fault.to_string();
            assert!(sentence.len() < 150, "{sentence}");
            assert!(sentence.bytes().all(|b| (b' '..=b'~').contains(&b)), "{sentence:?}");
        }
    }
}

fn judge(answer: &Answer) {
    for id in IDS {
        let item = KEY.item(id).unwrap();
        let Score::Graded(share) = grade(item, answer) else {
            panic!("no item here needs a person")
        };
        assert!(share <= Share::ALL);
        assert!(item.fits(answer).is_ok() || share == Share::NONE);
    }
}
