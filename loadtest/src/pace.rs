//! When requests are due: a fixed schedule for open loops, whatever the server does.
//!
//! Latency counts from the time a request was *due*. A generator that sends late because the
//! server (or the generator) was slow would otherwise leave out exactly the slow moments
//! (coordinated omission).

use std::time::Duration;
use std::time::Instant;

/// An evenly spaced schedule: the n-th request is due at `start + n / rate`.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    start: Instant,
    rate: f64,
    taken: u64,
}

impl Pace {
    /// A schedule of `rate` requests a second (above zero) from `start`.
    pub(crate) const fn new(start: Instant, rate: f64) -> Self {
        Self {
            start,
            rate,
            taken: 0,
        }
    }

    /// When the next request is due.
    pub(crate) fn next_due(&self) -> Instant {
        // Computed from the count, not summed up, so that rounding does not change the rate.
        self.start + Duration::from_secs_f64(self.taken as f64 / self.rate)
    }

    /// Takes the next request if it is due by `now`; the answer is its intended time.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next_due();
        if due > now {
            return None;
        }
        self.taken += 1;
        Some(due)
    }
}

/// The three instants of a loaded interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Load begins; what happens before `from` is warm-up and reported apart.
    pub(crate) start: Instant,
    /// Measuring begins.
    pub(crate) from: Instant,
    /// Measuring and load end; what is in flight may finish.
    pub(crate) until: Instant,
}

impl Window {
    /// A window that opens at `start`.
    pub(crate) fn new(start: Instant, warm_up: Duration, length: Duration) -> Self {
        let from = start + warm_up;
        Self {
            start,
            from,
            until: from + length,
        }
    }

    /// Whether `at` is measured.
    pub(crate) fn holds(&self, at: Instant) -> bool {
        (self.from..self.until).contains(&at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary instant to count from"
    )]
    fn some_instant() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_late_generator_keeps_the_intended_times() {
        let start = some_instant();
        let mut pace = Pace::new(start, 1_000.0);
        assert_eq!(pace.take(start), Some(start));
        assert_eq!(pace.take(start), None);
        // Frozen for 5 ms: five requests are overdue, each with its own intended time.
        let late = start + Duration::from_micros(5_500);
        let due: Vec<_> = std::iter::from_fn(|| pace.take(late)).collect();
        let expected: Vec<_> = (1..=5).map(|n| start + Duration::from_millis(n)).collect();
        assert_eq!(due, expected);
    }

    #[test]
    fn rounding_does_not_bend_the_rate() {
        let start = some_instant();
        let mut pace = Pace::new(start, 3.0);
        let hour = start + Duration::from_secs(3_600);
        assert_eq!(std::iter::from_fn(|| pace.take(hour)).count(), 10_801);
    }

    #[test]
    fn warm_up_is_outside_the_window() {
        let start = some_instant();
        let window = Window::new(start, Duration::from_secs(1), Duration::from_secs(2));
        let held: Vec<_> = [0, 1, 2, 3]
            .map(|s| window.holds(start + Duration::from_secs(s)))
            .into();
        assert_eq!(held, [false, true, true, false]);
    }
}
