//! An author's text, read as each kind of course file.
//!
//! Promises: no panic; a refusal names the file, a line inside the text and a remedy; a quiz that
//! is accepted fits its chunk.

use lamplight::base::limits::QUIZ_CHUNK_BYTES_MAX;
use lamplight::course::CourseFile;
use lamplight::course::Language;
use lamplight::course::LessonFile;
use lamplight::course::Problem;
use lamplight::course::Slug;
use lamplight::media::Captions;
use lamplight::quiz::Quiz;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let lines = u32::try_from(text.lines().count()).unwrap() + 1;
    let explained = |problems: Vec<Problem>| {
        assert!(!problems.is_empty());
        for problem in problems {
            assert!(problem.file == "f" && !problem.what.is_empty() && !problem.remedy.is_empty());
            assert!(
                problem.line.is_none_or(|line| (1..=lines).contains(&line)),
                "{problem}"
            );
        }
    };
    let main = Language::parse("vi").unwrap();
    if let Err(problems) = CourseFile::parse("f", text) {
        explained(problems);
    }
    if let Err(problems) = LessonFile::parse("f", text, &main) {
        explained(problems);
    }
    match Quiz::parse("f", text, &main, 0.7) {
        Ok(quiz) => {
            let (json, _) = quiz.chunk(&Slug::parse("q").unwrap());
            assert!(json.len() <= QUIZ_CHUNK_BYTES_MAX);
            assert_eq!(quiz.key.len(), quiz.items() as usize);
        }
        Err(problems) => explained(problems),
    }
    match Captions::parse(text) {
        Ok(captions) => {
            let whole = captions.segment(0, u64::MAX);
            assert_eq!(Captions::parse(&whole).map(|c| c.len()), Ok(captions.len()));
        }
        Err(error) => assert!((1..=lines).contains(&error.line), "{error}"),
    }
}
