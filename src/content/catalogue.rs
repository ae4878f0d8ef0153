//! What the content folder holds at one moment.

use crate::content::Path;
use crate::content::past::Past;
use crate::content::shelf::Found;
use crate::content::shelf::Shelf;
use crate::course::Course;
use crate::course::Problem;
use crate::course::Slug;
use crate::quiz;
use std::time::Duration;
use std::time::Instant;

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
    /// What earlier ones served.
    pub(crate) past: Past,
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
        let shelf = self.shelf(course)?;
        shelf.quizzes.get(quiz).map(|quiz| &quiz.key)
    }

    pub(crate) fn find(&self, path: &Path<'_>) -> Option<Found<'_>> {
        self.shelf(path.course())?.find(path)
    }

    /// The shelf of that course.
    pub(crate) fn shelf(&self, course: &str) -> Option<&Shelf> {
        self.shelves.get(self.place(course)?)
    }

    /// All courses' ids and shelves.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Slug, &Shelf)> {
        self.courses.iter().map(|c| &c.id).zip(&self.shelves)
    }

    /// Whether that very shelf is served.
    pub(crate) fn has_shelf(&self, course: &Slug, shelf: &Shelf) -> bool {
        self.shelf(course.as_str())
            .is_some_and(|own| std::ptr::eq(own, shelf))
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.courses
            .binary_search_by(|c| c.id.as_str().cmp(id))
            .ok()
    }

    /// Remembers what `earlier` served and this one does not, for as long as `keep` from `now` on.
    pub(crate) fn follow(&mut self, earlier: &Self, now: Instant, keep: Duration) {
        self.past = Past::of(earlier, self, now, keep);
    }
}
