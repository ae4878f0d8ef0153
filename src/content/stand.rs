//! One course folder as it was read: what is served of it, and what is wrong with it.

use crate::base::digest::Digest;
use crate::content::shelf::LessonShelf;
use crate::content::shelf::Shelf;
use crate::course::Course;
use crate::course::Problem;
use crate::course::searchable;
use serde::Deserialize;
use serde::Serialize;
use std::sync::Arc;

/// A course folder. Kept from one catalogue to the next as long as its fingerprint stays.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stand {
    /// The folder's name.
    pub(crate) folder: String,
    /// Of the survey that it was read from.
    pub(crate) fingerprint: Digest,
    /// The program that read it: another one may see something else in the same files.
    pub(crate) read_by: Digest,
    /// Whether a file of it was so new that it may have been written to afterwards without its
    /// time telling so: it is read once more.
    pub(crate) was_fresh: bool,
    /// `None` if nothing of it can be served.
    pub(crate) served: Option<Served>,
    pub(crate) problems: Vec<Problem>,
}

/// What is served of a course.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Served {
    pub(crate) course: Arc<Course>,
    pub(crate) shelf: Arc<Shelf>,
    /// What a search looks through.
    pub(crate) searchable: Arc<str>,
    /// When the newest of its files was modified, seconds since 1970 UTC.
    pub(crate) modified_unix_s: u64,
}

impl Served {
    /// A course and its sources.
    pub(crate) fn new(course: Course, shelf: Shelf, modified_unix_s: u64) -> Self {
        Self {
            searchable: searchable(&course).into(),
            course: Arc::new(course),
            shelf: Arc::new(shelf),
            modified_unix_s,
        }
    }
}

impl Stand {
    /// Tracks of one recording hold it once; decoding gave each its own.
    pub(crate) fn share(&mut self) {
        let shelf = self.served.as_mut().map(|served| &mut served.shelf);
        let Some(shelf) = shelf.and_then(Arc::get_mut) else {
            return;
        };
        let lessons = shelf.lessons.values_mut().filter_map(Arc::get_mut);
        lessons.for_each(LessonShelf::share);
    }
}

/// Whether something modified at `youngest_ns` may still be written to at `unix_ns`.
pub(crate) const fn is_fresh(youngest_ns: u64, unix_ns: u64) -> bool {
    // A clock far behind the files' own must not make everything fresh for ever.
    youngest_ns.abs_diff(unix_ns) < SETTLE_NS
}

/// A file untouched for so long is whole.
const SETTLE_NS: u64 = 3_000_000_000;
