//! The catalogue's model: what is known of a course without opening its media.

use crate::base::digest::Digest;
use crate::base::id::CourseId;
use crate::base::id::LessonId;
use crate::base::id::QuizId;
use crate::course::Language;
use crate::course::Moment;
use crate::course::Slug;
use crate::course::Texts;
use serde::Deserialize;
use serde::Serialize;

/// A course: one folder of lessons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Its id, unique in the catalogue.
    pub id: Slug,
    /// Raised by the author when progress made so far should no longer count; from 1.
    pub revision: u32,
    /// Its title.
    pub title: Texts,
    /// What it is about; may be empty.
    pub summary: Texts,
    /// Languages it is taught in, main one first; never empty.
    pub languages: Vec<Language>,
    /// Audience groups it is meant for; empty means everyone.
    pub audience: Vec<Slug>,
    /// Courses to be passed before.
    pub prerequisites: Vec<Slug>,
    /// Licence of the content, an SPDX expression or a sentence.
    pub license: Option<String>,
    /// Share of each quiz to reach for passing the course, 0 to 1.
    pub pass: f64,
    /// Lessons in the order of their folders.
    pub lessons: Vec<Lesson>,
    /// Quizzes in the order of their lessons, those of the course itself last.
    pub quizzes: Vec<Quiz>,
}

impl Course {
    /// Playing time of all lessons, milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.lessons.iter().map(|l| l.duration_ms).sum()
    }

    /// What learners' states call it.
    pub fn key(&self) -> CourseId {
        CourseId::of(self.id.as_str())
    }

    /// What they call one of its lessons. A raised revision, the lesson's or the course's, makes
    /// it another one, so that earlier progress no longer counts.
    pub fn lesson_key(&self, lesson: &Lesson) -> LessonId {
        match (self.revision, lesson.revision) {
            (1, 1) => LessonId::of(lesson.id.as_str()),
            (course, own) => LessonId::of(&format!("{} {course} {own}", lesson.id)),
        }
    }

    /// What they call one of its quizzes; another one once the course's revision is raised.
    pub fn quiz_key(&self, quiz: &Quiz) -> QuizId {
        match self.revision {
            1 => QuizId::of(quiz.id.as_str()),
            course => QuizId::of(&format!("{} {course}", quiz.id)),
        }
    }
}

/// A lesson: one folder with renditions of one recording, captions and quizzes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Its id, unique in the course.
    pub id: Slug,
    /// Raised by the author when a replaced recording makes earlier coverage void; from 1.
    pub revision: u32,
    /// Its title.
    pub title: Texts,
    /// What it is about; may be empty.
    pub summary: Texts,
    /// What it teaches.
    pub skills: Vec<Slug>,
    /// Playing time, milliseconds; 0 for a lesson without a recording.
    pub duration_ms: u64,
    /// Renditions, pictures by rising size, then sound; empty without a recording.
    pub renditions: Vec<Rendition>,
    /// Languages with captions.
    pub captions: Vec<Language>,
    /// Languages with a reading page.
    pub texts: Vec<Language>,
    /// Paths of attachments below the course, for `/files/{course}/{path}`.
    pub attachments: Vec<String>,
}

/// One track of a lesson.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rendition {
    /// Its track name, unique in the lesson.
    pub track: Slug,
    /// Names its bytes: a hash of the source, the packaging revision and the segment target.
    pub version: Digest,
    /// Codec as RFC 6381 writes it, e.g. `avc1.4D401F`.
    pub codec: String,
    /// Peak bits a second over one segment.
    pub bandwidth: u64,
    /// Bits a second over the whole track.
    pub average_bandwidth: u64,
    /// Picture or sound.
    pub shape: Shape,
}

/// What a track shows or sounds like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// A picture.
    Video {
        /// Pixels across, after rotation.
        width: u32,
        /// Pixels down, after rotation.
        height: u32,
        /// Frames in a thousand seconds.
        frames_per_1000_s: u64,
    },
    /// Sound.
    Audio {
        /// Channels, 1 to 8.
        channels: u16,
        /// Samples a second.
        sample_rate: u32,
        /// Its language.
        language: Language,
    },
}

/// A quiz as the catalogue lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quiz {
    /// Its id, unique in the course.
    pub id: Slug,
    /// The lesson whose folder it lies in; `None` for a quiz of the whole course.
    pub lesson: Option<Slug>,
    /// Its title.
    pub title: Texts,
    /// Number of items, from 1.
    pub items: u32,
    /// Names the public chunk: `/quiz/{course}/{quiz}/{version}.json`.
    pub version: Digest,
    /// When it opens; `None`: always open.
    pub opens_at: Option<Moment>,
    /// When it closes; `None`: never.
    pub closes_at: Option<Moment>,
    /// Time for one attempt, milliseconds; `None`: unlimited.
    pub time_limit_ms: Option<u64>,
    /// Attempts a learner has; `None`: as many as wanted.
    pub attempts_max: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Language;

    #[test]
    fn a_raised_revision_makes_earlier_progress_void_and_nothing_else_does() {
        let slug = |text| Slug::parse(text).unwrap();
        let vi = Language::parse("vi").unwrap();
        let lesson = |title: &str, revision| Lesson {
            id: slug("mat-khau"),
            revision,
            title: Texts::one(vi.clone(), title),
            summary: Texts::default(),
            skills: Vec::new(),
            duration_ms: 1000,
            renditions: Vec::new(),
            captions: Vec::new(),
            texts: Vec::new(),
            attachments: Vec::new(),
        };
        let course = |revision| Course {
            id: slug("ky-nang-so"),
            revision,
            title: Texts::one(vi.clone(), "a"),
            summary: Texts::default(),
            languages: vec![vi.clone()],
            audience: Vec::new(),
            prerequisites: Vec::new(),
            license: None,
            pass: 0.7,
            lessons: Vec::new(),
            quizzes: Vec::new(),
        };
        let key = |of_course, of_lesson| course(of_course).lesson_key(&lesson("a", of_lesson));
        assert_eq!(key(1, 1), LessonId::of("mat-khau"));
        assert_eq!(key(1, 1), course(1).lesson_key(&lesson("b", 1)));
        let keys = [
            key(1, 1),
            key(1, 2),
            key(2, 1),
            key(2, 2),
            key(1, 12),
            key(11, 2),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(one), "{keys:?}");
        }
        assert_eq!(course(1).key(), course(2).key());
    }
}
