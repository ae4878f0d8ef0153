//! Numbers of the journal.

use crate::base::metrics::Counter;
use crate::base::metrics::Sample;

/// Numbers of the journal.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) appends: Counter,
    pub(super) commits: Counter,
    pub(super) bytes: Counter,
    pub(super) segments: Counter,
    pub(super) dropped: Counter,
    pub(super) busy: Counter,
    pub(super) no_space: Counter,
    pub(super) failed: Counter,
}

impl Metrics {
    pub(super) fn sample(&self, into: &mut Vec<Sample>) {
        let refused = "lamplight_journal_refused";
        let why = "Appends that were not made durable, by reason.";
        into.extend([
            Sample::counter(
                "lamplight_journal_appends",
                "Appends made durable.",
                &self.appends,
            ),
            Sample::counter(
                "lamplight_journal_commits",
                "Commits, one sync each.",
                &self.commits,
            ),
            Sample::counter(
                "lamplight_journal_bytes",
                "Bytes of records written.",
                &self.bytes,
            ),
            Sample::counter(
                "lamplight_journal_segments",
                "Segments begun.",
                &self.segments,
            ),
            Sample::counter(
                "lamplight_journal_dropped",
                "Segments dropped, because everything in them is saved elsewhere.",
                &self.dropped,
            ),
            Sample::counter(refused, why, &self.busy).labelled("reason", "busy"),
            Sample::counter(refused, why, &self.no_space).labelled("reason", "no_space"),
            Sample::counter(refused, why, &self.failed).labelled("reason", "failed"),
        ]);
    }
}
