//! Settings of the learners in memory.

use crate::base::units::Size;
use crate::base::units::Span;
use serde::Deserialize;
use serde::Serialize;

/// Settings of the learners in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Memory for learners' sessions, 1 MiB to 1 TiB. Default: 1 GiB, a million typical learners.
    /// Above fifteen sixteenths of it, those who were away longest leave memory once they are on
    /// disk; when nobody can leave, newcomers are answered with 503.
    pub memory: Size,
    /// How long a change waits until it goes into the learner's snapshot together with what
    /// follows it, 1s to 10m. Default: 45s. Longer writes less and makes the journal to be read at
    /// the next start longer; nothing that was acknowledged depends on it.
    pub snapshot_after: Span,
    /// How long a learner stays in memory untouched, 1s to 30d. Default: 30m. The first touch after
    /// that reads one record from the disk.
    pub idle: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            memory: Size::mib(1024),
            snapshot_after: Span::secs(45),
            idle: Span::secs(30 * 60),
        }
    }
}

impl Config {
    /// Checks the values.
    ///
    /// # Errors
    /// The first that is out of its range, as a sentence with the key and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if !(Size::mib(1)..=Size::mib(1 << 20)).contains(&self.memory) {
            let is = self.memory;
            return Err(format!("sessions.memory is {is}; use 1 MiB to 1 TiB"));
        }
        let spans = [
            (
                "snapshot_after",
                self.snapshot_after,
                Span::secs(600),
                "10m",
            ),
            ("idle", self.idle, Span::secs(30 * 86_400), "30d"),
        ];
        for (name, is, max, shown) in spans {
            if !(Span::secs(1)..=max).contains(&is) {
                return Err(format!("sessions.{name} is {is}; use 1s to {shown}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_times_out_of_their_range_are_refused_with_the_key() {
        let refused = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.check().unwrap_err()
        };
        assert_eq!(Config::default().check(), Ok(()));
        assert!(refused(|c| c.memory = Size::kib(1)).contains("sessions.memory is 1 KiB"));
        assert!(refused(|c| c.snapshot_after = Span::secs(0)).contains("snapshot_after is 0s"));
        assert!(refused(|c| c.idle = Span::secs(31 * 86_400)).contains("use 1s to 30d"));
    }
}
