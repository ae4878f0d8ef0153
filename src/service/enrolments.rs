//! `POST /v1/enrolments` and `DELETE /v1/enrolments/{course}`.

use crate::base::id::CourseId;
use crate::base::id::LessonId;
use crate::base::id::QuizId;
use crate::content::Catalogue;
use crate::course::Course;
use crate::course::Slug;
use crate::session;
use crate::session::Attempt;
use crate::session::Effect;
use crate::session::State;
use crate::session::TooManyCourses;

/// A course to be passed before another.
#[derive(Debug, Clone, PartialEq)]
struct Hurdle {
    id: Slug,
    course: CourseId,
    /// Its quizzes, each of which has to be passed.
    quizzes: Vec<QuizId>,
    /// Parts of 10,000 to reach in each.
    best_min: u16,
    /// Its recordings, which have to be watched where there is no quiz.
    lessons: Vec<LessonId>,
}

/// What is asked of a learner before the enrolment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    course: CourseId,
    hurdles: Vec<Hurdle>,
}

/// Why a learner is not enrolled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnrolRefusal {
    /// Something comes first.
    #[error("pass `{0}` first")]
    Before(Slug),
    /// No room.
    #[error(transparent)]
    TooMany(#[from] TooManyCourses),
}

/// An attempt is open: leaving would lose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an attempt at a quiz of the course is open; submit it first")]
pub(crate) struct AttemptOpen;

/// Share of each recording that counts as watched where a course has no quiz.
const WATCHED_MIN: f64 = 0.95;

impl Entry {
    /// What enrolment in `course` asks for.
    pub(crate) fn of(course: &Course, catalogue: &Catalogue) -> Self {
        let asked = catalogue.prerequisites(course);
        Self {
            course: course.key(),
            hurdles: asked.into_iter().map(Hurdle::of).collect(),
        }
    }

    /// Enrols the learner, unless something comes first. No effect for one who is enrolled: rules
    /// that came later send nobody away. Gives since when, unix seconds.
    ///
    /// # Errors
    /// [`EnrolRefusal`]; then nothing has changed.
    pub(crate) fn enrol(
        &self,
        state: &mut State,
        now_s: u32,
    ) -> Result<(u32, Option<Effect>), EnrolRefusal> {
        let known = state.courses.get(self.course);
        if let Some(enrolled_s) = known.and_then(|known| known.enrolled_s) {
            return Ok((enrolled_s, None));
        }
        let missing = self.hurdles.iter().find(|hurdle| !hurdle.is_taken(state));
        if let Some(hurdle) = missing {
            return Err(EnrolRefusal::Before(hurdle.id.clone()));
        }
        let effect = state.enrol(self.course, now_s)?;
        Ok((now_s, effect))
    }
}

impl Hurdle {
    fn of(course: &Course) -> Self {
        let recorded = course
            .lessons
            .iter()
            .filter(|lesson| lesson.duration_ms > 0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 10,000"
        )]
        let best_min = (course.pass.clamp(0.0, 1.0) * 10_000.0).round() as u16;
        Self {
            id: course.id.clone(),
            course: course.key(),
            quizzes: course
                .quizzes
                .iter()
                .map(|quiz| course.quiz_key(quiz))
                .collect(),
            best_min,
            lessons: recorded.map(|lesson| course.lesson_key(lesson)).collect(),
        }
    }

    fn is_taken(&self, state: &State) -> bool {
        let known = state.courses.get(self.course);
        known.is_some_and(|known| self.is_passed(known))
    }

    fn is_passed(&self, known: &session::Course) -> bool {
        if self.quizzes.is_empty() {
            let watched = |lesson: &LessonId| {
                let record = known.lessons.get(*lesson);
                record.is_some_and(|record| record.coverage.fraction() >= WATCHED_MIN)
            };
            return self.lessons.iter().all(watched);
        }
        let passed = |quiz: &QuizId| {
            let standing = known.quizzes.get(*quiz);
            standing.is_some_and(|standing| standing.best >= self.best_min)
        };
        self.quizzes.iter().all(passed)
    }
}

/// Leaves a course and forgets what was done in it; no effect if there is nothing to forget.
///
/// # Errors
/// [`AttemptOpen`] while answers are taken: nobody loses an exam by a slip.
pub(crate) fn leave(
    state: &mut State,
    course: CourseId,
    now_ms: u64,
) -> Result<Option<Effect>, AttemptOpen> {
    let is_open = |attempt: &Attempt| {
        attempt.is_opened() && attempt.closing().is_none() && now_ms <= attempt.deadline_ms
    };
    let known = state.courses.get(course);
    if known.is_some_and(|known| known.attempts.values().any(is_open)) {
        return Err(AttemptOpen);
    }
    Ok(state.leave(course))
}
