//! From the listening socket to a connection: budget, gate, handshake.

use crate::base::budget::Budget;
use crate::base::budget::Permit;
use crate::http::Fields;
use crate::http::Service;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::tcp::Config;
use crate::tcp::Metrics;
use crate::tcp::connection;
use crate::tcp::connection::End;
use crate::tcp::gate::Full;
use crate::tcp::gate::Gate;
use crate::tcp::gate::Pass;
use crate::tcp::heads::Heads;
use crate::tcp::rt::Local;
use crate::tcp::stream::Shared;
use crate::tcp::stream::Stream;
use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Pause after a failed `accept`, doubled up to the largest while it goes on failing: the files
/// or the memory it lacks come back only when connections end.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What a worker's TCP side is made of.
pub struct Setup<S> {
    /// The application.
    pub service: Rc<S>,
    /// TLS with ALPN, see [`crate::runtime::tls::tcp`]; without it HTTP/1.1 in plain text, for
    /// peers in private networks and configured edges only.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Timeouts and bounds.
    pub config: Config,
    /// Permits for live connections, shared with QUIC and the other workers.
    pub budget: Arc<Budget>,
    /// This worker's numbers.
    pub metrics: Arc<Metrics>,
    /// Port on which the same origin speaks HTTP/3, announced as `alt-svc` (RFC 7838).
    pub http3_port: Option<u16>,
}

/// One worker's TCP side; serves any number of listeners.
pub struct Driver<S> {
    common: Rc<Common<S>>,
    tls: Option<Arc<rustls::ServerConfig>>,
    budget: Arc<Budget>,
    gate: Rc<Gate>,
}

/// What all connections of a worker share.
pub(super) struct Common<S> {
    pub(super) service: Rc<S>,
    pub(super) config: Config,
    pub(super) metrics: Arc<Metrics>,
    pub(super) heads: Heads,
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<Local>,
    /// The same with the streams of a configured edge.
    pub(super) http2_edge: http2::Builder<Local>,
    pub(super) local: Local,
    /// Memory for the fields of one request after the other.
    pub(super) fields: Cell<Fields>,
}

impl<S> Clone for Driver<S> {
    fn clone(&self) -> Self {
        Self {
            common: Rc::clone(&self.common),
            tls: self.tls.clone(),
            budget: Arc::clone(&self.budget),
            gate: Rc::clone(&self.gate),
        }
    }
}

impl<S> fmt::Debug for Driver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("config", &self.common.config)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Setup<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<S: Service> Driver<S> {
    /// A driver; listeners follow through [`Driver::serve`].
    pub fn new(setup: Setup<S>) -> Self {
        let alt_svc = setup
            .http3_port
            .map(|port| format!("h3=\":{port}\"; ma=86400"));
        let local = Local::default();
        let builder = |streams_max| connection::http2_builder(&setup.config, streams_max, &local);
        let common = Common {
            service: setup.service,
            http1: connection::http1_builder(),
            http2: builder(setup.config.streams_max),
            http2_edge: builder(setup.config.edge_streams_max),
            local: local.clone(),
            config: setup.config,
            metrics: setup.metrics,
            heads: Heads::new(alt_svc.and_then(|text| HeaderValue::from_str(&text).ok())),
            fields: Cell::new(Fields::new()),
        };
        let (tls, budget) = (setup.tls, setup.budget);
        Self {
            common: Rc::new(common),
            tls,
            budget,
            gate: Rc::new(Gate::default()),
        }
    }

    /// Accepts on `listener` until the drain begins, closes it, and returns when the last of its
    /// connections has ended. Dropping the future leaves its connections to the worker's end.
    ///
    /// # Errors
    /// When the listener cannot be watched at all; a failing `accept` is counted and tried again.
    pub async fn serve(
        &self,
        listener: std::net::TcpListener,
        mut shutdown: Shutdown,
    ) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        // Every connection holds a sender; the receiver hears when the last is gone.
        let (alive, mut gone) = mpsc::channel::<()>(1);
        let mut pause = PAUSE_MIN;
        loop {
            let accepted = tokio::select! {
                biased;
                _ = shutdown.draining() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    pause = PAUSE_MIN;
                    self.welcome(socket, peer, &shutdown, &alive);
                }
                // The client was gone before we came to it.
                Err(error) if is_clients_fault(&error) => {}
                Err(error) => {
                    self.common.metrics.accept_failed.add_one();
                    tracing::warn!(%error, "cannot accept a connection; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
        drop((listener, alive));
        gone.recv().await;
        Ok(())
    }

    /// Begins a connection, or drops the newcomer at once where there is no room.
    fn welcome(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        shutdown: &Shutdown,
        alive: &mpsc::Sender<()>,
    ) {
        let metrics = &self.common.metrics;
        let Some(permit) = self.budget.permit() else {
            return metrics.refused_budget.add_one();
        };
        let config = &self.common.config;
        let entry = match &self.tls {
            None if !config.may_be_plain(peer.ip()) => return metrics.refused_stranger.add_one(),
            None => Entry::Plain,
            Some(tls) => {
                let max = config.handshakes_max;
                // All of an edge's connections come from its few addresses.
                let per_prefix = if config.is_edge(peer.ip()) {
                    u32::MAX
                } else {
                    config.handshakes_per_prefix_max
                };
                match self.gate.enter(peer.ip(), max, per_prefix) {
                    Ok(pass) => Entry::Tls(Arc::clone(tls), pass),
                    Err(Full::Worker) => return metrics.refused_handshakes.add_one(),
                    Err(Full::Prefix) => return metrics.refused_prefix.add_one(),
                }
            }
        };
        let newcomer = Newcomer {
            socket,
            peer,
            entry,
            permit,
        };
        let (driver, shutdown, alive) = (self.clone(), shutdown.clone(), alive.clone());
        runtime::spawn("tcp connection", async move {
            driver.connection(newcomer, shutdown).await;
            drop(alive);
        });
    }

    async fn connection(&self, newcomer: Newcomer, mut shutdown: Shutdown) {
        let Newcomer {
            socket,
            peer,
            entry,
            permit,
        } = newcomer;
        let metrics = &self.common.metrics;
        let begun = self.begin(socket, entry);
        let stream = tokio::select! {
            biased;
            stream = begun => stream,
            // Nothing was promised yet: the client tries another node.
            _ = shutdown.draining() => return metrics.closed_drain.add_one(),
        };
        let Some(stream) = stream else {
            return;
        };
        metrics.live.add(1);
        let end = connection::serve(stream, peer, Rc::clone(&self.common), shutdown).await;
        metrics.live.add(-1);
        match end {
            End::Done => {}
            End::Protocol => metrics.closed_protocol.add_one(),
            End::Idle => metrics.closed_idle.add_one(),
            End::Header => metrics.closed_header.add_one(),
            End::Stalled => metrics.closed_stalled.add_one(),
            End::Drain => metrics.closed_drain.add_one(),
        }
        drop(permit);
    }

    /// The stream of a newcomer; `None` (counted) if its handshake fails or takes too long.
    async fn begin(&self, socket: TcpStream, entry: Entry) -> Option<Shared> {
        // Without it small replies wait for the client's acknowledgement of the last one.
        socket.set_nodelay(true).ok()?;
        let buffer = self.common.config.write_buffer.as_len();
        match entry {
            Entry::Plain => {
                self.common.metrics.plain.add_one();
                Some(Shared::new(Stream::plain(socket, buffer)))
            }
            Entry::Tls(tls, pass) => {
                let stream = Stream::tls(socket, tls, buffer).ok()?;
                let stream = self.handshake(Shared::new(stream)).await;
                drop(pass);
                stream
            }
        }
    }

    async fn handshake(&self, stream: Shared) -> Option<Shared> {
        let metrics = &self.common.metrics;
        let config = &self.common.config;
        let limit = config.handshake_timeout.duration();
        match tokio::time::timeout(limit, stream.handshake()).await {
            Ok(Ok(())) => {
                metrics.accepted.add_one();
                if stream.0.borrow().is_resumed() {
                    metrics.resumed.add_one();
                }
                Some(stream)
            }
            Ok(Err(error)) => {
                metrics.handshake_failed.add_one();
                tracing::debug!(%error, "TLS handshake failed");
                None
            }
            Err(_elapsed) => {
                metrics.handshake_timeout.add_one();
                None
            }
        }
    }
}

/// An accepted socket and the rights it holds.
struct Newcomer {
    socket: TcpStream,
    peer: SocketAddr,
    entry: Entry,
    permit: Permit,
}

/// How a newcomer begins.
enum Entry {
    Plain,
    Tls(Arc<rustls::ServerConfig>, Pass),
}

fn is_clients_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
