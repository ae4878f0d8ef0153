//! Sessions at rest: each learner's newest saved state, in a database of its own.
//!
//! The journal is the truth; what is saved here only lets segments go and brings learners back who
//! left memory. So acknowledgements never wait for this database, and a save may take its time.
//!
//! A value is a format (1) ‖ CRC-32 of learner and state (4) ‖ the state as `State::encode` writes
//! it. Beside the learners stands the mark: all commits of the journal below it are in here. Mark
//! and states of one save are written together or not at all.

use crate::base::id::LearnerId;
use crate::base::metrics::Counter;
use crate::base::metrics::Gauge;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;
use crate::session::DecodeError;
use crate::session::State;
use crate::store::SnapshotsConfig;
use crate::store::snapshots_error::SnapshotsError;
use crate::store::snapshots_mend::cut_last_batch;
use fjall::Database;
use fjall::Keyspace;
use fjall::KeyspaceCreateOptions;
use fjall::KvSeparationOptions;
use fjall::PersistMode;
use fjall::Readable as _;
use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::AcqRel;
use std::sync::atomic::Ordering::Acquire;

/// The layout of a value. Later versions read all earlier ones; a learner is written anew with
/// every save, so a database becomes new by being used.
const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 1 + 4;
const MARK: &[u8] = b"mark";
/// The database's own log; beyond it tables are written out.
const LOG_BYTES_MAX: u64 = 128 << 20;
/// States from this size on stand apart from the index, so that merging tables moves keys only.
const APART_BYTES_MIN: u32 = 256;
/// Learners of one batch, and bytes after which another begins; the mark is in the last.
const BATCH_LEARNERS_MAX: usize = 1024;
const BATCH_BYTES: usize = 4 << 20;

/// The database. One process at a time may have it open.
pub struct Snapshots {
    db: Database,
    pub(super) sessions: Keyspace,
    dir: PathBuf,
    mark: AtomicU64,
    reserve: u64,
    /// How writing failed; only a new start helps.
    failure: OnceLock<String>,
    metrics: Metrics,
}

/// Numbers of the snapshots.
#[derive(Debug, Default)]
struct Metrics {
    saved: Counter,
    bytes: Counter,
    batches: Counter,
    found: Counter,
    unknown: Counter,
    damaged: Counter,
    no_space: Counter,
    failed: Counter,
}

impl fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshots({}, mark {})", self.dir.display(), self.mark())
    }
}

impl Snapshots {
    /// Opens the database in `dir`, which is made (0700) if it is not there. Blocking.
    ///
    /// # Errors
    /// [`SnapshotsError`]; a damaged database is named with what to do.
    pub fn open(dir: &Path, config: &SnapshotsConfig) -> Result<Self, SnapshotsError> {
        let io = |verb| {
            let dir = dir.to_owned();
            move |source| SnapshotsError::Io { dir, verb, source }
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(io("make"))?;
        sweep(dir).map_err(io("clear"))?;
        let (db, sessions) = open_or_mend(dir, config)?;
        let mut this = Self {
            db,
            sessions,
            dir: dir.to_owned(),
            mark: AtomicU64::new(1),
            reserve: config.reserve.as_bytes(),
            failure: OnceLock::new(),
            metrics: Metrics::default(),
        };
        let mark = this.sessions.get(MARK).map_err(|error| this.told(&error))?;
        if let Some(mark) = mark {
            let mark = <[u8; 8]>::try_from(&*mark).map_err(|_wrong_length| {
                let what = "its mark is no number".to_owned();
                let dir = dir.to_owned();
                SnapshotsError::Damaged { dir, what }
            })?;
            *this.mark.get_mut() = u64::from_le_bytes(mark);
        }
        Ok(this)
    }

    /// All commits of the journal below this are in here; 1 in a new database.
    pub fn mark(&self) -> u64 {
        self.mark.load(Acquire)
    }

    /// The learner's saved state; `None` if there is none. Blocking.
    ///
    /// # Errors
    /// [`SnapshotsError`]; of a damaged value nothing is believed.
    pub fn load(&self, learner: LearnerId) -> Result<Option<State>, SnapshotsError> {
        let found = self.sessions.get(learner.0);
        let found = found.map_err(|error| self.told(&error));
        let state = found.and_then(|value| {
            let value = value.map(|value| decode(learner, &value));
            value.transpose()
        });
        let counter = match &state {
            Ok(Some(_)) => &self.metrics.found,
            Ok(None) => &self.metrics.unknown,
            Err(_) => &self.metrics.damaged,
        };
        counter.add_one();
        state
    }

    /// Saves encoded states, and that all commits below `mark` are in here now (a lower mark than
    /// the one there changes nothing). On the disk when it returns. Blocking, and slow when the
    /// database has to catch up.
    ///
    /// # Errors
    /// `NoSpace`: try again later. `Failed`: nothing is saved any more until the process starts
    /// anew; loads go on.
    pub fn save(&self, batch: &[(LearnerId, Vec<u8>)], mark: u64) -> Result<(), SnapshotsError> {
        if let Some(what) = self.failure.get() {
            self.metrics.failed.add_one();
            return Err(SnapshotsError::Failed(what.clone()));
        }
        self.has_room()?;
        let mark = self.mark().max(mark);
        let mut rest = batch;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(batch_len(rest));
            self.write(part, after.is_empty().then_some(mark))?;
            rest = after;
        }
        if batch.is_empty() && mark > self.mark() {
            self.write(&[], Some(mark))?;
        }
        self.mark.fetch_max(mark, AcqRel);
        Ok(())
    }

    fn write(
        &self,
        part: &[(LearnerId, Vec<u8>)],
        mark: Option<u64>,
    ) -> Result<(), SnapshotsError> {
        let mut writes = self.db.batch().durability(Some(PersistMode::SyncData));
        let mut bytes = 0;
        for (learner, state) in part {
            let value = encode(*learner, state);
            bytes += value.len();
            writes.insert(&self.sessions, learner.0, value);
        }
        if let Some(mark) = mark {
            writes.insert(&self.sessions, MARK, mark.to_le_bytes());
        }
        writes.commit().map_err(|error| {
            // What was written before the failure may be there or not, and what would follow it
            // would be cut off with it.
            let told = self.told(&error).to_string();
            tracing::error!(what = told, "sessions are not saved any more");
            self.metrics.failed.add_one();
            SnapshotsError::Failed(self.failure.get_or_init(|| told).clone())
        })?;
        self.metrics.saved.add(part.len() as u64);
        self.metrics.bytes.add(bytes as u64);
        self.metrics.batches.add_one();
        Ok(())
    }

    /// All learners and their states as they are now, in the order of their ids; later saves are
    /// not seen. The space of what is overwritten meanwhile is free again when it is dropped.
    pub fn iter(&self) -> impl Iterator<Item = Result<(LearnerId, State), SnapshotsError>> + use<> {
        let dir = self.dir.clone();
        let entries = self.db.snapshot().iter(&self.sessions);
        entries.filter_map(move |entry| {
            let (key, value) = match entry.into_inner() {
                Ok(entry) => entry,
                Err(error) => return Some(Err(SnapshotsError::of(&dir, &error))),
            };
            let learner = LearnerId(<[u8; 16]>::try_from(&*key).ok()?);
            Some(decode(learner, &value).map(|state| (learner, state)))
        })
    }

    /// Some number of learners: those not yet merged may count several times.
    pub fn len(&self) -> u64 {
        self.sessions.approximate_len() as u64
    }

    /// Whether nobody was ever saved.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How writing failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Whether the disk has more room than is left alone.
    ///
    /// # Errors
    /// [`SnapshotsError::NoSpace`], counted.
    pub fn has_room(&self) -> Result<(), SnapshotsError> {
        let Ok(system) = rustix::fs::statvfs(&self.dir) else {
            return Ok(());
        };
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        if free >= self.reserve {
            return Ok(());
        }
        self.metrics.no_space.add_one();
        Err(SnapshotsError::NoSpace {
            dir: self.dir.clone(),
            free,
            reserve: self.reserve,
        })
    }

    fn told(&self, error: &fjall::Error) -> SnapshotsError {
        SnapshotsError::of(&self.dir, error)
    }
}

impl Source for Snapshots {
    fn sample(&self, into: &mut Vec<Sample>) {
        let all = &self.metrics;
        let disk = Gauge::default();
        let bytes = self.db.disk_space().unwrap_or_default();
        disk.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        let (loads, refused) = ("lamplight_snapshots_loads", "lamplight_snapshots_refused");
        let looked = "Learners looked up in the snapshots, by outcome.";
        let why = "Saves that failed, by reason.";
        into.extend([
            Sample::counter("lamplight_snapshots_saved", "States saved.", &all.saved),
            Sample::counter(
                "lamplight_snapshots_bytes",
                "Bytes of states saved.",
                &all.bytes,
            ),
            Sample::counter(
                "lamplight_snapshots_batches",
                "Batches saved, one sync each.",
                &all.batches,
            ),
            Sample::counter(loads, looked, &all.found).labelled("outcome", "found"),
            Sample::counter(loads, looked, &all.unknown).labelled("outcome", "unknown"),
            Sample::counter(loads, looked, &all.damaged).labelled("outcome", "damaged"),
            Sample::counter(refused, why, &all.no_space).labelled("reason", "no_space"),
            Sample::counter(refused, why, &all.failed).labelled("reason", "failed"),
            Sample::gauge(
                "lamplight_snapshots_disk_bytes",
                "Bytes of the snapshots on the disk.",
                &disk,
            ),
        ]);
    }
}

/// Opens the database; if its log is broken, without the last batch.
fn open_or_mend(
    dir: &Path,
    config: &SnapshotsConfig,
) -> Result<(Database, Keyspace), SnapshotsError> {
    let broken = match open(dir, config) {
        Err(Failure::Log(error)) => error,
        opened => return opened.map_err(|failure| failure.told(dir)),
    };
    let io = |source| SnapshotsError::Io {
        dir: dir.to_owned(),
        verb: "mend the log of",
        source,
    };
    let Some(cut) = cut_last_batch(dir).map_err(io)? else {
        return Err(SnapshotsError::of(dir, &broken));
    };
    match open(dir, config) {
        Ok(opened) => {
            tracing::warn!(
                dir = %dir.display(),
                offset = cut.at,
                "the last batch of the snapshots' log was being written when the machine stopped \
                 and is cut off; the journal has what was in it"
            );
            Ok(opened)
        }
        Err(_still) => {
            cut.undo().map_err(io)?;
            Err(SnapshotsError::of(dir, &broken))
        }
    }
}

/// Why the library does not open the database.
enum Failure {
    /// A batch of its log is broken.
    Log(fjall::Error),
    Other(fjall::Error),
    /// It panics when it misses what must be there.
    Panic,
}

impl Failure {
    fn told(self, dir: &Path) -> SnapshotsError {
        match self {
            Self::Log(error) | Self::Other(error) => SnapshotsError::of(dir, &error),
            Self::Panic => SnapshotsError::Damaged {
                dir: dir.to_owned(),
                what: "it does not hold what it must".to_owned(),
            },
        }
    }
}

impl From<fjall::Error> for Failure {
    fn from(error: fjall::Error) -> Self {
        if matches!(error, fjall::Error::JournalRecovery(_)) {
            Self::Log(error)
        } else {
            Self::Other(error)
        }
    }
}

fn open(dir: &Path, config: &SnapshotsConfig) -> Result<(Database, Keyspace), Failure> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let db = Database::builder(dir)
            .cache_size(config.cache.as_bytes())
            .max_journaling_size(LOG_BYTES_MAX)
            .worker_threads(config.worker_count())
            .open()?;
        let options = || {
            let apart = KvSeparationOptions::default().separation_threshold(APART_BYTES_MIN);
            KeyspaceCreateOptions::default()
                .max_memtable_size(config.memtable.as_bytes())
                .with_kv_separation(Some(apart))
        };
        let sessions = db.keyspace("sessions", options)?;
        Ok((db, sessions))
    }));
    opened.unwrap_or(Err(Failure::Panic))
}

/// Removes what is left of a database whose making was cut: the file that says its version comes
/// last, before anything is stored, and without it the rest would be in the way.
fn sweep(dir: &Path) -> io::Result<()> {
    let version = dir.join("version");
    let begun = std::fs::metadata(&version).is_ok_and(|file| file.len() > 0);
    let tables = match std::fs::read_dir(dir.join("keyspaces")) {
        Ok(mut tables) => tables.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    if begun || tables {
        return Ok(());
    }
    for file in [version, dir.join("0.jnl")] {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// How many of these go into one batch: one at least.
fn batch_len(states: &[(LearnerId, Vec<u8>)]) -> usize {
    let mut bytes = 0;
    let fit = states
        .iter()
        .take(BATCH_LEARNERS_MAX)
        .take_while(|(_, state)| {
            let fits = bytes < BATCH_BYTES;
            bytes += state.len();
            fits
        });
    fit.count()
}

/// A value from an encoded state.
fn encode(learner: LearnerId, state: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEAD_BYTES + state.len());
    value.push(FORMAT);
    value.extend_from_slice(&sum(learner, state).to_le_bytes());
    value.extend_from_slice(state);
    value
}

fn decode(learner: LearnerId, value: &[u8]) -> Result<State, SnapshotsError> {
    let damaged = |what: &str| SnapshotsError::Value {
        learner,
        what: what.to_owned(),
    };
    let (format, rest) = value.split_first().ok_or_else(|| damaged("it is empty"))?;
    if *format != FORMAT {
        let format = *format;
        return Err(SnapshotsError::Format { learner, format });
    }
    let (expected, state) = rest
        .split_first_chunk::<4>()
        .ok_or_else(|| damaged("it is cut off"))?;
    if sum(learner, state) != u32::from_le_bytes(*expected) {
        return Err(damaged("its checksum does not fit"));
    }
    State::decode(state).map_err(|error| match error {
        DecodeError::Format(format) => SnapshotsError::Format { learner, format },
        DecodeError::TooLarge { .. } | DecodeError::Damaged(_) => damaged(&error.to_string()),
    })
}

fn sum(learner: LearnerId, state: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&learner.0);
    sum.update(state);
    sum.finalize()
}
