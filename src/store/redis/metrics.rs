//! Numbers of Redis.

use crate::base::metrics::Counter;
use crate::base::metrics::Gauge;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;
use crate::store::redis::Left;
use crate::store::redis::Stored;

/// Numbers of the handle and its keeper; without Redis all are 0.
#[derive(Debug, Default)]
pub struct Metrics {
    /// 1 while the server answers.
    pub(super) up: Gauge,
    pub(super) connections: Counter,
    pub(super) broken: Counter,
    /// Times Redis lost what it had, as far as that shows.
    pub(super) lost: Counter,
    pub(super) loads_found: Counter,
    pub(super) loads_missed: Counter,
    pub(super) loads_damaged: Counter,
    pub(super) loads_newer: Counter,
    pub(super) loads_failed: Counter,
    same: Counter,
    replaced: Counter,
    fresh: Counter,
    forgotten: Counter,
    mended: Counter,
    contended: Counter,
    newer: Counter,
    too_large: Counter,
    pub(super) refused: Counter,
    pub(super) unsent: Counter,
    joined: Counter,
    pub(super) heard: Counter,
    pub(super) untold: Counter,
}

impl Metrics {
    /// Counts what became of a learner.
    pub(super) fn count(&self, outcome: &Result<Stored, Left>, joined: bool) {
        if joined {
            self.joined.add_one();
        }
        let counter = match outcome {
            Ok(Stored::Same) => &self.same,
            Ok(Stored::Replaced) => &self.replaced,
            Ok(Stored::Fresh) => &self.fresh,
            Ok(Stored::Forgotten) => &self.forgotten,
            Ok(Stored::Mended) => &self.mended,
            Err(Left::Contended) => &self.contended,
            Err(Left::Newer) => &self.newer,
            Err(Left::TooLarge) => &self.too_large,
            Err(Left::Refused(_)) => &self.refused,
        };
        counter.add_one();
    }
}

impl Source for Metrics {
    fn sample(&self, into: &mut Vec<Sample>) {
        into.extend([
            Sample::gauge("lamplight_redis_up", "1 while Redis answers.", &self.up),
            Sample::counter(
                "lamplight_redis_connections",
                "Connections made to Redis.",
                &self.connections,
            ),
            Sample::counter(
                "lamplight_redis_broken",
                "Connections and tries that failed.",
                &self.broken,
            ),
            Sample::counter(
                "lamplight_redis_lost",
                "Times Redis was found restarted or emptied; everything is shipped again.",
                &self.lost,
            ),
            Sample::counter(
                "lamplight_redis_joined",
                "Learners of whom other nodes had stored more than this one knew.",
                &self.joined,
            ),
            Sample::counter(
                "lamplight_redis_heard",
                "Learners whom other nodes said to have changed.",
                &self.heard,
            ),
            Sample::counter(
                "lamplight_redis_untold",
                "Learners shipped whose change could not be told to other nodes at once.",
                &self.untold,
            ),
        ]);
        for (outcome, counter) in [
            ("found", &self.loads_found),
            ("missed", &self.loads_missed),
            ("damaged", &self.loads_damaged),
            ("newer", &self.loads_newer),
            ("failed", &self.loads_failed),
        ] {
            let help = "Learners looked up in Redis, by outcome.";
            let sample = Sample::counter("lamplight_redis_loads", help, counter);
            into.push(sample.labelled("outcome", outcome));
        }
        for (outcome, counter) in [
            ("same", &self.same),
            ("replaced", &self.replaced),
            ("fresh", &self.fresh),
            ("forgotten", &self.forgotten),
            ("mended", &self.mended),
        ] {
            let help = "Learners shipped to Redis, by what was there before.";
            let sample = Sample::counter("lamplight_redis_shipped", help, counter);
            into.push(sample.labelled("outcome", outcome));
        }
        for (reason, counter) in [
            ("contended", &self.contended),
            ("newer", &self.newer),
            ("too_large", &self.too_large),
            ("refused", &self.refused),
            ("unsent", &self.unsent),
        ] {
            let help = "Learners not shipped this time, by reason.";
            let sample = Sample::counter("lamplight_redis_left", help, counter);
            into.push(sample.labelled("reason", reason));
        }
    }
}
