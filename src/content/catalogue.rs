//! What the content folder holds at one moment.

use crate::course::Course;
use crate::course::Problem;

/// Courses that are served, and what is wrong with those that are not. Immutable; a reload makes a
/// new one.
#[derive(Debug, Default)]
pub struct Catalogue {
    pub(crate) courses: Vec<Course>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) modified_unix_s: u64,
}

impl Catalogue {
    /// Courses in the order of their ids.
    pub fn courses(&self) -> &[Course] {
        &self.courses
    }

    /// The course of that id.
    pub fn course(&self, id: &str) -> Option<&Course> {
        let at = self
            .courses
            .binary_search_by(|c| c.id.as_str().cmp(id))
            .ok()?;
        self.courses.get(at)
    }

    /// What is wrong with lessons, quizzes and files that are left out.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// When the newest of its files was modified, seconds since 1970 UTC.
    pub const fn modified_unix_s(&self) -> u64 {
        self.modified_unix_s
    }
}
