//! How a learner stands in Redis: version (8) ‖ the encoded state, under one key.

use crate::base::id::LearnerId;
use crate::base::limits::STATE_BYTES_MAX;
use crate::session::DecodeError;
use crate::session::State;
use aws_lc_rs::digest;
use std::fmt;

/// Bytes of the version in front of a state.
pub(super) const VERSION_BYTES: usize = 8;
/// Bytes of the longest value that is read.
pub(super) const VALUE_BYTES_MAX: usize = VERSION_BYTES + STATE_BYTES_MAX;

/// Names what a value holds: a hash of learner and encoded state. Equal versions are equal content,
/// also when Redis was emptied and filled by others in between; a counter would begin anew then.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Version(u64);

/// Why a value says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not what any node wrote: it may be replaced.
    #[error("the value in Redis is damaged")]
    Damaged,
    /// A node wrote it just so, but this version cannot read it: it must stay.
    #[error("a newer version wrote the value in Redis; upgrade this node")]
    Newer(#[source] DecodeError),
}

impl Version {
    /// The version of `encoded`, a state of `learner`. The lowest 16 bits belong to the learner
    /// (see [`Known`]), the highest bit is always set.
    pub fn of(learner: LearnerId, encoded: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&learner.0);
        context.update(encoded);
        let hash = context.finish();
        let first = hash.as_ref().first_chunk::<8>();
        let hash = first.map_or(0, |bytes| u64::from_be_bytes(*bytes));
        Self(hash & !0xffff | tag(learner) | 1 << 63)
    }

    /// As it stands in front of the state.
    pub const fn bytes(self) -> [u8; VERSION_BYTES] {
        self.0.to_be_bytes()
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The key of a learner. The braces are the hash tag of Redis Cluster: whatever may once belong to
/// a learner beside the state lies in the same slot.
pub fn key(prefix: &str, learner: LearnerId) -> String {
    format!("{prefix}:{{{learner}}}:state")
}

/// The value of a learner and its version.
pub fn value(learner: LearnerId, state: &State) -> (Version, Vec<u8>) {
    let mut bytes = vec![0; VERSION_BYTES];
    state.encode(&mut bytes);
    let version = Version::of(learner, bytes.get(VERSION_BYTES..).unwrap_or_default());
    if let Some(place) = bytes.first_chunk_mut() {
        *place = version.bytes();
    }
    (version, bytes)
}

/// What a value of `learner` says.
///
/// # Errors
/// [`Unreadable`].
pub fn read(learner: LearnerId, value: &[u8]) -> Result<State, Unreadable> {
    let (version, encoded) = value
        .split_first_chunk::<VERSION_BYTES>()
        .ok_or(Unreadable::Damaged)?;
    if *version != Version::of(learner, encoded).bytes() {
        return Err(Unreadable::Damaged);
    }
    State::decode(encoded).map_err(Unreadable::Newer)
}

/// Which version of each learner Redis was last seen to have, as far as there is room. A guess: a
/// wrong or forgotten one costs one more exchange and nothing else.
///
/// Sets of four places each; the place is found by the learner's bits inside the version, so that a
/// learner costs eight bytes.
pub struct Known {
    sets: Vec<[u64; WAYS]>,
}

const WAYS: usize = 4;

impl Known {
    /// Room for about `learners`, at least four.
    pub fn new(learners: usize) -> Self {
        let sets = learners.div_ceil(WAYS).max(1).next_power_of_two();
        Self {
            sets: vec![[0; WAYS]; sets],
        }
    }

    /// The version that Redis had.
    pub fn get(&self, learner: LearnerId) -> Option<Version> {
        let set = self.sets.get(self.place(learner))?;
        let found = set.iter().find(|known| is_of(**known, learner));
        found.map(|known| Version(*known))
    }

    /// Remembers what Redis has now; `None`: not known any more.
    pub fn set(&mut self, learner: LearnerId, version: Option<Version>) {
        let place = self.place(learner);
        let Some(set) = self.sets.get_mut(place) else {
            return;
        };
        let mine = set.iter().position(|known| is_of(*known, learner));
        let Some(Version(version)) = version else {
            if let Some(known) = mine.and_then(|at| set.get_mut(at)) {
                *known = 0;
            }
            return;
        };
        let free = || set.iter().position(|known| *known == 0);
        // Whom a newcomer displaces is as good as random: bits of a hash.
        let displaced = (version >> 16) as usize % WAYS;
        let at = mine.or_else(free).unwrap_or(displaced);
        if let Some(known) = set.get_mut(at) {
            *known = version;
        }
    }

    /// Knows nothing any more: another server, or the same without its memory.
    pub fn clear(&mut self) {
        self.sets.fill([0; WAYS]);
    }

    fn place(&self, learner: LearnerId) -> usize {
        let bits = learner.0.first_chunk::<8>();
        let bits = bits.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        usize::try_from(bits).unwrap_or(0) & (self.sets.len() - 1)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Known({} places)", self.sets.len() * WAYS)
    }
}

/// Bits of a learner that its place does not tell.
fn tag(learner: LearnerId) -> u64 {
    let bits = learner.0.last_chunk::<2>();
    u64::from(bits.map_or(0, |bytes| u16::from_le_bytes(*bytes)))
}

fn is_of(known: u64, learner: LearnerId) -> bool {
    known != 0 && known & 0xffff == tag(learner)
}
