//! How seriously an attempt was worked at, told by the time its answers took.
//!
//! Response-time effort (Wise and Kong 2005, "Response time effort: a new measure of examinee
//! motivation in computer-based tests") is the share of answers that took longer than reading the
//! item does. Answers below are rapid guesses and count as missing in the effort-moderated score
//! (Wise and DeMars 2006), which stands beside the score and never replaces it: low effort asks for
//! another try and fails nobody.
//!
//! The threshold is the same for every item. One made of the item's own answers (10 % of their mean
//! time) would depend on whose answers a node has seen, and one attempt could be judged in two
//! ways.

use crate::quiz::Share;

/// Milliseconds below which an answer is a rapid guess.
pub const RAPID_MS: u32 = 3000;
/// Answers below which no share is told: one slip of the finger would decide it.
const OBSERVATIONS_MIN: u32 = 10;
/// The share of effortful answers from which on nothing is said: 90 %.
const ENOUGH: Share = Share::exactly(900_000);

/// What the times of an attempt's answers tell. Its numbers are told together, never one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// Items that were answered.
    pub answered: u32,
    /// Those whose answer took at least [`RAPID_MS`].
    pub effortful: u32,
    /// What effortful answers earned, in the units of [`Mark`](crate::quiz::Mark).
    pub earned: u64,
    /// What they could have earned.
    pub max: u64,
}

impl Effort {
    /// Counts an answer that took `elapsed_ms` and earned `earned` of `max`.
    pub(crate) fn count(&mut self, elapsed_ms: u32, (earned, max): (u64, u64)) {
        self.answered += 1;
        if elapsed_ms >= RAPID_MS {
            self.effortful += 1;
            self.earned += earned;
            self.max += max;
        }
    }

    /// The share of answers that were no rapid guesses; `None` of fewer than ten.
    pub fn share(&self) -> Option<Share> {
        let enough = self.answered >= OBSERVATIONS_MIN;
        enough.then(|| Share::of(self.effortful.into(), self.answered.into()))
    }

    /// Whether a retake should be offered; `None` where no share is told.
    pub fn is_low(&self) -> Option<bool> {
        self.share().map(|share| share < ENOUGH)
    }
}
