//! One connection after its handshake: hyper's state machine, its output, its deadlines.

use crate::http::Service;
use crate::runtime;
use crate::runtime::Phase;
use crate::runtime::Shutdown;
use crate::tcp::accept::Common;
use crate::tcp::exchange::Handler;
use crate::tcp::exchange::Watch;
use crate::tcp::rt::Clock;
use crate::tcp::rt::Local;
use crate::tcp::stream::Shared;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

/// Bytes a client must take within the stall time for a waiting reply.
const STALL_BYTES_MIN: u64 = 4096;
/// Input forgotten and time waited at the end, so that the last reply is read and not reset away.
const LINGER_BYTES: usize = 256 * 1024;
const LINGER: Duration = Duration::from_secs(2);

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed it or is gone, or a drain ended it in order.
    Done,
    /// HTTP or TLS was broken.
    Protocol,
    /// No request for too long.
    Idle,
    /// An unfinished header for too long.
    Header,
    /// A reply not taken for too long.
    Stalled,
    /// The drain's time was over.
    Drain,
}

/// hyper's connection and what ends it.
struct Connection<S: Service> {
    http: Http<S>,
    stream: Shared,
    watch: Rc<Watch>,
    common: Rc<Common<S>>,
    alarm: Pin<Box<tokio::time::Sleep>>,
    draining: Pin<Box<dyn Future<Output = Phase>>>,
    /// End of the drain, once it has begun.
    until: Option<Instant>,
    /// When the header under way began.
    head_since: Option<Instant>,
    /// Requests begun and bytes received when we last looked.
    begun: u64,
    received: u64,
    /// The stall window under way: its beginning and the bytes sent before it.
    window: Option<(Instant, u64)>,
}

/// The idle, header and stall rules share one deadline a connection.
enum Http<S: Service> {
    One(Pin<Box<http1::Connection<Shared, Handler<S>>>>),
    Two(Pin<Box<http2::Connection<Shared, Handler<S>, Local>>>),
}

/// Serves one connection to its end.
pub(super) async fn serve<S: Service>(
    stream: Shared,
    peer: SocketAddr,
    common: Rc<Common<S>>,
    shutdown: Shutdown,
) -> End {
    let is_http2 = stream.0.borrow().is_http2();
    let metrics = Arc::clone(&common.metrics);
    let now = runtime::now();
    let watch = Rc::new(Watch::new(now));
    let handler = Handler {
        common: Rc::clone(&common),
        watch: Rc::clone(&watch),
        peer,
    };
    let io = stream.clone();
    let http = if is_http2 {
        let builder = if common.config.is_edge(peer.ip()) {
            &common.http2_edge
        } else {
            &common.http2
        };
        Http::Two(Box::pin(builder.serve_connection(io, handler)))
    } else {
        Http::One(Box::pin(common.http1.serve_connection(io, handler)))
    };
    let mut noticing = shutdown.clone();
    let first = common.config.idle_timeout.min(common.config.stall_timeout);
    let first = now + first.duration();
    let connection = Connection {
        http,
        stream: stream.clone(),
        watch,
        common,
        alarm: Box::pin(tokio::time::sleep_until(first.into())),
        draining: Box::pin(async move { noticing.draining().await }),
        until: None,
        head_since: None,
        begun: 0,
        received: 0,
        window: None,
    };
    let end = connection.await;
    let (received, sent) = (stream.0.borrow().received(), stream.0.borrow().sent());
    metrics.received.add(received);
    metrics.sent.add(sent);
    if end == End::Done {
        // A client that lingers longer than we do loses nothing but our patience.
        let mut until = runtime::now() + LINGER;
        if let Phase::Draining { until: drained } = shutdown.phase() {
            until = until.min(drained);
        }
        let ending = stream.finish(LINGER_BYTES);
        drop(tokio::time::timeout_at(until.into(), ending).await);
    }
    end
}

/// The HTTP/1 settings of a worker.
pub(super) fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    let header_max = crate::base::limits::HEADER_BYTES_MAX;
    builder
        .timer(Clock)
        .header_read_timeout(None)
        .half_close(true)
        .writev(true);
    builder
        .max_header_size(header_max)
        .max_buf_size(header_max + 8192);
    builder
}

/// The HTTP/2 settings of a worker for peers that may open `streams_max` streams.
pub(super) fn http2_builder(
    config: &crate::tcp::Config,
    streams_max: u32,
    local: &Local,
) -> http2::Builder<Local> {
    let mut builder = http2::Builder::new(local.clone());
    let header_max = u32::try_from(crate::base::limits::HEADER_BYTES_MAX).unwrap_or(u32::MAX);
    let body_max = u32::try_from(crate::base::limits::BODY_BYTES_MAX).unwrap_or(u32::MAX);
    builder.timer(Clock).max_concurrent_streams(streams_max);
    builder
        .max_header_list_size(header_max)
        .max_frame_size(16 * 1024);
    builder.max_pending_accept_reset_streams(config.resets_max);
    builder.max_local_error_reset_streams(config.resets_max);
    // Requests are small: one whole body per stream, four of them per connection.
    builder
        .initial_stream_window_size(body_max)
        .initial_connection_window_size(4 * body_max);
    builder.max_send_buf_size(config.write_buffer.as_len());
    builder
}

impl<S: Service> Future for Connection<S> {
    type Output = End;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End> {
        let this = self.get_mut();
        if this.until.is_none()
            && let Poll::Ready(phase) = this.draining.as_mut().poll(cx)
        {
            match phase {
                Phase::Draining { until } => this.drain(until),
                Phase::Running | Phase::Closed => return Poll::Ready(End::Drain),
            }
        }
        this.common.local.begin_turn();
        if let Poll::Ready(outcome) = this.http.poll(cx) {
            return Poll::Ready(match outcome {
                Ok(()) => End::Done,
                Err(error) => end_of(&error),
            });
        }
        // The one flush of this turn; a full socket wakes us when it has room.
        if let Poll::Ready(Err(_gone)) = this.stream.0.borrow_mut().poll_send(cx) {
            return Poll::Ready(End::Done);
        }
        this.note_head();
        while this.alarm.as_mut().poll(cx).is_ready() {
            match this.deadline(runtime::now()) {
                Ok(next) => this.alarm.as_mut().reset(next.into()),
                Err(end) => {
                    this.say_goodbye(cx);
                    return Poll::Ready(end);
                }
            }
        }
        Poll::Pending
    }
}

impl<S: Service> Connection<S> {
    /// Tells the client, as far as the socket takes it at once, that nothing more is coming.
    fn say_goodbye(&mut self, cx: &mut Context<'_>) {
        self.announce_end();
        // What cannot be written now is not waited for: the connection is being given up.
        let _told = self.http.poll(cx);
        let _closed = self.stream.0.borrow_mut().poll_shutdown(cx);
    }

    /// GOAWAY, or `connection: close` on the reply under way.
    fn announce_end(&mut self) {
        match &mut self.http {
            Http::One(http) => http.as_mut().graceful_shutdown(),
            Http::Two(http) => http.as_mut().graceful_shutdown(),
        }
    }

    /// Begins the end of this connection; it is cut at `until`.
    fn drain(&mut self, until: Instant) {
        self.until = Some(until);
        self.announce_end();
        if until < self.alarm.deadline().into_std() {
            self.alarm.as_mut().reset(until.into());
        }
    }

    /// Notices the first bytes of a header whose rest has not come.
    fn note_head(&mut self) {
        let received = self.stream.0.borrow().received();
        let begun = self.watch.begun();
        let open = match self.http {
            Http::Two(_) => Some(self.stream.0.borrow().head_is_open()),
            Http::One(_) if begun != self.begun || self.watch.is_busy() => Some(false),
            // Bytes that began no request; silence changes nothing.
            Http::One(_) => (received != self.received).then_some(true),
        };
        if open == Some(false) {
            self.head_since = None;
        } else if open == Some(true) && self.head_since.is_none() {
            let now = runtime::now();
            self.head_since = Some(now);
            let at = now + self.common.config.header_timeout.duration();
            if at < self.alarm.deadline().into_std() {
                self.alarm.as_mut().reset(at.into());
            }
        }
        (self.begun, self.received) = (begun, received);
    }

    /// The next moment to look again, or why the connection ends now.
    fn deadline(&mut self, now: Instant) -> Result<Instant, End> {
        let config = &self.common.config;
        let until = self.until;
        if until.is_some_and(|until| until <= now) {
            return Err(End::Drain);
        }
        // Looked at once per stall time at least, so that requests need not touch the timer.
        let mut look = now + config.stall_timeout.duration();
        if let Some(since) = self.head_since {
            let at = since + config.header_timeout.duration();
            if at <= now {
                return Err(End::Header);
            }
            look = look.min(at);
        }
        let stream = self.stream.0.borrow();
        // hyper may have taken a whole reply that the client does not take from hyper.
        if self.watch.is_busy() || stream.is_blocked() {
            let waits = stream.is_blocked() || self.watch.is_sending();
            let window = self
                .window
                .filter(|(since, _)| *since >= self.watch.busy_since());
            let taken = window.map(|(_, before)| stream.sent() - before);
            if waits && taken.is_some_and(|taken| taken < STALL_BYTES_MIN) {
                return Err(End::Stalled);
            }
            self.window = Some((now, stream.sent()));
            return Ok(until.map_or(look, |until| until.min(look)));
        }
        drop(stream);
        self.window = None;
        let at = self.watch.quiet_since() + config.idle_timeout.duration();
        if at <= now && self.head_since.is_none() {
            return Err(End::Idle);
        }
        let at = if self.head_since.is_some() {
            look
        } else {
            at.min(look)
        };
        Ok(until.map_or(at, |until| until.min(at)))
    }
}

/// Tells a client that broke the rules from one that is merely gone.
fn end_of(error: &hyper::Error) -> End {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            // `InvalidData` is what broken TLS records come as.
            let broken = io.kind() == std::io::ErrorKind::InvalidData;
            return if broken { End::Protocol } else { End::Done };
        }
        cause = error.source();
    }
    if error.is_incomplete_message() || error.is_canceled() {
        End::Done
    } else {
        End::Protocol
    }
}

impl<S: Service> Http<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match self {
            Self::One(http) => http.as_mut().poll(cx),
            Self::Two(http) => http.as_mut().poll(cx),
        }
    }
}
