//! An attempt at a quiz: answers until it closes, then what it closed with.

use crate::base::id::AttemptId;
use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::base::id::QuizId;
use crate::session::Answer;
use crate::session::Sorted;
use aws_lc_rs::hmac;

/// Answers by the item's place in the chunk.
pub type Answers = Sorted<u16, Answer>;

/// Which attempt of a learner in a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptKey {
    /// Which quiz of the course.
    pub quiz: QuizId,
    /// 1 for the first attempt of the learner at the quiz.
    pub ordinal: u16,
    /// Version of the chunk: the first 64 bits of its digest.
    pub version: u64,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it was opened, unix milliseconds; of two openings the earlier counts.
    pub opened_ms: u64,
    /// Until when answers are taken, unix milliseconds; `u64::MAX`: without limit. Of two the
    /// earlier counts.
    pub deadline_ms: u64,
    /// The answers of an open attempt; of a closed one those that are newer than what it closed
    /// with: acknowledged elsewhere, too late, kept for people to see.
    answers: Answers,
    closing: Option<Closing>,
}

/// How an attempt was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// When, unix milliseconds; of two closings the earlier counts.
    pub at_ms: u64,
    /// The answers that were there then; they alone are graded. Two closings are joined.
    pub answers: Answers,
}

/// The id of an attempt: HMAC-SHA-256 over who, what, which version and which time, so that two
/// nodes that open it at once open the same one, and nobody guesses another's.
pub fn attempt_id(
    key: &[u8; 32],
    learner: LearnerId,
    (course, generation): (CourseId, u32),
    attempt: AttemptKey,
) -> AttemptId {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(b"attempt 1");
    context.update(&learner.0);
    context.update(&course.0.to_be_bytes());
    context.update(&generation.to_be_bytes());
    context.update(&attempt.quiz.0.to_be_bytes());
    context.update(&attempt.version.to_be_bytes());
    context.update(&attempt.ordinal.to_be_bytes());
    let tag = context.sign();
    AttemptId(tag.as_ref().first_chunk().copied().unwrap_or_default())
}

/// The seed by which a front end puts the options of an attempt's items in order: a keyed function
/// of the attempt's id, so that it is the same on every device and node, nobody chooses it, and
/// whoever holds the key can tell later in which order options were shown.
pub fn attempt_seed(key: &[u8; 32], attempt: AttemptId) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(b"seed 1");
    context.update(&attempt.0);
    let tag = context.sign();
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

impl Default for Attempt {
    /// An attempt whose opening is not known yet: a later fact of it arrived first.
    fn default() -> Self {
        Self::new(u64::MAX, u64::MAX)
    }
}

impl Attempt {
    /// An open attempt without answers; unix milliseconds.
    pub fn new(opened_ms: u64, deadline_ms: u64) -> Self {
        Self {
            opened_ms,
            deadline_ms,
            answers: Answers::default(),
            closing: None,
        }
    }

    /// Whether its opening is known here, and not only a later fact of it.
    pub const fn is_opened(&self) -> bool {
        self.opened_ms != u64::MAX
    }

    /// What it closed with, once it is closed.
    pub const fn closing(&self) -> Option<&Closing> {
        self.closing.as_ref()
    }

    /// The answers that count now.
    pub fn counted(&self) -> &Answers {
        match &self.closing {
            Some(closing) => &closing.answers,
            None => &self.answers,
        }
    }

    /// Answers that came too late, of a closed attempt; none of an open one.
    pub fn late(&self) -> impl Iterator<Item = (u16, &Answer)> {
        self.answers.iter().filter(|_| self.closing.is_some())
    }

    /// All answers that are kept.
    pub(super) const fn kept(&self) -> &Answers {
        &self.answers
    }

    /// Whether the answer of that number and device to an item is here, or one that replaces it.
    pub fn has_seen(&self, item: u16, seq: u32, device: DeviceId) -> bool {
        let known = self.counted().get(item);
        known.is_some_and(|known| (known.seq, known.device) >= (seq, device))
    }

    /// How it closes at `now_ms`, unix milliseconds, or at its deadline if that was before.
    pub(super) fn close(&self, now_ms: u64) -> Closing {
        Closing {
            at_ms: now_ms.min(self.deadline_ms),
            answers: self.counted().clone(),
        }
    }

    /// Bytes of all bodies, for bounds.
    pub fn body_bytes(&self) -> usize {
        let closed = self
            .closing
            .iter()
            .flat_map(|closing| closing.answers.values());
        let all = self.answers.values().chain(closed);
        all.map(|answer| answer.body.len()).sum()
    }

    /// Adds an answer.
    pub fn apply_answer(&mut self, item: u16, answer: &Answer) {
        keep_newest(&mut self.answers, item, answer);
        self.settle();
    }

    /// Adds a closing.
    pub fn apply_closing(&mut self, closing: &Closing) {
        match &mut self.closing {
            None => self.closing = Some(closing.clone()),
            Some(mine) => {
                mine.at_ms = mine.at_ms.min(closing.at_ms);
                for (item, answer) in closing.answers.iter() {
                    keep_newest(&mut mine.answers, item, answer);
                }
            }
        }
        self.settle();
    }

    /// Adds all that another copy knows.
    pub fn join(&mut self, other: &Self) {
        self.opened_ms = self.opened_ms.min(other.opened_ms);
        self.deadline_ms = self.deadline_ms.min(other.deadline_ms);
        for (item, answer) in other.answers.iter() {
            keep_newest(&mut self.answers, item, answer);
        }
        if let Some(closing) = &other.closing {
            self.apply_closing(closing);
        }
        self.settle();
    }

    /// Forgets answers that the closing has as new or newer. The kept answers then mean the same
    /// as before: the join of them with the closing's, which is what the laws are about.
    fn settle(&mut self) {
        if let Some(closing) = &self.closing {
            let newer = |item, answer: &Answer| {
                let closed = closing.answers.get(item);
                closed.is_none_or(|closed| closed < answer)
            };
            self.answers.retain(newer);
        }
    }
}

fn keep_newest(answers: &mut Answers, item: u16, answer: &Answer) {
    let kept = answers.entry(item, || answer.clone());
    if *answer > *kept {
        kept.clone_from(answer);
    }
}
