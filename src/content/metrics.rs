//! The room's numbers.

use crate::base::metrics::Counter;

/// Counters of one library, shared by all workers.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Lookups answered from the cache.
    pub(crate) hits: Counter,
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
    /// Reloads that succeeded.
    pub(crate) reloads: Counter,
    /// Reloads that failed.
    pub(crate) reloads_failed: Counter,
}
