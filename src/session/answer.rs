//! One answer to one item.

use crate::base::digest::Digest;
use crate::base::id::DeviceId;
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::cmp::Reverse;

/// What was answered, in the canonical bytes of the quiz room; opaque here. At most
/// [`ANSWER_BYTES_MAX`](crate::base::limits::ANSWER_BYTES_MAX).
pub type Body = SmallVec<[u8; 16]>;

/// An accepted answer. The order decides which of two to one item counts, the same on every node:
/// by sequence number, then device, then hash of the body; of one answer that was sent twice, the
/// earlier arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Number of the answer on its device, growing.
    pub seq: u32,
    /// The device it was given on.
    pub device: DeviceId,
    /// What was answered.
    pub body: Body,
    /// When the server accepted it, unix milliseconds.
    pub at_ms: u64,
    /// Time the learner took for the item, milliseconds, as the device says.
    pub elapsed_ms: u32,
}

impl Answer {
    /// Whether it is the same answer, whenever it came.
    pub fn is_same(&self, other: &Self) -> bool {
        self.seq == other.seq && self.device == other.device && self.body == other.body
    }
}

impl Ord for Answer {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = (self.seq, self.device).cmp(&(other.seq, other.device));
        let by_body = || match self.body == other.body {
            true => Ordering::Equal,
            false => Digest::of(&[&self.body]).cmp(&Digest::of(&[&other.body])),
        };
        let rest = |answer: &Self| (Reverse(answer.at_ms), Reverse(answer.elapsed_ms));
        by_number
            .then_with(by_body)
            .then_with(|| rest(self).cmp(&rest(other)))
    }
}

impl PartialOrd for Answer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
