//! `lamplight check`: every problem of a content folder.

use crate::command::Exit;
use crate::command::print;
use crate::content;
use crate::content::Bar;
use crate::content::Checked;
use crate::course::Problem;
use serde::Serialize;
use std::path::Path;

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One line a problem.
    Lines,
    /// One JSON document.
    Json,
}

/// The document of `--json`, described in docs/course-folder.md. Members are added, never changed.
#[derive(Serialize)]
struct Report<'a> {
    v: u32,
    ok: bool,
    courses: usize,
    lessons: usize,
    quizzes: usize,
    problems: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    file: &'a str,
    line: Option<u32>,
    what: &'a str,
    remedy: &'a str,
}

impl<'a> Entry<'a> {
    fn of(problem: &'a Problem) -> Self {
        let Problem {
            file,
            line,
            what,
            remedy,
        } = problem;
        Self {
            file,
            line: *line,
            what,
            remedy,
        }
    }
}

/// Checks the folder at `path` and prints what is wrong with it.
pub fn check(path: &Path, form: Form) -> Exit {
    let bar = Bar::new();
    let checked = content::check(path, &bar);
    bar.clear();
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => {
            print::complain(error);
            return Exit::Failed;
        }
    };
    match form {
        Form::Json => print::answer(json(&checked)),
        Form::Lines => lines(&checked),
    }
    if checked.problems.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

fn lines(checked: &Checked) {
    for problem in &checked.problems {
        print::answer(problem);
    }
    print::answer(summary(checked));
}

/// The last line: what would be served, and how much is wrong.
fn summary(checked: &Checked) -> String {
    let count = |n: usize, one: &str, many: &str| match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    let found = match checked.problems.len() {
        0 => "no problem found".to_owned(),
        n => format!("{} found", count(n, "problem", "problems")),
    };
    format!(
        "{}, {}, {}: {found}",
        count(checked.courses, "course", "courses"),
        count(checked.lessons, "lesson", "lessons"),
        count(checked.quizzes, "quiz", "quizzes"),
    )
}

fn json(checked: &Checked) -> String {
    let report = Report {
        v: 1,
        ok: checked.problems.is_empty(),
        courses: checked.courses,
        lessons: checked.lessons,
        quizzes: checked.quizzes,
        problems: checked.problems.iter().map(Entry::of).collect(),
    };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(problems: Vec<Problem>) -> Checked {
        Checked {
            problems,
            courses: 1,
            lessons: 3,
            quizzes: 1,
        }
    }

    #[test]
    fn machines_read_file_line_what_and_remedy() {
        let problem = Problem::new("a/course.toml", "unknown key", "remove it").at(3);
        let value: serde_json::Value =
            serde_json::from_str(&json(&checked(vec![problem]))).unwrap();
        let wanted = serde_json::json!({
            "v": 1, "ok": false, "courses": 1, "lessons": 3, "quizzes": 1,
            "problems": [{
                "file": "a/course.toml", "line": 3,
                "what": "unknown key", "remedy": "remove it",
            }],
        });
        assert_eq!(value, wanted);
    }

    #[test]
    fn the_last_line_counts_what_would_be_served() {
        let good = summary(&checked(Vec::new()));
        assert_eq!(good, "1 course, 3 lessons, 1 quiz: no problem found");
        let problem = Problem::new("a", "b", "c");
        let bad = summary(&checked(vec![problem.clone(), problem]));
        assert!(bad.ends_with(": 2 problems found"), "{bad}");
    }
}
