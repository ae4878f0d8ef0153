//! The journal's thread: everything that waits is written with one sync.
//!
//! A lone append waits for one sync. While that runs, others gather, and the next sync is theirs
//! together: no timer, no delay, and the more there are the less each costs. No lock is taken for
//! an append or a commit: one bounded queue in, one `oneshot` out for each append, one cell that
//! says how the disk failed.

use crate::base::limits::JOURNAL_BATCH_BYTES_MAX;
use crate::base::metrics::Gauge;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;
use crate::runtime;
use crate::runtime::Worker;
use crate::store::Append;
use crate::store::Commit;
use crate::store::Config;
use crate::store::Disk;
use crate::store::ForgetError;
use crate::store::Segments;
use crate::store::Signer;
use crate::store::WriteError;
use crate::store::Writer;
use crate::store::making::Making;
use crate::store::metrics::Metrics;
use crate::store::receipt::Tree;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::Ordering::Release;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// Appends that one commit takes at most; the batch's bytes usually end it before.
const GATHER_MAX: usize = 8192;

/// Proof that the disk has it. Only this room makes one.
#[derive(Clone)]
pub struct Durable {
    commit: Arc<Batch>,
    /// Which of the commit's leaves; for what asked for a receipt.
    leaf: Option<u32>,
}

/// A commit and what receipts of it need.
struct Batch {
    commit: Commit,
    leaves: Vec<[u8; 32]>,
    tree: OnceLock<Tree>,
}

/// Why nothing was made durable. The caller must not acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too many wait for the disk: try again in a moment.
    #[error("too many appends wait for the disk")]
    Busy,
    /// The disk is full: try again later; reads go on.
    #[error("the journal's disk is full")]
    NoSpace,
    /// The disk failed, or the thread ended. Whether it was written is not known; nothing will be
    /// any more until the process starts anew.
    #[error("the journal has failed; nothing can be acknowledged")]
    Failed,
}

/// The journal: give it to everybody who has something to keep.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::Sender<Waiting>,
    shared: Arc<Shared>,
}

/// An append on its way: resolves once the disk has it. Dropping it changes nothing, it is written
/// all the same.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Durable, AppendError>>);

/// Whether the journal takes appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Well,
    /// The disk has no room for the next segment.
    NoSpace,
    /// The disk failed; the sentence says how. Only a new start helps.
    Failed(String),
}

struct Shared {
    disk: Arc<dyn Disk>,
    segments: Arc<Segments>,
    /// The number of the commit that is written next, or now.
    next: AtomicU64,
    failure: OnceLock<String>,
    no_space: AtomicBool,
    metrics: Metrics,
}

struct Waiting {
    append: Append,
    reply: oneshot::Sender<Result<Durable, AppendError>>,
}

impl Durable {
    /// The commit that has it.
    pub fn commit(&self) -> Commit {
        self.commit.commit
    }

    /// Which of the commit's leaves it is, the commit's tree, made by the first who asks, and how
    /// many leaves it has.
    pub(super) fn leaf(&self, signer: &Signer) -> Option<(u32, &Tree, u32)> {
        let Batch {
            commit,
            leaves,
            tree,
        } = &*self.commit;
        let index = self.leaf?;
        let tree = tree.get_or_init(|| Tree::new(leaves, commit.number, signer));
        Some((index, tree, u32::try_from(leaves.len()).unwrap_or(u32::MAX)))
    }
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Durable({})", self.commit.commit.number)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({:?})", self.health())
    }
}

impl Future for Pending {
    type Output = Result<Durable, AppendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(answer.unwrap_or(Err(AppendError::Failed)))
    }
}

impl Journal {
    /// Starts the journal's thread, which goes on with `writer` and ends when the last handle is
    /// dropped and everything that waited is written. Join the worker to wait for that.
    ///
    /// # Errors
    /// When the machine has no thread left.
    pub fn start(
        disk: Arc<dyn Disk>,
        writer: Writer,
        config: &Config,
    ) -> io::Result<(Self, Worker<()>)> {
        let (queue, waiting) = mpsc::channel(config.queue_len());
        let shared = Arc::new(Shared {
            disk,
            segments: Arc::clone(writer.segments()),
            next: AtomicU64::new(writer.next()),
            failure: OnceLock::new(),
            no_space: AtomicBool::new(false),
            metrics: Metrics::default(),
        });
        let keeper = Keeper {
            writer,
            waiting,
            segment_bytes: config.segment_bytes(),
            shared: Arc::clone(&shared),
        };
        let worker = Worker::start("journal".to_owned(), move || keeper.run())?;
        Ok((Self { queue, shared }, worker))
    }

    /// Appends, and resolves once the disk has it. What is dropped while it waits is written all
    /// the same.
    ///
    /// # Errors
    /// [`AppendError`], at once or later. `Busy` comes at once.
    pub fn append(
        &self,
        append: Append,
    ) -> impl Future<Output = Result<Durable, AppendError>> + use<> {
        let sent = self.send(append);
        async move { sent?.await }
    }

    /// The same in two steps, for who must know at once whether it is on its way.
    ///
    /// # Errors
    /// [`AppendError::Busy`] and [`AppendError::Failed`]; then it will not be written.
    pub fn send(&self, append: Append) -> Result<Pending, AppendError> {
        let (reply, answer) = oneshot::channel();
        let metrics = &self.shared.metrics;
        let sent = match self.shared.failure.get() {
            Some(_) => Err(AppendError::Failed),
            None => {
                self.queue
                    .try_send(Waiting { append, reply })
                    .map_err(|refused| match refused {
                        mpsc::error::TrySendError::Full(_) => AppendError::Busy,
                        mpsc::error::TrySendError::Closed(_) => AppendError::Failed,
                    })
            }
        };
        match sent {
            Ok(()) => {}
            Err(AppendError::Busy) => metrics.busy.add_one(),
            Err(AppendError::NoSpace | AppendError::Failed) => metrics.failed.add_one(),
        }
        sent.map(|()| Pending(answer))
    }

    /// Resolves once the disk has everything that was appended before; waits for a place in the
    /// queue if need be.
    ///
    /// # Errors
    /// `NoSpace` or `Failed`. What was appended before heard that by itself.
    pub async fn flush(&self) -> Result<(), AppendError> {
        if self.shared.failure.get().is_some() {
            return Err(AppendError::Failed);
        }
        let (reply, answer) = oneshot::channel();
        let append = Append::default();
        let sent = self.queue.send(Waiting { append, reply }).await;
        sent.map_err(|_closed| AppendError::Failed)?;
        answer
            .await
            .unwrap_or(Err(AppendError::Failed))
            .map(|_durable| ())
    }

    /// The earliest commit that an append made from now on can be in. Taken before an append and
    /// kept with what it changed, it says which commits are needed until that is saved elsewhere.
    pub fn mark(&self) -> u64 {
        self.shared.next.load(Acquire)
    }

    /// Drops segments all of whose commits are below `before`, on a thread for blocking work. Gives
    /// how many. The newest segment with a commit stays. Dropping the future leaves it to finish.
    ///
    /// # Errors
    /// [`ForgetError`]; nothing is lost, the next call goes on there.
    pub async fn forget(&self, before: u64) -> Result<u64, ForgetError> {
        let shared = Arc::clone(&self.shared);
        let work = move || {
            let dropped = shared.segments.forget(&*shared.disk, before);
            if let Ok(dropped) = dropped {
                shared.metrics.dropped.add(dropped);
            }
            dropped
        };
        runtime::blocking("journal drop", work).await?
    }

    /// Whether it takes appends, for readiness.
    pub fn health(&self) -> Health {
        match self.shared.failure.get() {
            Some(what) => Health::Failed(what.clone()),
            None if self.shared.no_space.load(Relaxed) => Health::NoSpace,
            None => Health::Well,
        }
    }
}

impl Source for Journal {
    fn sample(&self, into: &mut Vec<Sample>) {
        self.shared.metrics.sample(into);
        let kept = Gauge::default();
        kept.set(i64::try_from(self.shared.segments.count()).unwrap_or(i64::MAX));
        into.push(Sample::gauge(
            "lamplight_journal_kept",
            "Segments that hold commits.",
            &kept,
        ));
    }
}

/// What runs on the thread.
struct Keeper {
    writer: Writer,
    waiting: mpsc::Receiver<Waiting>,
    segment_bytes: u64,
    shared: Arc<Shared>,
}

impl Keeper {
    async fn run(mut self) {
        let mut making = self.make_next().await;
        let mut gathered = Vec::with_capacity(GATHER_MAX);
        let mut held: Option<Waiting> = None;
        loop {
            let mut bytes = 0;
            gathered.extend(held.take());
            if gathered.is_empty() && self.waiting.recv_many(&mut gathered, 1).await == 0 {
                return;
            }
            bytes += gathered.iter().map(|one| one.append.len()).sum::<usize>();
            while gathered.len() < GATHER_MAX
                && let Ok(next) = self.waiting.try_recv()
            {
                if bytes + next.append.len() > JOURNAL_BATCH_BYTES_MAX {
                    held = Some(next);
                    break;
                }
                bytes += next.append.len();
                gathered.push(next);
            }
            if !self.writer.fits(bytes) {
                let Some(segment) = making.next().await else {
                    self.shared.no_space.store(true, Relaxed);
                    self.refuse(&mut gathered, AppendError::NoSpace);
                    continue;
                };
                self.writer.rotate(segment);
                self.shared.metrics.segments.add_one();
                making = self.make_next().await;
            }
            if !self.commit(&mut gathered) {
                // Fails at once whatever still waits, and whatever comes between.
                self.waiting.close();
                gathered.extend(held.take());
                while let Ok(next) = self.waiting.try_recv() {
                    gathered.push(next);
                }
                self.refuse(&mut gathered, AppendError::Failed);
                return;
            }
        }
    }

    /// One write, one sync, and everybody is told. `false`: the disk failed.
    fn commit(&mut self, gathered: &mut Vec<Waiting>) -> bool {
        let (mut appends, mut replies) = (Vec::new(), Vec::new());
        let mut leaves = Vec::new();
        for Waiting { append, reply } in gathered.drain(..) {
            let leaf = append.leaf.map(|leaf| {
                leaves.push(leaf);
                u32::try_from(leaves.len() - 1).unwrap_or(u32::MAX)
            });
            appends.push(append);
            replies.push((leaf, reply));
        }
        let metrics = &self.shared.metrics;
        let outcome = match self.writer.commit(&appends, runtime::unix_ms()) {
            Ok(commit) => {
                let bytes: usize = appends.iter().map(Append::len).sum();
                self.shared.next.store(commit.number + 1, Release);
                metrics.commits.add_one();
                metrics.bytes.add(bytes as u64);
                metrics.appends.add(appends.len() as u64);
                let tree = OnceLock::new();
                Ok(Arc::new(Batch {
                    commit,
                    leaves,
                    tree,
                }))
            }
            Err(error) => {
                self.fail(&error);
                metrics.failed.add(appends.len() as u64);
                Err(AppendError::Failed)
            }
        };
        for (leaf, reply) in replies {
            let answer = outcome
                .as_ref()
                .map_err(|error| *error)
                .map(|commit| Durable {
                    commit: Arc::clone(commit),
                    leaf,
                });
            // Who went away meanwhile does not need to know; it is written all the same.
            drop(reply.send(answer));
        }
        outcome.is_ok()
    }

    fn fail(&self, error: &WriteError) {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        let what = format!("{error}: {}", cause.unwrap_or_default());
        tracing::error!(%what, "the journal failed; nothing is acknowledged any more");
        self.shared.failure.get_or_init(|| what);
    }

    fn refuse(&self, gathered: &mut Vec<Waiting>, why: AppendError) {
        let counter = match why {
            AppendError::Busy => &self.shared.metrics.busy,
            AppendError::NoSpace => &self.shared.metrics.no_space,
            AppendError::Failed => &self.shared.metrics.failed,
        };
        counter.add(gathered.len() as u64);
        for waiting in gathered.drain(..) {
            drop(waiting.reply.send(Err(why)));
        }
    }

    /// Starts making the segment after the one in use.
    async fn make_next(&self) -> Making {
        let shared = Arc::clone(&self.shared);
        let (disk, number) = (Arc::clone(&shared.disk), self.writer.segment() + 1);
        let made = move || shared.no_space.store(false, Relaxed);
        Making::begin(disk, number, self.segment_bytes, made).await
    }
}
