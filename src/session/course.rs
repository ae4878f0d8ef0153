//! What a learner did in one course.

use crate::base::id::LessonId;
use crate::base::id::QuizId;
use crate::progress::Record;
use crate::session::Attempt;
use crate::session::AttemptKey;
use crate::session::Sorted;

/// One course of one learner. A higher generation replaces a lower one whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course {
    /// Raised by un-enrolment and by a teacher's reset.
    pub generation: u32,
    /// Since when the learner is enrolled, unix seconds; the earliest counts. `None`: not enrolled.
    pub enrolled_s: Option<u32>,
    /// Lessons of which something was watched.
    pub lessons: Sorted<LessonId, Record>,
    /// Quizzes that were tried.
    pub quizzes: Sorted<QuizId, Standing>,
    /// Attempts that are open, or closed and not settled yet.
    pub attempts: Sorted<AttemptKey, Attempt>,
}

/// Where a learner stands with a quiz; every number only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Best share of the points, in parts of 10,000.
    pub best: u16,
    /// Highest ordinal of an attempt that was opened.
    pub opened: u16,
    /// Attempts up to this ordinal are graded for good; their answers are in the journal only.
    pub settled: u16,
}

impl Standing {
    /// Adds what another copy knows.
    pub fn join(&mut self, other: Self) {
        self.best = self.best.max(other.best);
        self.opened = self.opened.max(other.opened);
        self.settled = self.settled.max(other.settled);
    }
}

impl Course {
    /// An empty course of this generation.
    pub fn new(generation: u32) -> Self {
        Self {
            generation,
            ..Self::default()
        }
    }

    /// Adds all that another copy knows.
    pub fn join(&mut self, other: &Self) {
        if self.generation < other.generation {
            *self = other.clone();
        } else if self.generation == other.generation {
            let known = [self.enrolled_s, other.enrolled_s];
            self.enrolled_s = known.into_iter().flatten().min();
            self.lessons.join(&other.lessons, Record::join);
            self.quizzes
                .join(&other.quizzes, |mine, theirs| mine.join(*theirs));
            self.attempts.join(&other.attempts, Attempt::join);
            self.settle();
        }
    }

    /// The attempts at one quiz, in the order of their opening.
    pub fn attempts_at(&self, quiz: QuizId) -> impl Iterator<Item = (AttemptKey, &Attempt)> {
        self.attempts
            .iter()
            .filter(move |(key, _)| key.quiz == quiz)
    }

    /// Forgets attempts that are graded for good.
    pub(super) fn settle(&mut self) {
        let quizzes = &self.quizzes;
        self.attempts.retain(|key, _| {
            let standing = quizzes.get(key.quiz);
            standing.is_none_or(|standing| standing.settled < key.ordinal)
        });
    }
}
