//! What becomes of attempts when their time is over: they close, are graded, and are forgotten.

use crate::base::id::CourseId;
use crate::base::id::QuizId;
use crate::session::Attempt;
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
        let overdue = self.overdue(timing);
        let closed = overdue.map(|(course, key, attempt)| {
            let closing = attempt.close(attempt.deadline_ms);
            self.effect(self.fact_in(course, CourseFact::Closed(key, closing)))
        });
        let effects: Vec<Effect> = closed.collect();
        effects.iter().for_each(|effect| self.apply(effect));
        effects
    }

    /// Attempts that nobody submitted and whose time is over, grace included.
    pub fn overdue(
        &self,
        timing: Timing,
    ) -> impl Iterator<Item = (CourseId, AttemptKey, &Attempt)> {
        let all = self.courses.iter().flat_map(|(course, known)| {
            let attempts = known.attempts.iter();
            attempts.map(move |(key, attempt)| (course, key, attempt))
        });
        all.filter(move |(_, _, attempt)| {
            attempt.is_opened() && attempt.closing().is_none() && !timing.allows(attempt)
        })
    }

    /// Attempts that were closed before `before_ms`, unix milliseconds, with what they closed with,
    /// in the order of their quizzes and ordinals; of a quiz only those before which, and beside
    /// which, none is open.
    pub fn closed_before(
        &self,
        before_ms: u64,
    ) -> impl Iterator<Item = (CourseId, AttemptKey, &Closing)> {
        let closed = move |attempt: &Attempt| {
            let closing = attempt.closing();
            closing.is_some_and(|closing| closing.at_ms < before_ms)
        };
        self.courses.iter().flat_map(move |(course, known)| {
            let whole = move |key: AttemptKey| {
                let mut up_to = known.attempts_at(key.quiz);
                up_to.all(|(other, attempt)| other.ordinal > key.ordinal || closed(attempt))
            };
            let attempts = known.attempts.iter().filter(move |(key, _)| whole(*key));
            attempts.filter_map(move |(key, attempt)| Some((course, key, attempt.closing()?)))
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
