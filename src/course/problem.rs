//! What is wrong with an author's file.

use serde::Deserialize;
use serde::Serialize;
use std::fmt;

/// One mistake in a course folder: what, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// Path below the content folder, with `/` between names.
    pub file: String,
    /// Line from 1, where one line is to blame.
    pub line: Option<u32>,
    /// What is wrong, one sentence without a full stop.
    pub what: String,
    /// What the author does about it, one sentence without a full stop.
    pub remedy: String,
}

impl Problem {
    /// A problem of a whole file.
    pub fn new(
        file: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            line: None,
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// The same problem, at `line` (from 1).
    #[must_use]
    pub fn at(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

/// The one of `known` that `name` was probably meant to be: no more edits away than a third of
/// its length.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored = known.iter().map(|k| (distance(name, k), *k));
    let (edits, best) = scored.min_by_key(|(edits, _)| *edits)?;
    (edits <= name.chars().count().div_ceil(3)).then_some(best)
}

/// Edits (insert, remove, replace one character) between two names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_names_the_key_that_was_meant() {
        let known = ["title", "languages", "license"];
        assert_eq!(nearest("titel", &known), Some("title"));
        assert_eq!(nearest("licence", &known), Some("license"));
        assert_eq!(nearest("zzzzzz", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!((distance("", "abc"), distance("abc", "")), (3, 3));
    }

    #[test]
    fn a_problem_reads_as_one_line() {
        let problem = Problem::new("a/course.toml", "no title", "add `title`").at(3);
        assert_eq!(
            problem.to_string(),
            "a/course.toml:3: no title; add `title`"
        );
    }
}
