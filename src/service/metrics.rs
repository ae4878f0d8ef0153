//! What the service counts.

use crate::base::metrics::Counter;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;
use crate::http::PROBLEMS;
use crate::http::ProblemKind;
use crate::http::Status;
use crate::http::Version;
use crate::service::beats::REASONS;
use crate::service::doorkeeper;
use crate::service::players::Players;
use crate::service::route::CALLS;
use crate::session::Answering;

/// Counters of one worker.
#[derive(Debug)]
pub struct Metrics {
    /// By version, then by status class 2xx to 5xx.
    requests: [[Counter; 4]; 3],
    /// In the order of [`PROBLEMS`].
    problems: [Counter; PROBLEMS.len()],
    /// What players tell.
    pub(crate) players: Players,
    /// Sessions and log-ins.
    pub(crate) door: doorkeeper::Counters,
    /// Calls of learners.
    calls: Named<{ CALLS.len() }>,
    beats: Counter,
    beats_rejected: Named<{ REASONS.len() }>,
    attempts: Named<{ ATTEMPTS.len() }>,
    answers: Named<{ ANSWERS.len() }>,
}

/// Counters of a closed list of names.
#[derive(Debug)]
struct Named<const N: usize> {
    names: [&'static str; N],
    counters: [Counter; N],
}

impl<const N: usize> Named<N> {
    fn new(names: [&'static str; N]) -> Self {
        let counters = std::array::from_fn(|_| Counter::default());
        Self { names, counters }
    }

    fn add_one(&self, name: &str) {
        let mut all = self.names.iter().zip(&self.counters);
        if let Some((_, counter)) = all.find(|(known, _)| **known == name) {
            counter.add_one();
        }
    }

    fn sample(
        &self,
        (metric, help): (&'static str, &'static str),
        label: &'static str,
        into: &mut Vec<Sample>,
    ) {
        for (name, counter) in self.names.iter().zip(&self.counters) {
            let sample = Sample::counter(metric, help, counter);
            into.push(sample.labelled(label, name));
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Default::default(),
            problems: std::array::from_fn(|_| Counter::default()),
            players: Players::default(),
            door: doorkeeper::Counters::default(),
            calls: Named::new(CALLS),
            beats: Counter::default(),
            beats_rejected: Named::new(REASONS),
            attempts: Named::new(ATTEMPTS),
            answers: Named::new(ANSWERS),
        }
    }
}

/// What becomes of attempts.
const ATTEMPTS: [&str; 3] = ["opened", "again", "submitted"];
/// What becomes of answers that are acknowledged.
const ANSWERS: [&str; 3] = ["accepted", "known", "superseded"];
const VERSIONS: [Version; 3] = [Version::Http1, Version::Http2, Version::Http3];

impl Metrics {
    /// Counts a reply.
    pub fn replied(&self, version: Version, status: Status) {
        let at = match version {
            Version::Http1 => 0,
            Version::Http2 => 1,
            Version::Http3 => 2,
        };
        let class = usize::from(status.0 / 100).saturating_sub(2);
        if let Some(counter) = self.requests.get(at).and_then(|c| c.get(class)) {
            counter.add_one();
        }
    }

    /// Counts a refusal or failure by its reason.
    pub fn problem(&self, kind: ProblemKind) {
        let at = PROBLEMS.iter().position(|p| p.kind == kind);
        if let Some(counter) = at.and_then(|at| self.problems.get(at)) {
            counter.add_one();
        }
    }

    /// Counts a call of a learner's, whatever becomes of it.
    pub(crate) fn called(&self, call: &str) {
        self.calls.add_one(call);
    }

    /// Counts beats that came.
    pub(crate) fn beats(&self, count: usize) {
        self.beats.add(count as u64);
    }

    /// Counts a beat of which something does not count.
    pub(crate) fn beat_rejected(&self, reason: &str) {
        self.beats_rejected.add_one(reason);
    }

    /// Counts an attempt that was opened, or found open.
    pub(crate) fn attempt_opened(&self, fresh: bool) {
        let [opened, again, _] = ATTEMPTS;
        self.attempts.add_one(if fresh { opened } else { again });
    }

    /// Counts a submission, also a repeated one.
    pub(crate) fn attempt_submitted(&self) {
        let [.., submitted] = ATTEMPTS;
        self.attempts.add_one(submitted);
    }

    /// Counts an answer that was acknowledged.
    pub(crate) fn answered(&self, answering: Answering) {
        let [accepted, known, superseded] = ANSWERS;
        self.answers.add_one(match answering {
            Answering::Accepted => accepted,
            Answering::Known => known,
            Answering::Superseded => superseded,
        });
    }

    /// Replies so far of one version, all classes.
    pub fn replies(&self, version: Version) -> u64 {
        let at = VERSIONS.iter().position(|v| *v == version);
        let classes = at.and_then(|at| self.requests.get(at));
        classes.map_or(0, |c| c.iter().map(Counter::value).sum())
    }
}

/// Label values, `version` and class in one: a sample has one label.
const NAMES: [[&str; 4]; 3] = [
    ["h1_2xx", "h1_3xx", "h1_4xx", "h1_5xx"],
    ["h2_2xx", "h2_3xx", "h2_4xx", "h2_5xx"],
    ["h3_2xx", "h3_3xx", "h3_4xx", "h3_5xx"],
];

impl Source for Metrics {
    fn sample(&self, into: &mut Vec<Sample>) {
        let help = "Replies by HTTP version and class of status.";
        for (counters, names) in self.requests.iter().zip(NAMES) {
            for (counter, name) in counters.iter().zip(names) {
                let sample = Sample::counter("lamplight_http_replies", help, counter);
                into.push(sample.labelled("kind", name));
            }
        }
        let help = "Requests answered with a problem document, by its type.";
        for (counter, entry) in self.problems.iter().zip(PROBLEMS) {
            let sample = Sample::counter("lamplight_http_problems", help, counter);
            into.push(sample.labelled("type", entry.slug));
        }
        self.players.sample(into);
        self.door.sample(into);
        let what = (
            "lamplight_calls",
            "Calls of learners, whatever became of them.",
        );
        self.calls.sample(what, "call", into);
        let help = "Beats that players sent.";
        into.push(Sample::counter("lamplight_beats", help, &self.beats));
        let help = "Beats of which something does not count, by reason.";
        let what = ("lamplight_beats_rejected", help);
        self.beats_rejected.sample(what, "reason", into);
        let what = (
            "lamplight_attempts",
            "Attempts at quizzes, by what was done.",
        );
        self.attempts.sample(what, "what", into);
        let what = (
            "lamplight_answers",
            "Answers that were acknowledged, by what they were.",
        );
        self.answers.sample(what, "what", into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_and_every_reason_is_counted_under_its_own_name() {
        let metrics = Metrics::default();
        metrics.replied(Version::Http3, Status(206));
        metrics.replied(Version::Http3, Status(503));
        metrics.problem(ProblemKind::Overloaded);
        let mut samples = Vec::new();
        metrics.sample(&mut samples);
        let value = |label: &str| {
            let labelled = |s: &&Sample| s.label.is_some_and(|(_, v)| v == label);
            samples.iter().find(labelled).map(|s| s.value)
        };
        assert_eq!((value("h3_2xx"), value("h3_5xx")), (Some(1), Some(1)));
        assert_eq!(value("h2_2xx"), Some(0));
        assert_eq!((value("overloaded"), value("draining")), (Some(1), Some(0)));
        assert_eq!(metrics.replies(Version::Http3), 2);
        for reason in REASONS {
            metrics.beat_rejected(reason);
        }
        metrics.called("beats");
        samples.clear();
        metrics.sample(&mut samples);
        let value = |label: &str| {
            let labelled = |s: &&Sample| s.label.is_some_and(|(_, v)| v == label);
            samples.iter().find(labelled).map(|s| s.value)
        };
        assert_eq!((value("beats"), value("implausible")), (Some(1), Some(1)));
    }
}
