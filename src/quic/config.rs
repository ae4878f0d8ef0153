//! What an operator may choose about QUIC, and the transport parameters that follow from it.

use crate::base::limits::CONNECTIONS_MAX;
use crate::base::limits::SEND_WINDOW_BYTES_MAX;
use crate::base::limits::STREAMS_PER_CONNECTION_MAX;
use crate::base::limits::STREAMS_PER_CONNECTION_MIN;
use crate::base::units::Size;
use crate::base::units::Span;
use quinn_proto::IdleTimeout;
use quinn_proto::MtuDiscoveryConfig;
use quinn_proto::TransportConfig;
use quinn_proto::VarInt;
use serde::Deserialize;
use serde::Serialize;
use std::time::Duration;

/// QUIC settings of the server. All numbers per worker unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Silence after which a connection is given up. Default "3m"; the client's own
    /// value counts too, and the smaller one holds. Longer keeps more dead connections in memory.
    pub idle_timeout: Span,
    /// Time for a handshake to complete. Default "10s".
    pub handshake_timeout: Span,
    /// Time for a request to arrive whole; 408 beyond it. Default "30s".
    pub request_timeout: Span,
    /// A connection that takes less than 4 KiB of its waiting replies in this time loses them.
    /// Default "60s". Longer lets clients that stopped reading pin what was read for them.
    pub stall_timeout: Span,
    /// Bytes one connection may have queued or unacknowledged. Default "512 KiB", at most 1 MiB.
    /// Larger fills long fat links, smaller bounds what slow clients pin.
    pub send_window: Size,
    /// Bytes of files read for single replies and not yet taken by their clients, over all
    /// connections of a worker. Default "256 MiB". At the bound such replies wait, and new ones
    /// are refused with 503; what the cache holds is shared and does not count.
    pub pulled_max: Size,
    /// Bytes a client may send on one connection before we took them. Default "128 KiB".
    pub receive_window: Size,
    /// Bytes a client may send on one stream before we took them. Default "96 KiB": the largest
    /// head or request body fits without waiting for a round trip.
    pub stream_receive_window: Size,
    /// Request streams a quiet connection may open. Default and least 8: each costs some 60
    /// bytes of idle memory.
    pub streams_quiet: u32,
    /// Request streams once a client has used most of the quiet limit. Default 100 (RFC 9114, 6.1),
    /// at most 128; lowered again after ten quiet seconds.
    pub streams_pressed: u32,
    /// How long datagrams may gather before a worker with thousands a second and time to spare
    /// looks at them. Default "1ms"; halves the price of a request spread over many connections
    /// and adds as much to its latency. "0ms" turns it off.
    pub gather: Span,
    /// Bytes of the largest datagram that path MTU discovery tries. Default 1472 (Ethernet over
    /// IPv4), 1200 to 65527. 1200 turns discovery off.
    pub mtu_max: u16,
    /// Datagrams handed to the kernel in one segmented send, 1 to 64. Default 44; 1 turns
    /// segmentation offload off.
    pub gso_segments_max: usize,
    /// Half-open connections above which newcomers must prove their address with a Retry
    /// (RFC 9000, 8.1.2). Default 2000; 0 asks everybody, at one round trip each.
    pub half_open_retry: usize,
    /// Half-open connections above which newcomers are refused. Default 20000.
    pub half_open_max: usize,
    /// Half-open connections from one /24 (IPv4) or /48 (IPv6), above which its newcomers are
    /// refused. Default 8000: thousands of learners share one address behind a carrier's NAT.
    pub half_open_prefix_max: usize,
    /// Whether clients may send safe requests in the first flight of a resumed connection. Default
    /// false. With it, sessions are kept in memory (`early_sessions_max`) and not in tickets.
    pub early_data: bool,
    /// Sessions kept for early data, process wide, some 300 bytes each. Default 100000.
    pub early_sessions_max: usize,
    /// Whether a client may change its address (RFC 9000, 9). Default true.
    pub migration: bool,
    /// Bytes of the socket's receive buffer asked of the kernel. Default "4 MiB".
    pub receive_buffer: Size,
    /// Bytes of the socket's send buffer asked of the kernel. Default "4 MiB".
    pub send_buffer: Size,
    /// Datagrams queued for a worker that another worker received. Default 1024.
    pub handover_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            idle_timeout: Span::secs(180),
            handshake_timeout: Span::secs(10),
            request_timeout: Span::secs(30),
            stall_timeout: Span::secs(60),
            send_window: Size::kib(512),
            pulled_max: Size::mib(256),
            receive_window: Size::kib(128),
            stream_receive_window: Size::kib(96),
            streams_quiet: STREAMS_PER_CONNECTION_MIN,
            streams_pressed: 100,
            gather: Span::ms(1),
            mtu_max: 1472,
            gso_segments_max: 44,
            half_open_retry: 2_000,
            half_open_max: 20_000,
            half_open_prefix_max: 8_000,
            early_data: false,
            early_sessions_max: 100_000,
            migration: true,
            receive_buffer: Size::mib(4),
            send_buffer: Size::mib(4),
            handover_max: 1024,
        }
    }
}

/// A value that cannot be served; times are in milliseconds, sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("quic.{key} is {value}; it must be {least} to {most}")]
pub struct ConfigError {
    /// The key.
    pub key: &'static str,
    /// What was configured.
    pub value: u64,
    /// The least that works.
    pub least: u64,
    /// The most that works.
    pub most: u64,
}

impl Config {
    /// Checks every value that has bounds.
    ///
    /// # Errors
    /// The first value out of its bounds.
    pub fn check(&self) -> Result<(), ConfigError> {
        let checks = self.times_and_windows().into_iter().chain(self.numbers());
        let wrong = checks
            .into_iter()
            .find(|(_, value, least, most)| value < least || value > most);
        wrong.map_or(Ok(()), |(key, value, least, most)| {
            Err(ConfigError {
                key,
                value,
                least,
                most,
            })
        })
    }

    fn times_and_windows(&self) -> [Bound; 11] {
        let ms = |key, span: Span, least| (key, span.as_ms(), least, HALF_HOUR_MS);
        let receive = self.receive_window.as_bytes();
        let bytes = |key, size: Size, least, most| (key, size.as_bytes(), least, most);
        [
            ms("idle_timeout", self.idle_timeout, 1_000),
            ms("handshake_timeout", self.handshake_timeout, 500),
            ms("request_timeout", self.request_timeout, 500),
            ms("stall_timeout", self.stall_timeout, 500),
            ("gather", self.gather.as_ms(), 0, 20),
            bytes(
                "send_window",
                self.send_window,
                WINDOW_MIN,
                SEND_WINDOW_BYTES_MAX,
            ),
            bytes("pulled_max", self.pulled_max, WINDOW_MIN, PULLED_MAX),
            ("receive_window", receive, WINDOW_MIN, WINDOW_MAX),
            bytes(
                "stream_receive_window",
                self.stream_receive_window,
                WINDOW_MIN,
                receive,
            ),
            bytes(
                "receive_buffer",
                self.receive_buffer,
                BUFFER_MIN,
                BUFFER_MAX,
            ),
            bytes("send_buffer", self.send_buffer, BUFFER_MIN, BUFFER_MAX),
        ]
    }

    fn numbers(&self) -> [Bound; 9] {
        let streams_least = u64::from(STREAMS_PER_CONNECTION_MIN);
        let streams_most = u64::from(STREAMS_PER_CONNECTION_MAX);
        let pressed = u64::from(self.streams_pressed);
        let connections = CONNECTIONS_MAX as u64;
        let half_open = |key, value: usize, least| (key, value as u64, least, connections);
        [
            (
                "streams_quiet",
                self.streams_quiet.into(),
                streams_least,
                pressed,
            ),
            ("streams_pressed", pressed, streams_least, streams_most),
            (
                "mtu_max",
                self.mtu_max.into(),
                MTU_MIN.into(),
                MTU_MAX.into(),
            ),
            ("gso_segments_max", self.gso_segments_max as u64, 1, 64),
            half_open("half_open_retry", self.half_open_retry, 0),
            half_open("half_open_max", self.half_open_max, 1),
            half_open("half_open_prefix_max", self.half_open_prefix_max, 1),
            (
                "early_sessions_max",
                self.early_sessions_max as u64,
                1,
                10_000_000,
            ),
            ("handover_max", self.handover_max as u64, 1, 1 << 20),
        ]
    }

    /// The transport parameters and limits of a server connection.
    pub(in crate::quic) fn transport(&self) -> TransportConfig {
        let mut transport = common(self.idle_timeout, self.mtu_max);
        transport
            .max_concurrent_bidi_streams(self.streams_quiet.into())
            // Control, QPACK encoder and decoder, and room for GREASE (RFC 9114, 6.2).
            .max_concurrent_uni_streams(4_u32.into())
            .send_window(self.send_window.as_bytes())
            .receive_window(window(self.receive_window))
            .stream_receive_window(window(self.stream_receive_window))
            .enable_segmentation_offload(self.gso_segments_max > 1);
        transport
    }
}

/// What server and client have in common.
pub(in crate::quic) fn common(idle_timeout: Span, mtu_max: u16) -> TransportConfig {
    let idle = VarInt::from_u64(idle_timeout.as_ms()).map(IdleTimeout::from);
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(idle.ok())
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0)
        .crypto_buffer_size(CRYPTO_BUFFER_BYTES)
        .mtu_discovery_config(discovery(mtu_max));
    transport
}

/// A flow control window.
pub(in crate::quic) fn window(size: Size) -> VarInt {
    VarInt::from_u64(size.as_bytes()).unwrap_or(VarInt::MAX)
}

fn discovery(mtu_max: u16) -> Option<MtuDiscoveryConfig> {
    (mtu_max > MTU_MIN).then(|| {
        let mut discovery = MtuDiscoveryConfig::default();
        discovery
            .upper_bound(mtu_max)
            .black_hole_cooldown(Duration::from_secs(60));
        discovery
    })
}

/// Out-of-order handshake bytes held for a peer.
const CRYPTO_BUFFER_BYTES: usize = 16 * 1024;
/// Key, value, least, most.
type Bound = (&'static str, u64, u64, u64);

const HALF_HOUR_MS: u64 = 1_800_000;
const BUFFER_MIN: u64 = 64 * 1024;
const BUFFER_MAX: u64 = 1024 * 1024 * 1024;
const PULLED_MAX: u64 = 1 << 40;
const WINDOW_MIN: u64 = 16 * 1024;
const WINDOW_MAX: u64 = 16 * 1024 * 1024;
/// Every QUIC path carries this (RFC 9000, 14).
const MTU_MIN: u16 = 1_200;
const MTU_MAX: u16 = 65_527;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        assert_eq!(Config::default().check(), Ok(()));
    }

    #[test]
    fn a_value_out_of_bounds_is_named_with_its_bounds() {
        let config = Config {
            mtu_max: 900,
            ..Config::default()
        };
        let error = config.check().unwrap_err().to_string();
        assert_eq!(error, "quic.mtu_max is 900; it must be 1200 to 65527");
        let config = Config {
            streams_quiet: 101,
            ..Config::default()
        };
        assert_eq!(config.check().unwrap_err().key, "streams_quiet");
    }
}
