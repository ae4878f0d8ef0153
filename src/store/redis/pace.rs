//! How long to wait after failures.

/// Waits that double from 50 ms to 5 s, each shortened by chance by up to half, so that many nodes
/// do not return to a server in step. Five seconds at most: a Redis that is back is used at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    failures: u32,
}

const FIRST_MS: u64 = 50;
const LAST_MS: u64 = 5000;

impl Pace {
    /// It worked: the next failure is the first one.
    pub const fn worked(&mut self) {
        self.failures = 0;
    }

    /// It failed: milliseconds to wait before the next try; `random` is any number.
    pub fn failed(&mut self, random: u64) -> u64 {
        let whole = FIRST_MS << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let whole = whole.min(LAST_MS);
        whole - random % (whole / 2 + 1)
    }
}
