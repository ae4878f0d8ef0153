//! How often somebody may fail to log in, how often that is logged, and what is counted of it.

use crate::base::metrics::Counter;
use crate::base::metrics::Sample;
use crate::base::network::Network;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::runtime;
use crate::service::allowance::Allowance;
use crate::service::identify::Nobody;
use std::cell::Cell;
use std::time::Duration;
use std::time::Instant;

/// One a worker.
#[derive(Debug)]
pub(crate) struct Doorkeeper {
    failures: Allowance,
    warned: Cell<Option<Instant>>,
}

/// Counters of one worker.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// In the order of [`Nobody::REASONS`].
    turned_away: [Counter; Nobody::REASONS.len()],
    pub(crate) begun: Counter,
    pub(crate) renewed: Counter,
    pub(crate) ended: Counter,
    pub(crate) ended_everywhere: Counter,
    pub(crate) limited_network: Counter,
    pub(crate) limited_learner: Counter,
}

/// A suspicious use of a token is logged so often at most; all are counted.
const WARN_EVERY: Duration = Duration::from_secs(1);
/// Somebody who has to wait waits so long at least, milliseconds, and up to [`JITTER_MS`] more, so
/// that a class behind one address does not come back in one moment.
const WAIT_MS: u64 = 1000;
const JITTER_MS: u64 = 4000;

impl Doorkeeper {
    /// `failures` a second and network.
    pub(crate) fn new(failures: u32, now: Instant) -> Self {
        Self {
            failures: Allowance::new(failures, now),
            warned: Cell::new(None),
        }
    }

    /// Takes a log-in of this network's that may fail; false if too many have.
    pub(crate) fn admits(&self, network: Network, now: Instant) -> bool {
        self.failures.take(network, now)
    }

    /// It did not fail: it costs the network nothing.
    pub(crate) fn welcomed(&self, network: Network) {
        self.failures.give_back(network);
    }

    /// Whether there has been no warning for a while.
    pub(crate) fn may_warn(&self) -> bool {
        let now = runtime::now();
        let soon = |at: Instant| now.saturating_duration_since(at) < WARN_EVERY;
        let may = !self.warned.get().is_some_and(soon);
        if may {
            self.warned.set(Some(now));
        }
        may
    }
}

impl Counters {
    pub(crate) fn turned_away(&self, nobody: Nobody) {
        let reason = nobody.reason();
        let at = Nobody::REASONS.iter().position(|known| *known == reason);
        if let Some(counter) = at.and_then(|at| self.turned_away.get(at)) {
            counter.add_one();
        }
    }

    pub(crate) fn sample(&self, into: &mut Vec<Sample>) {
        let (name, help) = ("lamplight_sessions", "What became of sessions.");
        for (event, counter) in [
            ("begun", &self.begun),
            ("renewed", &self.renewed),
            ("ended", &self.ended),
            ("ended_everywhere", &self.ended_everywhere),
        ] {
            into.push(Sample::counter(name, help, counter).labelled("event", event));
        }
        let name = "lamplight_sessions_refused";
        let help = "Calls without a session that is good for them, by reason.";
        for (reason, counter) in Nobody::REASONS.into_iter().zip(&self.turned_away) {
            into.push(Sample::counter(name, help, counter).labelled("reason", reason));
        }
        let name = "lamplight_log_ins_limited";
        let help = "Log-ins that have to wait, for the sake of a network or a learner.";
        for (whose, counter) in [
            ("network", &self.limited_network),
            ("learner", &self.limited_learner),
        ] {
            into.push(Sample::counter(name, help, counter).labelled("whose", whose));
        }
    }
}

/// Try again in a while.
pub(crate) fn later(detail: &'static str) -> Problem {
    let problem = Problem::new(ProblemKind::TooManyRequests, detail);
    problem.with_retry_after_ms(WAIT_MS + runtime::random::number() % JITTER_MS)
}
