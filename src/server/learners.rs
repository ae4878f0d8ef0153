//! The learners' memory and what keeps it: opened before the first worker, closed after the last.

use crate::base::metrics;
use crate::config::Config;
use crate::content::Papers;
use crate::identity::SessionKeys;
use crate::issuers::Issuers;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::runtime::Trigger;
use crate::runtime::Worker;
use crate::runtime::keyring::Keyring;
use crate::runtime::keyring::Purpose;
use crate::server::StartError;
use crate::service::Learning;
use crate::shards;
use crate::shards::Shards;
use crate::store;
use crate::store::Directory;
use crate::store::Health;
use crate::store::Journal;
use crate::store::Progress;
use crate::store::ReceiptKeys;
use crate::store::Redis;
use crate::store::Snapshots;
use crate::store::recover;
use crate::store::redis::Event;
use serde::Serialize;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// Time for the last snapshots at the end. What they miss is read from the journal at the next
/// start.
const LAST_SNAPSHOTS: Duration = Duration::from_secs(10);
/// Time for the last shipments to Redis. Whom they miss is shipped after the next start.
const LAST_SHIPMENTS: Duration = Duration::from_secs(10);
/// Bytes of a small learner in memory, to guess how many there may be.
const LEARNER_BYTES: usize = 1024;
/// How often a long recovery says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(3);

/// The learners, and where they are kept.
pub(super) struct Learners {
    pub(super) shards: Arc<Shards>,
    pub(super) snapshots: Arc<Snapshots>,
    /// Versions of quizzes that were sat.
    papers: Arc<Papers>,
    journal: Journal,
    redis: Option<Redis>,
    /// Held as long as this process may write to the data directory.
    _lock: File,
}

/// The threads behind them.
pub(super) struct Keeping {
    keeper: Worker<()>,
    shipping: Option<Worker<()>>,
    journal: Worker<()>,
    stop: Trigger,
}

/// The learners at a glance.
#[derive(Debug, Serialize)]
pub(super) struct Glance {
    in_memory: usize,
    bytes: usize,
    journal: String,
    snapshots: String,
    /// "off", or how it is.
    redis: String,
}

impl Learners {
    /// Reads what the journal has beyond the snapshots, and starts the threads that keep both.
    pub(super) fn open(config: &Config) -> Result<(Arc<Self>, Keeping), StartError> {
        let data = &config.server.data;
        let lock = lock(data)?;
        let snapshots = Snapshots::open(&data.join("sessions"), &config.snapshots)?;
        let snapshots = Arc::new(snapshots);
        let papers = Arc::new(Papers::open(data.join("papers"))?);
        let (redis, events) = connect(config)?.unzip();
        let shards = Shards::new(shards::Setup {
            config: config.sessions.clone(),
            cold: Some(Arc::<Snapshots>::clone(&snapshots)),
            redis: redis.clone(),
            mark: 0,
        });
        let (journal, journal_thread) = replay(config, &shards, snapshots.mark())?;
        shards.open(journal.clone());
        let (stop, stopped) = Shutdown::new();
        let shipping = events.map(|events| {
            let (shards, stopped) = (Arc::clone(&shards), stopped.clone());
            let after = config.redis.ship_after.duration();
            Worker::start("shipping".to_owned(), move || {
                shards::ship(shards, events, after, stopped, LAST_SHIPMENTS)
            })
        });
        let kept = Arc::clone(&shards);
        let keeper = Worker::start("sessions".to_owned(), move || {
            shards::keep(kept, stopped, LAST_SNAPSHOTS)
        });
        let keeping = Keeping {
            keeper: keeper.map_err(StartError::Thread)?,
            shipping: shipping.transpose().map_err(StartError::Thread)?,
            journal: journal_thread,
            stop,
        };
        let learners = Arc::new(Self {
            shards,
            snapshots,
            papers,
            journal,
            redis,
            _lock: lock,
        });
        Ok((learners, keeping))
    }

    /// What their calls need.
    #[expect(
        clippy::expect_used,
        reason = "a keyring has a master, whose seeds have 32 bytes"
    )]
    pub(super) fn learning(
        &self,
        config: &Config,
        keys: &Keyring,
        issuers: &Arc<Issuers>,
    ) -> Arc<Learning> {
        let session_keys = SessionKeys::new(session_keys(keys));
        let receipts = ReceiptKeys::new(receipt_seeds(keys));
        let receipts = receipts.expect("seeds").expect("keys of receipts");
        remember(&receipts, &config.server.data);
        Arc::new(Learning {
            shards: Arc::clone(&self.shards),
            session_keys: Arc::new(session_keys.expect("keys of sessions")),
            issuers: Arc::clone(issuers),
            attempt_key: keys.attempts(),
            progress: config.progress,
            attempts: config.attempts,
            papers: Arc::clone(&self.papers),
            receipts: Arc::new(receipts),
        })
    }

    /// Why nothing can be acknowledged, if that is so.
    pub(super) fn not_ready(&self) -> Option<String> {
        match self.journal.health() {
            Health::Well => None,
            Health::NoSpace => Some(
                "the journal's disk is full, nothing new is acknowledged; free some space, it goes \
                 on by itself"
                    .to_owned(),
            ),
            Health::Failed(what) => Some(format!(
                "the journal failed, nothing new is acknowledged: {what}; look at the disk, then \
                 start anew"
            )),
        }
    }

    /// The number that the journal's next commit has.
    pub(super) fn next_commit(&self) -> u64 {
        self.journal.mark()
    }

    pub(super) fn glance(&self) -> Glance {
        let snapshots = self.snapshots.failure();
        Glance {
            in_memory: self.shards.len(),
            bytes: self.shards.bytes(),
            journal: self.not_ready().unwrap_or_else(|| "well".to_owned()),
            snapshots: snapshots.unwrap_or("well").to_owned(),
            redis: match &self.redis {
                Some(redis) => redis.health().to_string(),
                None => "off".to_owned(),
            },
        }
    }

    /// Whom a scrape asks.
    pub(super) fn sources(&self) -> [Arc<dyn metrics::Source>; 4] {
        let redis: Arc<dyn metrics::Source> = match &self.redis {
            Some(redis) => Arc::new(redis.clone()),
            None => Arc::new(store::redis::Metrics::default()),
        };
        [
            Arc::<Shards>::clone(&self.shards),
            Arc::<Snapshots>::clone(&self.snapshots),
            Arc::new(self.journal.clone()),
            redis,
        ]
    }
}

impl Keeping {
    /// Whether the keeper ended by itself, which is a fault.
    pub(super) fn has_ended(&self) -> bool {
        let shipping = self.shipping.as_ref();
        self.keeper.has_ended() || shipping.is_some_and(Worker::has_ended)
    }

    /// Writes the last snapshots. The journal has everything already.
    pub(super) fn last_snapshots(self) -> (io::Result<()>, Worker<()>) {
        self.stop.close();
        let shipped = self.shipping.map_or(Ok(()), Worker::join);
        (self.keeper.join().and(shipped), self.journal)
    }
}

/// The keys of sessions' tokens, the sealing one first.
pub(super) fn session_keys(keys: &Keyring) -> impl Iterator<Item = (u32, [u8; 32])> {
    keys.accepted(Purpose::Session)
        .map(|key| (key.id, key.bytes))
}

/// The seeds of the keys of receipts, the signing one first.
pub(super) fn receipt_seeds(keys: &Keyring) -> impl Iterator<Item = (u32, [u8; 32])> {
    keys.accepted(Purpose::Receipt)
        .map(|key| (key.id, key.bytes))
}

/// The connection to Redis, and what is heard there; none without a URL.
fn connect(config: &Config) -> Result<Option<(Redis, Receiver<Event>)>, StartError> {
    if !config.redis.is_on() {
        return Ok(None);
    }
    let learners = config.sessions.memory.as_len() / LEARNER_BYTES;
    let started = Redis::start(&config.redis, learners);
    // Its thread ends with the last handle.
    let (redis, events, _thread) = started.map_err(StartError::Thread)?;
    Ok(Some((redis, events)))
}

/// Keeps the public keys of receipts beyond their secrets.
pub(super) fn remember(receipts: &ReceiptKeys, data: &Path) {
    if let Err(error) = receipts.remember(&data.join("receipt-keys")) {
        tracing::warn!(%error, "public keys of receipts are not written to receipt-keys");
    }
}

/// Two processes that write one journal would destroy it.
fn lock(data: &Path) -> Result<File, StartError> {
    std::fs::create_dir_all(data).map_err(StartError::Data)?;
    let file = File::create(data.join("lock")).map_err(StartError::Data)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(data.to_owned())),
        Err(TryLockError::Error(error)) => Err(StartError::Data(error)),
    }
}

/// Opens the journal and gives the learners what it has.
fn replay(
    config: &Config,
    shards: &Shards,
    needed: u64,
) -> Result<(Journal, Worker<()>), StartError> {
    let dir = config.server.data.join("journal");
    let disk = Directory::open(&dir).map_err(StartError::Data)?;
    let begun = runtime::now();
    let mut told = begun;
    let recovered = recover(
        &disk,
        config.journal.segment_bytes(),
        needed,
        &mut |learner, effect| shards.replay(learner, effect),
        &mut |progress| told = tell(told, progress),
    )?;
    if let Some(torn) = &recovered.torn {
        tracing::warn!(
            file = torn.file,
            offset = torn.offset,
            "the end of the journal was being written when the machine stopped and is cut off; \
             nobody was told that it was safe"
        );
    }
    let took_ms = runtime::now().saturating_duration_since(begun).as_millis();
    tracing::info!(
        commits = recovered.commits,
        facts = recovered.records,
        learners = shards.len(),
        took_ms,
        "read the journal"
    );
    let started = Journal::start(Arc::new(disk), recovered.writer, &config.journal);
    started.map_err(StartError::Thread)
}

fn tell(told: std::time::Instant, progress: Progress) -> std::time::Instant {
    let now = runtime::now();
    if now.saturating_duration_since(told) < TELL_EVERY {
        return told;
    }
    tracing::info!(
        segments = progress.segments,
        of = progress.segments_total,
        facts = progress.records,
        "reading the journal"
    );
    now
}
