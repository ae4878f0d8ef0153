//! The wheel in terms of instants: one deadline a connection.

use crate::base::wheel::Wheel;
use std::time::Duration;
use std::time::Instant;

/// Deadlines of connections, by slab key, in steps of 256 µs.
#[derive(Debug)]
pub(in crate::quic) struct Timers {
    origin: Instant,
    wheel: Wheel,
}

const TICK_MICROS: u64 = 256;

impl Timers {
    pub(in crate::quic) const fn new(now: Instant) -> Self {
        Self {
            origin: now,
            wheel: Wheel::new(0),
        }
    }

    /// Sets the deadline of `key`; none disarms.
    pub(in crate::quic) fn set(&mut self, key: usize, deadline: Option<Instant>) {
        match deadline {
            // Rounded up: a timer that fires early would find nothing to do.
            Some(at) => self.wheel.arm(key, self.ticks(at) + 1),
            None => self.wheel.disarm(key),
        }
    }

    /// Makes due what has expired by `now`.
    pub(in crate::quic) fn advance(&mut self, now: Instant) {
        let ticks = self.ticks(now);
        self.wheel.advance(ticks);
    }

    /// A key that is due.
    pub(in crate::quic) fn pop(&mut self) -> Option<usize> {
        self.wheel.pop()
    }

    /// When to call [`Timers::advance`] again.
    pub(in crate::quic) fn next(&self) -> Option<Instant> {
        let tick = self.wheel.next_tick()?;
        Some(self.origin + Duration::from_micros(tick.saturating_mul(TICK_MICROS)))
    }

    fn ticks(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin).as_micros();
        u64::try_from(since / u128::from(TICK_MICROS)).unwrap_or(u64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::now;

    #[test]
    fn a_deadline_is_due_soon_after_it_and_never_before() {
        let start = now();
        let mut timers = Timers::new(start);
        let deadline = start + Duration::from_micros(70_001);
        timers.set(3, Some(deadline));
        timers.advance(deadline);
        assert_eq!(timers.pop(), None);
        let due = timers.next().unwrap();
        assert!(due > deadline && due < deadline + Duration::from_micros(513));
        timers.advance(due);
        assert_eq!(timers.pop(), Some(3));
    }
}
