//! The knobs of the TCP side.

use crate::base::limits;
use crate::base::network::Network;
use crate::base::units::Size;
use crate::base::units::Span;
use serde::Deserialize;
use serde::Serialize;
use std::net::IpAddr;
use std::net::SocketAddr;

/// Timeouts and bounds of HTTP/1.1 and HTTP/2 connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// From the accepted socket to the finished TLS handshake. Default "10s".
    pub handshake_timeout: Span,
    /// From the first byte of a request to the end of its header. Default "10s".
    pub header_timeout: Span,
    /// For a request's whole content; then 408. Default "30s".
    pub body_timeout: Span,
    /// A connection without a request is closed after it. Default "75s". Longer keeps more idle
    /// connections of about 50 KiB each (HTTP/2; HTTP/1.1 about 37 KiB).
    pub idle_timeout: Span,
    /// A client that takes less than 4 KiB of a waiting reply in this time is cut off.
    /// Default "60s".
    pub stall_timeout: Span,
    /// Requests a client may have open on one HTTP/2 connection, 1 to 128. Default 128.
    pub streams_max: u32,
    /// Networks of CDN edges, which put many learners on one connection. Default none.
    pub edges: Vec<Network>,
    /// Requests an edge may have open on one HTTP/2 connection, 1 to 1024. Default 256; each may
    /// pin `write_buffer` bytes while the edge does not take them.
    pub edge_streams_max: u32,
    /// Addresses for HTTP/1.1 without TLS, for edges that speak none to their origin (Varnish).
    /// Default none. Peers outside private networks and `edges` are dropped: everybody between
    /// could read and change what passes.
    pub plain_listen: Vec<SocketAddr>,
    /// Streams a client may have opened and reset before we looked at them (CVE-2023-44487);
    /// beyond it the connection is closed with ENHANCE_YOUR_CALM. Default 64.
    pub resets_max: usize,
    /// TLS handshakes under way in one worker; newcomers beyond are dropped. Default 4096,
    /// about 20 KiB each.
    pub handshakes_max: usize,
    /// TLS handshakes under way from one address prefix (/24 or /48); sized for thousands of
    /// learners behind one carrier NAT. Default 1024.
    pub handshakes_per_prefix_max: u32,
    /// Encrypted output collected before the socket is waited for, per connection.
    /// Default "64 KiB".
    pub write_buffer: Size,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            handshake_timeout: Span::secs(10),
            header_timeout: Span::secs(10),
            body_timeout: Span::secs(30),
            idle_timeout: Span::secs(75),
            stall_timeout: Span::secs(60),
            streams_max: limits::STREAMS_PER_CONNECTION_MAX,
            edges: Vec::new(),
            edge_streams_max: 256,
            plain_listen: Vec::new(),
            resets_max: 64,
            handshakes_max: 4096,
            handshakes_per_prefix_max: 1024,
            write_buffer: Size::kib(64),
        }
    }
}

impl Config {
    /// Whether the operator named `peer` as an edge.
    pub(super) fn is_edge(&self, peer: IpAddr) -> bool {
        self.edges.iter().any(|network| network.contains(peer))
    }

    /// Whether `peer` may be served without TLS.
    pub(super) fn may_be_plain(&self, peer: IpAddr) -> bool {
        is_private(peer) || self.is_edge(peer)
    }

    /// The first value out of its range, as a sentence.
    ///
    /// # Errors
    /// Names the key, its value and the range.
    pub fn check(&self) -> Result<(), String> {
        let streams = 1..=limits::STREAMS_PER_CONNECTION_MAX;
        if !streams.contains(&self.streams_max) {
            return Err(format!(
                "tcp.streams_max is {}; use 1 to 128",
                self.streams_max
            ));
        }
        if !(1..=limits::STREAMS_PER_EDGE_CONNECTION_MAX).contains(&self.edge_streams_max) {
            let is = self.edge_streams_max;
            return Err(format!("tcp.edge_streams_max is {is}; use 1 to 1024"));
        }
        if !(Size::kib(16)..=Size::mib(1)).contains(&self.write_buffer) {
            let is = self.write_buffer;
            return Err(format!(
                "tcp.write_buffer is \"{is}\"; use \"16 KiB\" to \"1 MiB\""
            ));
        }
        if self.handshakes_max == 0 || self.handshakes_per_prefix_max == 0 {
            let keys = "tcp.handshakes_max and tcp.handshakes_per_prefix_max";
            return Err(format!("{keys} must be 1 or more, or nobody can connect"));
        }
        let times = [
            ("handshake_timeout", self.handshake_timeout),
            ("header_timeout", self.header_timeout),
            ("body_timeout", self.body_timeout),
            ("idle_timeout", self.idle_timeout),
            ("stall_timeout", self.stall_timeout),
        ];
        let zero = times.iter().find(|(_, span)| *span == Span::ms(0));
        zero.map_or(Ok(()), |(name, _)| {
            Err(format!("tcp.{name} is 0; use \"1ms\" or more"))
        })
    }
}

/// Addresses that no packet from the Internet carries (RFC 1918, RFC 3927, RFC 4193, loopback).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_not_served_without_tls_and_a_named_edge_is() {
        let config = Config {
            edges: vec!["203.0.113.0/24".parse().unwrap()],
            ..Config::default()
        };
        let may = |text: &str| config.may_be_plain(text.parse().unwrap());
        for peer in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.9",
            "::1",
            "fd00::7",
            "fe80::1",
        ] {
            assert!(may(peer), "{peer}");
        }
        for peer in ["198.51.100.7", "2001:db8::1", "::ffff:198.51.100.7"] {
            assert!(!may(peer), "{peer}");
        }
        assert!(may("203.0.113.9") && may("::ffff:203.0.113.9"));
    }

    #[test]
    fn values_that_would_switch_a_defence_off_are_refused() {
        assert_eq!(Config::default().check(), Ok(()));
        let off = Config {
            idle_timeout: Span::ms(0),
            ..Config::default()
        };
        assert!(off.check().unwrap_err().contains("tcp.idle_timeout"));
        let wide = Config {
            streams_max: 129,
            ..Config::default()
        };
        assert!(wide.check().unwrap_err().contains("1 to 128"));
        let edge = Config {
            edge_streams_max: 0,
            ..Config::default()
        };
        assert!(edge.check().unwrap_err().contains("1 to 1024"));
        let shut = Config {
            handshakes_per_prefix_max: 0,
            ..Config::default()
        };
        assert!(shut.check().unwrap_err().contains("nobody can connect"));
        let large = Config {
            write_buffer: Size::mib(2),
            ..Config::default()
        };
        assert!(large.check().unwrap_err().contains("2 MiB"));
    }
}
