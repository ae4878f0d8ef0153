//! The bytes of a representation, held or read as they are sent.

use crate::http::Body;
use crate::http::ByteRange;
use crate::http::Source;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// Makes sources that read a part of something too large to hold.
pub trait Opener: Send + Sync {
    /// A source of exactly these bytes.
    fn open(&self, range: ByteRange) -> Box<dyn Source>;
}

/// The bytes of a representation.
#[derive(Clone)]
pub enum Content {
    /// Held in memory and shared by all replies.
    Memory(Bytes),
    /// Read as it is sent.
    Opened {
        /// Length in bytes.
        len: u64,
        /// Where to read.
        opener: Arc<dyn Opener>,
    },
}

impl Content {
    /// Bytes of content.
    pub const fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Opened { len, .. } => *len,
        }
    }

    /// Whether it holds no byte.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory it takes.
    pub const fn held(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Opened { .. } => 0,
        }
    }

    /// The whole of it, or a part.
    pub fn body(&self, range: Option<ByteRange>) -> Body {
        match (self, range) {
            (Self::Memory(bytes), None) => Body::slice(bytes.clone()),
            (Self::Memory(bytes), Some(range)) => Body::slice(cut(bytes, range)),
            (Self::Opened { len, opener }, range) => match range.or_else(|| ByteRange::whole(*len))
            {
                Some(range) => Body::Pull(opener.open(range)),
                None => Body::Empty,
            },
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Memory(_) => "held",
            Self::Opened { .. } => "opened",
        };
        write!(f, "Content({} bytes, {kind})", self.len())
    }
}

/// The part of held bytes, without a copy.
pub(crate) fn cut(bytes: &Bytes, range: ByteRange) -> Bytes {
    let at = |n: u64| usize::try_from(n).map_or(bytes.len(), |n| n.min(bytes.len()));
    bytes.slice(at(range.first())..at(range.end()))
}
