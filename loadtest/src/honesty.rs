//! When the generator may not judge: its own lag, stand-stills, CPU and lost datagrams.

use serde::Serialize;
use std::time::Duration;

/// A measured interval in which the generator stood still this long proves nothing.
const STALL_MAX: Duration = Duration::from_millis(100);
/// Requests of an open loop may leave this late at the 99th percentile.
const LAG_P99_MAX: Duration = Duration::from_millis(5);
/// Share of its threads' time that the generator may be busy in an open loop.
const BUSY_MAX: f64 = 0.95;

/// Whether arrivals depend on answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Loop {
    /// Requests leave on schedule, whatever the server does.
    Open,
    /// The next request leaves when an answer came.
    Closed,
}

/// What the generator knows about itself in the measured interval.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Evidence {
    /// Open or closed.
    pub(crate) arrivals: Loop,
    /// How late requests left, 99th percentile.
    pub(crate) lag_p99: Duration,
    /// How late the latest request left.
    pub(crate) lag_max: Duration,
    /// Longest time the generator's loop took for a turn beyond what it had asked for.
    pub(crate) stall_max: Duration,
    /// CPU time over wall time and threads, 0 to 1.
    pub(crate) busy: f64,
    /// Datagrams the kernel dropped at the generator's sockets.
    pub(crate) drops: u64,
}

impl Evidence {
    /// Reasons to withhold the verdict; empty when the figures stand.
    ///
    /// A closed loop may be busy: what it measures is work per server CPU second, and a slow
    /// generator only understates it.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.stall_max >= STALL_MAX {
            doubts.push(format!(
                "the generator stood still for {} ms (100 are too many)",
                self.stall_max.as_millis()
            ));
        }
        if self.drops > 0 {
            doubts.push(format!(
                "the kernel dropped {} datagrams at the generator's sockets",
                self.drops
            ));
        }
        if self.arrivals == Loop::Open && self.lag_p99 > LAG_P99_MAX {
            doubts.push(format!(
                "requests left {:.1} ms late at p99 (5 ms are too many)",
                self.lag_p99.as_secs_f64() * 1e3
            ));
        }
        if self.arrivals == Loop::Open && self.busy > BUSY_MAX {
            doubts.push(format!(
                "the generator's threads were busy {:.0} % of the time",
                self.busy * 100.0
            ));
        }
        doubts
    }
}

/// The verdict over one run; its number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Nothing failed and every objective was met.
    Met = 0,
    /// Something failed or an objective was missed.
    Missed = 1,
    /// The generator may not judge.
    Withheld = 2,
}

impl Verdict {
    /// Faults seen by an honest generator count; doubts outweigh them, since a generator in
    /// trouble can cause what looks like the server's faults (timeouts, late answers).
    pub(crate) const fn of(doubts: &[String], faults: &[String]) -> Self {
        match (doubts.is_empty(), faults.is_empty()) {
            (false, _) => Self::Withheld,
            (true, false) => Self::Missed,
            (true, true) => Self::Met,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm(arrivals: Loop) -> Evidence {
        Evidence {
            arrivals,
            lag_p99: Duration::from_micros(300),
            lag_max: Duration::from_millis(2),
            stall_max: Duration::from_millis(3),
            busy: 0.5,
            drops: 0,
        }
    }

    #[test]
    fn a_calm_generator_may_judge() {
        assert!(calm(Loop::Open).doubts().is_empty());
        assert_eq!(Verdict::of(&[], &[]), Verdict::Met);
        assert_eq!(Verdict::of(&[], &["x".into()]), Verdict::Missed);
    }

    #[test]
    fn a_generator_that_stood_still_or_lost_datagrams_withholds_in_either_loop() {
        for arrivals in [Loop::Open, Loop::Closed] {
            let mut frozen = calm(arrivals);
            frozen.stall_max = Duration::from_millis(190);
            let mut deaf = calm(arrivals);
            deaf.drops = 1;
            for evidence in [frozen, deaf] {
                let doubts = evidence.doubts();
                assert_eq!(doubts.len(), 1, "{evidence:?}");
                assert_eq!(Verdict::of(&doubts, &["late".into()]), Verdict::Withheld);
            }
        }
    }

    #[test]
    fn a_busy_generator_withholds_only_where_latency_is_judged() {
        let busy = |arrivals| Evidence {
            busy: 0.99,
            lag_p99: Duration::from_millis(8),
            ..calm(arrivals)
        };
        assert_eq!(busy(Loop::Open).doubts().len(), 2);
        assert!(busy(Loop::Closed).doubts().is_empty());
    }
}
