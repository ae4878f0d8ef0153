//! Where a learner goes on.

use crate::content::Catalogue;
use crate::course::Course;
use crate::course::Slug;
use crate::progress::Position;
use crate::progress::Record;
use crate::session;
use crate::session::State;
use serde::Serialize;

/// A place in a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Resume {
    course: Slug,
    lesson: Slug,
    /// Milliseconds into the lesson.
    at_ms: u32,
}

/// Where the learner watched last; when that lesson was watched to its end, the next of the course
/// that is not. `None` if nothing was begun, or nothing is left.
pub(crate) fn resume(state: &State, catalogue: &Catalogue) -> Option<Resume> {
    let courses = state
        .courses
        .iter()
        .filter(|(_, known)| known.enrolled_s.is_some());
    let courses = courses.filter_map(|(key, known)| Some((catalogue.course_of(key)?, known)));
    let watched = courses.flat_map(|(course, known)| {
        let lessons = course.lessons.iter().enumerate();
        lessons.filter_map(move |(at, lesson)| {
            let record = known.lessons.get(course.lesson_key(lesson))?;
            Some((record.position, (course, known, at)))
        })
    });
    let (position, (course, known, at)) = watched.max_by_key(|(position, _)| *position)?;
    let at = match position.ms {
        Position::END => next_after(course, known, at)?,
        _ => at,
    };
    let lesson = course.lessons.get(at)?;
    Some(Resume {
        course: course.id.clone(),
        lesson: lesson.id.clone(),
        at_ms: known
            .lessons
            .get(course.lesson_key(lesson))
            .map_or(0, resume_ms),
    })
}

/// Where to begin in a lesson of which something was watched; at its start if it was the end.
pub(crate) const fn resume_ms(record: &Record) -> u32 {
    match record.position.ms {
        Position::END => 0,
        ms => ms,
    }
}

/// The first lesson behind place `at` with a recording that was not watched whole.
fn next_after(course: &Course, known: &session::Course, at: usize) -> Option<usize> {
    let mut lessons = course.lessons.iter().enumerate().skip(at + 1);
    let next = lessons.find(|(_, lesson)| {
        let record = known.lessons.get(course.lesson_key(lesson));
        lesson.duration_ms > 0 && record.is_none_or(|record| !record.coverage.is_complete())
    });
    next.map(|(at, _)| at)
}
