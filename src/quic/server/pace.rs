//! When to let datagrams gather.
//!
//! A worker that wakes for every datagram spends most of its time waking. When many arrive and
//! there is time to spare, it sleeps on for a moment and takes them together, as network cards do
//! with interrupts. When few arrive each is answered at once, and when there is no time to spare
//! they gather by themselves.

use std::time::Duration;
use std::time::Instant;

/// Measures a worker's load, window by window.
#[derive(Debug)]
pub(super) struct Pace {
    gather: Duration,
    window: Instant,
    busy: Duration,
    datagrams: u64,
    gathering: bool,
}

impl Pace {
    /// Gathers for `gather` at most; never if that is zero.
    pub(super) const fn new(now: Instant, gather: Duration) -> Self {
        Self {
            gather,
            window: now,
            busy: Duration::ZERO,
            datagrams: 0,
            gathering: false,
        }
    }

    /// Counts a turn.
    pub(super) fn count(&mut self, started: Instant, ended: Instant, datagrams: u64) {
        self.busy += ended.saturating_duration_since(started);
        self.datagrams += datagrams;
        let length = ended.saturating_duration_since(self.window);
        if length < WINDOW {
            return;
        }
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let many = self.datagrams >= millis.saturating_mul(DATAGRAMS_A_MILLISECOND);
        self.gathering = many && self.busy < length * 7 / 10 && !self.gather.is_zero();
        self.window = ended;
        self.busy = Duration::ZERO;
        self.datagrams = 0;
    }

    /// Until when to sleep whatever arrives, after a turn that began at `started`.
    pub(super) fn sleep_until(&self, started: Instant) -> Option<Instant> {
        self.gathering.then(|| started + self.gather)
    }
}

const WINDOW: Duration = Duration::from_millis(10);
/// Arrivals from which on gathering pays: below, a turn would find one or two datagrams anyway.
const DATAGRAMS_A_MILLISECOND: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::now;

    /// The decision after 20 ms of turns of this length, every half millisecond.
    fn gathers(datagrams: u64, busy: Duration) -> bool {
        let mut at = now();
        let mut pace = Pace::new(at, Duration::from_millis(1));
        for _ in 0..40 {
            pace.count(at, at + busy, datagrams);
            at += Duration::from_micros(500);
        }
        pace.sleep_until(at).is_some()
    }

    #[test]
    fn only_a_worker_with_many_datagrams_and_time_to_spare_lets_them_gather() {
        let busy = Duration::from_micros;
        assert!(gathers(5, busy(100)));
        assert!(!gathers(1, busy(100)), "a lone learner is answered at once");
        assert!(!gathers(50, busy(480)), "a busy worker has no time to lose");
    }

    #[test]
    fn gathering_ends_with_the_rush() {
        let start = now();
        let mut pace = Pace::new(start, Duration::from_millis(1));
        pace.count(start, start + WINDOW / 2, 10);
        pace.count(start + WINDOW, start + WINDOW, 100);
        assert!(pace.sleep_until(start).is_some());
        pace.count(start + 3 * WINDOW, start + 3 * WINDOW, 3);
        assert_eq!(pace.sleep_until(start), None);
    }
}
