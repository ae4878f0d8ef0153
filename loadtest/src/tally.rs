//! Counts and latencies of one thread, and of all threads once merged.

use crate::latency::Latencies;
use std::collections::BTreeMap;
use std::time::Duration;

/// Faults shown in full; the rest are only counted.
const EXAMPLES_MAX: usize = 12;
/// An answer slower than this is listed as a stall.
pub(crate) const STALL: Duration = Duration::from_millis(250);

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The first one on a new connection.
    Opening,
    /// Load, warm-up included.
    Load,
    /// The last one of each connection.
    Check,
}

/// One purpose's requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Count {
    /// Right answers.
    pub(crate) answered: u64,
    /// Right answers inside the measured window (load only).
    pub(crate) measured: u64,
    /// Bytes of content inside the measured window (load only).
    pub(crate) measured_bytes: u64,
    /// Wrong, missing or late ones.
    pub(crate) failed: u64,
    /// From the intended send time to the last byte, for what was due inside the window.
    pub(crate) latency: Latencies,
    /// Answers slower than [`STALL`].
    pub(crate) stalls: u64,
}

/// All that one thread counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// First requests of connections.
    pub(crate) opening: Count,
    /// Requests of the loaded interval.
    pub(crate) load: Count,
    /// Requests of the final check.
    pub(crate) check: Count,
    /// Handshakes completed, resumed ones included.
    pub(crate) connected: u64,
    /// Handshakes that resumed a session.
    pub(crate) resumed: u64,
    /// Connections that could not be opened.
    pub(crate) refused: u64,
    /// Connections lost after they were open.
    pub(crate) lost: u64,
    /// From the first packet to a completed handshake.
    pub(crate) handshake: Latencies,
    /// How late requests left.
    pub(crate) lag: Latencies,
    /// Longest time the loop overran what it had asked for, in the measured window.
    pub(crate) stall_max: Duration,
    /// Faults by kind.
    pub(crate) faults: BTreeMap<String, u64>,
    /// The first few faults, with their URL.
    pub(crate) examples: Vec<String>,
}

impl Tally {
    /// The count of that purpose.
    pub(crate) const fn of(&mut self, purpose: Purpose) -> &mut Count {
        match purpose {
            Purpose::Opening => &mut self.opening,
            Purpose::Load => &mut self.load,
            Purpose::Check => &mut self.check,
        }
    }

    /// Notes a fault that is no request's (a lost connection), or the words for one that is.
    pub(crate) fn fault(&mut self, kind: String, example: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example());
        }
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Adds another thread's tally.
    pub(crate) fn merge(&mut self, other: Self) {
        self.opening.merge(&other.opening);
        self.load.merge(&other.load);
        self.check.merge(&other.check);
        self.connected += other.connected;
        self.resumed += other.resumed;
        self.refused += other.refused;
        self.lost += other.lost;
        self.handshake.merge(&other.handshake);
        self.lag.merge(&other.lag);
        self.stall_max = self.stall_max.max(other.stall_max);
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES_MAX);
    }
}

impl Count {
    fn merge(&mut self, other: &Self) {
        self.answered += other.answered;
        self.measured += other.measured;
        self.measured_bytes += other.measured_bytes;
        self.failed += other.failed;
        self.latency.merge(&other.latency);
        self.stalls += other.stalls;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fault_is_lost_when_threads_are_merged() {
        let mut all = Tally::default();
        for n in 0..3 {
            let mut one = Tally::default();
            one.of(Purpose::Check).failed = 1;
            one.stall_max = Duration::from_millis(n);
            for _ in 0..10 {
                one.fault("wrong bytes".into(), || "example".into());
            }
            all.merge(one);
        }
        assert_eq!(all.faults.get("wrong bytes"), Some(&30));
        assert_eq!((all.check.failed, all.examples.len()), (3, EXAMPLES_MAX));
        assert_eq!(all.stall_max, Duration::from_millis(2));
    }
}
