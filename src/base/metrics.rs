//! Counters and gauges as plain atomics, and the list a room gives of its own.
//!
//! A room keeps a struct of [`Counter`]s and [`Gauge`]s (one instance a worker, so that cores do
//! not fight for a cache line) and lists them as [`Sample`]s; the operations listener adds up
//! samples of equal name and labels and prints them as OpenMetrics.

use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// A number that only grows: requests, refusals, bytes.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// The count so far.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A [`Counter`] that every core adds to with every request: each thread has its own cache line.
#[derive(Debug, Default)]
pub struct Striped([Stripe; STRIPES]);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(Counter);

/// Threads beyond share; 128 bytes each.
const STRIPES: usize = 16;

thread_local! {
    static STRIPE: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Relaxed) % STRIPES
    };
}

impl Striped {
    /// Adds one.
    pub fn add_one(&self) {
        let stripe = STRIPE.try_with(|stripe| *stripe).unwrap_or_default();
        if let Some(stripe) = self.0.get(stripe) {
            stripe.0.add_one();
        }
    }

    /// The count so far.
    pub fn value(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.value()).sum()
    }
}

/// A number that goes up and down: live connections, bytes held.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Adds `n`, which may be negative.
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Replaces the value.
    pub fn set(&self, n: i64) {
        self.0.store(n, Relaxed);
    }

    /// The value now.
    pub fn value(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// How often values lay below each of a few bounds: bitrates, delays.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One a bound, for values up to it and above the bound before; then one for all above.
    counts: Vec<Counter>,
    sum: Counter,
}

impl Histogram {
    /// One with these bounds, rising.
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| Counter::default());
        Self {
            bounds,
            counts: counts.collect(),
            sum: Counter::default(),
        }
    }

    /// Counts a value.
    pub fn observe(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.add_one();
        }
        self.sum.add(value);
    }

    /// Appends one sample a bound, each counting all values up to it, one for all values, and their
    /// sum.
    pub fn sample(&self, name: &'static str, help: &'static str, into: &mut Vec<Sample>) {
        let kinds = self.bounds.iter().map(|bound| Part::UpTo(*bound));
        let kinds = kinds.chain([Part::All]).map(Kind::Histogram);
        let sample = |kind, value: u64| Sample {
            name,
            help,
            kind,
            label: None,
            value: i64::try_from(value).unwrap_or(i64::MAX),
        };
        let mut so_far = 0;
        for (kind, count) in kinds.zip(&self.counts) {
            so_far += count.value();
            into.push(sample(kind, so_far));
        }
        into.push(sample(Kind::Histogram(Part::Sum), self.sum.value()));
    }
}

/// How a sample's value behaves, as OpenMetrics names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Only grows; printed with the suffix `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A part of a [`Histogram`].
    Histogram(Part),
}

/// What a sample says of a histogram, in the order of printing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Values up to this bound; printed with the suffix `_bucket` and the label `le`.
    UpTo(u64),
    /// All values; printed as the last bucket and with the suffix `_count`.
    All,
    /// The sum of all values; printed with the suffix `_sum`.
    Sum,
}

/// One value of one metric at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Metric name without suffix, `lamplight_` prefix included, e.g. `lamplight_quic_refused`.
    pub name: &'static str,
    /// One sentence for people.
    pub help: &'static str,
    /// Counter, gauge or part of a histogram.
    pub kind: Kind,
    /// At most one label: name and value, e.g. `("reason", "connection_limit")`.
    pub label: Option<(&'static str, &'static str)>,
    /// The value.
    pub value: i64,
}

impl Sample {
    /// A sample of a counter.
    pub fn counter(name: &'static str, help: &'static str, counter: &Counter) -> Self {
        Self {
            name,
            help,
            kind: Kind::Counter,
            label: None,
            value: i64::try_from(counter.value()).unwrap_or(i64::MAX),
        }
    }

    /// A sample of a gauge.
    pub fn gauge(name: &'static str, help: &'static str, gauge: &Gauge) -> Self {
        Self {
            name,
            help,
            kind: Kind::Gauge,
            label: None,
            value: gauge.value(),
        }
    }

    /// The same sample with a label.
    #[must_use]
    pub fn labelled(mut self, name: &'static str, value: &'static str) -> Self {
        self.label = Some((name, value));
        self
    }
}

/// A room's numbers, asked for at every scrape.
pub trait Source: Send + Sync {
    /// Appends the present values.
    fn sample(&self, into: &mut Vec<Sample>);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_value_under_every_bound_above_it() {
        let histogram = Histogram::new(&[10, 100]);
        for value in [0, 10, 11, 5000] {
            histogram.observe(value);
        }
        let mut samples = Vec::new();
        histogram.sample("lamplight_x", "", &mut samples);
        let parts: Vec<_> = samples.iter().map(|s| (s.kind, s.value)).collect();
        let wanted = [
            (Part::UpTo(10), 2),
            (Part::UpTo(100), 3),
            (Part::All, 4),
            (Part::Sum, 5021),
        ];
        assert_eq!(parts, wanted.map(|(p, n)| (Kind::Histogram(p), n)));
    }

    #[test]
    fn counters_and_gauges_report_what_was_added() {
        let counter = Counter::default();
        counter.add_one();
        counter.add(41);
        let gauge = Gauge::default();
        gauge.add(3);
        gauge.add(-5);
        assert_eq!(Sample::counter("a", "", &counter).value, 42);
        let sample = Sample::gauge("b", "", &gauge).labelled("k", "v");
        assert_eq!((sample.value, sample.label), (-2, Some(("k", "v"))));
    }
}
