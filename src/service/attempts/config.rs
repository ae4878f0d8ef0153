//! `[attempts]`: how attempts at quizzes end.

use crate::base::units::Span;
use crate::session::Timing;
use serde::Deserialize;
use serde::Serialize;

/// `[attempts]`: how attempts at quizzes end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long after its deadline an attempt still takes answers, because networks are slow.
    /// Default 10s, 0ms to 10m. Less loses answers that were given in time on a bad line.
    pub grace: Span,
    /// How long a closed attempt stays with its learner, so that its result can be asked for again
    /// and answers that another node took meanwhile are counted. Default 24h, 1m to 30 days. More
    /// costs memory for every learner who sits quizzes.
    pub keep_closed: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            grace: Span::secs(10),
            keep_closed: Span::secs(DAY_S),
        }
    }
}

impl Config {
    /// Whether every value is within its range.
    ///
    /// # Errors
    /// A sentence that names the first that is not.
    pub fn check(&self) -> Result<(), String> {
        if self.grace.as_ms() > 600_000 {
            return Err("attempts.grace is beyond 10m".to_owned());
        }
        if !(60_000..=30 * DAY_S * 1000).contains(&self.keep_closed.as_ms()) {
            return Err("attempts.keep_closed is not between 1m and 720h".to_owned());
        }
        Ok(())
    }

    /// The server's time, and how late is in time.
    pub(crate) const fn timing(&self, now_ms: u64) -> Timing {
        Timing {
            now_ms,
            grace_ms: self.grace.as_ms(),
        }
    }
}

const DAY_S: u64 = 24 * 3600;
