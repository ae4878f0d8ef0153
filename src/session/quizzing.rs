//! The commands of quizzes: open, answer, submit, grade.
//!
//! Every accepted command gives an effect, also when it repeats what is known: who acknowledges
//! must have the fact on disk, and the first time may still be on its way there.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::QuizId;
use crate::base::limits::ANSWER_BYTES_MAX;
use crate::base::limits::ATTEMPT_BYTES_MAX;
use crate::base::limits::ATTEMPTS_OPEN_MAX;
use crate::base::limits::ATTEMPTS_PER_COURSE_MAX;
use crate::base::limits::ITEMS_PER_QUIZ_MAX;
use crate::session::Answer;
use crate::session::Attempt;
use crate::session::AttemptKey;
use crate::session::CourseFact;
use crate::session::Effect;
use crate::session::State;

/// What the catalogue says about a quiz; times are unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuizRules {
    /// Which quiz.
    pub quiz: QuizId,
    /// Version of its chunk: the first 64 bits of the digest.
    pub version: u64,
    /// From when on it can be opened; 0: always.
    pub opens_ms: u64,
    /// Until when answers are taken; `u64::MAX`: always.
    pub closes_ms: u64,
    /// Time for one attempt; `None`: unlimited.
    pub time_limit_ms: Option<u64>,
    /// Attempts a learner has; `None`: unlimited.
    pub attempts_max: Option<u16>,
}

/// The server's time, and how long after a deadline answers are still taken because networks are
/// slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Unix milliseconds.
    pub now_ms: u64,
    /// Milliseconds.
    pub grace_ms: u64,
}

/// What became of a request to open an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The attempt.
    pub key: AttemptKey,
    /// Whether it is a new one.
    pub fresh: bool,
    /// Facts for the journal: the opening, and the closing of attempts whose time was over.
    pub effects: Vec<Effect>,
}

/// Why no attempt is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenRefusal {
    /// Enrol first.
    #[error("the learner is not enrolled in the course")]
    NotEnrolled,
    /// Too early.
    #[error("the quiz opens in {wait_ms} ms")]
    NotYet {
        /// Milliseconds until then.
        wait_ms: u64,
    },
    /// Too late.
    #[error("the quiz is closed")]
    Over,
    /// No attempt is left.
    #[error("all {0} attempts were used")]
    UsedUp(u16),
    /// Others have to be submitted first.
    #[error("{ATTEMPTS_OPEN_MAX} attempts are open; submit one first")]
    TooManyOpen,
    /// Others have to be graded first.
    #[error("too many attempts wait to be graded")]
    TooManyUngraded,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// It counts.
    Accepted,
    /// It was known.
    Known,
    /// It is kept in the journal; a newer one counts.
    Superseded,
}

/// Why an answer is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRefusal {
    /// Not an attempt of this learner.
    #[error("there is no such attempt")]
    NoAttempt,
    /// The item's place is beyond any chunk.
    #[error("there is no such item")]
    NoItem,
    /// It was submitted.
    #[error("the attempt is closed")]
    Closed,
    /// The time was over.
    #[error("the time was over {late_ms} ms ago")]
    TooLate {
        /// Milliseconds since deadline and grace.
        late_ms: u64,
    },
    /// The number was used for another answer.
    #[error("answer {0} of this device says something else")]
    Conflict(u32),
    /// Larger than any answer.
    #[error(
        "an answer has at most {ANSWER_BYTES_MAX} bytes, all of an attempt {ATTEMPT_BYTES_MAX}"
    )]
    TooLarge,
}

/// Why an attempt is not submitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitRefusal {
    /// Not an attempt of this learner.
    #[error("there is no such attempt")]
    NoAttempt,
    /// The device has answered what this node has not seen: repeat the answers to the items at
    /// these places, then submit.
    #[error("answers to {} items were given that this node has not seen; repeat them", .0.len())]
    Missing(Vec<u16>),
}

impl State {
    /// Opens an attempt at a quiz of `course`, or gives the one that is open.
    ///
    /// # Errors
    /// [`OpenRefusal`].
    pub fn open(
        &mut self,
        course: CourseId,
        rules: &QuizRules,
        timing: Timing,
    ) -> Result<Opening, OpenRefusal> {
        let (key, open) = self.plan(course, rules, timing)?;
        let fresh = open.is_none();
        let mut effects = Vec::new();
        let (opened_ms, deadline_ms) = open.unwrap_or_else(|| {
            effects = self.close_overdue(timing);
            (timing.now_ms, rules.deadline(timing.now_ms))
        });
        let fact = CourseFact::Opened(key, opened_ms, deadline_ms);
        effects.push(self.done(self.fact_in(course, fact)));
        Ok(Opening {
            key,
            fresh,
            effects,
        })
    }

    /// Which attempt to open, with opening and deadline if it is open already.
    fn plan(
        &self,
        course: CourseId,
        rules: &QuizRules,
        timing: Timing,
    ) -> Result<(AttemptKey, Option<(u64, u64)>), OpenRefusal> {
        let known = self.courses.get(course);
        let known = known.filter(|known| known.enrolled_s.is_some());
        let known = known.ok_or(OpenRefusal::NotEnrolled)?;
        let mut all = known.attempts_at(rules.quiz);
        let open = all.find(|(_, attempt)| attempt.is_opened() && timing.allows(attempt));
        if let Some((key, attempt)) = open {
            return Ok((key, Some((attempt.opened_ms, attempt.deadline_ms))));
        }
        rules.admits(timing.now_ms)?;
        let standing = known.quizzes.get(rules.quiz).copied().unwrap_or_default();
        if let Some(max) = rules.attempts_max.filter(|max| standing.opened >= *max) {
            return Err(OpenRefusal::UsedUp(max));
        }
        if known.attempts.len() >= ATTEMPTS_PER_COURSE_MAX || standing.opened == u16::MAX {
            return Err(OpenRefusal::TooManyUngraded);
        }
        let all = self
            .courses
            .values()
            .flat_map(|course| course.attempts.values());
        if all.filter(|attempt| timing.allows(attempt)).count() >= ATTEMPTS_OPEN_MAX {
            return Err(OpenRefusal::TooManyOpen);
        }
        let key = AttemptKey {
            quiz: rules.quiz,
            ordinal: standing.opened + 1,
            version: rules.version,
        };
        Ok((key, None))
    }

    /// Takes an answer to the item at place `item`.
    ///
    /// # Errors
    /// [`AnswerRefusal`]; then nothing has changed.
    pub fn answer(
        &mut self,
        (course, key): (CourseId, AttemptKey),
        item: u16,
        answer: Answer,
        grace_ms: u64,
    ) -> Result<(Answering, Effect), AnswerRefusal> {
        let attempt = self.opened(course, key).ok_or(AnswerRefusal::NoAttempt)?;
        if item >= ITEMS_PER_QUIZ_MAX {
            return Err(AnswerRefusal::NoItem);
        }
        let known = attempt.counted().get(item);
        if let Some(known) = known.filter(|known| known.is_same(&answer)) {
            let fact = CourseFact::Answered(key, item, known.clone());
            return Ok((Answering::Known, self.done(self.fact_in(course, fact))));
        }
        if attempt.closing().is_some() {
            return Err(AnswerRefusal::Closed);
        }
        let end_ms = attempt.deadline_ms.saturating_add(grace_ms);
        if answer.at_ms > end_ms {
            let late_ms = answer.at_ms - end_ms;
            return Err(AnswerRefusal::TooLate { late_ms });
        }
        let numbered = |known: &&Answer| (known.seq, known.device) == (answer.seq, answer.device);
        if known.filter(numbered).is_some() {
            return Err(AnswerRefusal::Conflict(answer.seq));
        }
        let replaced = known.map_or(0, |known| known.body.len());
        let bytes = attempt.body_bytes() - replaced + answer.body.len();
        if answer.body.len() > ANSWER_BYTES_MAX || bytes > ATTEMPT_BYTES_MAX {
            return Err(AnswerRefusal::TooLarge);
        }
        let outcome = match known {
            Some(known) if *known > answer => Answering::Superseded,
            _ => Answering::Accepted,
        };
        let fact = CourseFact::Answered(key, item, answer);
        Ok((outcome, self.done(self.fact_in(course, fact))))
    }

    /// Closes an attempt with the answers that were seen; of a closed one, gives the closing again.
    /// `given` lists the items that `device` says it answered, by place, with the number of the
    /// last answer to each.
    ///
    /// # Errors
    /// [`SubmitRefusal`]; then nothing has changed.
    pub fn submit(
        &mut self,
        (course, key): (CourseId, AttemptKey),
        device: DeviceId,
        given: &[(u16, u32)],
        timing: Timing,
    ) -> Result<Effect, SubmitRefusal> {
        let attempt = self.opened(course, key).ok_or(SubmitRefusal::NoAttempt)?;
        let closing = match attempt.closing() {
            Some(closing) => closing.clone(),
            None => {
                let unseen = |(item, seq): &&(u16, u32)| !attempt.has_seen(*item, *seq, device);
                let missing: Vec<u16> = given.iter().filter(unseen).map(|given| given.0).collect();
                if !missing.is_empty() && timing.allows(attempt) {
                    return Err(SubmitRefusal::Missing(missing));
                }
                attempt.close(timing.now_ms)
            }
        };
        let fact = CourseFact::Closed(key, closing);
        Ok(self.done(self.fact_in(course, fact)))
    }

    /// An attempt whose opening is known here.
    fn opened(&self, course: CourseId, key: AttemptKey) -> Option<&Attempt> {
        let attempt = self.courses.get(course)?.attempts.get(key)?;
        attempt.is_opened().then_some(attempt)
    }
}

impl QuizRules {
    fn admits(&self, now_ms: u64) -> Result<(), OpenRefusal> {
        if now_ms < self.opens_ms {
            let wait_ms = self.opens_ms - now_ms;
            return Err(OpenRefusal::NotYet { wait_ms });
        }
        if now_ms >= self.closes_ms {
            return Err(OpenRefusal::Over);
        }
        Ok(())
    }

    fn deadline(&self, now_ms: u64) -> u64 {
        let limit_ms = self.time_limit_ms.unwrap_or(u64::MAX);
        now_ms.saturating_add(limit_ms).min(self.closes_ms)
    }
}

impl Timing {
    /// Whether answers to the attempt are taken now.
    pub(super) const fn allows(self, attempt: &Attempt) -> bool {
        let end_ms = attempt.deadline_ms.saturating_add(self.grace_ms);
        attempt.closing().is_none() && self.now_ms <= end_ms
    }
}
