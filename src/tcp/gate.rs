//! How many TLS handshakes may be under way: the only work a stranger can make us do for nothing.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

/// Counts the handshakes of one worker, in all and per source prefix.
#[derive(Debug, Default)]
pub(super) struct Gate {
    total: Cell<usize>,
    /// Only prefixes with a handshake under way, so at most `total` entries.
    prefixes: RefCell<HashMap<Prefix, u32>>,
}

/// Why a newcomer may not begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The worker has enough to do.
    Worker,
    /// That prefix has enough under way.
    Prefix,
}

/// The right to one handshake; given back when dropped.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Rc<Gate>,
    prefix: Prefix,
}

/// The network an address belongs to: /24 of IPv4, /48 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Prefix([u8; 6]);

impl Gate {
    pub(super) fn enter(
        self: &Rc<Self>,
        peer: IpAddr,
        max: usize,
        per_prefix_max: u32,
    ) -> Result<Pass, Full> {
        if self.total.get() >= max {
            return Err(Full::Worker);
        }
        let prefix = Prefix::of(peer);
        let mut prefixes = self.prefixes.borrow_mut();
        let under_way = prefixes.get(&prefix).copied().unwrap_or(0);
        if under_way >= per_prefix_max {
            return Err(Full::Prefix);
        }
        prefixes.insert(prefix, under_way + 1);
        self.total.set(self.total.get() + 1);
        Ok(Pass {
            gate: Rc::clone(self),
            prefix,
        })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.total.set(self.gate.total.get().saturating_sub(1));
        let mut prefixes = self.gate.prefixes.borrow_mut();
        let left = prefixes.get_mut(&self.prefix).map(|under_way| {
            *under_way = under_way.saturating_sub(1);
            *under_way
        });
        if left == Some(0) {
            prefixes.remove(&self.prefix);
        }
    }
}

impl Prefix {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Self([0, 0, 4, a, b, c])
            }
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, ..] = v6.octets();
                Self([a, b, c, d, e, f])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_network_cannot_take_all_handshakes_and_leaves_no_trace() {
        let gate = Rc::new(Gate::default());
        let first = gate.enter(ip("192.0.2.1"), 3, 1).unwrap();
        assert_eq!(
            gate.enter(ip("192.0.2.200"), 3, 1).unwrap_err(),
            Full::Prefix
        );
        let mapped = gate.enter(ip("::ffff:192.0.2.9"), 3, 1);
        assert_eq!(
            mapped.unwrap_err(),
            Full::Prefix,
            "mapped addresses are the same network"
        );
        let second = gate.enter(ip("192.0.3.1"), 3, 1).unwrap();
        let third = gate.enter(ip("2001:db8::1"), 3, 1).unwrap();
        assert_eq!(
            gate.enter(ip("2001:db8:1::1"), 3, 1).unwrap_err(),
            Full::Worker
        );
        drop((first, second, third));
        assert!(gate.prefixes.borrow().is_empty() && gate.total.get() == 0);
    }
}
