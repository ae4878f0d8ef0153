//! A reply: prepared head, per-reply fields, and content as shared slices or a pull source.

use crate::http::Fields;
use bytes::Bytes;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;

/// A status code (RFC 9110, 15), 100 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u16);

/// Status and fields prepared once and shared by every reply that carries them.
#[derive(Debug)]
pub struct Head {
    status: Status,
    fields: Fields,
    encoded: OnceLock<Bytes>,
}

impl Head {
    /// A head; `fields` hold `content-length` whenever the content's length is known.
    pub fn new(status: Status, fields: Fields) -> Arc<Self> {
        Arc::new(Self {
            status,
            fields,
            encoded: OnceLock::new(),
        })
    }

    /// The status.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The fields.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// A head of its own with the same fields, in which those of `fields` take the place of any of
    /// the same name.
    pub fn replacing(&self, fields: &Fields) -> Arc<Self> {
        let mut merged = Fields::new();
        for (name, value) in self.fields.iter() {
            if !fields.iter().any(|(other, _)| other == name) {
                merged.push(name, value);
            }
        }
        for (name, value) in fields.iter() {
            merged.push(name, value);
        }
        Self::new(self.status, merged)
    }

    /// The field section as HTTP/3 sends it, encoded by `encode` on first use. With the dynamic
    /// table off (RFC 9204, 3.2) the bytes are the same on every connection.
    pub fn encoded(&self, encode: impl FnOnce(Status, &Fields) -> Bytes) -> &Bytes {
        self.encoded
            .get_or_init(|| encode(self.status, &self.fields))
    }
}

/// What the service answers.
#[derive(Debug)]
pub struct Reply {
    /// Status and the fields that every such reply carries.
    pub head: Arc<Head>,
    /// Fields of this reply alone (request id, timing); usually empty.
    pub extra: Fields,
    /// The content; empty for HEAD, 204 and 304 whatever `content-length` says.
    pub body: Body,
}

impl Reply {
    /// A reply with nothing of its own.
    pub const fn new(head: Arc<Head>, body: Body) -> Self {
        Self {
            head,
            extra: Fields::new(),
            body,
        }
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.head.status()
    }
}

/// A reply's content.
pub enum Body {
    /// No content.
    Empty,
    /// Shared slices, sent in order without a copy.
    Slices(SmallVec<[Bytes; 2]>),
    /// Chunks asked for as the peer takes them; dropped when the stream is reset.
    Pull(Box<dyn Source>),
}

impl Body {
    /// A body of one slice.
    pub fn slice(bytes: Bytes) -> Self {
        let mut slices = SmallVec::new();
        slices.push(bytes);
        Self::Slices(slices)
    }

    /// Bytes of content if known beforehand.
    pub fn len(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Slices(slices) => Some(slices.iter().map(|s| s.len() as u64).sum()),
            Self::Pull(_) => None,
        }
    }

    /// Whether it is known to hold no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            Some(n) => write!(f, "Body({n} bytes)"),
            None => f.write_str("Body(pull)"),
        }
    }
}

/// Content that is produced as it is taken. Dropping the source cancels what it has under way.
pub trait Source {
    /// The next chunk (bounded by the source, 64 KiB is usual), `None` at the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>>;
}

/// The content cannot be completed; the driver resets the stream (H3_INTERNAL_ERROR or the like).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content ended before its announced length")]
pub struct SourceError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_field_is_not_sent_twice() {
        let fields = Fields::new().with("etag", "a").with("cache-status", "hit");
        let head = Head::new(Status(200), fields);
        let other = head.replacing(&Fields::new().with("cache-status", "miss"));
        let all: Vec<_> = other.fields().get_all("cache-status").collect();
        assert_eq!(
            (all, other.fields().get_str("etag")),
            (vec![&b"miss"[..]], Some("a"))
        );
        assert_eq!(other.status(), Status(200));
    }
}
