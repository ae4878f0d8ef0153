//! Networks as operators write them, `"10.0.0.0/8"`, `"2001:db8::/32"` or one address.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that share the first `bits` bits (RFC 4632); one address is its own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor an address with a number of bits that exist.
    #[error("`{0}` is not a network; write an address or one with bits, like \"10.0.0.0/8\"")]
    Form(String),
    /// Bits beyond the prefix are set, so one of the two is a slip of the pen.
    #[error("`{0}` has bits beyond its prefix; did you mean \"{1}\"?")]
    Beyond(String, Network),
}

impl Network {
    /// The network that `address` lies in as far as limits and logs look: /24 of IPv4, /48 of IPv6.
    pub fn around(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 24 } else { 48 };
        Self {
            address: cut(address, bits),
            bits,
        }
    }

    /// Whether `address` belongs to it. IPv4 addresses mapped into IPv6 count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && cut(address, self.bits) == self.address
    }
}

/// The address without the bits beyond the first `bits`.
fn cut(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32)));
            IpAddr::V4((v4.to_bits() & mask.unwrap_or(0)).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128)));
            IpAddr::V6((v6.to_bits() & mask.unwrap_or(0)).into())
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let form = || NetworkError::Form(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_cause| form())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_cause| form()))?;
        // A mapped address is IPv4 and is written so; this form would never match.
        if bits > most || address.to_canonical() != address {
            return Err(form());
        }
        let network = Self {
            address: cut(address, bits),
            bits,
        };
        if network.address == address {
            Ok(network)
        } else {
            Err(NetworkError::Beyond(text.to_owned(), network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        let network: Network = network.parse().unwrap();
        network.contains(address.parse().unwrap())
    }

    #[test]
    fn only_addresses_with_the_prefix_belong() {
        assert!(holds("10.0.0.0/8", "10.255.1.2") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.1", "192.0.2.1") && !holds("192.0.2.1", "192.0.2.2"));
        assert!(holds("2001:db8::/32", "2001:db8:9::1") && !holds("2001:db8::/32", "2001:db9::"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && holds("::/0", "2001:db8::1"));
    }

    #[test]
    fn a_network_around_an_address_names_nobody() {
        let around = |text: &str| Network::around(text.parse().unwrap()).to_string();
        assert_eq!(around("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(around("::ffff:203.0.113.77"), "203.0.113.0/24");
        assert_eq!(around("2001:db8:1:2::3"), "2001:db8:1::/48");
    }

    #[test]
    fn a_mapped_address_is_no_way_around_and_families_do_not_mix() {
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(!holds("::/0", "10.1.2.3") && !holds("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn slips_of_the_pen_are_told_with_the_remedy() {
        let wrong = |text: &str| text.parse::<Network>().unwrap_err().to_string();
        assert!(wrong("10.1.2.3/8").ends_with("did you mean \"10.0.0.0/8\"?"));
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "::ffff:1.2.3.4",
            "edge.example",
        ] {
            assert!(wrong(text).contains("is not a network"), "{text}");
        }
        let text = "2001:db8::/32";
        assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
    }
}
