//! Which segments hold commits, and dropping those that nobody needs any more.

use crate::store::Disk;
use crate::store::writer::name;
use std::io;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// A segment that holds commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub segment: u64,
    /// Its first commit.
    pub first: u64,
}

/// Why a segment could not be dropped. Nothing is lost by it; the next try goes on there.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The operating system refused.
    #[error("journal: cannot {verb} {file}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which file.
        file: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The work ended in a panic, which the log names.
    #[error(transparent)]
    Stopped(#[from] crate::runtime::Panicked),
}

/// The segments that hold commits, oldest first. The lock is taken once a segment, never across a
/// write or a sync of commits.
#[derive(Debug, Default)]
pub struct Segments {
    kept: Mutex<Vec<Kept>>,
    /// Held while segments are dropped, so that they go in order.
    dropping: Mutex<()>,
}

impl Segments {
    pub(super) fn new(kept: Vec<Kept>) -> Self {
        Self {
            kept: Mutex::new(kept),
            dropping: Mutex::default(),
        }
    }

    /// A segment's first commit is on the disk.
    pub(super) fn begun(&self, kept: Kept) {
        self.kept().push(kept);
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Kept> {
        self.kept().clone()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.kept().len()
    }

    /// Drops every segment all of whose commits are below `before`, except the one with the newest
    /// commit, which alone says where the numbers go on. Gives how many were dropped.
    ///
    /// The directory is synced after each: after a power cut whole commits without a gap are left,
    /// whichever of the removals it undid.
    ///
    /// # Errors
    /// [`ForgetError::Io`].
    pub fn forget(&self, disk: &dyn Disk, before: u64) -> Result<u64, ForgetError> {
        let _in_order = self.dropping.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dropped = 0;
        while let Some(segment) = self.oldest_below(before) {
            let file = name(segment);
            let failed = |verb| {
                let file = file.clone();
                move |source| ForgetError::Io { verb, file, source }
            };
            match disk.remove(&file) {
                // A try before this one came so far.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(failed("remove"))?,
            }
            disk.sync().map_err(failed("sync the directory of"))?;
            self.kept().retain(|kept| kept.segment != segment);
            dropped += 1;
        }
        Ok(dropped)
    }

    /// The oldest segment, if the one after it begins at or below `before`.
    fn oldest_below(&self, before: u64) -> Option<u64> {
        match self.kept().as_slice() {
            [oldest, next, ..] if next.first <= before => Some(oldest.segment),
            _ => None,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
