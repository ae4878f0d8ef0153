//! The loop: one task, turn after turn.

use crate::base::budget::Budget;
use crate::h3;
use crate::h3::Message;
use crate::http::HttpDate;
use crate::http::Service;
use crate::quic::Config;
use crate::quic::Metrics;
use crate::quic::Socket;
use crate::quic::cid::Mint;
use crate::quic::line::Line;
use crate::quic::server::Handover;
use crate::quic::server::Setup;
use crate::quic::server::connection::Connection;
use crate::quic::server::drain::Stage;
use crate::quic::server::half_open::HalfOpen;
use crate::quic::server::handover::Datagram;
use crate::quic::server::pace::Pace;
use crate::quic::server::setup;
use crate::quic::server::turn::Arrival;
use crate::quic::server::wakes::Name;
use crate::quic::server::wakes::Wakes;
use crate::quic::socket;
use crate::quic::socket::Inbox;
use crate::quic::timers::Timers;
use crate::runtime;
use crate::runtime::Phase;
use crate::runtime::Shutdown;
use quinn_proto::Endpoint;
use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::Sleep;

/// One worker's engine.
pub(super) struct Worker<S> {
    pub(super) endpoint: Endpoint,
    pub(super) lines: Vec<Line>,
    pub(super) watched: Vec<AsyncFd<Arc<Socket>>>,
    pub(super) connections: Vec<Option<Box<Connection>>>,
    pub(super) timers: Timers,
    /// Slots that are due a turn, each once.
    pub(super) dirty: Vec<usize>,
    /// The slots that have their turn; kept for its memory.
    pub(super) turn: Vec<usize>,
    /// Datagrams routed and not yet given to their connections.
    pub(super) arrived: Vec<Arrival>,
    pub(super) half_open: HalfOpen,
    pub(super) pace: Pace,
    /// Connections that are neither closed nor lost.
    pub(super) open: usize,
    pub(super) stage: Stage,
    pub(super) serial: u32,
    pub(super) mint: Mint,
    pub(super) own_worker: usize,
    /// The last id found to be ours: a burst is one look.
    pub(super) own_id: [u8; crate::quic::cid::ID_BYTES],
    pub(super) handover: Handover,
    pub(super) handed: Option<Datagram>,
    pub(super) inbox: Inbox,
    pub(super) reply: Vec<u8>,
    pub(super) scratch: Vec<u8>,
    pub(super) message: Message,
    pub(super) wakes: Arc<Wakes>,
    pub(super) woken: Vec<Name>,
    /// Bytes alive that sources read for single connections, and who waits for fewer.
    pub(super) pulled: Arc<AtomicU64>,
    pub(super) thirsty: Vec<usize>,
    pub(super) date: (u64, h3::Line),
    pub(super) unix_ms: u64,
    pub(super) config: Config,
    pub(super) h3: h3::Config,
    pub(super) budget: Arc<Budget>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) h3_metrics: Arc<h3::Metrics>,
    pub(super) service: Rc<S>,
}

/// Serves the sockets of `setup` until the shutdown signal has let everybody finish, or its time
/// is up. Dropping the future drops every connection without a word.
///
/// # Errors
/// A socket is not usable.
pub async fn run<S: Service>(setup: Setup<S>, mut shutdown: Shutdown) -> io::Result<()> {
    let mut worker = Worker::new(setup)?;
    let mut sleep = Box::pin(tokio::time::sleep(Duration::ZERO));
    loop {
        let phase = shutdown.phase();
        let now = runtime::now();
        let busy = worker.take_turn(now, phase);
        if worker.is_over() {
            return Ok(());
        }
        if busy {
            tokio::task::yield_now().await;
        } else if let Some(until) = worker.pace.sleep_until(now) {
            // Datagrams wait in the socket, replies and signals a moment.
            tokio::time::sleep_until(until.into()).await;
        } else {
            let change = next_phase(&mut shutdown, phase);
            worker.idle(phase, sleep.as_mut(), change).await?;
        }
    }
}

async fn next_phase(shutdown: &mut Shutdown, phase: Phase) {
    match phase {
        Phase::Running => {
            shutdown.draining().await;
        }
        Phase::Draining { .. } => shutdown.closed().await,
        Phase::Closed => std::future::pending().await,
    }
}

impl<S: Service> Worker<S> {
    fn new(setup: Setup<S>) -> io::Result<Self> {
        let now = runtime::now();
        let mint = setup.keys.mint(setup.owner);
        let endpoint = setup::endpoint(&setup.keys, setup.owner.node, mint.clone());
        let server = setup::server(&setup.config, &setup.keys, &setup.tls);
        let whole = setup.sockets.iter().all(Socket::keeps_datagrams_whole);
        let segments = setup.config.gso_segments_max;
        let line = |socket| Line::new(socket, segments);
        let lines: Vec<Line> = setup.sockets.into_iter().map(line).collect();
        let watch = |line: &Line| socket::register(&line.socket);
        Ok(Self {
            endpoint: Endpoint::new(Arc::new(endpoint), Some(Arc::new(server)), whole, None),
            watched: lines.iter().map(watch).collect::<io::Result<_>>()?,
            lines,
            connections: Vec::new(),
            timers: Timers::new(now),
            dirty: Vec::new(),
            turn: Vec::new(),
            arrived: Vec::new(),
            half_open: HalfOpen::default(),
            pace: Pace::new(now, setup.config.gather.duration()),
            open: 0,
            stage: Stage::Open,
            serial: 0,
            mint,
            own_worker: usize::from(setup.owner.worker),
            own_id: [0; crate::quic::cid::ID_BYTES],
            handover: setup.handover,
            handed: None,
            inbox: Inbox::new(),
            reply: Vec::new(),
            scratch: Vec::new(),
            message: Message::new(),
            wakes: Arc::default(),
            woken: Vec::new(),
            pulled: Arc::default(),
            thirsty: Vec::new(),
            date: (u64::MAX, h3::Line::new("date", "")),
            unix_ms: 0,
            config: setup.config,
            h3: setup.h3,
            budget: setup.budget,
            metrics: setup.metrics,
            h3_metrics: setup.h3_metrics,
            service: setup.service,
        })
    }

    /// The wall clock of this turn, and the `date` field of this second.
    pub(super) fn read_wall_clock(&mut self) {
        self.unix_ms = runtime::unix_ms();
        let seconds = self.unix_ms / 1000;
        if self.date.0 != seconds {
            let text = HttpDate(seconds).format();
            let text = std::str::from_utf8(&text).unwrap_or_default();
            self.date = (seconds, h3::Line::new("date", text));
        }
    }

    /// Sleeps until something happens: a datagram, a timer, a reply, a change of phase.
    async fn idle(
        &mut self,
        phase: Phase,
        mut sleep: Pin<&mut Sleep>,
        change: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let deadline = self
            .timers
            .next()
            .into_iter()
            .chain(self.drain_deadline(phase))
            .min();
        if let Some(at) = deadline {
            // An alarm that is already set for a little earlier will do.
            let set = sleep.deadline().into_std();
            let much_too_early = at.checked_sub(EARLY_ALARM).is_some_and(|early| set < early);
            if set > at || much_too_early || sleep.is_elapsed() {
                sleep.as_mut().reset(at.into());
            }
        }
        let mut change = std::pin::pin!(change);
        poll_fn(|cx| {
            let timed_out = deadline.is_some() && sleep.as_mut().poll(cx).is_ready();
            let changed = change.as_mut().poll(cx).is_ready();
            let happened = self.something_happened(cx)?;
            if timed_out || changed || happened {
                return Poll::Ready(Ok(()));
            }
            Poll::Pending
        })
        .await
    }

    fn something_happened(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut happened = !self.wakes.may_sleep(cx.waker());
        for (line, watched) in self.lines.iter().zip(&self.watched) {
            if let Poll::Ready(guard) = watched.poll_read_ready(cx) {
                guard?.retain_ready();
                happened = true;
            }
            if line.blocked
                && let Poll::Ready(guard) = watched.poll_write_ready(cx)
            {
                // The next flush finds out whether it is true.
                guard?.clear_ready();
                happened = true;
            }
        }
        if let Poll::Ready(datagram) = self.handover.poll(cx) {
            self.handed = Some(datagram);
            happened = true;
        }
        Ok(happened)
    }

    pub(super) fn insert(&mut self, connection: Box<Connection>) {
        let slot = connection.slot;
        if self.connections.len() <= slot {
            self.connections.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.connections.get_mut(slot) {
            *place = Some(connection);
        }
    }

    /// Puts a connection on the list for the next turn.
    pub(super) fn mark(&mut self, slot: usize) {
        let place = self.connections.get_mut(slot).and_then(Option::as_mut);
        if let Some(connection) = place.filter(|c| !c.dirty) {
            connection.dirty = true;
            self.dirty.push(slot);
        }
    }
}

/// How much too early an alarm may be, so that it need not be moved with every packet.
const EARLY_ALARM: Duration = Duration::from_millis(50);
