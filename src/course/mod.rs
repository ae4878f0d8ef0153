//! Floor 1: what a course is (course → lesson → rendition, quiz) and how its files are written.
//!
//! - [`Course`], [`Lesson`], [`Quiz`]: the catalogue's model, ready to be shown as JSON.
//! - [`Slug`], [`Language`], [`Texts`]: the words the model is made of.
//! - [`CourseFile`], [`LessonFile`]: `course.toml` and `lesson.toml`, parsed from text.
//! - [`Document`]: a TOML text read key by key, so that every mistake carries its line and, for an
//!   unknown key, the nearest known name. The quiz room reads its files through it too.
//! - [`Problem`]: what is wrong with an author's file, where, and how to mend it.
//!
//! Invariants: an id in the model is a valid [`Slug`]; a text is never empty; nothing here opens a
//! file.

mod document;
mod file;
mod gather;
mod iso639;
mod language;
mod model;
mod moment;
mod problem;
mod search;
mod slug;

pub use document::Document;
pub use document::Entry;
pub use document::Table;
pub use file::CourseFile;
pub use file::LessonFile;
pub use gather::Gather;
pub use language::Language;
pub use language::Texts;
pub use model::Course;
pub use model::Lesson;
pub use model::Quiz;
pub use model::Rendition;
pub use model::Shape;
pub use moment::Moment;
pub use problem::Problem;
pub use problem::nearest;
pub use search::fold;
pub use search::searchable;
pub use slug::Slug;
