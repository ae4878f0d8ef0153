//! Many learners.

use lamplight::base::id::LearnerId;

/// One of many learners; as with real ids, near numbers are not near each other.
pub(crate) fn id(n: u64) -> LearnerId {
    let spread = u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    LearnerId(spread.to_be_bytes())
}
