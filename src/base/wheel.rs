//! A timer wheel for a slab: one timer a key, moved in O(1), at most 24 bytes each.
//!
//! Time is a count of ticks that the caller defines; the wheel has no clock. Timers are linked
//! through one vector indexed by the slab's keys, so that arming allocates nothing once the slab
//! has grown. Six levels of 64 slots reach 2^36 ticks; what lies beyond waits in the last level
//! and is placed again when its slot comes by. A timer never fires before its deadline.

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = 6;
const LEVEL_LAST: u32 = 5;
const SPAN_TICKS: u64 = 1 << (BITS * (LEVEL_LAST + 1));
const _: () = assert!(LEVELS == LEVEL_LAST as usize + 1);
const NONE: u32 = u32::MAX;
const UNARMED: u16 = u16::MAX;

/// Timers of slab keys below `u32::MAX`, ordered by ticks.
///
/// Call [`Wheel::advance`] with the present tick, then [`Wheel::pop`] until it is empty; sleep
/// until [`Wheel::next_tick`].
#[derive(Debug)]
pub struct Wheel {
    now: u64,
    entries: Vec<Entry>,
    heads: [[u32; SLOTS]; LEVELS],
    occupied: [u64; LEVELS],
    due: u32,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    deadline: u64,
    next: u32,
    previous: u32,
    /// `level * 64 + slot`, `DUE` or `UNARMED`.
    place: u16,
}

const DUE: u16 = 6 * 64;
const _: () = assert!(DUE as usize == LEVELS * SLOTS);
const _: () = assert!(
    size_of::<Entry>() <= 24,
    "the price of a timer per connection"
);

impl Wheel {
    /// A wheel that stands at tick `now`.
    pub const fn new(now: u64) -> Self {
        Self {
            now,
            entries: Vec::new(),
            heads: [[NONE; SLOTS]; LEVELS],
            occupied: [0; LEVELS],
            due: NONE,
        }
    }

    /// Arms the timer of `key` for tick `deadline`, moving it if it was armed. A deadline that has
    /// passed is due at the next [`Wheel::pop`].
    pub fn arm(&mut self, key: usize, deadline: u64) {
        let Ok(key) = u32::try_from(key) else { return };
        if let Some(entry) = self.entries.get(key as usize) {
            if entry.place != UNARMED && entry.deadline == deadline {
                return;
            }
            self.unlink(key);
        } else {
            self.entries.resize(key as usize + 1, Entry::EMPTY);
        }
        if let Some(entry) = self.entries.get_mut(key as usize) {
            entry.deadline = deadline;
        }
        self.place(key, deadline);
    }

    /// Disarms the timer of `key`, if armed.
    pub fn disarm(&mut self, key: usize) {
        let Ok(key) = u32::try_from(key) else { return };
        self.unlink(key);
    }

    /// Moves the wheel to tick `now`; a `now` in the past changes nothing.
    pub fn advance(&mut self, now: u64) {
        while let Some((level, slot, start)) = self.first_slot() {
            if start > now {
                break;
            }
            self.now = self.now.max(start);
            self.spill(level, slot);
        }
        self.now = self.now.max(now);
    }

    /// A key whose deadline has come; its timer is disarmed.
    pub fn pop(&mut self) -> Option<usize> {
        let key = self.due;
        if key == NONE {
            return None;
        }
        self.unlink(key);
        Some(key as usize)
    }

    /// The tick at which [`Wheel::advance`] has something to do: never later than the earliest
    /// deadline, at most [`LEVELS`] wake-ups earlier.
    pub fn next_tick(&self) -> Option<u64> {
        if self.due != NONE {
            return Some(self.now);
        }
        self.first_slot().map(|(_, _, start)| start)
    }

    /// The earliest occupied slot and the tick at which it begins.
    fn first_slot(&self) -> Option<(usize, usize, u64)> {
        let levels = self.occupied.iter().enumerate();
        let (level, occupied) = levels.filter(|(_, o)| **o != 0).min_by_key(|(l, _)| *l)?;
        let shift = BITS * u32::try_from(level).ok()?;
        let here = (self.now >> shift) & (SLOTS as u64 - 1);
        let distance = occupied
            .rotate_right(u32::try_from(here).ok()?)
            .trailing_zeros();
        let start = ((self.now >> shift) + u64::from(distance)) << shift;
        let slot = usize::try_from((here + u64::from(distance)) & (SLOTS as u64 - 1)).ok()?;
        Some((level, slot, start))
    }

    /// Places again every timer of a slot whose time has come.
    fn spill(&mut self, level: usize, slot: usize) {
        let Some(head) = self.heads.get_mut(level).and_then(|h| h.get_mut(slot)) else {
            return;
        };
        let mut key = std::mem::replace(head, NONE);
        if let Some(occupied) = self.occupied.get_mut(level) {
            *occupied &= !(1 << slot);
        }
        while let Some(entry) = self.entries.get_mut(key as usize) {
            let (next, deadline) = (entry.next, entry.deadline);
            entry.place = UNARMED;
            self.place(key, deadline);
            key = next;
        }
    }

    fn place(&mut self, key: u32, deadline: u64) {
        let place = self.slot_of(deadline);
        let head = match self.head_mut(place) {
            Some(head) => std::mem::replace(head, key),
            None => return,
        };
        if let Some(entry) = self.entries.get_mut(key as usize) {
            entry.next = head;
            entry.previous = NONE;
            entry.place = place;
        }
        if let Some(second) = self.entries.get_mut(head as usize) {
            second.previous = key;
        }
        let level = usize::from(place) / SLOTS;
        if let Some(occupied) = self.occupied.get_mut(level) {
            *occupied |= 1 << (usize::from(place) % SLOTS);
        }
    }

    /// The level is the highest group of six bits in which the deadline differs from now.
    fn slot_of(&self, deadline: u64) -> u16 {
        if deadline <= self.now {
            return DUE;
        }
        let deadline = deadline.min(self.now.saturating_add(SPAN_TICKS - SPAN_TICKS / 64));
        let differs = 63 - (deadline ^ self.now).leading_zeros();
        let level = (differs / BITS).min(LEVEL_LAST);
        let slot = (deadline >> (level * BITS)) & (SLOTS as u64 - 1);
        u16::try_from(u64::from(level) * SLOTS as u64 + slot).unwrap_or(DUE)
    }

    fn unlink(&mut self, key: u32) {
        let Some(entry) = self.entries.get_mut(key as usize) else {
            return;
        };
        let Entry {
            next,
            previous,
            place,
            ..
        } = *entry;
        if place == UNARMED {
            return;
        }
        entry.place = UNARMED;
        if let Some(after) = self.entries.get_mut(next as usize) {
            after.previous = previous;
        }
        if let Some(before) = self.entries.get_mut(previous as usize) {
            before.next = next;
            return;
        }
        if let Some(head) = self.head_mut(place) {
            *head = next;
        }
        if next == NONE
            && let Some(occupied) = self.occupied.get_mut(usize::from(place) / SLOTS)
        {
            *occupied &= !(1 << (usize::from(place) % SLOTS));
        }
    }

    fn head_mut(&mut self, place: u16) -> Option<&mut u32> {
        if place == DUE {
            return Some(&mut self.due);
        }
        let level = self.heads.get_mut(usize::from(place) / SLOTS)?;
        level.get_mut(usize::from(place) % SLOTS)
    }
}

impl Entry {
    const EMPTY: Self = Self {
        deadline: 0,
        next: NONE,
        previous: NONE,
        place: UNARMED,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn drain(wheel: &mut Wheel, now: u64) -> Vec<usize> {
        wheel.advance(now);
        std::iter::from_fn(|| wheel.pop()).collect()
    }

    #[test]
    fn a_rearmed_timer_leaves_no_stale_entry() {
        let mut wheel = Wheel::new(0);
        for tick in 1..1000 {
            wheel.arm(7, tick * 10);
        }
        assert!(drain(&mut wheel, 9_989).is_empty());
        assert_eq!(drain(&mut wheel, 9_990), [7]);
        assert_eq!(wheel.next_tick(), None);
    }

    #[test]
    fn the_loop_sleeps_until_the_next_deadline_and_not_past_it() {
        let mut wheel = Wheel::new(123);
        wheel.arm(0, 1_000_123);
        let mut wakes = 0;
        while let Some(tick) = wheel.next_tick() {
            assert!(tick <= 1_000_123);
            wakes += 1;
            if drain(&mut wheel, tick) == [0] {
                break;
            }
        }
        assert!(wakes <= LEVELS, "{wakes} wake-ups for one timer");
    }

    #[test]
    fn a_deadline_in_the_past_is_due_at_once() {
        let mut wheel = Wheel::new(50);
        wheel.arm(1, 50);
        wheel.arm(2, 3);
        wheel.disarm(2);
        assert_eq!((wheel.pop(), wheel.pop()), (Some(1), None));
    }

    #[test]
    fn a_deadline_beyond_the_span_still_fires_in_time() {
        let mut wheel = Wheel::new(9);
        wheel.arm(3, SPAN_TICKS * 3 + 5);
        assert!(drain(&mut wheel, SPAN_TICKS * 3 + 4).is_empty());
        assert_eq!(drain(&mut wheel, SPAN_TICKS * 3 + 5), [3]);
    }

    /// Key, ticks ahead, ticks that pass, whether to disarm instead.
    fn step() -> impl Strategy<Value = (usize, u64, u64, bool)> {
        (0usize..40, 0u64..1 << 20, 0u64..1 << 14, any::<bool>())
    }

    proptest! {
        #[test]
        fn timers_fire_at_the_first_tick_not_before_their_deadline(
            start in 0u64..1 << 40,
            steps in proptest::collection::vec(step(), 1..300),
        ) {
            let mut wheel = Wheel::new(start);
            let mut model = BTreeMap::new();
            let mut now = start;
            for (key, ahead, step, disarm) in steps {
                if disarm {
                    wheel.disarm(key);
                    model.remove(&key);
                } else {
                    wheel.arm(key, now + ahead);
                    model.insert(key, now + ahead);
                }
                let earliest = model.values().min().copied();
                match (wheel.next_tick(), earliest) {
                    (Some(tick), Some(deadline)) => prop_assert!(tick <= deadline.max(now)),
                    (tick, deadline) => prop_assert_eq!(tick, deadline),
                }
                now += step;
                let mut fired = drain(&mut wheel, now);
                fired.sort_unstable();
                let due: Vec<usize> =
                    model.iter().filter(|(_, d)| **d <= now).map(|(k, _)| *k).collect();
                prop_assert_eq!(fired, due.clone());
                for key in due {
                    model.remove(&key);
                }
            }
        }
    }
}
