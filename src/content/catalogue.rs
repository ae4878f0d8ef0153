//! What the content folder holds at one moment.

use crate::base::digest::Digest;
use crate::content::Path;
use crate::content::shelf::Found;
use crate::content::shelf::Shelf;
use crate::course::Course;
use crate::course::Problem;
use crate::quiz;
use std::collections::HashSet;

/// Courses that are served, and what is wrong with those that are not. Immutable; a reload makes a
/// new one.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// By id.
    pub(crate) courses: Vec<Course>,
    /// In the order of `courses`.
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) modified_unix_s: u64,
    /// Versions of earlier catalogues that are no more.
    pub(crate) retired: HashSet<Digest>,
}

impl Catalogue {
    /// Courses in the order of their ids.
    pub fn courses(&self) -> &[Course] {
        &self.courses
    }

    /// The course of that id.
    pub fn course(&self, id: &str) -> Option<&Course> {
        self.courses.get(self.place(id)?)
    }

    /// What is wrong with lessons, quizzes and files that are left out.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// When the newest of its files was modified, seconds since 1970 UTC.
    pub const fn modified_unix_s(&self) -> u64 {
        self.modified_unix_s
    }

    /// What is right in a quiz; never sent to anybody.
    pub fn quiz_key(&self, course: &str, quiz: &str) -> Option<&quiz::Key> {
        let shelf = self.shelves.get(self.place(course)?)?;
        shelf.quizzes.get(quiz).map(|quiz| &quiz.key)
    }

    pub(crate) fn find(&self, path: &Path<'_>) -> Found<'_> {
        let shelf = self
            .place(path.course())
            .and_then(|at| self.shelves.get(at));
        shelf.map_or(Found::Nothing, |shelf| shelf.find(path))
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.courses
            .binary_search_by(|c| c.id.as_str().cmp(id))
            .ok()
    }

    /// Remembers what `earlier` served under versions that are no more, so that its URLs are
    /// answered with 410 and not 404.
    pub(crate) fn retire(&mut self, earlier: &Self) {
        let present: HashSet<Digest> = self.shelves.iter().flat_map(Shelf::versions).collect();
        let past = earlier.shelves.iter().flat_map(Shelf::versions);
        let past = past.chain(earlier.retired.iter().copied());
        let gone = past.filter(|version| !present.contains(version));
        self.retired = gone.take(RETIRED_MAX).collect();
    }
}

/// Versions remembered; 16 bytes each. The newest are kept.
const RETIRED_MAX: usize = 100_000;
