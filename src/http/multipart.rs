//! Several ranges in one reply: `multipart/byteranges` (RFC 9110, 14.6 and 15.3.7.2).

use crate::http::Body;
use crate::http::ByteRange;
use crate::http::Content;
use crate::http::EntityTag;
use crate::http::Opener;
use crate::http::Source;
use crate::http::SourceError;
use crate::http::content::cut;
use crate::http::range::Parts;
use bytes::Bytes;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

/// A reply of several parts, ready to be sent.
#[derive(Debug)]
pub(crate) struct Multipart {
    /// The value of `content-type`.
    pub(crate) media_type: String,
    /// Bytes of content, delimiters included.
    pub(crate) len: u64,
    /// The content.
    pub(crate) body: Body,
}

/// The `parts` of `content`, each with its own head. The delimiter is made of the entity tag, a
/// hash of the content that the content does not hold.
pub(crate) fn multipart(
    content: &Content,
    parts: &Parts,
    media_type: &str,
    etag: &EntityTag,
) -> Multipart {
    let delimiter = delimiter(etag);
    let mut pieces: Pieces = parts
        .iter()
        .enumerate()
        .flat_map(|(n, range)| {
            let head = head(&delimiter, n == 0, media_type, *range, content.len());
            [Piece::Text(Bytes::from(head)), Piece::Range(*range)]
        })
        .collect();
    pieces.push(Piece::Text(Bytes::from(format!("\r\n--{delimiter}--\r\n"))));
    Multipart {
        media_type: format!("multipart/byteranges; boundary={delimiter}"),
        len: pieces.iter().map(Piece::len).sum(),
        body: match content {
            Content::Memory(bytes) => held(bytes, pieces),
            Content::Opened { opener, .. } => Body::Pull(Box::new(Joined {
                pieces: pieces.into_iter().collect(),
                opener: Arc::clone(opener),
                reading: None,
            })),
        },
    }
}

/// A head, a part, a head, a part, …, the end.
type Pieces = SmallVec<[Piece; 9]>;

#[derive(Debug)]
enum Piece {
    Text(Bytes),
    Range(ByteRange),
}

impl Piece {
    const fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Range(range) => range.len(),
        }
    }
}

/// At most 70 characters of those that RFC 2046, 5.1.1 allows.
fn delimiter(etag: &EntityTag) -> String {
    let opaque = etag.as_bytes().iter().copied().map(char::from);
    let safe = opaque.filter(|c| c.is_ascii_alphanumeric() || *c == '-');
    "part-".chars().chain(safe.take(64)).collect()
}

fn head(delimiter: &str, first: bool, media_type: &str, range: ByteRange, len: u64) -> String {
    let before = if first { "" } else { "\r\n" };
    let range = range.content_range(len);
    format!("{before}--{delimiter}\r\ncontent-type: {media_type}\r\ncontent-range: {range}\r\n\r\n")
}

fn held(bytes: &Bytes, pieces: Pieces) -> Body {
    let slices = pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Range(range) => cut(bytes, range),
    });
    Body::Slices(slices.collect())
}

/// Heads from memory, parts from the opener, one after the other.
struct Joined {
    pieces: VecDeque<Piece>,
    opener: Arc<dyn Opener>,
    reading: Option<Box<dyn Source>>,
}

impl Source for Joined {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
        loop {
            if let Some(source) = &mut self.reading {
                let chunk = source.poll_chunk(cx);
                if !matches!(chunk, Poll::Ready(None)) {
                    return chunk;
                }
                self.reading = None;
            }
            match self.pieces.pop_front() {
                Some(Piece::Text(text)) => return Poll::Ready(Some(Ok(text))),
                Some(Piece::Range(range)) => self.reading = Some(self.opener.open(range)),
                None => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::range::Selection;
    use crate::http::range::select;

    struct Held(Bytes);
    struct Once(Option<Bytes>);

    impl Opener for Held {
        fn open(&self, range: ByteRange) -> Box<dyn Source> {
            Box::new(Once(Some(cut(&self.0, range))))
        }
    }

    impl Source for Once {
        fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
            Poll::Ready(self.0.take().map(Ok))
        }
    }

    fn collected(body: Body) -> Vec<u8> {
        match body {
            Body::Empty => Vec::new(),
            Body::Slices(slices) => slices.concat(),
            Body::Pull(mut source) => {
                let mut cx = Context::from_waker(std::task::Waker::noop());
                let mut all = Vec::new();
                while let Poll::Ready(Some(Ok(chunk))) = source.poll_chunk(&mut cx) {
                    all.extend_from_slice(&chunk);
                }
                all
            }
        }
    }

    #[test]
    fn parts_are_the_same_from_memory_and_from_a_file_and_as_long_as_announced() {
        let bytes: Bytes = (0..=255).cycle().take(5000).collect::<Vec<u8>>().into();
        let Selection::Parts(parts) = select(b"bytes=4000-4001,10-12,-3", 5000) else {
            panic!("not several parts")
        };
        let opened = Content::Opened {
            len: 5000,
            opener: Arc::new(Held(bytes.clone())),
        };
        let etag = EntityTag::new("3f9a", Some("br"));
        let make = |content: &Content| multipart(content, &parts, "video/mp4", &etag);
        let (held, read) = (make(&Content::Memory(bytes)), make(&opened));
        assert_eq!(
            held.media_type,
            "multipart/byteranges; boundary=part-3f9a-br"
        );
        let body = collected(held.body);
        assert_eq!(body, collected(read.body));
        assert_eq!((held.len, read.len), (body.len() as u64, body.len() as u64));
        let mut wanted = Vec::new();
        for (range, content) in [
            ("4000-4001", &[160, 161][..]),
            ("10-12", &[10, 11, 12]),
            ("4997-4999", &[133, 134, 135]),
        ] {
            let before = if wanted.is_empty() { "" } else { "\r\n" };
            let head = format!(
                "{before}--part-3f9a-br\r\ncontent-type: video/mp4\r\n\
                 content-range: bytes {range}/5000\r\n\r\n"
            );
            wanted.extend_from_slice(head.as_bytes());
            wanted.extend_from_slice(content);
        }
        wanted.extend_from_slice(b"\r\n--part-3f9a-br--\r\n");
        assert_eq!(body, wanted);
    }
}
