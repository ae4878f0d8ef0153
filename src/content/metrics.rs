//! The room's numbers.

use crate::base::metrics;
use crate::base::metrics::Counter;
use crate::base::metrics::Gauge;
use crate::base::metrics::Sample;
use crate::base::metrics::Striped;
use crate::content::Library;
use std::sync::PoisonError;

/// Counters of one library, shared by all workers.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Lookups answered from the cache.
    pub(crate) hits: Striped,
    /// Lookups that had to build, or wait for who builds.
    pub(crate) misses: Counter,
    /// Misses that waited for a build another request had begun.
    pub(crate) collapsed: Counter,
    /// Chunks built.
    pub(crate) builds: Counter,
    /// Bytes of chunks built.
    pub(crate) built_bytes: Counter,
    /// Builds that failed because a source changed.
    pub(crate) changed: Counter,
    /// Builds refused because too many were waiting.
    pub(crate) busy: Counter,
    /// Chunks forgotten on request.
    pub(crate) purged: Counter,
    /// Reloads that succeeded.
    pub(crate) reloads: Counter,
    /// Reloads that failed.
    pub(crate) reloads_failed: Counter,
    /// Files that stay readable when they are replaced.
    pub(crate) pinned: Gauge,
    /// Files that do not.
    pub(crate) unpinned: Gauge,
}

impl metrics::Source for Library {
    fn sample(&self, into: &mut Vec<Sample>) {
        let counted = |name, help, counter: &Counter| Sample::counter(name, help, counter);
        let m = &self.metrics;
        let lookups = "Chunks looked up, by outcome.";
        let name = "lamplight_content_lookups";
        let hits = Sample {
            value: i64::try_from(m.hits.value()).unwrap_or(i64::MAX),
            ..counted(name, lookups, &m.misses)
        };
        into.push(hits.labelled("outcome", "hit"));
        into.push(counted(name, lookups, &m.misses).labelled("outcome", "miss"));
        into.push(counted(
            "lamplight_content_builds",
            "Chunks built.",
            &m.builds,
        ));
        let help = "Chunks forgotten on request.";
        into.push(counted("lamplight_content_purged", help, &m.purged));
        let help = "Memory of chunks built.";
        into.push(counted(
            "lamplight_content_built_bytes",
            help,
            &m.built_bytes,
        ));
        let tally = &self.indexes.tally;
        let help = "Reads of recordings for segments.";
        into.push(counted("lamplight_content_reads", help, &tally.reads));
        let help = "Bytes read of recordings for segments.";
        let (name, read) = ("lamplight_content_read_bytes", &tally.read_bytes);
        into.push(counted(name, help, read));
        let help = "Bytes of segments copied once more after they were read.";
        let (name, copied) = ("lamplight_content_copied_bytes", &tally.copied_bytes);
        into.push(counted(name, help, copied));
        let help = "Requests that waited for a build another had begun.";
        into.push(counted("lamplight_content_collapsed", help, &m.collapsed));
        let (name, help) = ("lamplight_content_refused", "Chunks refused, by reason.");
        into.push(counted(name, help, &m.changed).labelled("reason", "source_changed"));
        into.push(counted(name, help, &m.busy).labelled("reason", "builds_waiting"));
        let help = "Chunks that left the cache.";
        into.push(counted(
            "lamplight_content_evictions",
            help,
            self.evictions.counter(),
        ));
        let (name, help) = (
            "lamplight_content_reloads",
            "Catalogues read again, by outcome.",
        );
        into.push(counted(name, help, &m.reloads).labelled("outcome", "done"));
        into.push(counted(name, help, &m.reloads_failed).labelled("outcome", "failed"));
        self.sample_gauges(into);
    }
}

impl Library {
    fn sample_gauges(&self, into: &mut Vec<Sample>) {
        let gauge = |name, help, value: u64| Sample {
            name,
            help,
            kind: metrics::Kind::Gauge,
            label: None,
            value: i64::try_from(value).unwrap_or(i64::MAX),
        };
        let catalogue = self.catalogue.load();
        let count = |n: usize| n as u64;
        let lessons = catalogue
            .courses()
            .iter()
            .map(|course| course.lessons.len())
            .sum();
        let help = "Memory held by finished chunks.";
        into.push(gauge(
            "lamplight_content_cache_bytes",
            help,
            self.chunks.weight(),
        ));
        let help = "Memory held by sample tables.";
        into.push(gauge(
            "lamplight_content_index_bytes",
            help,
            self.indexes.weight(),
        ));
        let help = "Courses served.";
        into.push(gauge(
            "lamplight_content_courses",
            help,
            count(catalogue.courses().len()),
        ));
        into.push(gauge(
            "lamplight_content_lessons",
            "Lessons served.",
            count(lessons),
        ));
        let help = "Problems of the content folder.";
        into.push(gauge(
            "lamplight_content_problems",
            help,
            count(catalogue.problems().len()),
        ));
        let help = "Replaced lessons and quizzes still served under their former versions.";
        into.push(gauge(
            "lamplight_content_replaced",
            help,
            count(catalogue.past.kept()),
        ));
        let pins = |gauge: &Gauge| u64::try_from(gauge.value()).unwrap_or(0);
        let help = "Recordings and captions that stay readable when they are replaced.";
        let pinned = pins(&self.metrics.pinned);
        into.push(gauge("lamplight_content_pinned", help, pinned));
        let help = "Recordings and captions that are gone when they are replaced.";
        let unpinned = pins(&self.metrics.unpinned);
        into.push(gauge("lamplight_content_unpinned", help, unpinned));
        let help = "Files of the content folder held open.";
        into.push(gauge(
            "lamplight_content_open_files",
            help,
            count(self.indexes.handles.len()),
        ));
        let help = "Chunks being built or waiting for it.";
        let flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        into.push(gauge(
            "lamplight_content_building",
            help,
            count(flights.len()),
        ));
    }
}
