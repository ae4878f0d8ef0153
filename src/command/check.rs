//! `lamplight check`: every problem of a content folder.

use crate::command::Exit;
use crate::command::print;
use crate::content;
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

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
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
    let problems = match content::check(path) {
        Ok(problems) => problems,
        Err(error) => {
            print::complain(error);
            return Exit::Failed;
        }
    };
    match form {
        Form::Json => print::answer(json(&problems)),
        Form::Lines => lines(&problems, path),
    }
    if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

fn lines(problems: &[Problem], path: &Path) {
    for problem in problems {
        print::answer(problem);
    }
    match problems.len() {
        0 => print::answer(format_args!("{}: no problem found", path.display())),
        1 => print::answer("1 problem found"),
        n => print::answer(format_args!("{n} problems found")),
    }
}

fn json(problems: &[Problem]) -> String {
    let report = Report {
        ok: problems.is_empty(),
        problems: problems.iter().map(Entry::of).collect(),
    };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_read_file_line_what_and_remedy() {
        let problem = Problem {
            file: "a/course.toml".to_owned(),
            line: Some(3),
            what: "unknown key".to_owned(),
            remedy: "remove it".to_owned(),
        };
        let text = json(&[problem]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["ok"], false);
        assert_eq!(value["problems"][0]["line"], 3);
        assert_eq!(value["problems"][0]["remedy"], "remove it");
    }
}
