//! Problems collected while a file is read on, so that its author sees them all at once.

use crate::course::Entry;
use crate::course::Problem;
use crate::course::Slug;

/// Problems found so far.
#[derive(Debug, Default)]
pub struct Gather {
    problems: Vec<Problem>,
}

impl Gather {
    /// Nothing found yet.
    pub const fn new() -> Self {
        Self {
            problems: Vec::new(),
        }
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The problems, for those who add several.
    pub const fn problems(&mut self) -> &mut Vec<Problem> {
        &mut self.problems
    }

    /// The value, or `None` with the problem kept.
    pub fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// Reads an entry that may be absent.
    pub fn read<'d, T>(
        &mut self,
        entry: Option<Entry<'d>>,
        read: impl FnOnce(&Entry<'d>) -> Result<T, Problem>,
    ) -> Option<T> {
        let result = read(&entry?);
        self.take(result)
    }

    /// Reads a list of ids that may be absent.
    pub fn slugs(&mut self, entry: Option<Entry<'_>>) -> Vec<Slug> {
        self.read(entry, |e| e.each(Entry::slug))
            .unwrap_or_default()
    }

    /// `value` if nothing was wrong.
    ///
    /// # Errors
    /// All problems in the order they were found.
    pub fn done<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(self.problems)
        }
    }
}
