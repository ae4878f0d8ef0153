//! How much media a learner can plausibly have watched by now.

use crate::base::units::Span;
use crate::base::wire;
use crate::base::wire::Reader;
use serde::Deserialize;
use serde::Serialize;
use std::cmp::Reverse;

/// What counts as plausible.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Media that may be watched in a second, on average. Default: 2.0, the fastest speed players
    /// offer. Lower marks fast watchers as implausible, higher lets claims pass.
    pub rate_max: f64,
    /// Most media that can be saved up while away. Default: 7 days; what a phone watched offline
    /// for longer is cut.
    pub saved_max: Span,
    /// Media that a newcomer is trusted with. Default: 1 minute, for clocks that differ and for
    /// the first beat.
    pub first: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rate_max: 2.0,
            saved_max: Span::secs(7 * 24 * 3600),
            first: Span::secs(60),
        }
    }
}

impl Config {
    /// Checks the values.
    ///
    /// # Errors
    /// The first that is out of its range, as a sentence with the key and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if !(1.0..=16.0).contains(&self.rate_max) {
            return Err(format!(
                "progress.rate_max is {}; use 1.0 to 16.0",
                self.rate_max
            ));
        }
        let spans = [("saved_max", self.saved_max), ("first", self.first)];
        for (name, is) in spans {
            if is > Span::secs(90 * 86_400) {
                return Err(format!("progress.{name} is {is}; use up to 90d"));
            }
        }
        Ok(())
    }
}

/// A bucket of tokens, one a millisecond of media: it fills with time and is spent by watching.
///
/// It is a register: of two, the later one counts, and of two of one moment the poorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    at_ms: u64,
    media_ms: u64,
}

impl Allowance {
    /// What somebody has who is known since `since_ms` (unix milliseconds).
    pub const fn new(since_ms: u64, config: &Config) -> Self {
        Self {
            at_ms: since_ms,
            media_ms: config.first.as_ms(),
        }
    }

    /// The same at `now_ms`; a clock that went back earns nothing.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a float of milliseconds is exact for longer than a life, and is cut to the cap"
    )]
    pub fn refilled(self, now_ms: u64, config: &Config) -> Self {
        let elapsed_ms = now_ms.saturating_sub(self.at_ms);
        let earned_ms = (elapsed_ms as f64 * config.rate_max.max(0.0)) as u64;
        let media_ms = self.media_ms.saturating_add(earned_ms);
        Self {
            at_ms: now_ms.max(self.at_ms),
            media_ms: media_ms.min(config.saved_max.as_ms()),
        }
    }

    /// Media that may be claimed now.
    pub const fn media_ms(self) -> u64 {
        self.media_ms
    }

    /// The same after so much was watched.
    #[must_use]
    pub const fn spent(self, media_ms: u64) -> Self {
        Self {
            at_ms: self.at_ms,
            media_ms: self.media_ms.saturating_sub(media_ms),
        }
    }

    /// Takes the other one if it counts more.
    pub fn join(&mut self, other: Self) {
        if other.rank() > self.rank() {
            *self = other;
        }
    }

    /// Appends both numbers.
    pub fn encode(self, out: &mut Vec<u8>) {
        wire::put(out, self.at_ms);
        wire::put(out, self.media_ms);
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` on anything else.
    pub fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let (at_ms, media_ms) = (reader.number()?, reader.number()?);
        Some(Self { at_ms, media_ms })
    }

    const fn rank(self) -> (u64, Reverse<u64>) {
        (self.at_ms, Reverse(self.media_ms))
    }
}
