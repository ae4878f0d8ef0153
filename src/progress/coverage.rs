//! Which part of a lesson was watched.
//!
//! Positions are fractions of the lesson in units of 2^-24, so a recording that is replaced by a
//! longer cut keeps its coverage. Finished buckets are bits; the few unfinished edges are kept
//! exactly until their bucket is full. Cutting an interval anywhere and joining the pieces gives
//! the interval again, so a learner who watches straight through ends at exactly 1.

use crate::base::limits::COVERAGE_PIECES_MAX;
use crate::base::wire;
use crate::base::wire::Reader;
use smallvec::SmallVec;

const WHOLE: u32 = 1 << 24;
const WORDS: usize = 4;
/// Longest coverage that is written as a list of intervals and not as bits.
const RUNS_MAX: usize = 3;

/// How many buckets a lesson has; fixed when it is first published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Grain {
    /// 128 buckets.
    #[default]
    Coarse,
    /// 256 buckets, for lessons of more than 30 minutes.
    Fine,
}

/// An interval of a lesson, not empty: `0 ≤ from < to ≤ 2^24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    from: u32,
    to: u32,
}

/// The union of all intervals that were marked. Equal sets are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    grain: Grain,
    full: [u64; WORDS],
    /// Sorted, disjoint, each within one bucket that is not full; two in one bucket do not touch.
    open: SmallVec<[Span; 2]>,
}

impl Grain {
    /// The grain of a lesson of this length.
    pub const fn of(length_ms: u32) -> Self {
        if length_ms > 30 * 60 * 1000 {
            Self::Fine
        } else {
            Self::Coarse
        }
    }

    /// Buckets of a lesson.
    pub const fn buckets(self) -> u32 {
        match self {
            Self::Coarse => 128,
            Self::Fine => 256,
        }
    }

    const fn bucket_units(self) -> u32 {
        WHOLE / self.buckets()
    }
}

impl Span {
    /// The interval between two moments of a lesson; `None` if nothing of it is inside or it is
    /// shorter than a unit.
    pub fn of_ms(from_ms: u32, to_ms: u32, length_ms: u32) -> Option<Self> {
        let unit = |ms: u32| {
            let units = u64::from(ms) * u64::from(WHOLE) / u64::from(length_ms.max(1));
            u32::try_from(units).map_or(WHOLE, |units| units.min(WHOLE))
        };
        Self::new(unit(from_ms), unit(to_ms))
    }

    fn new(from: u32, to: u32) -> Option<Self> {
        (from < to && to <= WHOLE).then_some(Self { from, to })
    }

    /// Only the buckets of the interval that are whole in it.
    fn whole_buckets(self, grain: Grain) -> Option<Self> {
        let size = grain.bucket_units();
        Self::new(self.from.next_multiple_of(size), self.to / size * size)
    }

    /// Appends the interval.
    pub fn encode(self, out: &mut Vec<u8>) {
        wire::put(out, self.from.into());
        wire::put(out, (self.to - self.from).into());
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` on anything else.
    pub fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let from = reader.number32()?;
        Self::new(from, from.checked_add(reader.number32()?)?)
    }
}

impl Coverage {
    /// Nothing watched of a lesson of this grain.
    pub fn new(grain: Grain) -> Self {
        Self {
            grain,
            ..Self::default()
        }
    }

    /// Everything watched.
    pub fn complete(grain: Grain) -> Self {
        let mut coverage = Self::new(grain);
        coverage.mark(Span { from: 0, to: WHOLE });
        coverage
    }

    /// Adds an interval.
    pub fn mark(&mut self, span: Span) {
        let size = self.grain.bucket_units();
        for bucket in span.from / size..span.to.div_ceil(size) {
            let (start, end) = (bucket * size, (bucket + 1) * size);
            if !self.is_full(bucket) {
                let (from, to) = (span.from.max(start), span.to.min(end));
                self.mark_within(bucket, Span { from, to });
            }
        }
    }

    /// Adds what `other` covers. The finer grain holds for both.
    pub fn join(&mut self, other: &Self) {
        self.refine(other.grain);
        if other.grain == self.grain {
            for (mine, theirs) in self.full.iter_mut().zip(other.full) {
                *mine |= theirs;
            }
            let full = self.full;
            let size = self.grain.bucket_units();
            self.open.retain(|piece| !bit(&full, piece.from / size));
            for piece in &other.open {
                self.mark(*piece);
            }
        } else {
            for span in other.runs() {
                self.mark(span);
            }
        }
    }

    /// How much is covered, 0 to 1; exactly 1 only if nothing is missing.
    pub fn fraction(&self) -> f64 {
        f64::from(self.units()) / f64::from(WHOLE)
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.units() == WHOLE
    }

    /// Whether nothing is covered.
    pub fn is_empty(&self) -> bool {
        self.full == [0; WORDS] && self.open.is_empty()
    }

    /// Its grain.
    pub const fn grain(&self) -> Grain {
        self.grain
    }

    /// How much of `span` is not covered yet, in milliseconds of a lesson of this length, rounded
    /// up.
    pub fn missing_ms(&self, span: Span, length_ms: u32) -> u64 {
        let mut after = self.clone();
        after.mark(span);
        let units = u64::from(after.units() - self.units());
        (units * u64::from(length_ms)).div_ceil(u64::from(WHOLE))
    }

    /// What of `span` can be added without keeping more loose edges than a lesson may have: all of
    /// it, or its whole buckets, or nothing. Only somebody who jumps about all the time meets this.
    pub fn admit(&self, span: Span) -> Option<Span> {
        let mut after = self.clone();
        after.mark(span);
        if after.open.len() <= COVERAGE_PIECES_MAX.max(self.open.len()) {
            return Some(span);
        }
        span.whole_buckets(self.grain)
    }

    /// Loose edges that are kept.
    pub fn pieces(&self) -> usize {
        self.open.len()
    }

    /// The covered intervals, in order, none touching the next.
    pub fn runs(&self) -> impl Iterator<Item = Span> {
        let size = self.grain.bucket_units();
        let mut pieces = self.open.iter().copied().peekable();
        let mut parts = (0..self.grain.buckets()).flat_map(move |bucket| {
            let mut parts = SmallVec::<[Span; 2]>::new();
            if self.is_full(bucket) {
                let (from, to) = (bucket * size, (bucket + 1) * size);
                parts.push(Span { from, to });
            }
            while let Some(piece) = pieces.next_if(|piece| piece.from / size == bucket) {
                parts.push(piece);
            }
            parts
        });
        let mut held = parts.next();
        std::iter::from_fn(move || {
            let mut run = held.take()?;
            for part in parts.by_ref() {
                if part.from != run.to {
                    held = Some(part);
                    break;
                }
                run.to = part.to;
            }
            Some(run)
        })
    }

    /// Appends the coverage; a complete one takes one byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let fine = u8::from(self.grain == Grain::Fine);
        let runs: SmallVec<[Span; 4]> = self.runs().take(RUNS_MAX + 1).collect();
        if runs.len() > RUNS_MAX {
            out.push(BITS | fine);
            for byte in self
                .full
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .take(self.bytes())
            {
                out.push(byte);
            }
            wire::put(out, self.open.len() as u64);
            self.open.iter().for_each(|piece| piece.encode(out));
        } else if self.is_complete() {
            out.push(COMPLETE | fine);
        } else {
            out.push(u8::try_from(runs.len()).unwrap_or(0) << 1 | fine);
            runs.iter().for_each(|run| run.encode(out));
        }
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` on anything else.
    pub fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let tag = reader.byte()?;
        let grain = if tag & 1 == 1 {
            Grain::Fine
        } else {
            Grain::Coarse
        };
        let mut coverage = Self::new(grain);
        match tag & !1 {
            COMPLETE => coverage = Self::complete(grain),
            BITS => {
                let bytes = coverage.bytes();
                for at in 0..bytes {
                    let byte = u64::from(reader.byte()?) << (at % 8 * 8);
                    *coverage.full.get_mut(at / 8)? |= byte;
                }
                for _ in 0..reader.count(PIECES_READ_MAX)? {
                    coverage.mark(Span::decode(reader)?);
                }
            }
            runs if usize::from(runs >> 1) <= RUNS_MAX => {
                for _ in 0..runs >> 1 {
                    coverage.mark(Span::decode(reader)?);
                }
            }
            _ => return None,
        }
        Some(coverage)
    }

    fn bytes(&self) -> usize {
        self.grain.buckets() as usize / 8
    }

    fn units(&self) -> u32 {
        let full: u32 = self.full.iter().map(|word| word.count_ones()).sum();
        let open: u32 = self.open.iter().map(|piece| piece.to - piece.from).sum();
        full * self.grain.bucket_units() + open
    }

    fn is_full(&self, bucket: u32) -> bool {
        bit(&self.full, bucket)
    }

    /// Adds a piece of one bucket that is not full.
    fn mark_within(&mut self, bucket: u32, piece: Span) {
        let size = self.grain.bucket_units();
        let mut joined = piece;
        let touches = |other: &Span, joined: &Span| {
            other.from / size == bucket && other.from <= joined.to && joined.from <= other.to
        };
        // Sorted, so that a piece which grows to the right meets its next neighbour next.
        self.open.retain(|other| {
            let meets = touches(other, &joined);
            if meets {
                joined.from = joined.from.min(other.from);
                joined.to = joined.to.max(other.to);
            }
            !meets
        });
        if joined.to - joined.from == size {
            let (word, mask) = place(bucket);
            if let Some(word) = self.full.get_mut(word) {
                *word |= mask;
            }
            return;
        }
        let at = self.open.partition_point(|other| *other < joined);
        self.open.insert(at, joined);
    }

    fn refine(&mut self, grain: Grain) {
        if grain > self.grain {
            let mut finer = Self::new(grain);
            self.runs().for_each(|run| finer.mark(run));
            *self = finer;
        }
    }
}

const COMPLETE: u8 = 0xf0;
const BITS: u8 = 0xe0;
/// Pieces that are read back: those of many nodes joined, still far below what a state may hold.
const PIECES_READ_MAX: usize = 16 * COVERAGE_PIECES_MAX;

const fn place(bucket: u32) -> (usize, u64) {
    (bucket as usize / 64, 1 << (bucket % 64))
}

fn bit(words: &[u64; WORDS], bucket: u32) -> bool {
    let (word, mask) = place(bucket);
    words.get(word).is_some_and(|word| word & mask != 0)
}
