//! A file served as it is read: attachments and authors' recordings.

use crate::base::digest::Digest;
use crate::content::chunk::delivery_fields;
use crate::content::disk::OnDisk;
use crate::content::files::MediaType;
use crate::content::pins::Pins;
use crate::http::About;
use crate::http::ByteRange;
use crate::http::CachePolicy;
use crate::http::Content;
use crate::http::HttpDate;
use crate::http::Opener;
use crate::http::Resource;
use crate::http::Source;
use crate::http::SourceError;
use crate::runtime;
use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

/// A file too large, or asked for too seldom, to be held in memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attachment {
    /// Bytes in the file.
    pub len: u64,
    /// Changes with the file: a hash of length, modification time and the file's two ends.
    pub hash: Digest,
    /// Media type.
    pub(crate) media_type: MediaType,
    /// What it belongs to, as in [`crate::content::Chunk`].
    pub keys: Box<str>,
    pub(crate) disk: Arc<OnDisk>,
    /// Where it is found when it is replaced while it is sent.
    #[serde(skip)]
    pub(crate) pins: Option<Pins>,
}

/// Reads piece by piece as the peer takes them. If the file was replaced meanwhile and has no pin,
/// the body ends early with an error.
struct Opened(Arc<Attachment>);

impl Opener for Opened {
    fn open(&self, range: ByteRange) -> Box<dyn Source> {
        Box::new(Reader {
            attachment: Arc::clone(&self.0),
            at: range.first(),
            end: range.end().min(self.0.len),
            pending: None,
        })
    }
}

impl Attachment {
    /// The attachment as the service answers from it, with ranges; kept a day by others.
    pub fn resource(self: &Arc<Self>) -> Resource {
        let about = About {
            media_type: self.media_type.0.into(),
            policy: CachePolicy::Day,
            modified: Some(HttpDate(self.disk.modified_unix_s())),
            text: false,
            fields: delivery_fields(&self.keys),
        };
        let content = Content::Opened {
            len: self.len,
            opener: Arc::new(Opened(Arc::clone(self))),
        };
        Resource::new(about, content, &self.hash.to_string())
    }
}

type Reading = Pin<Box<dyn Future<Output = Option<Bytes>>>>;

/// Opens the file for each piece: readers that have stopped hold no open file, or they would soon
/// hold all that the process may have. Dropping it lets at most one piece be read for nothing.
struct Reader {
    attachment: Arc<Attachment>,
    at: u64,
    end: u64,
    pending: Option<Reading>,
}

impl Reader {
    fn read(&self, len: usize) -> Reading {
        let (attachment, at) = (Arc::clone(&self.attachment), self.at);
        let work = move || -> io::Result<Bytes> {
            let mut piece = vec![0; len];
            let disk = &attachment.disk;
            let file = disk.open_or_pinned(attachment.pins.as_ref())?;
            disk.read(&file, &mut piece, at)?;
            Ok(Bytes::from(piece))
        };
        Box::pin(async move {
            match runtime::blocking("attachment", work).await {
                Ok(Ok(piece)) => Some(piece),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "attachment cannot be read");
                    None
                }
                Err(_panicked) => None,
            }
        })
    }
}

impl Source for Reader {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
        let left = self.end.saturating_sub(self.at);
        if left == 0 {
            return Poll::Ready(None);
        }
        let mut reading = match self.pending.take() {
            Some(reading) => reading,
            None => self.read(usize::try_from(left.min(PIECE_BYTES)).unwrap_or(0)),
        };
        match reading.as_mut().poll(cx) {
            Poll::Pending => {
                self.pending = Some(reading);
                Poll::Pending
            }
            Poll::Ready(None) => {
                self.at = self.end;
                Poll::Ready(Some(Err(SourceError)))
            }
            Poll::Ready(Some(piece)) => {
                self.at += piece.len() as u64;
                Poll::Ready(Some(Ok(piece)))
            }
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({}..{})", self.at, self.end)
    }
}

/// Read at a time, and held for each reply whose reader has stopped reading: such a connection
/// has up to a hundred of them.
const PIECE_BYTES: u64 = 64 * 1024;
