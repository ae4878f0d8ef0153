//! Why sessions at rest cannot be read or written, and what helps.

use crate::base::id::LearnerId;
use std::error::Error;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Why sessions at rest cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotsError {
    /// Another process has them open.
    #[error("snapshots: {} is in use by another process; stop that one first", dir.display())]
    InUse {
        /// The database's directory.
        dir: PathBuf,
    },
    /// The database is damaged. Nothing was changed.
    #[error(
        "snapshots: {} is damaged ({what}). Restore the whole data directory from a backup; or go \
         on with what can be read: `lamplight store export`, then `import` into a new data \
         directory. What only this database held and neither the journal nor Redis has is lost \
         then (docs/operations.md, Damage)",
        dir.display()
    )]
    Damaged {
        /// The database's directory.
        dir: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// One learner's state is damaged.
    #[error("snapshots: the state of learner {learner} is damaged: {what}")]
    Value {
        /// Whose.
        learner: LearnerId,
        /// What is wrong with it.
        what: String,
    },
    /// One learner's state was written by a newer version.
    #[error(
        "snapshots: the state of learner {learner} has format {format}, which this version does \
         not know; upgrade this node first"
    )]
    Format {
        /// Whose.
        learner: LearnerId,
        /// The format.
        format: u8,
    },
    /// The database was made by another version of its library.
    #[error(
        "snapshots: {} was made by another version of the storage library; run the version of \
         lamplight that made it, `lamplight store export` there, and `import` into a new data \
         directory here",
        dir.display()
    )]
    Version {
        /// The database's directory.
        dir: PathBuf,
    },
    /// The disk has less room than is left alone. The journal keeps what is not saved.
    #[error(
        "snapshots: {} has {free} bytes of room left, below snapshots.reserve ({reserve}): make \
         room; nothing is lost meanwhile, the journal grows",
        dir.display()
    )]
    NoSpace {
        /// The database's directory.
        dir: PathBuf,
        /// Bytes there are.
        free: u64,
        /// Bytes left alone.
        reserve: u64,
    },
    /// The operating system refused.
    #[error("snapshots: cannot {verb} {}", dir.display())]
    Io {
        /// The database's directory.
        dir: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A write failed before, so nothing is written any more; the sentence says how.
    #[error("snapshots: nothing is saved until the process starts anew: {0}")]
    Failed(String),
}

impl SnapshotsError {
    /// What the library's error means for who operates it.
    pub(super) fn of(dir: &Path, error: &fjall::Error) -> Self {
        let dir = dir.to_owned();
        if matches!(error, fjall::Error::Locked) {
            return Self::InUse { dir };
        }
        if matches!(error, fjall::Error::InvalidVersion(Some(_))) {
            return Self::Version { dir };
        }
        if let Some(source) = refusal(error) {
            let verb = "use";
            return Self::Io { dir, verb, source };
        }
        let what = format!("{error:?}");
        Self::Damaged { dir, what }
    }
}

/// The operating system's refusal below `error`, if it is one that says nothing of the files'
/// content.
fn refusal(error: &fjall::Error) -> Option<io::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            let kind = found.kind();
            let content = matches!(
                kind,
                io::ErrorKind::NotFound
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::InvalidData
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::AlreadyExists
            );
            return (!content).then(|| io::Error::new(kind, found.to_string()));
        }
        cause = error.source();
    }
    None
}
