//! `POST /admin/export`: all learners of the running server, written as JSON lines into the data
//! directory. The listener has no password, so nobody's data goes over it.

use crate::base::id::LearnerId;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::server::learners::Learners;
use crate::store::Export;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::AcqRel;
use std::sync::atomic::Ordering::Release;

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 1 << 20;
/// Learners between two looks at how much room the disk has.
const LOOK_EVERY: u64 = 1024;

/// One export at a time.
#[derive(Debug, Default)]
pub(super) struct Exports {
    under_way: AtomicBool,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    /// One is being written.
    #[error("an export is under way; wait until its file has lost the ending .part")]
    UnderWay,
    /// The directory.
    #[error("the directory {} cannot be made: {source}", dir.display())]
    Directory {
        /// Which.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Exports {
    /// Begins one into `data`/exports and gives the name it will have when it is whole. Until then
    /// it ends in `.part`; one that fails is removed and the log says why.
    pub(super) fn begin(
        self: &Arc<Self>,
        learners: &Arc<Learners>,
        data: &Path,
        shutdown: &Shutdown,
    ) -> Result<PathBuf, ExportError> {
        if self.under_way.swap(true, AcqRel) {
            return Err(ExportError::UnderWay);
        }
        let running = Running(Arc::clone(self));
        let dir = data.join("exports");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        if let Err(source) = made {
            return Err(ExportError::Directory { dir, source });
        }
        let now_ms = runtime::unix_ms();
        let whole = dir.join(format!("learners-{now_ms}.jsonl"));
        let target = whole.clone();
        let source = Source {
            learners: Arc::clone(learners),
            shutdown: shutdown.clone(),
        };
        let work = async move {
            let work = move || {
                let _running = running;
                source.write(&target, now_ms);
            };
            if let Err(panicked) = runtime::blocking("export", work).await {
                tracing::error!("{panicked}");
            }
        };
        runtime::spawn("export", work);
        Ok(whole)
    }
}

/// Lets the next one begin, whichever way this one ends.
struct Running(Arc<Exports>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.under_way.store(false, Release);
    }
}

/// What is written out, and what ends it early.
struct Source {
    learners: Arc<Learners>,
    shutdown: Shutdown,
}

impl Source {
    fn write(&self, target: &Path, now_ms: u64) {
        let part = target.with_extension("jsonl.part");
        let written = self.whole(&part, now_ms).and_then(|counts| {
            fs::rename(&part, target)?;
            if let Some(dir) = target.parent() {
                File::open(dir)?.sync_all()?;
            }
            Ok(counts)
        });
        let file = target.display();
        match written {
            Ok((learners, complaints)) => {
                tracing::info!(learners, complaints, %file, "the export is whole");
            }
            Err(error) => {
                tracing::error!(%error, %file, "the export failed");
                drop(fs::remove_file(&part));
            }
        }
    }

    /// Everything that was acknowledged before it began, and some of what comes while it is
    /// written. Gives learners and complaints.
    fn whole(&self, part: &Path, now_ms: u64) -> io::Result<(u64, u64)> {
        let mut options = File::options();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(part)?;
        let out = BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut export = Export::begin(out, self.learners.next_commit(), now_ms)?;
        // Those in memory first: whoever leaves it from here on is at rest, and was known before.
        let mut in_memory = self.learners.shards.learners();
        in_memory.sort_unstable();
        let mut complaints = 0;
        for learner in &in_memory {
            complaints += self.one(*learner, &mut export)?;
        }
        for entry in self.learners.snapshots.iter() {
            complaints += match entry {
                Ok((learner, _)) if in_memory.binary_search(&learner).is_ok() => 0,
                Ok((learner, _)) => self.one(learner, &mut export)?,
                Err(error) => {
                    tracing::error!(%error, "the export goes on without it");
                    1
                }
            };
        }
        let count = export.learners();
        let out = export.end(complaints)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok((count, complaints))
    }

    /// Writes one learner; gives how many cannot be read.
    fn one(&self, learner: LearnerId, export: &mut Export<BufWriter<File>>) -> io::Result<u64> {
        if export.learners().is_multiple_of(LOOK_EVERY) {
            let room = self.learners.snapshots.has_room();
            room.map_err(|error| io::Error::new(io::ErrorKind::StorageFull, error.to_string()))?;
        }
        if !self.shutdown.is_running() {
            return Err(io::Error::other("the server is stopping"));
        }
        match self.learners.shards.find(learner) {
            Ok(Some(state)) => export.learner(learner, &state)?,
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, %learner, "the export goes on without a learner");
                return Ok(1);
            }
        }
        Ok(0)
    }
}
