//! What is counted of tokens and key sets.

use crate::base::metrics::Counter;
use crate::base::metrics::Gauge;
use crate::base::metrics::Sample;
use crate::identity::TokenError;

/// Shared by all workers: a log-in is rare and costs far more than a shared counter.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    believed: Counter,
    /// In the order of [`TokenError::REASONS`].
    refused: [Counter; TokenError::REASONS.len()],
    /// Tokens that could not be judged because an issuer's keys could not be had.
    unjudged: Counter,
    pub(super) fetched: Counter,
    pub(super) failed: Counter,
    /// Tokens with a key that their issuer was not known to have.
    pub(super) wanted: Counter,
    /// Issuers without any key.
    pub(super) keyless: Gauge,
}

impl Metrics {
    pub(super) fn believed(&self) {
        self.believed.add_one();
    }

    pub(super) fn refused(&self, error: &TokenError) {
        let reason = error.reason();
        let at = TokenError::REASONS
            .iter()
            .position(|known| *known == reason);
        if let Some(counter) = at.and_then(|at| self.refused.get(at)) {
            counter.add_one();
        }
    }

    pub(super) fn unjudged(&self) {
        self.unjudged.add_one();
    }

    pub(super) fn sample(&self, into: &mut Vec<Sample>) {
        let (name, help) = (
            "lamplight_tokens",
            "Issuers' tokens by what became of them.",
        );
        let own = [
            ("believed", &self.believed),
            ("issuer_away", &self.unjudged),
        ];
        let refused = TokenError::REASONS.into_iter().zip(&self.refused);
        for (verdict, counter) in own.into_iter().chain(refused) {
            into.push(Sample::counter(name, help, counter).labelled("verdict", verdict));
        }
        let name = "lamplight_key_set_fetches";
        let help = "Fetches of issuers' key sets by outcome.";
        for (outcome, counter) in [("ok", &self.fetched), ("failed", &self.failed)] {
            into.push(Sample::counter(name, help, counter).labelled("outcome", outcome));
        }
        let name = "lamplight_key_sets_wanted";
        let help = "Tokens with a key that their issuer was not known to have.";
        into.push(Sample::counter(name, help, &self.wanted));
        let name = "lamplight_issuers_keyless";
        let help = "Issuers whose keys were never had: nobody of theirs can log in.";
        into.push(Sample::gauge(name, help, &self.keyless));
    }
}
