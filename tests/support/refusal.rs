//! What a test's service says of a request that its driver refused.

use lamplight::http::Refusal;
use lamplight::http::Status;

/// The status of a refusal.
pub(crate) const fn status(refusal: Refusal) -> Status {
    Status(match refusal {
        Refusal::BodyTooLarge => 413,
        Refusal::FieldsTooLarge => 431,
        Refusal::Timeout => 408,
        Refusal::Malformed => 400,
        Refusal::TooEarly => 425,
        Refusal::Overloaded => 503,
    })
}
