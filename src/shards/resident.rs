//! One learner in memory: the encoded state, and what is still to be done about it.

use crate::session::DecodeError;
use crate::session::State;
use crate::shards::facts;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

/// Where a learner's state is kept beside memory and journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Snapshots = 0,
    Redis = 1,
}

/// A learner. The size counts: there are hundreds of thousands, and a table has empty places.
#[derive(Debug)]
pub(super) struct Resident {
    /// The encoded state; or facts of a learner whose state has not been looked for yet.
    bytes: Box<[u8]>,
    /// When somebody last asked for the learner.
    touched: AtomicU32,
    /// Since when each place lacks a change; 0: it has them all.
    lacks: [u32; 2],
    /// Counts changes, so that who comes back later sees whether there was one.
    version: u16,
    /// Appends that the disk has not answered yet.
    in_flight: u8,
    flags: u8,
}

const _: () = assert!(size_of::<Resident>() == 32);

/// What the map takes for one learner beside the heap: key, [`Resident`] and control byte, over the
/// share of places that is filled.
pub(super) const SLOT_BYTES: usize = 64;

/// `bytes` are facts, not a state.
const FACTS: u8 = 1;
/// An append failed, or nobody waited for its end: the journal may lack what the state knows.
const DOUBTFUL: u8 = 2;
/// On the way to a place: one bit each.
const UNDER_WAY: [u8; 2] = [4, 8];

#[expect(clippy::indexing_slicing, reason = "one for each place")]
impl Resident {
    /// A learner of whom everything is known.
    pub(super) fn whole(bytes: Box<[u8]>, tick: u32) -> Self {
        Self {
            bytes,
            touched: AtomicU32::new(tick),
            lacks: [0; 2],
            version: 0,
            in_flight: 0,
            flags: 0,
        }
    }

    /// A learner of whom some facts are known.
    pub(super) fn of_facts(facts: Box<[u8]>, tick: u32) -> Self {
        let mut resident = Self::whole(facts, tick);
        resident.flags = FACTS;
        resident
    }

    /// Whether everything is known, so that `bytes` is the state.
    pub(super) const fn is_whole(&self) -> bool {
        self.flags & FACTS == 0
    }

    /// The encoded state, or the facts.
    pub(super) const fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The state; of a learner that is not whole, of what is known.
    pub(super) fn state(&self) -> Result<State, DecodeError> {
        match self.is_whole() {
            true => State::decode(&self.bytes),
            false => facts::applied(State::default(), &self.bytes),
        }
    }

    /// Memory it takes, with its place in the map and the allocator's share.
    pub(super) const fn weight(&self) -> usize {
        weight(self.bytes.len())
    }

    /// Puts another state in the place of this one, and gives back this one.
    pub(super) fn replace(&mut self, bytes: Box<[u8]>) -> Box<[u8]> {
        self.version = self.version.wrapping_add(1);
        self.flags &= !FACTS;
        std::mem::replace(&mut self.bytes, bytes)
    }

    /// Puts other facts in the place of these.
    pub(super) fn replace_facts(&mut self, facts: Box<[u8]>) {
        self.replace(facts);
        self.flags |= FACTS;
    }

    /// Counts the changes.
    pub(super) const fn version(&self) -> u16 {
        self.version
    }

    /// Somebody asks for the learner.
    pub(super) fn touch(&self, tick: u32) {
        self.touched.store(tick, Relaxed);
    }

    /// When somebody last asked.
    pub(super) fn touched(&self) -> u32 {
        self.touched.load(Relaxed)
    }

    /// Notes that `place` lacks a change since `tick`; true if it lacked none before.
    pub(super) fn mark(&mut self, place: Place, tick: u32) -> bool {
        let lacks = &mut self.lacks[place as usize];
        let first = *lacks == 0;
        if first || tick < *lacks {
            *lacks = tick;
        }
        first
    }

    /// Whether `place` lacks a change.
    pub(super) const fn is_lacked_by(&self, place: Place) -> bool {
        self.lacks[place as usize] != 0
    }

    /// Its state sets out for `place`; gives since when that lacked something.
    pub(super) const fn set_out(&mut self, place: Place) -> u32 {
        self.flags |= UNDER_WAY[place as usize];
        std::mem::replace(&mut self.lacks[place as usize], 0)
    }

    /// The state that set out arrived, or not.
    pub(super) const fn arrived(&mut self, place: Place) {
        self.flags &= !UNDER_WAY[place as usize];
    }

    /// An append is on its way; false when as many are as can be counted.
    pub(super) const fn begin(&mut self) -> bool {
        let fits = self.in_flight < u8::MAX;
        if fits {
            self.in_flight += 1;
        }
        fits
    }

    /// An append has ended.
    pub(super) const fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether this is the only append under way.
    pub(super) const fn is_alone(&self) -> bool {
        self.in_flight == 1
    }

    /// The journal may lack what the state knows.
    pub(super) const fn doubt(&mut self) {
        self.flags |= DOUBTFUL;
    }

    /// The whole state is on the disk.
    pub(super) const fn trust(&mut self) {
        self.flags &= !DOUBTFUL;
    }

    /// Whether the journal has everything that the state knows, for sure.
    pub(super) const fn is_settled(&self) -> bool {
        self.in_flight == 0 && self.flags & DOUBTFUL == 0
    }

    /// Whether it can leave memory: everything is on the disk. What Redis lacks goes there from the
    /// snapshots, so that memory does not fill up while Redis is away.
    pub(super) const fn is_clean(&self) -> bool {
        let idle = self.flags & (UNDER_WAY[0] | UNDER_WAY[1]) == 0;
        self.lacks[0] == 0 && idle && self.is_settled()
    }
}

/// Memory that a learner of so many bytes takes: the allocator adds a head of 8 bytes and fills up
/// to 16.
pub(super) const fn weight(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16) + SLOT_BYTES
}
