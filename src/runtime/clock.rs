//! Reading the clocks. Callers take the time once a turn and pass it on.

use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// Monotonic time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads it"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// Wall clock, milliseconds since 1970 UTC; 0 if the machine believes to live before that.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads it"
)]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
