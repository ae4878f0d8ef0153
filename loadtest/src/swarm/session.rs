//! The state of one generator thread and the outline of its work.

use crate::board::Board;
use crate::board::Stage;
use crate::cli::Common;
use crate::cli::KeyExchange;
use crate::ledger::Ledger;
use crate::ledger::Subject;
use crate::pace::Pace;
use crate::plan::Choice;
use crate::share::Arrivals;
use crate::share::Share;
use crate::swarm::Outcome;
use crate::swarm::class::Class;
use crate::swarm::load::Loading;
use crate::tally::Purpose;
use anyhow::Context as _;
use bytes::Bytes;
use lamplight::base::units::Span;
use lamplight::http::Fields;
use lamplight::quic;
use lamplight::quic::client::Client;
use lamplight::quic::client::ClientError;
use lamplight::quic::client::Config;
use lamplight::quic::client::ConnId;
use lamplight::quic::client::Request;
use lamplight::quic::client::Resume;
use lamplight::quic::client::StreamId;
use lamplight::quic::client::Tls;
use lamplight::quic::client::Trust;
use lamplight::runtime;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::collections::HashMap;
use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// Time between two looks for what is overdue, and between two publications of live numbers.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
/// Connections closed between two turns, so that their farewells do not burst.
const CLOSING_BATCH: usize = 256;
/// Turns of the engine after one tick of an open loop, before requests that are due have theirs.
const PASSES_MAX: usize = 64;
/// HTTP/3's "no error" (RFC 9114, 8.1).
const NO_ERROR: u64 = 0x100;
/// Silence after which a connection is given up; the server's own limit is usually shorter.
const IDLE_TIMEOUT: Span = Span::secs(3_600);

/// One thread's connections and requests.
pub(super) struct Session<'a> {
    pub(super) client: Client,
    pub(super) share: Share,
    pub(super) board: &'a Board,
    pub(super) ledger: Ledger<(ConnId, StreamId)>,
    pub(super) choice: Choice,
    /// Handshakes under way, and since when.
    pub(super) pending: HashMap<ConnId, Instant>,
    /// Connections that are up; to tell a lost one from one that we gave up.
    pub(super) members: HashSet<ConnId>,
    /// Connections that are up and kept, in the order of their first answer.
    pub(super) live: Vec<ConnId>,
    /// Connections begun while opening, and those among them without a first answer.
    pub(super) begun: usize,
    pub(super) unanswered: usize,
    pub(super) open_pace: Option<Pace>,
    pub(super) loading: Loading,
    /// Learners by connection, where the load is theirs.
    pub(super) class: Option<Class>,
    /// Connections asked by the final check, and how many have not answered.
    pub(super) checked: usize,
    pub(super) checking: usize,
    pub(super) fields: Fields,
    stage: Stage,
    swept: Instant,
    published: (u64, u64),
}

/// What became of an attempt to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// On its way.
    Sent,
    /// The server grants no stream now.
    Blocked,
    /// The connection is gone; counted as a fault.
    Gone,
}

impl<'a> Session<'a> {
    /// Binds the sockets.
    pub(super) fn new(share: Share, board: &'a Board) -> anyhow::Result<Self> {
        let client = Client::new(config(&share)?).context("cannot bind UDP sockets")?;
        let now = runtime::now();
        let timeout = share.common.timeout.duration();
        Ok(Self {
            client,
            board,
            ledger: Ledger::new(Arc::clone(&share.resources), timeout),
            choice: Choice::new(share.common.seed, u64::from(share.thread)),
            pending: HashMap::new(),
            members: HashSet::new(),
            live: Vec::new(),
            begun: 0,
            unanswered: 0,
            open_pace: share.open_rate.map(|rate| Pace::new(now, rate)),
            loading: Loading::default(),
            class: share
                .lesson
                .clone()
                .map(|lesson| Class::new(lesson, &share)),
            checked: 0,
            checking: 0,
            fields: Fields::new().with("user-agent", env!("CARGO_PKG_NAME")),
            stage: Stage::Opening,
            swept: now,
            published: (0, 0),
            share,
        })
    }

    /// Notes that the loop came late in the measured window.
    pub(super) fn overran(&mut self, late: Option<Duration>) {
        let worst = &mut self.ledger.tally.stall_max;
        *worst = late.map_or(*worst, |late| late.max(*worst));
    }

    /// Prepares a stage that the board has begun.
    pub(super) fn follow(&mut self, stage: Stage) {
        if stage == self.stage {
            return;
        }
        self.stage = stage;
        if stage == Stage::Loading
            && let Some(window) = self.board.window()
        {
            self.ledger.measure(window);
            self.loading.begin(&self.share, window);
        }
        self.publish();
    }

    /// Starts what is due by now, and gives up what is overdue.
    pub(super) fn start_due(&mut self, now: Instant) {
        match self.stage {
            Stage::Opening => self.open_more(now),
            Stage::Loading => self.load_more(now),
            Stage::Checking => self.check_more(now),
            Stage::Resting | Stage::Closing => {}
        }
        if now.saturating_duration_since(self.swept) >= SWEEP_EVERY {
            self.sweep(now);
        }
    }

    /// Whether this thread's part of the stage is done.
    pub(super) fn is_done_with(&self, stage: Stage, now: Instant) -> bool {
        match stage {
            Stage::Opening => {
                let wanted = self.connections_wanted();
                self.begun >= wanted && self.pending.is_empty() && self.unanswered == 0
            }
            Stage::Loading => {
                let over = if matches!(self.share.arrivals, Arrivals::Once(_)) {
                    self.loading.asked >= self.live.len()
                } else {
                    self.board.window().is_none_or(|w| w.until <= now)
                };
                let quiet = self.ledger.in_flight() == 0 && self.pending.is_empty();
                over && quiet && self.loading.is_empty()
            }
            Stage::Checking => self.checked >= self.live.len() && self.checking == 0,
            Stage::Resting | Stage::Closing => true,
        }
    }

    /// When something is to be started next, at the earliest.
    pub(super) fn next_due(&self, now: Instant) -> Instant {
        let paced = match self.stage {
            Stage::Opening => self.next_opening(),
            Stage::Loading => self.loading.next_due(now),
            Stage::Resting | Stage::Checking | Stage::Closing => None,
        };
        paced.unwrap_or(now + SWEEP_EVERY)
    }

    /// Lets the engine work until something happens or the time has come, and accounts for it.
    /// In an open loop it sleeps the tick out instead of waking for each datagram: on loopback it
    /// is the server that would pay for waking us, as no server does across a network.
    pub(super) fn turn(&mut self, until: Instant) -> anyhow::Result<()> {
        let now = runtime::now();
        if self.stage != Stage::Loading || !self.loading.is_paced(now) {
            return self.pass(until).map(drop);
        }
        // What was just asked for leaves before the sleep.
        self.pass(now)?;
        std::thread::sleep(until.saturating_duration_since(runtime::now()));
        let mut passes = 0;
        while self.pass(now)? && passes < PASSES_MAX {
            passes += 1;
        }
        Ok(())
    }

    /// One turn of the engine; whether anything happened.
    fn pass(&mut self, until: Instant) -> anyhow::Result<bool> {
        self.client.turn(until).context("the QUIC engine failed")?;
        let now = runtime::now();
        let mut happened = false;
        while let Some(event) = self.client.poll_event() {
            self.account(event, now);
            happened = true;
        }
        Ok(happened)
    }

    /// Asks for a resource on a connection.
    pub(super) fn ask(
        &mut self,
        conn: ConnId,
        purpose: Purpose,
        resource: usize,
        intended: Instant,
    ) -> Asked {
        let now = runtime::now();
        if self.class.is_some() {
            return self.call(conn, purpose, intended, now);
        }
        let Some(what) = self.share.resources.get(resource) else {
            return Asked::Gone;
        };
        let request = Request {
            method: "GET",
            authority: &self.share.target.authority,
            target: &what.path,
            fields: &self.fields,
            body: Bytes::new(),
        };
        match self.client.request(conn, &request) {
            Ok(stream) => {
                self.ledger.begin(
                    (conn, stream),
                    purpose,
                    Subject::Resource(resource),
                    intended,
                    now,
                );
                Asked::Sent
            }
            Err(ClientError::StreamsExhausted) => Asked::Blocked,
            Err(other) => {
                self.ledger
                    .never_left(purpose, Subject::Resource(resource), &other.to_string());
                Asked::Gone
            }
        }
    }

    /// A resource at random.
    pub(super) fn any_resource(&mut self) -> usize {
        self.choice.below(self.share.resources.len())
    }

    fn sweep(&mut self, now: Instant) {
        self.swept = now;
        for (conn, _stream, purpose) in self.overdue(now) {
            self.ended(conn, purpose, now);
        }
        let timeout = self.share.common.timeout.duration();
        let late = |since: &Instant| now.saturating_duration_since(*since) > timeout;
        let given_up: Vec<ConnId> = self
            .pending
            .iter()
            .filter_map(|(conn, since)| late(since).then_some(*conn))
            .collect();
        for conn in given_up {
            self.client.close(now, conn, NO_ERROR);
            self.refused(
                conn,
                &format!("no handshake within {} s", timeout.as_secs_f64()),
                now,
            );
        }
        self.publish();
    }

    fn overdue(&mut self, now: Instant) -> Vec<(ConnId, StreamId, Purpose)> {
        let expired = self.ledger.expire(now).into_iter();
        expired
            .map(|((conn, stream), purpose)| (conn, stream, purpose))
            .collect()
    }

    fn publish(&mut self) {
        let tally = &self.ledger.tally;
        let answered = tally.opening.answered + tally.load.answered + tally.check.answered;
        let failed: u64 = tally.faults.values().sum();
        self.board.answered.add(answered - self.published.0);
        self.board.failed.add(failed - self.published.1);
        self.published = (answered, failed);
        let p99 = tally.load.latency.quantile(0.99).as_micros();
        self.board
            .p99_micros
            .set(i64::try_from(p99).unwrap_or(i64::MAX));
    }

    /// Closes a connection that has served its purpose.
    pub(super) fn release(&mut self, conn: ConnId, now: Instant) {
        self.members.remove(&conn);
        self.board.live.add(-1);
        self.client.close(now, conn, NO_ERROR);
    }

    /// Says farewell on every connection, in batches, so that the server need not wait.
    pub(super) fn close_all(&mut self) -> anyhow::Result<()> {
        let all: Vec<ConnId> = self
            .members
            .drain()
            .chain(self.pending.drain().map(|(c, _)| c))
            .collect();
        for batch in all.chunks(CLOSING_BATCH) {
            let now = runtime::now();
            for conn in batch {
                self.client.close(now, *conn, NO_ERROR);
            }
            self.client.turn(now).context("the QUIC engine failed")?;
            while self.client.poll_event().is_some() {}
        }
        self.client
            .turn(runtime::now())
            .context("the QUIC engine failed")
    }

    /// What this thread counted.
    pub(super) fn into_outcome(self) -> Outcome {
        let resources = 0..self.share.resources.len();
        let references = self.ledger.references();
        Outcome {
            digests: resources.map(|r| references.digest(r).copied()).collect(),
            tally: self.ledger.tally,
        }
    }
}

fn config(share: &Share) -> anyhow::Result<Config> {
    let exchange = match share.common.key_exchange {
        KeyExchange::X25519 => quic::KeyExchange::Classic,
        KeyExchange::X25519MlKem768 => quic::KeyExchange::Hybrid,
    };
    let resume = if share.resume {
        Resume::Tickets
    } else {
        Resume::Never
    };
    let tls = Tls::new(trust(&share.common, share.address)?, exchange, resume)?;
    let mut config = Config::new(tls);
    let any: SocketAddr = match share.address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    config.bind = vec![any; usize::from(share.common.sockets)];
    config.idle_timeout = IDLE_TIMEOUT;
    let fleet = !matches!(share.arrivals, Arrivals::Closed(_) | Arrivals::Churn(_));
    let interval = u64::try_from(share.keep_alive.as_millis()).unwrap_or(u64::MAX);
    config.keep_alive = fleet.then_some(Span::ms(interval));
    Ok(config)
}

fn trust(common: &Common, address: SocketAddr) -> anyhow::Result<Trust> {
    match &common.ca {
        Some(file) => Ok(Trust::Roots(Arc::new(roots(file)?))),
        None if common.insecure || address.ip().is_loopback() => Ok(Trust::Anybody),
        None => anyhow::bail!("name the authority to trust with --ca FILE, or say --insecure"),
    }
}

fn roots(file: &Path) -> anyhow::Result<RootCertStore> {
    let unreadable = || format!("{} holds no readable PEM certificate", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
        roots
            .add(certificate.with_context(unreadable)?)
            .with_context(unreadable)?;
    }
    anyhow::ensure!(!roots.is_empty(), unreadable());
    Ok(roots)
}
