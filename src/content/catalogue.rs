//! What the content folder holds at one moment.

use crate::base::id::CourseId;
use crate::content::Path;
use crate::content::Sheet;
use crate::content::disk::OnDisk;
use crate::content::past::Past;
use crate::content::prerequisites;
use crate::content::shelf::Found;
use crate::content::shelf::Shelf;
use crate::content::stand::Served;
use crate::content::stand::Stand;
use crate::course::Course;
use crate::course::Problem;
use crate::course::Slug;
use crate::quiz;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// Courses that are served, and what is wrong with those that are not. Immutable; a reload makes a
/// new one, which shares what stayed.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// By id.
    courses: Vec<Arc<Course>>,
    /// In the order of `courses`.
    shelves: Vec<Arc<Shelf>>,
    /// In the order of `courses`.
    searchable: Vec<Arc<str>>,
    /// Places in `courses` by what learners' states call them.
    keys: HashMap<CourseId, usize>,
    problems: Vec<Problem>,
    modified_unix_s: u64,
    /// Every course folder as it was read.
    pub(crate) stands: Vec<Arc<Stand>>,
    /// What earlier ones served.
    pub(crate) past: Past,
    /// Versions of quizzes that the one before it served.
    left: Vec<Sheet>,
}

impl Catalogue {
    /// What these folders hold together; `problems` are those of the content folder itself.
    pub(crate) fn new(stands: Vec<Arc<Stand>>, mut problems: Vec<Problem>) -> Self {
        let mut found: BTreeMap<&str, &Served> = BTreeMap::new();
        let mut keys: HashMap<CourseId, &str> = HashMap::new();
        for stand in &stands {
            problems.extend(stand.problems.iter().cloned());
            let Some(served) = &stand.served else {
                continue;
            };
            let id = served.course.id.as_str();
            // Equal ids have equal hashes, and different ones had better not.
            let other = *keys.entry(served.course.key()).or_insert(id);
            if found.contains_key(other) {
                let what = if other == id {
                    format!("another course has the id `{id}`")
                } else {
                    format!("the ids `{id}` and `{other}` have the same hash")
                };
                let remedy = "rename the folder or give it another `id`";
                problems.push(Problem::new(&stand.folder, what, remedy));
            } else {
                found.insert(id, served);
            }
        }
        let courses: Vec<_> = found.values().map(|s| Arc::clone(&s.course)).collect();
        problems.extend(prerequisites::problems(&courses, &stands));
        problems.sort();
        let modified = found.values().map(|served| served.modified_unix_s);
        let keys = courses.iter().enumerate();
        Self {
            keys: keys.map(|(at, course)| (course.key(), at)).collect(),
            modified_unix_s: modified.max().unwrap_or(0),
            shelves: found.values().map(|s| Arc::clone(&s.shelf)).collect(),
            searchable: found.values().map(|s| Arc::clone(&s.searchable)).collect(),
            past: Past::default(),
            left: Vec::new(),
            courses,
            problems,
            stands,
        }
    }

    /// A catalogue of courses without anything in them.
    #[cfg(test)]
    pub(crate) fn of(courses: Vec<Course>) -> Self {
        let stand = |course: Course| Stand {
            folder: course.id.to_string(),
            fingerprint: crate::base::digest::Digest::of(&[]),
            read_by: crate::base::digest::Digest::of(&[]),
            was_fresh: false,
            served: Some(Served::new(course, Shelf::default(), 0)),
            problems: Vec::new(),
        };
        let stands = courses.into_iter().map(stand).map(Arc::new);
        Self::new(stands.collect(), Vec::new())
    }

    /// Courses in the order of their ids.
    pub fn courses(&self) -> &[Arc<Course>] {
        &self.courses
    }

    /// What a search looks through, folded, in the order of [`Catalogue::courses`].
    pub fn searchable(&self) -> &[Arc<str>] {
        &self.searchable
    }

    /// The course of that id.
    pub fn course(&self, id: &str) -> Option<&Course> {
        self.courses.get(self.place(id)?).map(|course| &**course)
    }

    /// The course that learners' states call so.
    pub fn course_of(&self, key: CourseId) -> Option<&Course> {
        let place = self.keys.get(&key)?;
        self.courses.get(*place).map(|course| &**course)
    }

    /// The courses to be passed before `course`. One that is not here does not count, nor one that
    /// in its turn asks for `course`: nobody could ever begin either.
    pub fn prerequisites(&self, course: &Course) -> Vec<&Course> {
        prerequisites::of(course, &|id| self.course(id.as_str()))
    }

    /// Versions of quizzes that the catalogue before this one served and this one does not:
    /// attempts at them may be open, here or on other nodes.
    pub fn left(&self) -> &[Sheet] {
        &self.left
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
        shelf.quizzes.get(quiz).map(|quiz| quiz.key())
    }

    pub(crate) fn find(&self, path: &Path<'_>) -> Option<Found<'_>> {
        self.shelf(path.course())?.find(path)
    }

    /// The shelf of that course.
    pub(crate) fn shelf(&self, course: &str) -> Option<&Shelf> {
        self.shelves.get(self.place(course)?).map(|shelf| &**shelf)
    }

    /// All courses' ids and shelves.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Slug, &Shelf)> {
        let ids = self.courses.iter().map(|course| &course.id);
        ids.zip(self.shelves.iter().map(|shelf| &**shelf))
    }

    /// The files behind every version that stands in a URL, those of replaced lessons among them.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &OnDisk> {
        let lessons = self.shelves.iter().flat_map(|shelf| shelf.lessons.values());
        let now = lessons.flat_map(|lesson| lesson.sources());
        now.chain(self.past.sources())
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

    /// Whether `other` was made of the very same readings.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let mut pairs = self.stands.iter().zip(&other.stands);
        let stands = pairs.all(|(one, other)| Arc::ptr_eq(one, other));
        stands && self.stands.len() == other.stands.len() && self.problems == other.problems
    }

    /// Remembers what `earlier` served and this one does not, for as long as `keep` from `now` on.
    pub(crate) fn follow(&mut self, earlier: &Self, now: Instant, keep: Duration) {
        self.past = Past::of(earlier, self, now, keep);
        let changed = earlier
            .all()
            .filter(|(course, shelf)| !self.has_shelf(course, shelf));
        let sheets = changed.flat_map(|(course, shelf)| {
            let quizzes = shelf.quizzes.keys();
            quizzes.filter_map(|quiz| earlier.sheet(course.as_str(), quiz.as_str()))
        });
        let left = sheets.map(|(_, _, sheet)| sheet);
        self.left = left
            .filter(|sheet| self.sheet_of(sheet.name()).is_none())
            .collect();
    }
}
