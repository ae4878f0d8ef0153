//! What the operations listener and the supervisor know of the running server.

use crate::base::budget::Budget;
use crate::base::metrics;
use crate::base::metrics::Sample;
use crate::config::Config;
use crate::content::Library;
use crate::issuers::Issuers;
use crate::runtime;
use crate::runtime::Phase;
use crate::runtime::Shutdown;
use crate::runtime::Trigger;
use crate::runtime::keyring::Keyring;
use crate::runtime::keyring::Purpose;
use crate::runtime::tls::Identity;
use crate::runtime::tls::Tickets;
use crate::server::export::ExportError;
use crate::server::export::Exports;
use crate::server::learners::Learners;
use crate::server::learners::receipt_seeds;
use crate::server::learners::remember;
use crate::server::learners::session_keys;
use crate::service::Learning;
use crate::service::UrlKeys;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Shared by all threads; everything in it is immutable, atomic or replaced as a whole.
pub(super) struct State {
    pub(super) config: Config,
    pub(super) listen: Vec<SocketAddr>,
    /// Addresses without TLS.
    pub(super) plain: Vec<SocketAddr>,
    pub(super) workers: usize,
    pub(super) library: Arc<Library>,
    pub(super) issuers: Arc<Issuers>,
    pub(super) exports: Arc<Exports>,
    pub(super) learners: Arc<Learners>,
    pub(super) learning: Arc<Learning>,
    pub(super) url_keys: Arc<UrlKeys>,
    pub(super) identity: Arc<Identity>,
    pub(super) tcp_tickets: Arc<Tickets>,
    pub(super) quic_tickets: Arc<Tickets>,
    pub(super) budget: Arc<Budget>,
    pub(super) sources: Vec<Arc<dyn metrics::Source>>,
    pub(super) trigger: Trigger,
    pub(super) shutdown: Shutdown,
    pub(super) started: Instant,
    /// Workers whose listeners are up.
    pub(super) up: AtomicUsize,
}

impl State {
    /// Begins the drain; the second call changes nothing.
    pub(super) fn drain(&self) {
        self.trigger
            .drain(runtime::now() + self.config.server.drain_timeout.duration());
    }

    /// Begins to write all learners out, and gives the file's name.
    pub(super) fn export(&self) -> Result<PathBuf, ExportError> {
        let data = &self.config.server.data;
        self.exports.begin(&self.learners, data, &self.shutdown)
    }

    /// Reads keys, certificate and content again. Each is replaced only if it is good; blocking.
    ///
    /// # Errors
    /// A sentence for each that stayed as it was.
    pub(super) fn reload(&self) -> Result<(), Vec<String>> {
        let mut failed = Vec::new();
        match Keyring::open(&self.keys_dir()) {
            Ok(ring) => {
                self.tcp_tickets.replace(ring.accepted(Purpose::TcpTicket));
                self.quic_tickets
                    .replace(ring.accepted(Purpose::QuicTicket));
                self.learning.session_keys.replace(session_keys(&ring));
                if let Err(error) = self.learning.receipts.replace(receipt_seeds(&ring)) {
                    failed.push(error.to_string());
                }
                remember(&self.learning.receipts, &self.config.server.data);
            }
            Err(error) => failed.push(sentence(&error)),
        }
        if let Err(error) = self.identity.reload() {
            failed.push(sentence(&error));
        }
        if let Err(error) = self.url_keys.reload() {
            failed.push(sentence(&error));
        }
        if let Err(error) = self.issuers.reload() {
            failed.push(sentence(&error));
        }
        if let Err(error) = self.library.reload(runtime::now()) {
            failed.push(sentence(&error));
        }
        let papers = &self.learning.papers;
        if let Err(error) = papers.leave(self.library.catalogue().left()) {
            failed.push(sentence(&error));
        }
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed)
        }
    }

    pub(super) fn keys_dir(&self) -> PathBuf {
        self.config.server.data.join("keys")
    }

    /// Why new learners should go elsewhere; empty when they are welcome.
    pub(super) fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        match self.shutdown.phase() {
            Phase::Running => {}
            Phase::Draining { .. } => reasons.push("draining".to_owned()),
            Phase::Closed => reasons.push("closed".to_owned()),
        }
        let up = self.up.load(Relaxed);
        if up < self.workers {
            reasons.push(format!("{up} of {} workers are up", self.workers));
        }
        if self.library.catalogue().courses().is_empty() {
            let dir = self.config.content.dir.display();
            reasons.push(format!("no course is served; see `lamplight check {dir}`"));
        }
        reasons.extend(self.learners.not_ready());
        reasons
    }

    /// The numbers of all rooms and workers; equal names and labels are added up.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for source in &self.sources {
            source.sample(&mut samples);
        }
        samples.extend(self.own_samples());
        samples
    }

    fn own_samples(&self) -> [Sample; 4] {
        let gauge = |name, help, value: u64| Sample {
            name,
            help,
            kind: metrics::Kind::Gauge,
            label: None,
            value: i64::try_from(value).unwrap_or(i64::MAX),
        };
        let uptime = runtime::now()
            .saturating_duration_since(self.started)
            .as_secs();
        [
            gauge(
                "lamplight_connections",
                "Live connections over all transports.",
                self.budget.taken() as u64,
            ),
            gauge(
                "lamplight_connections_max",
                "Connections that may be live.",
                self.budget.max() as u64,
            ),
            gauge(
                "lamplight_ready",
                "1 when ready.",
                u64::from(self.not_ready().is_empty()),
            ),
            gauge(
                "lamplight_uptime_seconds",
                "Seconds since the start.",
                uptime,
            ),
        ]
    }
}

/// An error and its causes in one line.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
