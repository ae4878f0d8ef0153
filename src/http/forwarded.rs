//! Who asked, when an edge asks for somebody: `Forwarded` (RFC 7239) and the older `X-Forwarded-…`.
//!
//! Anybody can send these fields, and a proxy adds to what came before it. So only one of the two
//! families is read, the one that the edges are known to write, and of it only what trusted hops
//! wrote: from the end back to the first address that is no trusted hop.

use crate::http::Fields;
use crate::http::is_authority;
use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::net::SocketAddr;

/// The fields that trusted edges write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// `X-Forwarded-For`, `X-Forwarded-Host`, `X-Forwarded-Proto`: nginx, Varnish, Squid, CDNs.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// What trusted hops say of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told<'a> {
    /// The client's address; `None` if it is hidden or cannot be read.
    pub client: Option<IpAddr>,
    /// The host that the client asked for, fit for a URL.
    pub host: Option<&'a str>,
    /// `https` or `http`.
    pub scheme: Option<&'static str>,
}

/// Hops that are looked at; more is not a chain of edges.
const HOPS_MAX: usize = 16;

impl<'a> Told<'a> {
    /// What the fields of a request say that came from a trusted hop.
    pub fn of(fields: &'a Fields, family: Family, trusted: impl Fn(IpAddr) -> bool) -> Self {
        match family {
            Family::XForwarded => Self::older(fields, trusted),
            Family::Forwarded => Self::standard(fields, trusted),
        }
    }

    fn older(fields: &'a Fields, trusted: impl Fn(IpAddr) -> bool) -> Self {
        let hops = elements(fields, "x-forwarded-for");
        let addresses = hops.iter().rev().map(|hop| address(hop));
        // Hosts and schemes come without the address they belong to: the nearest hop's count.
        let last = |name: &str| elements(fields, name).last().copied();
        Self {
            client: client(addresses, trusted),
            host: last("x-forwarded-host").filter(|host| is_authority(host)),
            scheme: last("x-forwarded-proto").and_then(scheme),
        }
    }

    fn standard(fields: &'a Fields, trusted: impl Fn(IpAddr) -> bool) -> Self {
        let hops = elements(fields, "forwarded");
        let mut told = Self::default();
        for hop in hops.iter().rev() {
            let Some(hop) = Hop::parse(hop) else {
                return Self::default();
            };
            // Each hop says what it was asked; the farthest trusted one was asked by the client.
            told = Self {
                client: hop.by_whom.and_then(address),
                host: hop.host.filter(|host| is_authority(host)).or(told.host),
                scheme: hop.proto.and_then(scheme).or(told.scheme),
            };
            if told.client.is_none_or(|address| !trusted(address)) {
                break;
            }
        }
        told
    }
}

/// The first that is no trusted hop, or the farthest that is.
fn client(
    hops: impl Iterator<Item = Option<IpAddr>>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let mut last = None;
    for hop in hops {
        last = hop;
        if hop.is_none_or(|address| !trusted(address)) {
            break;
        }
    }
    last
}

/// One hop's words; quotation marks are taken off.
#[derive(Default)]
struct Hop<'a> {
    by_whom: Option<&'a str>,
    host: Option<&'a str>,
    proto: Option<&'a str>,
}

impl<'a> Hop<'a> {
    fn parse(element: &'a str) -> Option<Self> {
        let mut hop = Self::default();
        for pair in element.split(';').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = pair.trim().split_once('=')?;
            let value = match value.strip_prefix('"') {
                Some(quoted) => quoted.strip_suffix('"')?,
                None => value,
            };
            // A backslash escapes nothing that an address or a host needs.
            if value.contains(['"', '\\']) {
                return None;
            }
            let slot = match name {
                n if n.eq_ignore_ascii_case("for") => &mut hop.by_whom,
                n if n.eq_ignore_ascii_case("host") => &mut hop.host,
                n if n.eq_ignore_ascii_case("proto") => &mut hop.proto,
                _ => continue,
            };
            *slot = Some(value);
        }
        Some(hop)
    }
}

/// The elements of a list over all its lines, in order; none if there are too many or one is no
/// text. (Neither addresses nor hosts hold commas, so quoted ones need no care.)
fn elements<'a>(fields: &'a Fields, name: &str) -> SmallVec<[&'a str; 4]> {
    let mut all = SmallVec::new();
    for (field, line) in fields.iter() {
        if field != name.as_bytes() {
            continue;
        }
        let Ok(line) = std::str::from_utf8(line) else {
            return SmallVec::new();
        };
        for element in line.split(',').map(str::trim).filter(|e| !e.is_empty()) {
            if all.len() == HOPS_MAX {
                return SmallVec::new();
            }
            all.push(element);
        }
    }
    all
}

/// An address with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|s| s.ip()));
    address.map(|address| address.to_canonical())
}

fn scheme(text: &str) -> Option<&'static str> {
    ["https", "http"]
        .into_iter()
        .find(|s| s.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edge(address: IpAddr) -> bool {
        address.to_string().starts_with("10.")
    }

    fn client(name: &str, value: &str, family: Family) -> Option<String> {
        let fields = Fields::new().with(name, value);
        let told = Told::of(&fields, family, edge);
        told.client.map(|address| address.to_string())
    }

    #[test]
    fn only_what_trusted_hops_wrote_is_believed() {
        for (value, wanted) in [
            ("203.0.113.7", Some("203.0.113.7")),
            // What the client sent itself stands before what the edge added.
            ("1.1.1.1, 203.0.113.7", Some("203.0.113.7")),
            (
                "1.1.1.1, 203.0.113.7, 10.0.0.2, 10.0.0.3",
                Some("203.0.113.7"),
            ),
            ("10.0.0.1,10.0.0.2", Some("10.0.0.1")),
            ("203.0.113.7:4711", Some("203.0.113.7")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("1.1.1.1, unknown", None),
            ("1.1.1.1, junk, 10.0.0.2", None),
            ("", None),
        ] {
            let told = client("x-forwarded-for", value, Family::XForwarded);
            assert_eq!(told.as_deref(), wanted, "{value}");
        }
        for (value, wanted) in [
            ("for=203.0.113.7", Some("203.0.113.7")),
            ("For=\"[2001:db8::1]:47\";proto=https", Some("2001:db8::1")),
            (
                "for=1.1.1.1, for=203.0.113.7;by=10.0.0.9 , for=10.0.0.2",
                Some("203.0.113.7"),
            ),
            ("for=1.1.1.1, for=_hidden", None),
            ("for=1.1.1.1, proto=https", None),
            ("for=1.1.1.1, for", None),
            ("for=1.1.1.1, for=\"10.0.0.1", None),
        ] {
            let told = client("forwarded", value, Family::Forwarded);
            assert_eq!(told.as_deref(), wanted, "{value}");
        }
    }

    #[test]
    fn the_family_that_edges_do_not_write_is_not_read() {
        let spoofed = client("forwarded", "for=1.1.1.1", Family::XForwarded);
        assert_eq!(spoofed, None);
        let spoofed = client("x-forwarded-for", "1.1.1.1", Family::Forwarded);
        assert_eq!(spoofed, None);
        let many = vec!["10.0.0.1"; HOPS_MAX + 1].join(",");
        assert_eq!(client("x-forwarded-for", &many, Family::XForwarded), None);
    }

    #[test]
    fn host_and_scheme_are_fit_for_a_url_or_absent() {
        let fields = Fields::new()
            .with("x-forwarded-host", "evil.example, learn.example:8443")
            .with("x-forwarded-proto", "http,HTTPS");
        let told = Told::of(&fields, Family::XForwarded, edge);
        assert_eq!(
            (told.host, told.scheme),
            (Some("learn.example:8443"), Some("https"))
        );
        let fields = Fields::new().with(
            "forwarded",
            "for=1.2.3.4;host=learn.example;proto=http, for=10.0.0.2;host=inner;proto=https",
        );
        let told = Told::of(&fields, Family::Forwarded, edge);
        assert_eq!(
            (told.host, told.scheme),
            (Some("learn.example"), Some("http"))
        );
        for bad in ["a/b", "user@host", "a b", "\"x\""] {
            let fields = Fields::new()
                .with("x-forwarded-host", bad)
                .with("x-forwarded-proto", "javascript");
            let told = Told::of(&fields, Family::XForwarded, edge);
            assert_eq!((told.host, told.scheme), (None, None), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ -~]{0,80}") {
            for (name, family) in [
                ("forwarded", Family::Forwarded),
                ("x-forwarded-for", Family::XForwarded),
            ] {
                let fields = Fields::new().with(name, &text);
                let _ = Told::of(&fields, family, edge);
            }
        }
    }
}
