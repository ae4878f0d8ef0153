//! A version of a quiz, as attempts need it: the served one, or one that was replaced since.

use crate::base::digest::Digest;
use crate::base::id::CourseId;
use crate::base::id::QuizId;
use crate::content::Catalogue;
use crate::content::Chunk;
use crate::content::Library;
use crate::content::LoadError;
use crate::content::shelf::ChunkId;
use crate::content::shelf::Job;
use crate::content::shelf::Kind;
use crate::content::shelf::QuizShelf;
use crate::course::Course;
use crate::course::Quiz;
use crate::course::Slug;
use crate::quiz::Key;
use std::fmt;
use std::sync::Arc;

/// What attempts call a version of a quiz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SheetName {
    /// The course.
    pub course: CourseId,
    /// The quiz within it.
    pub quiz: QuizId,
    /// The first 64 bits of the chunk's version.
    pub version: u64,
}

/// A version of a quiz. Cheap to copy.
#[derive(Clone)]
pub struct Sheet {
    pub(crate) name: SheetName,
    pub(crate) course: Slug,
    pub(crate) shelf: Arc<QuizShelf>,
}

impl Sheet {
    /// What attempts call it.
    pub const fn name(&self) -> SheetName {
        self.name
    }

    /// The course's id in URLs.
    pub const fn course(&self) -> &Slug {
        &self.course
    }

    /// The quiz's id in URLs.
    pub fn quiz(&self) -> &Slug {
        &self.shelf.name
    }

    /// Names the public chunk.
    pub fn version(&self) -> Digest {
        self.shelf.version
    }

    /// What is right; never sent to anybody. Read from the author's text when it is first asked
    /// for, which takes a millisecond.
    pub fn key(&self) -> &Key {
        self.shelf.key()
    }
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Sheet({}/{} {})",
            self.course,
            self.quiz(),
            self.version()
        )
    }
}

impl Catalogue {
    /// The course and quiz of these ids in URLs, and the version that is served.
    pub fn sheet(&self, course: &str, quiz: &str) -> Option<(&Course, &Quiz, Sheet)> {
        let shelf = Arc::clone(self.shelf(course)?.quizzes.get(quiz)?);
        let course = self.course(course)?;
        let listed = course
            .quizzes
            .iter()
            .find(|listed| listed.id == shelf.name)?;
        let name = SheetName {
            course: course.key(),
            quiz: course.quiz_key(listed),
            version: shelf.version.first64(),
        };
        let sheet = Sheet {
            name,
            course: course.id.clone(),
            shelf,
        };
        Some((course, listed, sheet))
    }

    /// The sheet of that name, if it is the version that is served.
    pub fn sheet_of(&self, name: SheetName) -> Option<Sheet> {
        let course = self.course_of(name.course)?;
        let shelves = &self.shelf(course.id.as_str())?.quizzes;
        let mut versions = shelves.iter();
        let (id, shelf) = versions.find(|(_, shelf)| shelf.version.first64() == name.version)?;
        let listed = course.quizzes.iter().find(|listed| listed.id == *id)?;
        (course.quiz_key(listed) == name.quiz).then(|| Sheet {
            name,
            course: course.id.clone(),
            shelf: Arc::clone(shelf),
        })
    }
}

impl Library {
    /// The public chunk of a sheet, also of one that is not served any more; built when it is not
    /// in the cache.
    ///
    /// # Errors
    /// [`LoadError`]; `Internal` where this program makes another chunk of the author's text than
    /// the one that made the sheet did.
    pub async fn hand_out(self: &Arc<Self>, sheet: &Sheet) -> Result<Arc<Chunk>, LoadError> {
        let id = ChunkId::new(sheet.shelf.id, Kind::Whole, 0);
        if let Some(chunk) = self.cached(&id) {
            return Ok(chunk);
        }
        let job = Job::Quiz(Arc::clone(&sheet.shelf));
        let built = Arc::clone(self).build(id, job).await;
        built
            .map(|(chunk, _)| chunk)
            .map_err(LoadError::of_the_past)
    }
}
