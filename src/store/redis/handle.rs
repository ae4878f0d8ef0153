//! The handle: what the rest of the program may ask of Redis.

use crate::base::id::LearnerId;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;
use crate::runtime::Worker;
use crate::session::DecodeError;
use crate::session::State;
use crate::store::redis::Config;
use crate::store::redis::Shipped;
use crate::store::redis::keeper::Keeper;
use crate::store::redis::metrics::Metrics;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;

/// Learners that may wait to be looked up; beyond it [`RedisError::Busy`].
const LOADS_MAX: usize = 64 * 1024;
/// Batches that may wait to be shipped.
const SHIPS_MAX: usize = 16;
/// Events that wait for their reader; more stay in Redis until there is room.
const EVENTS_MAX: usize = 64;

/// Redis: give it to everybody who loads or ships. It connects by itself, again and again.
#[derive(Clone)]
pub struct Redis {
    loads: mpsc::Sender<Load>,
    ships: mpsc::Sender<Ship>,
    shared: Arc<Shared>,
}

/// What Redis has to say unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Other nodes stored news of these learners: who is in memory should be loaded and joined.
    Changed(Vec<LearnerId>),
    /// Redis may lack anything this node has, and this node any news: it was emptied, restarted or
    /// was away for long, or this is the first connection. Ship everything; what others know comes
    /// back with it.
    Behind,
}

/// How Redis is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisHealth {
    /// No connection yet.
    Connecting,
    /// It answers.
    Well,
    /// It can be read, but refuses writes; the sentence says why.
    Refusing(String),
    /// It does not answer; the sentence says why.
    Away(String),
}

/// Why Redis did not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// It does not answer; [`Redis::health`] says why. This comes at once while it is known.
    #[error("Redis is away")]
    Away,
    /// Too many wait for it.
    #[error("too many requests wait for Redis")]
    Busy,
    /// It refuses; its error code.
    #[error("Redis refuses with {0}")]
    Refused(String),
    /// A newer version wrote the learner.
    #[error("a newer version wrote the learner's state in Redis; upgrade this node")]
    Newer(#[source] DecodeError),
}

/// What handle and keeper share.
pub(super) struct Shared {
    pub(super) health: watch::Sender<RedisHealth>,
    pub(super) metrics: Metrics,
}

pub(super) struct Load {
    pub(super) learner: LearnerId,
    pub(super) reply: oneshot::Sender<Result<Option<State>, RedisError>>,
}

pub(super) struct Ship {
    pub(super) batch: Vec<(LearnerId, State)>,
    pub(super) reply: oneshot::Sender<Result<Vec<Shipped>, RedisError>>,
}

impl Redis {
    /// Learners of one batch and one pipeline.
    pub const BATCH_MAX: usize = 256;

    /// Starts the thread that keeps the connection, for about `learners` in memory. It ends when
    /// the last handle is dropped. [`Event::Behind`] comes with the first connection.
    ///
    /// # Errors
    /// When the machine has no thread left.
    pub fn start(
        config: &Config,
        learners: usize,
    ) -> io::Result<(Self, mpsc::Receiver<Event>, Worker<()>)> {
        let (loads, loads_waiting) = mpsc::channel(LOADS_MAX);
        let (ships, ships_waiting) = mpsc::channel(SHIPS_MAX);
        let (events, heard) = mpsc::channel(EVENTS_MAX);
        let (health, _) = watch::channel(RedisHealth::Connecting);
        let metrics = Metrics::default();
        let shared = Arc::new(Shared { health, metrics });
        let keeper = Keeper::new(
            config.clone(),
            learners,
            (loads_waiting, ships_waiting),
            events,
            Arc::clone(&shared),
        );
        let worker = Worker::start("redis".to_owned(), move || keeper.run())?;
        let redis = Self {
            loads,
            ships,
            shared,
        };
        Ok((redis, heard, worker))
    }

    /// What Redis has of a learner; `None`: nothing that can be read.
    ///
    /// # Errors
    /// [`RedisError`]; at once while Redis is away, else within `redis.timeout`.
    pub fn load(
        &self,
        learner: LearnerId,
    ) -> impl Future<Output = Result<Option<State>, RedisError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let sent = match self.is_away() {
            true => Err(RedisError::Away),
            false => self.loads.try_send(Load { learner, reply }).map_err(full),
        };
        if sent.is_err() {
            self.shared.metrics.loads_failed.add_one();
        }
        async move {
            sent?;
            // The keeper drops what it cannot answer any more.
            answer.await.unwrap_or(Err(RedisError::Away))
        }
    }

    /// Ships learners, each once, [`BATCH_MAX`](Self::BATCH_MAX) of them or fewer: compare-and-set
    /// with merge on conflict. A state must contain what was given for the learner before.
    ///
    /// # Errors
    /// [`RedisError`]; then nothing is known of any of them and all stay in the outbox.
    pub async fn ship(&self, batch: Vec<(LearnerId, State)>) -> Result<Vec<Shipped>, RedisError> {
        let (reply, answer) = oneshot::channel();
        let unsent = &self.shared.metrics.unsent;
        let count = batch.len() as u64;
        let sent = match self.is_away() {
            true => Err(RedisError::Away),
            false => self.ships.try_send(Ship { batch, reply }).map_err(full),
        };
        let shipped = match sent {
            Ok(()) => answer.await.unwrap_or(Err(RedisError::Away)),
            Err(error) => Err(error),
        };
        shipped.inspect_err(|_error| unsent.add(count))
    }

    /// How it is.
    pub fn health(&self) -> RedisHealth {
        self.shared.health.borrow().clone()
    }

    /// Resolves when it answers; at once if it does. Never, once its thread has ended.
    pub async fn answers(&self) {
        let mut health = self.shared.health.subscribe();
        let wait = health
            .wait_for(|health| matches!(health, RedisHealth::Well | RedisHealth::Refusing(_)));
        // The sender lives as long as this handle.
        drop(wait.await);
    }

    fn is_away(&self) -> bool {
        matches!(*self.shared.health.borrow(), RedisHealth::Away(_))
    }
}

impl Source for Redis {
    fn sample(&self, into: &mut Vec<Sample>) {
        self.shared.metrics.sample(into);
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({:?})", self.health())
    }
}

impl fmt::Display for RedisHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Well => f.write_str("well"),
            Self::Refusing(why) => write!(f, "refuses writes: {why}"),
            Self::Away(why) => write!(f, "away: {why}"),
        }
    }
}

fn full<T>(error: mpsc::error::TrySendError<T>) -> RedisError {
    match error {
        mpsc::error::TrySendError::Full(_) => RedisError::Busy,
        mpsc::error::TrySendError::Closed(_) => RedisError::Away,
    }
}
