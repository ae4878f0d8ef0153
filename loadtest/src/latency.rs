//! High-dynamic-range histograms of durations, in microseconds.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Longest duration told apart, two minutes; longer ones count as this.
const MICROS_MAX: u64 = 120_000_000;
/// Significant decimal digits kept.
const DIGITS: u8 = 3;

/// Durations from 1 µs to two minutes with three digits, mergeable.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants that fit")]
        let histogram = Histogram::new_with_bounds(1, MICROS_MAX, DIGITS)
            .expect("1 µs to two minutes with three digits is a valid histogram");
        Self(histogram)
    }
}

impl Latencies {
    /// Counts one duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(MICROS_MAX);
        self.0.saturating_record(micros.max(1));
    }

    /// Adds another histogram's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        #[expect(clippy::expect_used, reason = "both have the bounds of `default`")]
        self.0.add(&other.0).expect("equal bounds add up");
    }

    /// The duration below which a share `q` (0 to 1) lies.
    pub(crate) fn quantile(&self, q: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(q))
    }

    /// The longest duration.
    pub(crate) fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    /// The percentiles people ask for.
    pub(crate) fn summary(&self) -> Summary {
        let ms = |q: f64| self.0.value_at_quantile(q) as f64 / 1_000.0;
        Summary {
            count: self.0.len(),
            mean: self.0.mean() / 1_000.0,
            p50: ms(0.5),
            p90: ms(0.9),
            p99: ms(0.99),
            p99_9: ms(0.999),
            p99_99: ms(0.9999),
            max: self.0.max() as f64 / 1_000.0,
        }
    }
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    /// How many durations.
    pub(crate) count: u64,
    /// Arithmetic mean.
    pub(crate) mean: f64,
    /// Median.
    pub(crate) p50: f64,
    /// 90 % lie below.
    pub(crate) p90: f64,
    /// 99 % lie below.
    pub(crate) p99: f64,
    /// 99.9 % lie below.
    pub(crate) p99_9: f64,
    /// 99.99 % lie below.
    pub(crate) p99_99: f64,
    /// The longest.
    pub(crate) max: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {:.2} · p90 {:.2} · p99 {:.2} · p99.9 {:.2} · p99.99 {:.2} · max {:.2} ms",
            self.p50, self.p90, self.p99, self.p99_9, self.p99_99, self.max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_answer_in_ten_thousand_shows_at_the_far_percentiles() {
        let mut all = Latencies::default();
        for _ in 0..9_998 {
            all.record(Duration::from_millis(1));
        }
        let mut slow = Latencies::default();
        slow.record(Duration::from_millis(300));
        slow.record(Duration::from_millis(300));
        all.merge(&slow);
        let summary = all.summary();
        assert_eq!(summary.count, 10_000);
        assert!((summary.p99_9 - 1.0).abs() < 0.01, "{summary}");
        assert!((summary.p99_99 - 300.0).abs() < 1.0, "{summary}");
    }

    #[test]
    fn an_absurd_duration_counts_as_the_longest() {
        let mut all = Latencies::default();
        all.record(Duration::MAX);
        assert!(all.max() >= Duration::from_secs(119));
    }
}
