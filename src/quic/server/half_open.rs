//! How many handshakes are under way, in all and per source prefix.

use std::collections::HashMap;
use std::net::IpAddr;
use std::net::Ipv4Addr;

/// The part of an address that an attacker cannot vary cheaply: /24 of IPv4, /48 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Prefix(u64);

/// Half-open connections of one worker. Its memory is bounded by their number.
#[derive(Debug, Default)]
pub(super) struct HalfOpen {
    total: usize,
    by_prefix: HashMap<Prefix, usize>,
}

impl Prefix {
    pub(super) fn of(address: IpAddr) -> Self {
        let v4 = |a: Ipv4Addr| Self(u64::from(a.to_bits() >> 8));
        match address {
            IpAddr::V4(a) => v4(a),
            IpAddr::V6(a) => a.to_ipv4_mapped().map_or_else(
                || Self(1 << 63 | u64::try_from(a.to_bits() >> 80).unwrap_or(0)),
                v4,
            ),
        }
    }
}

impl HalfOpen {
    pub(super) const fn total(&self) -> usize {
        self.total
    }

    pub(super) fn of(&self, prefix: Prefix) -> usize {
        self.by_prefix.get(&prefix).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, prefix: Prefix) {
        self.total += 1;
        *self.by_prefix.entry(prefix).or_insert(0) += 1;
    }

    pub(super) fn remove(&mut self, prefix: Prefix) {
        self.total = self.total.saturating_sub(1);
        if let Some(count) = self.by_prefix.get_mut(&prefix) {
            *count -= 1;
            if *count == 0 {
                self.by_prefix.remove(&prefix);
            }
        }
        if self.total == 0 {
            self.by_prefix.shrink_to(PREFIXES_KEPT);
        }
    }
}

const PREFIXES_KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        Prefix::of(text.parse().unwrap())
    }

    #[test]
    fn neighbours_share_a_prefix_and_mapped_addresses_count_as_ipv4() {
        assert_eq!(prefix("10.1.2.3"), prefix("10.1.2.200"));
        assert_eq!(prefix("10.1.2.3"), prefix("::ffff:10.1.2.9"));
        assert_ne!(prefix("10.1.2.3"), prefix("10.1.3.3"));
        assert_eq!(prefix("2001:db8:1::1"), prefix("2001:db8:1:ffff::2"));
        assert_ne!(prefix("2001:db8:1::1"), prefix("2001:db8:2::1"));
    }

    #[test]
    fn completed_handshakes_leave_nothing_behind() {
        let mut half_open = HalfOpen::default();
        for last in 0..100 {
            half_open.add(Prefix::of(Ipv4Addr::new(10, last, 0, 1).into()));
        }
        half_open.add(prefix("10.7.0.9"));
        assert_eq!(
            (half_open.total(), half_open.of(prefix("10.7.0.1"))),
            (101, 2)
        );
        for last in 0..100 {
            half_open.remove(Prefix::of(Ipv4Addr::new(10, last, 0, 1).into()));
        }
        half_open.remove(prefix("10.7.0.1"));
        assert_eq!((half_open.total(), half_open.by_prefix.len()), (0, 0));
    }
}
