//! A Moodle file of a teacher.
//!
//! Promises: no panic; a refusal or note names the file, a line inside the text and a remedy; what
//! is accepted fits its chunk, is read the same way twice, and every item of it can be graded.

use lamplight::base::limits::QUIZ_CHUNK_BYTES_MAX;
use lamplight::course::Language;
use lamplight::course::Slug;
use lamplight::quiz::Answer;
use lamplight::quiz::Quiz;
use lamplight::quiz::Score;
use lamplight::quiz::Share;
use lamplight::quiz::grade;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let ends = text.chars().filter(|c| matches!(c, '\n' | '\r'));
    let lines = u32::try_from(ends.count()).unwrap() + 1;
    let main = Language::parse("vi").unwrap();
    let read = || Quiz::parse("f.gift", text, &main, 0.7);
    let first = read();
    let problems = match &first {
        Ok(quiz) => &quiz.notes,
        Err(problems) => {
            assert!(!problems.is_empty());
            problems
        }
    };
    for problem in problems {
        assert!(problem.file == "f.gift" && !problem.what.is_empty() && !problem.remedy.is_empty());
        let inside = |line| (1..=lines).contains(&line);
        assert!(problem.line.is_none_or(inside), "{problem}");
    }
    let Ok(quiz) = &first else {
        return;
    };
    let id = Slug::parse("q").unwrap();
    let (json, version) = quiz.chunk(&id);
    assert!(json.len() <= QUIZ_CHUNK_BYTES_MAX);
    assert_eq!(quiz.key.len(), quiz.items() as usize);
    let again = read().unwrap();
    assert_eq!((again.chunk(&id), &again), ((json.clone(), version), quiz));
    graded(quiz, &json);
}

/// Every option, and the text of the whole file, earn between nothing and everything.
fn graded(quiz: &Quiz, json: &[u8]) {
    let text = String::from_utf8_lossy(json).into_owned();
    let mut answers = vec![Answer::Truth(true), Answer::Number(0.5), Answer::Text(text)];
    answers.extend((0..16).map(|at| Answer::Choice(vec![at])));
    answers.push(Answer::Pairs(vec![Some(0); 2]));
    for answer in &answers {
        let mark = quiz.key.mark(|_| Some(answer));
        assert!(mark.earned <= mark.max);
        for at in 1..=quiz.items() {
            let name = format!("q{at}");
            if let Some(item) = quiz.key.item(&name) {
                let score = grade(item, answer);
                assert!(item.fits(answer).is_ok() || score == Score::Graded(Share::NONE));
                drop(quiz.key.comments(&name, Some(answer)));
            }
        }
    }
}
