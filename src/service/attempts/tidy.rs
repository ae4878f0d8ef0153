//! What happens to attempts by the way: overdue ones close and are graded, old ones are forgotten.
//!
//! Nobody waits for it and no clock starts it: whatever a learner does with a quiz puts the others
//! in order too.

use crate::base::id::CourseId;
use crate::base::id::QuizId;
use crate::service::attempts::Desk;
use crate::service::attempts::Refused;
use crate::service::attempts::result;
use crate::session::AttemptKey;
use crate::session::Closing;
use crate::session::CourseFact;
use crate::session::Effect;
use crate::session::Fact;
use crate::session::State;

/// A quiz whose attempts up to `settled` are graded for good.
struct Settled {
    course: CourseId,
    quiz: QuizId,
    best: u16,
    settled: u16,
}

impl Desk {
    /// Whether everything is here that [`Desk::close`] and [`Desk::settle`] grade with. What no
    /// node can have any more is left as it is.
    ///
    /// # Errors
    /// [`Refused::Fetch`]; then try again once it is read.
    pub(super) fn ready(&self, state: &State) -> Result<(), Refused> {
        let overdue = state.overdue(self.timing);
        let overdue = overdue.map(|(course, key, _)| (course, key));
        let closed = state.closed_before(self.settle_before_ms());
        let closed = closed.map(|(course, key, _)| (course, key));
        let mut all = overdue.chain(closed);
        all.try_for_each(|(course, key)| self.is_here(course, key))
    }

    /// Closes and grades what nobody submitted in time.
    pub(super) fn close(&self, state: &mut State, effects: &mut Vec<Effect>) {
        for closed in state.close_overdue(self.timing) {
            let graded = self.grade(state, &closed);
            effects.push(closed);
            effects.extend(graded);
        }
    }

    /// The grade of an attempt that was just closed, if its version is here.
    pub(super) fn grade(&self, state: &mut State, closed: &Effect) -> Option<Effect> {
        let (course, key, closing) = closing_of(closed)?;
        let sheet = self.sheet(course, key).ok()?;
        let parts = result::outcome(sheet.key(), &closing.answers).mark.parts();
        Some(state.grade(course, key.quiz, parts, 0))
    }

    /// Forgets attempts that were closed long enough ago, in the order of their opening, and grades
    /// them for good. One that a person has to read stays, and those after it.
    pub(super) fn settle(&self, state: &mut State, effects: &mut Vec<Effect>) {
        let mut all: Vec<Settled> = Vec::new();
        let mut stuck = None;
        for (course, key, closing) in state.closed_before(self.settle_before_ms()) {
            let place = (course, key.quiz);
            if stuck == Some(place) {
                continue;
            }
            let last = all.last_mut();
            let last = last.filter(|last| (last.course, last.quiz) == place);
            match (self.final_parts(course, key, closing), last) {
                (Some(parts), Some(last)) => {
                    last.best = last.best.max(parts);
                    last.settled = key.ordinal;
                }
                (Some(best), None) => all.push(Settled {
                    course,
                    quiz: key.quiz,
                    best,
                    settled: key.ordinal,
                }),
                (None, last) => {
                    stuck = Some(place);
                    if let Some(last) = last {
                        // Two versions may have been opened as the same attempt.
                        last.settled = last.settled.min(key.ordinal.saturating_sub(1));
                    }
                }
            }
        }
        for one in all {
            effects.push(state.grade(one.course, one.quiz, one.best, one.settled));
        }
    }

    /// The grade of an attempt, unless it waits for a person or its version is nowhere.
    fn final_parts(&self, course: CourseId, key: AttemptKey, closing: &Closing) -> Option<u16> {
        let sheet = self.sheet(course, key).ok()?;
        let mark = result::outcome(sheet.key(), &closing.answers).mark;
        (mark.for_person == 0).then(|| mark.parts())
    }

    const fn settle_before_ms(&self) -> u64 {
        self.timing.now_ms.saturating_sub(self.keep_closed_ms)
    }
}

/// What a fact closes, and with what.
pub(super) const fn closing_of(effect: &Effect) -> Option<(CourseId, AttemptKey, &Closing)> {
    let Fact::Course {
        course,
        fact: CourseFact::Closed(key, closing),
        ..
    } = &effect.fact
    else {
        return None;
    };
    Some((*course, *key, closing))
}
