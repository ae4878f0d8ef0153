//! What a path leads to.

use crate::content::Attachment;
use crate::content::Chunk;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

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
    /// A replaced version whose bytes cannot be had any more: answer 410.
    #[error("{file} was replaced and its former bytes are gone: {reason}")]
    Gone {
        /// Path below the content folder.
        file: String,
        /// Why.
        reason: String,
    },
    /// Too many chunks are being built at once: answer 503 with a short Retry-After.
    #[error("too many chunks are being built; try again in a second")]
    Busy,
    /// The builder stopped unexpectedly: answer 500.
    #[error("packaging stopped unexpectedly; the log says where")]
    Internal,
}

impl LoadError {
    /// The same, met by who asked for a replaced version: nothing will mend it.
    pub(crate) fn of_the_past(self) -> Self {
        match self {
            Self::Changed { file, reason } => Self::Gone { file, reason },
            Self::Folder { .. } | Self::Gone { .. } | Self::Busy | Self::Internal => self,
        }
    }
}

/// The wait for a build, begun when it is first polled. Dropping it gives up the wait; the build
/// goes on and ends in the cache.
pub struct Building {
    wait: Wait,
    told: Told,
}

/// What is waited for, and how it came about.
pub(crate) type Wait = Pin<Box<dyn Future<Output = Result<(Arc<Chunk>, Told), LoadError>>>>;

/// How a chunk that was not in the cache came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Whether another request had begun the build, so that this one only waited for its end.
    pub collapsed: bool,
    /// How long the build itself took, without waiting for its turn.
    pub built_in: Duration,
}

impl Building {
    pub(crate) const fn new(wait: Wait) -> Self {
        let told = Told {
            collapsed: false,
            built_in: Duration::ZERO,
        };
        Self { wait, told }
    }

    /// How the chunk came about, once the wait has ended.
    pub const fn told(&self) -> Told {
        self.told
    }
}

impl Future for Building {
    type Output = Result<Arc<Chunk>, LoadError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.wait.as_mut().poll(cx).map(|ended| {
            let (chunk, told) = ended?;
            this.told = told;
            Ok(chunk)
        })
    }
}

impl fmt::Debug for Building {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Building").finish_non_exhaustive()
    }
}

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
