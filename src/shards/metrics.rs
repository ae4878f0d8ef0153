//! The room's numbers.

use crate::base::metrics::Counter;
use crate::base::metrics::Gauge;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;
use crate::base::metrics::Striped;
use crate::shards::Shards;
use crate::shards::resident::Place;

/// Counters, shared by all workers.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Learners in memory.
    pub(super) residents: Gauge,
    /// Touches that found the learner in memory, and those that did not.
    pub(super) hits: Striped,
    pub(super) misses: Counter,
    /// Misses that waited for a load which another one had begun.
    pub(super) collapsed: Counter,
    pub(super) loads_failed: Counter,
    pub(super) refused_full: Counter,
    pub(super) refused_journal: Counter,
    pub(super) refused_load: Counter,
    /// Learners that left memory.
    pub(super) evicted: Counter,
    /// Changes taken back because the journal did not take them.
    pub(super) undone: Counter,
    /// Times a whole state was appended because its facts were in doubt.
    pub(super) again: Counter,
    pub(super) saved: Counter,
    pub(super) saves_failed: Counter,
    /// Facts read from the journal at start.
    pub(super) recovered: Counter,
}

impl Source for Shards {
    fn sample(&self, into: &mut Vec<Sample>) {
        let m = &self.metrics;
        let counted = |name, help, counter: &Counter| Sample::counter(name, help, counter);
        let gauge = |name, help, value: usize| {
            let gauge = Gauge::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            Sample::gauge(name, help, &gauge)
        };
        let help = "Learners in memory.";
        into.push(Sample::gauge("lamplight_learners", help, &m.residents));
        let help = "Memory of learners, estimated.";
        into.push(gauge("lamplight_learners_bytes", help, self.bytes()));
        let help = "Memory that learners may take.";
        into.push(gauge("lamplight_learners_bytes_max", help, self.budget));
        let (name, help) = (
            "lamplight_learners_touches",
            "Learners asked for, by outcome.",
        );
        let misses = counted(name, help, &m.misses);
        let hits = Sample {
            value: i64::try_from(m.hits.value()).unwrap_or(i64::MAX),
            ..misses
        };
        into.extend([
            hits.labelled("outcome", "hit"),
            misses.labelled("outcome", "miss"),
        ]);
        let (name, help) = ("lamplight_learners_refused", "Learners refused, by reason.");
        for (reason, counter) in [
            ("full", &m.refused_full),
            ("journal", &m.refused_journal),
            ("load", &m.refused_load),
        ] {
            into.push(counted(name, help, counter).labelled("reason", reason));
        }
        let (name, help) = (
            "lamplight_learners_lacking",
            "Learners whose newest state a place lacks.",
        );
        for (label, place) in [("snapshots", Place::Snapshots), ("redis", Place::Redis)] {
            let count = self.calendar.count(place);
            into.push(gauge(name, help, count).labelled("place", label));
        }
        for (name, help, counter) in m.plain() {
            into.push(counted(name, help, counter));
        }
    }
}

impl Metrics {
    /// Those without labels.
    const fn plain(&self) -> [(&'static str, &'static str, &Counter); 8] {
        [
            (
                "lamplight_learners_collapsed",
                "Touches that waited for a load another had begun.",
                &self.collapsed,
            ),
            (
                "lamplight_learners_loads_failed",
                "Learners that could not be read.",
                &self.loads_failed,
            ),
            (
                "lamplight_learners_evicted",
                "Learners that left memory.",
                &self.evicted,
            ),
            (
                "lamplight_learners_undone",
                "Changes taken back because the journal did not take them.",
                &self.undone,
            ),
            (
                "lamplight_learners_again",
                "States appended whole because their facts were in doubt.",
                &self.again,
            ),
            (
                "lamplight_learners_saved",
                "Snapshots of learners written.",
                &self.saved,
            ),
            (
                "lamplight_learners_saves_failed",
                "Times snapshots could not be written.",
                &self.saves_failed,
            ),
            (
                "lamplight_learners_recovered",
                "Facts read from the journal at start.",
                &self.recovered,
            ),
        ]
    }
}
