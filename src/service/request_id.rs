//! Request ids: what a learner's report and a line of the log have in common.

use std::cell::Cell;

/// Sixteen hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId([u8; 16]);

impl RequestId {
    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Makes the ids of one worker: a counter from a random start through a bijection of 64 bits, so
/// that ids do not repeat within a worker and do not tell how many requests there were at a glance.
/// They name, they do not authorise: nothing secret hangs on them.
#[derive(Debug)]
pub(crate) struct RequestIds(Cell<u64>);

impl RequestIds {
    /// Ids from a random `seed`, one a worker.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// The next id.
    pub(crate) fn draw(&self) -> RequestId {
        let n = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(n);
        // The finaliser of SplitMix64.
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let n = n ^ (n >> 31);
        let mut text = [0; 16];
        for (place, digit) in text.iter_mut().zip((0..16).rev()) {
            *place = DIGITS.get(nibble(n, digit)).copied().unwrap_or(b'0');
        }
        RequestId(text)
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn nibble(n: u64, digit: u32) -> usize {
    usize::try_from((n >> (4 * digit)) & 15).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn two_requests_never_share_an_id() {
        let ids = RequestIds::new(7);
        let drawn: HashSet<_> = (0..10_000)
            .map(|_| ids.draw().as_str().to_owned())
            .collect();
        assert_eq!(drawn.len(), 10_000);
        assert!(
            drawn
                .iter()
                .all(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()))
        );
    }
}
