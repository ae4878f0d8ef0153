//! Random bytes of cryptographic quality.

use aws_lc_rs::rand;

/// Fills `buffer` with random bytes.
///
/// # Panics
/// If the operating system has no randomness to give: no key or nonce made then could be trusted.
pub fn fill(buffer: &mut [u8]) {
    assert!(
        rand::fill(buffer).is_ok(),
        "the operating system's random generator failed"
    );
}

/// `N` random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// A random number over the whole range.
pub fn number() -> u64 {
    u64::from_ne_bytes(bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_all_alike() {
        assert_ne!(bytes::<32>(), bytes::<32>());
        assert_ne!(number(), number());
    }
}
