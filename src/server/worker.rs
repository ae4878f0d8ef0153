//! One worker's share: its service, its listeners, until they have drained.

use crate::base::budget::Budget;
use crate::config::Config;
use crate::h3;
use crate::quic;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::server::bind::Sockets;
use crate::server::state::State;
use crate::service;
use crate::tcp;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::mpsc;

/// What a worker is given; everything else it makes itself, on its own thread.
pub(super) struct Parts {
    pub(super) sockets: Sockets,
    pub(super) config: Config,
    pub(super) tcp_tls: Arc<rustls::ServerConfig>,
    pub(super) quic: Quic,
    pub(super) service: Arc<service::Shared>,
    pub(super) budget: Arc<Budget>,
    pub(super) metrics: Metrics,
    pub(super) shutdown: Shutdown,
    pub(super) state: Arc<State>,
    /// Dropped at the worker's end, whichever way it comes.
    pub(super) alive: mpsc::Sender<()>,
}

/// What QUIC needs beside that.
pub(super) struct Quic {
    pub(super) tls: Arc<rustls::ServerConfig>,
    pub(super) keys: quic::server::Keys,
    pub(super) owner: quic::Owner,
    pub(super) handover: quic::server::Handover,
}

/// One worker's numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    pub(super) service: Arc<service::Metrics>,
    pub(super) tcp: Arc<tcp::Metrics>,
    pub(super) quic: Arc<quic::Metrics>,
    pub(super) h3: Arc<h3::Metrics>,
}

/// Serves until the drain has ended or its time is over.
pub(super) async fn serve(parts: Parts) {
    let Parts {
        sockets,
        config,
        tcp_tls,
        quic,
        service,
        budget,
        metrics,
        ..
    } = parts;
    let Sockets {
        tcp: listeners,
        plain,
        quic: sockets,
    } = sockets;
    let seed = runtime::random::number();
    let app = Rc::new(service::App::new(service, metrics.service, seed));
    let tls = |listener| (listener, Some(Arc::clone(&tcp_tls)));
    let bare = |listener| (listener, None);
    let listeners = listeners.into_iter().map(tls);
    for (listener, tls) in listeners.chain(plain.into_iter().map(bare)) {
        // An edge is no browser: over its own wire it is told of no other protocol.
        let announced = tls.as_ref().and_then(|_tls| listener.local_addr().ok());
        let driver = tcp::Driver::new(tcp::Setup {
            service: Rc::clone(&app),
            tls,
            config: config.tcp.clone(),
            budget: Arc::clone(&budget),
            metrics: Arc::clone(&metrics.tcp),
            http3_port: announced.map(|address| address.port()),
        });
        let shutdown = parts.shutdown.clone();
        runtime::spawn("tcp listener", async move {
            if let Err(error) = driver.serve(listener, shutdown).await {
                tracing::error!(%error, "a TCP listener stopped");
            }
        });
    }
    let serving = Box::pin(quic::server::run(
        quic::server::Setup {
            sockets,
            config: config.quic.clone(),
            h3: config.h3.clone(),
            tls: quic.tls,
            keys: quic.keys,
            owner: quic.owner,
            handover: quic.handover,
            budget,
            metrics: metrics.quic,
            h3_metrics: metrics.h3,
            service: app,
        },
        parts.shutdown.clone(),
    ));
    runtime::spawn("quic loop", async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the QUIC loop stopped");
        }
    });
    parts.state.up.fetch_add(1, Relaxed);
    let mut closing = parts.shutdown;
    tokio::select! {
        () = runtime::drained(0) => {}
        () = closing.closed() => {}
    }
    drop(parts.alive);
}
