//! Batches: what one commit writes.
//!
//! Magic (4) ‖ CRC-32 of all that follows (4) ‖ bytes from the magic on (4) ‖ records (4) ‖ segment
//! (8) ‖ commit (8) ‖ unix milliseconds (8) ‖ records, each learner (16) ‖ length (4) ‖ effect.
//! Little-endian. A batch begins on a block and is filled up with zeros to the next.

use crate::base::id::LearnerId;
use crate::base::limits::EFFECT_BYTES_MAX;
use crate::base::limits::JOURNAL_BATCH_BYTES_MAX;

/// Bytes that a disk may tear together; the largest of today's physical sectors.
pub(super) const BLOCK_BYTES: usize = 4096;
pub(super) const HEAD_BYTES: usize = 40;
const MAGIC: [u8; 4] = *b"LLb1";

/// Facts that are written together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Append {
    /// The records as they stand in a batch.
    bytes: Vec<u8>,
    records: u32,
    /// Hash of what a receipt is wanted for.
    pub(super) leaf: Option<[u8; 32]>,
}

/// More than one commit may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an append has at most {JOURNAL_BATCH_BYTES_MAX} bytes, an effect {EFFECT_BYTES_MAX}")]
pub struct TooLarge;

impl Append {
    /// Adds a fact about a learner; `encode` appends its bytes.
    ///
    /// # Errors
    /// [`TooLarge`]; then the append is as it was.
    pub fn push(
        &mut self,
        learner: LearnerId,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), TooLarge> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&learner.0);
        self.bytes.extend_from_slice(&[0; 4]);
        let content = self.bytes.len();
        encode(&mut self.bytes);
        let len = self.bytes.len() - content;
        let fits = len <= EFFECT_BYTES_MAX && self.bytes.len() <= JOURNAL_BATCH_BYTES_MAX;
        let place = self.bytes.get_mut(start + 16..content);
        match (u32::try_from(len), place) {
            (Ok(len), Some(place)) if fits => place.copy_from_slice(&len.to_le_bytes()),
            _ => {
                self.bytes.truncate(start);
                return Err(TooLarge);
            }
        }
        self.records += 1;
        Ok(())
    }

    /// Asks for a receipt of what hashes to `leaf`.
    pub const fn with_leaf(&mut self, leaf: [u8; 32]) {
        self.leaf = Some(leaf);
    }

    /// Bytes it takes in a batch.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.records == 0
    }
}

/// What names a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) segment: u64,
    pub(super) commit: u64,
    pub(super) at_ms: u64,
}

/// Why bytes are no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoBatch {
    /// A block of zeros: nothing was written here.
    Empty,
    /// Something else.
    Broken,
}

/// Writes a batch of `appends` into `out`, which is cleared, filled up to whole blocks.
pub(super) fn write<'a>(out: &mut Vec<u8>, name: Name, appends: impl Iterator<Item = &'a Append>) {
    out.clear();
    out.resize(HEAD_BYTES, 0);
    let mut records = 0;
    for append in appends {
        out.extend_from_slice(&append.bytes);
        records += append.records;
    }
    let bytes = u32::try_from(out.len()).unwrap_or(u32::MAX);
    let mut head = Vec::with_capacity(HEAD_BYTES - 8);
    head.extend_from_slice(&bytes.to_le_bytes());
    head.extend_from_slice(&records.to_le_bytes());
    for number in [name.segment, name.commit, name.at_ms] {
        head.extend_from_slice(&number.to_le_bytes());
    }
    if let Some(place) = out.get_mut(8..HEAD_BYTES) {
        place.copy_from_slice(&head);
    }
    let sum = crc32fast::hash(out.get(8..).unwrap_or_default());
    if let Some((magic, rest)) = out.split_first_chunk_mut::<4>() {
        *magic = MAGIC;
        if let Some(place) = rest.first_chunk_mut::<4>() {
            *place = sum.to_le_bytes();
        }
    }
    out.resize(out.len().next_multiple_of(BLOCK_BYTES), 0);
}

/// The batch at the beginning of `bytes`: its name, its records, and the bytes of its blocks.
pub(super) fn read(bytes: &[u8]) -> Result<(Name, &[u8], usize), NoBatch> {
    let block = bytes.get(..BLOCK_BYTES).ok_or(NoBatch::Broken)?;
    if block.iter().all(|byte| *byte == 0) {
        return Err(NoBatch::Empty);
    }
    parse(bytes).ok_or(NoBatch::Broken)
}

fn parse(bytes: &[u8]) -> Option<(Name, &[u8], usize)> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (len, _) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
    let fits = (HEAD_BYTES..=HEAD_BYTES + JOURNAL_BATCH_BYTES_MAX).contains(&len);
    let covered = bytes.get(8..len)?;
    if *magic != MAGIC || !fits || crc32fast::hash(covered) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (numbers, _) = covered.get(8..)?.split_first_chunk::<24>()?;
    let ([segment, commit, at_ms], _) = numbers.as_chunks::<8>() else {
        return None;
    };
    let name = Name {
        segment: u64::from_le_bytes(*segment),
        commit: u64::from_le_bytes(*commit),
        at_ms: u64::from_le_bytes(*at_ms),
    };
    let records = bytes.get(HEAD_BYTES..len)?;
    Some((name, records, len.next_multiple_of(BLOCK_BYTES)))
}

/// Learner and effect of each record; `None` where the bytes make no sense.
pub(super) fn records(bytes: &[u8]) -> impl Iterator<Item = Option<(LearnerId, &[u8])>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = record(&mut rest);
        if record.is_none() {
            rest = &[];
        }
        Some(record)
    })
}

fn record<'a>(rest: &mut &'a [u8]) -> Option<(LearnerId, &'a [u8])> {
    let (learner, after) = rest.split_first_chunk()?;
    let (len, after) = after.split_first_chunk()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
    let (effect, after) = after.split_at_checked(len)?;
    *rest = after;
    Some((LearnerId(*learner), effect))
}
