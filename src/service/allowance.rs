//! How much costly work without a session one network may ask of a worker: searches, courses at
//! hosts that nobody else asks at, log-ins that fail. Cached replies are free.

use crate::base::network::Network;
use std::cell::RefCell;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::time::Instant;

/// Token buckets in a table of fixed size. Two networks that fall on one place share it, which at
/// worst halves what both may do.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// A second and network; 0 lets everything through.
    rate: u64,
    /// Keyed, so that nobody can choose to share a place with a certain other.
    hasher: RandomState,
    begun: Instant,
    buckets: RefCell<Vec<Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Thousandths of a request.
    left: u64,
    at_ms: u64,
}

/// Places: 64 KiB a worker.
const BUCKETS: usize = 4096;
/// Seconds of the rate that may be used up at once.
const BURST_S: u64 = 10;

impl Allowance {
    /// `rate` requests a second for every network, from `now` on.
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        let rate = u64::from(rate);
        let full = Bucket {
            left: rate * 1000 * BURST_S,
            at_ms: 0,
        };
        let places = if rate == 0 { 0 } else { BUCKETS };
        Self {
            rate,
            hasher: RandomState::new(),
            begun: now,
            buckets: RefCell::new(vec![full; places]),
        }
    }

    /// Takes one request of `network`'s; false if it has none left.
    pub(crate) fn take(&self, network: Network, now: Instant) -> bool {
        let mut buckets = self.buckets.borrow_mut();
        let at = self.hasher.hash_one(network) % BUCKETS as u64;
        let Some(bucket) = usize::try_from(at).ok().and_then(|at| buckets.get_mut(at)) else {
            return true;
        };
        let passed = now.saturating_duration_since(self.begun).as_millis();
        let now_ms = u64::try_from(passed).unwrap_or(u64::MAX);
        let gained = now_ms
            .saturating_sub(bucket.at_ms)
            .saturating_mul(self.rate);
        let most = self.rate * 1000 * BURST_S;
        *bucket = Bucket {
            left: bucket.left.saturating_add(gained).min(most),
            at_ms: now_ms.max(bucket.at_ms),
        };
        let enough = bucket.left >= 1000;
        if enough {
            bucket.left -= 1000;
        }
        enough
    }

    /// Puts back one request that was taken: it cost less than was feared.
    pub(crate) fn give_back(&self, network: Network) {
        let mut buckets = self.buckets.borrow_mut();
        let at = self.hasher.hash_one(network) % BUCKETS as u64;
        if let Some(bucket) = usize::try_from(at).ok().and_then(|at| buckets.get_mut(at)) {
            let most = self.rate * 1000 * BURST_S;
            bucket.left = bucket.left.saturating_add(1000).min(most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime;
    use std::time::Duration;

    #[test]
    fn a_greedy_network_waits_and_its_neighbours_notice_nothing() {
        let (now, greedy): (_, Network) = (runtime::now(), "203.0.113.0/24".parse().unwrap());
        let allowance = Allowance::new(5, now);
        let served = (0..1000).filter(|_| allowance.take(greedy, now)).count();
        assert_eq!(served, 50);
        let other: Vec<Network> = (0..20)
            .map(|n| format!("198.51.{n}.0/24").parse().unwrap())
            .filter(|other| place(&allowance, *other) != place(&allowance, greedy))
            .collect();
        assert!(other.iter().all(|other| allowance.take(*other, now)));
        let later = now + Duration::from_secs(2);
        let served = (0..1000).filter(|_| allowance.take(greedy, later)).count();
        assert_eq!(served, 10);
        // A clock read a little earlier by another turn gives nothing back twice.
        assert!(!allowance.take(greedy, now));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_never_more_than_that() {
        let (now, network): (_, Network) = (runtime::now(), "203.0.113.0/24".parse().unwrap());
        let allowance = Allowance::new(5, now);
        for _ in 0..1000 {
            assert!(allowance.take(network, now));
            allowance.give_back(network);
        }
        allowance.give_back(network);
        assert_eq!(
            (0..1000).filter(|_| allowance.take(network, now)).count(),
            50
        );
    }

    fn place(allowance: &Allowance, network: Network) -> u64 {
        allowance.hasher.hash_one(network) % BUCKETS as u64
    }

    #[test]
    fn no_rate_is_no_limit() {
        let now = runtime::now();
        let allowance = Allowance::new(0, now);
        let network = "203.0.113.0/24".parse().unwrap();
        assert!((0..10_000).all(|_| allowance.take(network, now)));
    }
}
