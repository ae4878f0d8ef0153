//! Which learners changed when, and where in the journal that stands at the earliest.
//!
//! Time is counted in ticks of about a second, which the keeper makes; a learner needs four bytes
//! to say since when a place lacks something. The journal is kept from the oldest such change on.

use crate::base::id::LearnerId;
use crate::shards::resident::Place;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::Ordering::Release;

/// The tick of everything that was recovered, before the first of this process.
pub(super) const RECOVERED: u32 = 1;

pub(super) struct Calendar {
    tick: AtomicU32,
    /// The earliest commit that an append made from now on can be in, or an earlier one.
    mark: AtomicU64,
    /// Learners that each place lacks, by the tick since when. A learner may stand in several.
    lacking: [Mutex<Lacking>; 2],
}

#[derive(Default)]
struct Lacking {
    by_tick: BTreeMap<u32, Noted>,
    count: usize,
}

struct Noted {
    /// The earliest commit that their changes can be in.
    mark: u64,
    learners: Vec<LearnerId>,
}

/// Learners on their way to a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// The earliest commit that their changes can be in.
    pub(super) mark: u64,
    pub(super) learners: Vec<LearnerId>,
}

impl Calendar {
    /// A calendar that begins at commit `mark`.
    pub(super) fn new(mark: u64) -> Self {
        Self {
            tick: AtomicU32::new(RECOVERED),
            mark: AtomicU64::new(mark),
            lacking: Default::default(),
        }
    }

    /// The present tick.
    pub(super) fn tick(&self) -> u32 {
        self.tick.load(Relaxed)
    }

    /// Begins a tick. `mark` is the earliest commit of an append made from now on.
    pub(super) fn begin(&self, tick: u32, mark: u64) {
        self.mark.fetch_max(mark, Release);
        self.tick.fetch_max(tick, Relaxed);
    }

    /// Notes that `place` lacks a learner since `tick`. Before the append: then either the keeper
    /// sees the learner here, or the append comes after the mark that the keeper goes by.
    pub(super) fn note(&self, place: Place, learner: LearnerId, tick: u32) {
        self.put_back(place, learner, tick, self.mark.load(Acquire));
    }

    /// The same with the mark that was taken with the learner.
    pub(super) fn put_back(&self, place: Place, learner: LearnerId, tick: u32, mark: u64) {
        let mut lacking = self.lacking(place);
        let noted = lacking.by_tick.entry(tick).or_insert_with(|| Noted {
            mark,
            learners: Vec::new(),
        });
        noted.mark = noted.mark.min(mark);
        noted.learners.push(learner);
        lacking.count += 1;
    }

    /// Takes up to `max` learners whom `place` lacks since `until` or earlier, oldest first.
    pub(super) fn take(&self, place: Place, until: u32, max: usize) -> Taken {
        let mut lacking = self.lacking(place);
        let mut taken = Taken {
            mark: u64::MAX,
            learners: Vec::new(),
        };
        while taken.learners.len() < max
            && let Some(mut oldest) = lacking.by_tick.first_entry()
            && *oldest.key() <= until
        {
            let noted = oldest.get_mut();
            taken.mark = taken.mark.min(noted.mark);
            let wanted = max - taken.learners.len();
            let from = noted.learners.len().saturating_sub(wanted);
            taken.learners.extend(noted.learners.drain(from..));
            if noted.learners.is_empty() {
                oldest.remove();
            }
        }
        lacking.count -= taken.learners.len();
        taken
    }

    /// The earliest commit in which something can stand that `place` lacks. Only while nothing is
    /// on its way there.
    pub(super) fn needed_by(&self, place: Place) -> u64 {
        // In this order: who is noted after the look appends after this mark.
        let mark = self.mark.load(Acquire);
        let lacking = self.lacking(place);
        let oldest = lacking.by_tick.values().map(|noted| noted.mark).min();
        oldest.map_or(mark, |oldest| oldest.min(mark))
    }

    /// Forgets whom `place` lacks: everybody is going to be noted anew.
    pub(super) fn clear(&self, place: Place) {
        *self.lacking(place) = Lacking::default();
    }

    /// Learners that `place` lacks.
    pub(super) fn count(&self, place: Place) -> usize {
        self.lacking(place).count
    }

    #[expect(clippy::indexing_slicing, reason = "one for each place")]
    fn lacking(&self, place: Place) -> MutexGuard<'_, Lacking> {
        let lacking = &self.lacking[place as usize];
        // Nothing panics half-way here, and a lock that is given up would stop all learners.
        lacking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: LearnerId = LearnerId([1; 16]);
    const B: LearnerId = LearnerId([2; 16]);

    #[test]
    fn the_journal_is_kept_from_the_oldest_change_that_a_place_lacks() {
        let calendar = Calendar::new(7);
        calendar.note(Place::Snapshots, A, RECOVERED);
        calendar.begin(2, 20);
        assert_eq!(calendar.needed_by(Place::Snapshots), 7);
        assert_eq!(calendar.needed_by(Place::Redis), 20);
        calendar.note(Place::Snapshots, B, 2);
        calendar.begin(3, 30);
        let taken = calendar.take(Place::Snapshots, 2, 1);
        assert_eq!((taken.mark, &*taken.learners), (7, &[A][..]));
        assert_eq!(calendar.needed_by(Place::Snapshots), 20);
        let taken = calendar.take(Place::Snapshots, 2, 9);
        assert_eq!((taken.mark, &*taken.learners), (20, &[B][..]));
        assert_eq!(calendar.needed_by(Place::Snapshots), 30);
        calendar.put_back(Place::Snapshots, B, 2, taken.mark);
        assert_eq!(
            calendar.needed_by(Place::Snapshots),
            20,
            "it did not arrive"
        );
        assert_eq!(calendar.count(Place::Snapshots), 1);
    }

    #[test]
    fn a_change_waits_for_those_that_follow_it() {
        let calendar = Calendar::new(1);
        calendar.begin(10, 1);
        calendar.note(Place::Snapshots, A, 10);
        assert_eq!(calendar.take(Place::Snapshots, 9, 9).learners, []);
        assert_eq!(calendar.take(Place::Snapshots, 10, 9).learners, [A]);
    }
}
