//! One worker's share: its service, its listeners, until they have drained.

use crate::base::budget::Budget;
use crate::config::Config;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::server::bind::Sockets;
use crate::server::state::State;
use crate::service;
use crate::tcp;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::mpsc;

/// What a worker is given; everything else it makes itself, on its own thread.
pub(super) struct Parts {
    pub(super) sockets: Sockets,
    pub(super) config: Config,
    pub(super) tcp_tls: Arc<rustls::ServerConfig>,
    pub(super) service: Arc<service::Shared>,
    pub(super) budget: Arc<Budget>,
    pub(super) metrics: Metrics,
    pub(super) shutdown: Shutdown,
    pub(super) state: Arc<State>,
    /// Dropped at the worker's end, whichever way it comes.
    pub(super) alive: mpsc::Sender<()>,
}

/// One worker's numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    pub(super) service: Arc<service::Metrics>,
    pub(super) tcp: Arc<tcp::Metrics>,
}

/// Serves until the drain has ended or its time is over.
pub(super) async fn serve(parts: Parts) {
    let Parts {
        sockets,
        config,
        tcp_tls,
        service,
        budget,
        metrics,
        shutdown,
        state,
        alive,
    } = parts;
    let seed = runtime::random::number();
    let app = Rc::new(service::App::new(service, metrics.service, seed));
    for listener in sockets.tcp {
        let driver = tcp::Driver::new(tcp::Setup {
            service: Rc::clone(&app),
            tls: Arc::clone(&tcp_tls),
            config: config.tcp.clone(),
            budget: Arc::clone(&budget),
            metrics: Arc::clone(&metrics.tcp),
            http3_port: listener
                .local_addr()
                .ok()
                .map(|address: SocketAddr| address.port()),
        });
        let shutdown = shutdown.clone();
        runtime::spawn("tcp listener", async move {
            if let Err(error) = driver.serve(listener, shutdown).await {
                tracing::error!(%error, "a TCP listener stopped");
            }
        });
    }
    state.up.fetch_add(1, Relaxed);
    drop(state);
    let mut closing = shutdown.clone();
    tokio::select! {
        () = runtime::drained(0) => {}
        () = closing.closed() => {}
    }
    drop(alive);
}
