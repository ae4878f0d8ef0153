//! What becomes of attempts when their time is over: they close, are graded, and are forgotten.

use crate::base::id::CourseId;
use crate::base::id::QuizId;
use crate::session::AttemptKey;
use crate::session::Closing;
use crate::session::CourseFact;
use crate::session::Effect;
use crate::session::Standing;
use crate::session::State;
use crate::session::Timing;

impl State {
    /// Closes the attempts that nobody submitted and whose time is over, grace included, with what
    /// was acknowledged in time.
    pub fn close_overdue(&mut self, timing: Timing) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (course, known) in self.courses.iter() {
            let overdue = known.attempts.iter().filter(|(_, attempt)| {
                attempt.is_opened() && attempt.closing().is_none() && !timing.allows(attempt)
            });
            effects.extend(overdue.map(|(key, attempt)| {
                let closing = attempt.close(attempt.deadline_ms);
                self.effect(self.fact_in(course, CourseFact::Closed(key, closing)))
            }));
        }
        effects.iter().for_each(|effect| self.apply(effect));
        effects
    }

    /// Attempts that were closed before `before_ms`, unix milliseconds, with what they closed with,
    /// in the order of their quizzes and ordinals; of a quiz only those before which none is open.
    pub fn closed_before(
        &self,
        before_ms: u64,
    ) -> impl Iterator<Item = (CourseId, AttemptKey, &Closing)> {
        self.courses.iter().flat_map(move |(course, known)| {
            let mut stuck = None;
            known.attempts.iter().filter_map(move |(key, attempt)| {
                let closing = attempt.closing();
                let closing = closing.filter(|closing| closing.at_ms < before_ms);
                if closing.is_none() {
                    stuck = Some(key.quiz);
                }
                let closing = closing.filter(|_| stuck != Some(key.quiz))?;
                Some((course, key, closing))
            })
        })
    }

    /// Records a grade: the best share of the points in parts of 10,000 and, once no answer can
    /// turn up from anywhere any more, the ordinal up to which attempts are graded for good.
    pub fn grade(&mut self, course: CourseId, quiz: QuizId, best: u16, settled: u16) -> Effect {
        let standing = Standing {
            best: best.min(10_000),
            opened: settled,
            settled,
        };
        let fact = CourseFact::Graded(quiz, standing);
        self.done(self.fact_in(course, fact))
    }
}
