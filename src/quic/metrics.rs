//! What a worker's QUIC engine counts.

use crate::base::metrics::Counter;
use crate::base::metrics::Gauge;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;

/// Numbers of one worker.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Live connections, half-open ones included.
    pub live: Gauge,
    /// Connections whose handshake is not complete.
    pub half_open: Gauge,
    /// Completed handshakes.
    pub handshakes: Counter,
    /// Of these, resumed ones.
    pub resumed: Counter,
    /// Of these, with X25519MLKEM768.
    pub hybrid: Counter,
    /// Newcomers asked to prove their address.
    pub retried: Counter,
    /// Newcomers refused.
    pub refused: Refused,
    /// Connections that ended.
    pub closed: Closed,
    /// Requests whose head was whole.
    pub requests: Counter,
    /// Requests that came in early data.
    pub requests_early: Counter,
    /// Requests the peer cancelled.
    pub requests_cancelled: Counter,
    /// Requests refused by the driver.
    pub requests_refused: RequestsRefused,
    /// Datagrams received.
    pub datagrams_in: Counter,
    /// Bytes of these.
    pub bytes_in: Counter,
    /// Datagrams sent.
    pub datagrams_out: Counter,
    /// Bytes of these.
    pub bytes_out: Counter,
    /// Datagrams the kernel would not send.
    pub datagrams_unsent: Counter,
    /// Times a socket failed to receive.
    pub receive_errors: Counter,
    /// Datagrams that belong to no connection and begin none.
    pub datagrams_ignored: Counter,
    /// Datagrams passed to the worker that owns their connection.
    pub handed_over: Counter,
    /// Datagrams dropped because the owner's queue was full.
    pub handover_dropped: Counter,
    /// Version negotiations, stateless resets and refusals sent without a connection.
    pub stateless_replies: Counter,
    /// Times a connection's stream limit was raised.
    pub streams_raised: Counter,
}

/// Why newcomers were refused.
#[derive(Debug, Default)]
pub struct Refused {
    /// The process has all the connections it may have.
    pub budget: Counter,
    /// Too many half-open connections.
    pub half_open: Counter,
    /// Too many half-open connections from this prefix.
    pub prefix: Counter,
    /// The process is going away.
    pub draining: Counter,
    /// The first flight was not acceptable.
    pub handshake: Counter,
}

/// How connections ended.
#[derive(Debug, Default)]
pub struct Closed {
    /// The client closed.
    pub peer: Counter,
    /// Silence.
    pub idle: Counter,
    /// The handshake took too long.
    pub handshake_timeout: Counter,
    /// The client broke the transport's or HTTP/3's rules.
    pub violation: Counter,
    /// The client had lost its state.
    pub reset: Counter,
    /// We closed: drain or end.
    pub local: Counter,
}

/// Why the driver refused a request.
#[derive(Debug, Default)]
pub struct RequestsRefused {
    /// 413.
    pub body_too_large: Counter,
    /// 431.
    pub fields_too_large: Counter,
    /// 408.
    pub timeout: Counter,
    /// 425.
    pub too_early: Counter,
    /// 503: too much of half-received requests on the connection.
    pub held: Counter,
    /// Their replies were not taken.
    pub stalled: Counter,
    /// The reply's fields are more than the client said it takes.
    pub peer_limit: Counter,
    /// 503: too much is read for replies that are not taken.
    pub pulled: Counter,
}

impl Source for Metrics {
    fn sample(&self, into: &mut Vec<Sample>) {
        into.push(Sample::gauge(
            "lamplight_quic_connections",
            "Live QUIC connections, half-open ones included",
            &self.live,
        ));
        into.push(Sample::gauge(
            "lamplight_quic_half_open",
            "QUIC connections whose handshake is not complete",
            &self.half_open,
        ));
        into.extend(
            self.plain()
                .map(|(name, help, c)| Sample::counter(name, help, c)),
        );
        for (name, help, label, counters) in self.labelled() {
            let samples = counters.iter().map(|(value, counter)| {
                Sample::counter(name, help, counter).labelled(label, value)
            });
            into.extend(samples);
        }
    }
}

type Plain<'a> = (&'static str, &'static str, &'a Counter);
type Labelled<'a> = (
    &'static str,
    &'static str,
    &'static str,
    Vec<(&'static str, &'a Counter)>,
);

impl Metrics {
    fn plain(&self) -> impl Iterator<Item = Plain<'_>> {
        self.of_connections().into_iter().chain(self.of_datagrams())
    }

    const fn of_connections(&self) -> [Plain<'_>; 8] {
        [
            (
                "lamplight_quic_handshakes",
                "Completed QUIC handshakes",
                &self.handshakes,
            ),
            (
                "lamplight_quic_resumed",
                "QUIC handshakes that resumed a session",
                &self.resumed,
            ),
            (
                "lamplight_quic_hybrid",
                "QUIC handshakes with X25519MLKEM768",
                &self.hybrid,
            ),
            (
                "lamplight_quic_retried",
                "Newcomers asked to prove their address",
                &self.retried,
            ),
            ("lamplight_quic_requests", "HTTP/3 requests", &self.requests),
            (
                "lamplight_quic_requests_early",
                "HTTP/3 requests in early data",
                &self.requests_early,
            ),
            (
                "lamplight_quic_requests_cancelled",
                "HTTP/3 requests cancelled by the client",
                &self.requests_cancelled,
            ),
            (
                "lamplight_quic_streams_raised",
                "Times a busy connection's stream limit was raised",
                &self.streams_raised,
            ),
        ]
    }

    const fn of_datagrams(&self) -> [Plain<'_>; 10] {
        [
            (
                "lamplight_quic_datagrams_received",
                "UDP datagrams received",
                &self.datagrams_in,
            ),
            (
                "lamplight_quic_bytes_received",
                "Bytes of UDP payload received",
                &self.bytes_in,
            ),
            (
                "lamplight_quic_datagrams_sent",
                "UDP datagrams sent",
                &self.datagrams_out,
            ),
            (
                "lamplight_quic_bytes_sent",
                "Bytes of UDP payload sent",
                &self.bytes_out,
            ),
            (
                "lamplight_quic_datagrams_unsent",
                "UDP datagrams the kernel would not send",
                &self.datagrams_unsent,
            ),
            (
                "lamplight_quic_receive_errors",
                "Times a UDP socket failed to receive",
                &self.receive_errors,
            ),
            (
                "lamplight_quic_datagrams_ignored",
                "UDP datagrams that belong to no connection and begin none",
                &self.datagrams_ignored,
            ),
            (
                "lamplight_quic_handed_over",
                "Datagrams passed to the worker that owns their connection",
                &self.handed_over,
            ),
            (
                "lamplight_quic_handover_dropped",
                "Datagrams dropped because their owner's queue was full",
                &self.handover_dropped,
            ),
            (
                "lamplight_quic_stateless_replies",
                "Version negotiations, stateless resets and refusals sent",
                &self.stateless_replies,
            ),
        ]
    }

    fn labelled(&self) -> [Labelled<'_>; 3] {
        let Self {
            refused,
            closed,
            requests_refused,
            ..
        } = self;
        [
            (
                "lamplight_quic_refused",
                "QUIC newcomers refused",
                "reason",
                vec![
                    ("connection_limit", &refused.budget),
                    ("half_open_limit", &refused.half_open),
                    ("prefix_limit", &refused.prefix),
                    ("draining", &refused.draining),
                    ("handshake", &refused.handshake),
                ],
            ),
            (
                "lamplight_quic_closed",
                "QUIC connections that ended",
                "reason",
                vec![
                    ("peer", &closed.peer),
                    ("idle", &closed.idle),
                    ("handshake_timeout", &closed.handshake_timeout),
                    ("violation", &closed.violation),
                    ("reset", &closed.reset),
                    ("local", &closed.local),
                ],
            ),
            (
                "lamplight_quic_requests_refused",
                "HTTP/3 requests refused by the driver",
                "reason",
                vec![
                    ("body_too_large", &requests_refused.body_too_large),
                    ("fields_too_large", &requests_refused.fields_too_large),
                    ("timeout", &requests_refused.timeout),
                    ("too_early", &requests_refused.too_early),
                    ("held", &requests_refused.held),
                    ("peer_limit", &requests_refused.peer_limit),
                    ("pulled", &requests_refused.pulled),
                    ("stalled", &requests_refused.stalled),
                ],
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_shows_under_its_reason() {
        let metrics = Metrics::default();
        metrics.refused.prefix.add(3);
        metrics.requests_refused.timeout.add_one();
        let mut samples = Vec::new();
        metrics.sample(&mut samples);
        let value = |name: &str, reason: &str| {
            let mut found = samples.iter().filter(|s| s.name == name);
            found
                .find(|s| s.label == Some(("reason", reason.to_owned().leak())))
                .unwrap()
                .value
        };
        assert_eq!(value("lamplight_quic_refused", "prefix_limit"), 3);
        assert_eq!(value("lamplight_quic_refused", "draining"), 0);
        assert_eq!(value("lamplight_quic_requests_refused", "timeout"), 1);
    }
}
