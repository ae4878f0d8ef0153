//! From the first log line to the exit: signals, reloads, the drain.

use crate::config::Config;
use crate::config::memory;
use crate::runtime;
use crate::server::Server;
use crate::server::StartError;
use crate::server::announce;
use crate::server::log;
use crate::server::state::State;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// How often a self-signed certificate is looked at for its renewal.
const RENEWAL: Duration = Duration::from_secs(3600);
/// How often readiness is looked at until it is green.
const READY_EVERY: Duration = Duration::from_millis(20);

/// Serves as `config` says until SIGTERM, SIGINT or a drain asked for through the operations
/// listener. SIGHUP reloads; a second SIGTERM or SIGINT cuts the drain short.
///
/// # Errors
/// [`StartError`] when it cannot start or when a worker stops by itself.
pub fn run(config: Config) -> Result<(), StartError> {
    log::begin(&config.log)?;
    for warning in memory::estimate(&config, &memory::Machine::read()).warnings {
        tracing::warn!("{warning}");
    }
    runtime::block_on(async {
        let reload = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
        // Reading a large catalogue for the first time takes minutes: until something is served,
        // SIGTERM and SIGINT end the process as it stands.
        let mut server = Server::start(config)?;
        let mut signals = Signals::watch(reload).map_err(StartError::Signals)?;
        let mut out = io::stdout();
        if let Err(error) = announce::listeners(&server, &mut out) {
            tracing::warn!(%error, "nobody reads the standard output");
        }
        let outcome = supervise(&mut server, &mut signals).await;
        server.close()?;
        tracing::info!("stopped");
        outcome
    })
}

/// What a signal means.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Stop,
    Reload,
}

/// What the process is told.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    fn watch(reload: Signal) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload,
        })
    }

    /// What comes next. Dropping the future loses nothing.
    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.reload.recv() => Told::Reload,
        }
    }

    /// Resolves at the next SIGTERM or SIGINT.
    async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}

/// Returns when the workers have ended or are to be cut.
async fn supervise(server: &mut Server, signals: &mut Signals) -> Result<(), StartError> {
    let state = Arc::clone(&server.state);
    let mut shutdown = state.shutdown.clone();
    let mut renewal = tokio::time::interval(RENEWAL);
    let mut unready = Some(tokio::time::interval(READY_EVERY));
    loop {
        tokio::select! {
            told = signals.next() => {
                if told == Told::Reload {
                    reload(&state).await;
                    continue;
                }
                tracing::info!("stopping: requests under way may finish");
                state.drain();
                break;
            }
            _ = shutdown.draining() => break,
            _ = renewal.tick() => renew(&state).await,
            _ = tick(&mut unready) => {
                if state.not_ready().is_empty() {
                    unready = None;
                    // Whoever closed the output does not wait for this line.
                    drop(announce::ready(&mut io::stdout()));
                }
            }
            // Without a drain, the end of a worker is a fault; the others are ended too.
            _ = server.alive.recv() => return Err(StartError::Stopped),
        }
        let stopped = server.workers.iter().any(runtime::Worker::has_ended);
        if stopped || server.keeping.has_ended() {
            return Err(StartError::Stopped);
        }
    }
    let limit = state.config.server.drain_timeout.duration();
    tokio::select! {
        _ = server.alive.recv() => {}
        () = tokio::time::sleep(limit) => tracing::warn!("the drain's time is over"),
        () = signals.stop() => tracing::warn!("told twice: cutting what is left"),
    }
    Ok(())
}

async fn tick(interval: &mut Option<tokio::time::Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}

/// Reads certificate, keys and content again, off the loop.
async fn reload(state: &Arc<State>) {
    let reloading = Arc::clone(state);
    match runtime::blocking("reload", move || reloading.reload()).await {
        Ok(Ok(())) => tracing::info!("reloaded certificate, keys and content"),
        Ok(Err(failed)) => {
            for what in failed {
                tracing::error!("not reloaded, the former stays in use: {what}");
            }
        }
        Err(panicked) => tracing::error!("{panicked}"),
    }
}

/// Renews the self-signed certificate when its time comes; a configured one is the operator's.
async fn renew(state: &Arc<State>) {
    if state.identity.prints().self_signed_until_s.is_none() {
        return;
    }
    let identity = Arc::clone(&state.identity);
    match runtime::blocking("certificate", move || identity.reload()).await {
        Ok(Ok(_prints)) => {}
        Ok(Err(error)) => tracing::error!(%error, "the certificate is not renewed"),
        Err(panicked) => tracing::error!("{panicked}"),
    }
}
