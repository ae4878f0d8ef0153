//! What the TCP side counts.

use crate::base::metrics::Counter;
use crate::base::metrics::Gauge;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;

/// Numbers of one worker's TCP listeners.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Connections whose handshake is done and that are not closed yet.
    pub live: Gauge,
    /// Handshakes finished.
    pub accepted: Counter,
    /// Handshakes that resumed an earlier session.
    pub resumed: Counter,
    /// Connections begun without TLS.
    pub plain: Counter,
    /// HTTP/1 requests.
    pub http1: Counter,
    /// HTTP/2 requests.
    pub http2: Counter,
    /// Bytes of HTTP received over connections that have ended.
    pub received: Counter,
    /// Bytes of TLS records sent over connections that have ended.
    pub sent: Counter,
    /// Times `accept` failed for want of files or memory.
    pub accept_failed: Counter,
    /// Newcomers dropped: the connection budget is spent.
    pub refused_budget: Counter,
    /// Newcomers dropped: too many handshakes under way.
    pub refused_handshakes: Counter,
    /// Newcomers dropped: too many handshakes under way from their prefix.
    pub refused_prefix: Counter,
    /// Newcomers dropped: without TLS from outside the private networks and configured edges.
    pub refused_stranger: Counter,
    /// Handshakes that failed or took too long.
    pub handshake_failed: Counter,
    /// The same, by the clock.
    pub handshake_timeout: Counter,
    /// Requests refused with 400.
    pub malformed: Counter,
    /// Requests refused with 413.
    pub body_too_large: Counter,
    /// Requests refused with 408.
    pub body_timeout: Counter,
    /// Connections closed: no request for too long.
    pub closed_idle: Counter,
    /// Connections closed: an unfinished header for too long.
    pub closed_header: Counter,
    /// Connections closed: a reply not taken for too long.
    pub closed_stalled: Counter,
    /// Connections cut at the end of a drain.
    pub closed_drain: Counter,
    /// Connections closed for breaking HTTP or TLS.
    pub closed_protocol: Counter,
}

impl Source for Metrics {
    fn sample(&self, into: &mut Vec<Sample>) {
        let plain = [
            (
                "lamplight_tcp_accepted",
                "TLS handshakes finished over TCP.",
                &self.accepted,
            ),
            (
                "lamplight_tcp_plain",
                "TCP connections begun without TLS.",
                &self.plain,
            ),
            (
                "lamplight_tcp_resumed",
                "TLS sessions resumed over TCP.",
                &self.resumed,
            ),
            (
                "lamplight_tcp_received_bytes",
                "Bytes received over TCP connections that have ended.",
                &self.received,
            ),
            (
                "lamplight_tcp_sent_bytes",
                "Bytes sent over TCP connections that have ended.",
                &self.sent,
            ),
            (
                "lamplight_tcp_accept_failed",
                "Sockets not accepted.",
                &self.accept_failed,
            ),
        ];
        into.extend(plain.map(|(name, help, counter)| Sample::counter(name, help, counter)));
        let live = "TCP connections live.";
        into.push(Sample::gauge("lamplight_tcp_connections", live, &self.live));
        for (version, counter) in [("1", &self.http1), ("2", &self.http2)] {
            let sample = Sample::counter("lamplight_tcp_requests", "Requests over TCP.", counter);
            into.push(sample.labelled("version", version));
        }
        self.sample_refused(into);
        self.sample_closed(into);
    }
}

impl Metrics {
    fn sample_refused(&self, into: &mut Vec<Sample>) {
        let refused = [
            ("connection_budget", &self.refused_budget),
            ("handshakes", &self.refused_handshakes),
            ("handshakes_of_prefix", &self.refused_prefix),
            ("plain_stranger", &self.refused_stranger),
            ("handshake_failed", &self.handshake_failed),
            ("handshake_timeout", &self.handshake_timeout),
            ("malformed", &self.malformed),
            ("body_too_large", &self.body_too_large),
            ("body_timeout", &self.body_timeout),
        ];
        let help = "Connections and requests refused over TCP.";
        let sample = |counter| Sample::counter("lamplight_tcp_refused", help, counter);
        into.extend(refused.map(|(reason, n)| sample(n).labelled("reason", reason)));
    }

    fn sample_closed(&self, into: &mut Vec<Sample>) {
        let closed = [
            ("idle", &self.closed_idle),
            ("header_timeout", &self.closed_header),
            ("stalled", &self.closed_stalled),
            ("drain", &self.closed_drain),
            ("protocol", &self.closed_protocol),
        ];
        let help = "TCP connections closed by this server.";
        let sample = |counter| Sample::counter("lamplight_tcp_closed", help, counter);
        into.extend(closed.map(|(reason, n)| sample(n).labelled("reason", reason)));
    }
}
