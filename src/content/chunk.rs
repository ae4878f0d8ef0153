//! A resource held whole in memory, with everything that is prepared once for all replies.

use crate::base::digest::Digest;
use crate::http::Head;
use bytes::Bytes;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::OnceLock;

/// How long others may keep a resource (docs/protocol.md, caching).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheClass {
    /// Named by its version: one year, immutable.
    Immutable,
    /// Playlists and the like: a minute, then stale while revalidating or on error.
    Playlist,
    /// Attachments and sources: a day.
    Day,
}

/// A segment, playlist, quiz chunk or small attachment.
#[derive(Debug)]
pub struct Chunk {
    /// The bytes as they are.
    pub identity: Coding,
    /// The bytes in the `br` coding, for texts that gain by it.
    pub brotli: Option<Coding>,
    /// Media type, with charset where it applies.
    pub media_type: &'static str,
    /// When the source was last modified, seconds since 1970 UTC.
    pub modified_unix_s: u64,
    /// How long it may be kept.
    pub cache: CacheClass,
    /// What it belongs to, separated by spaces, for `Surrogate-Key`: course, course/lesson.
    pub keys: Box<str>,
}

/// One content coding of a chunk.
#[derive(Debug)]
pub struct Coding {
    /// The bytes.
    pub bytes: Bytes,
    /// Strong validator with its quotes, different for each coding (RFC 9110, 8.8.3.3).
    pub etag: Box<str>,
    /// Head of the 200 reply, filled by the service on first use.
    pub full: OnceLock<Arc<Head>>,
    /// Head of the 304 reply, filled by the service on first use.
    pub not_modified: OnceLock<Arc<Head>>,
}

impl Coding {
    fn new(bytes: Bytes, coding: &str) -> Self {
        let digest = Digest::of(&[&bytes]);
        Self {
            etag: format!("\"{digest}{coding}\"").into(),
            bytes,
            full: OnceLock::new(),
            not_modified: OnceLock::new(),
        }
    }
}

impl Chunk {
    /// A chunk of `bytes`; hashes them, and compresses them if `media_type` is a text. Meant for
    /// the blocking pool: about half a millisecond a MiB, texts about ten.
    pub fn new(
        bytes: Bytes,
        media_type: &'static str,
        modified_unix_s: u64,
        cache: CacheClass,
        keys: &str,
    ) -> Self {
        let text = media_type.contains("charset") || TEXT_TYPES.contains(&media_type);
        let brotli = text.then(|| compressed(&bytes)).flatten();
        Self {
            brotli: brotli.map(|b| Coding::new(b, "-br")),
            identity: Coding::new(bytes, ""),
            media_type,
            modified_unix_s,
            cache,
            keys: keys.into(),
        }
    }

    /// Bytes of memory it holds, for the cache's budget.
    pub fn weight(&self) -> u64 {
        let brotli = self.brotli.as_ref().map_or(0, |c| c.bytes.len());
        (self.identity.bytes.len() + brotli) as u64 + OVERHEAD_BYTES
    }
}

/// `bytes` in the `br` coding, if that saves anything worth a second copy.
fn compressed(bytes: &[u8]) -> Option<Bytes> {
    let mut out = Vec::with_capacity(bytes.len() / 3 + 64);
    let mut writer = brotli::CompressorWriter::new(&mut out, 4096, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(bytes).ok()?;
    drop(writer);
    (out.len() + 32 < bytes.len()).then(|| Bytes::from(out))
}

/// Quality 9 costs 10 ms for a playlist of an hour and is within 3 % of 11, which costs 200.
const BROTLI_QUALITY: u32 = 9;
const BROTLI_WINDOW: u32 = 22;
/// Heads, field buffers, cache entry.
const OVERHEAD_BYTES: u64 = 1024;

const TEXT_TYPES: &[&str] = &[
    "application/vnd.apple.mpegurl",
    "application/json",
    "image/svg+xml",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(bytes: &'static [u8], media_type: &'static str) -> Chunk {
        Chunk::new(
            Bytes::from_static(bytes),
            media_type,
            0,
            CacheClass::Day,
            "",
        )
    }

    #[test]
    fn each_coding_has_its_own_validator() {
        let text = chunk(&[b'a'; 500], "text/vtt; charset=utf-8");
        let brotli = text.brotli.as_ref().unwrap();
        assert!(brotli.bytes.len() < 50);
        assert_ne!(brotli.etag, text.identity.etag);
        assert!(text.identity.etag.starts_with('"') && text.identity.etag.ends_with('"'));
        let mut plain = Vec::new();
        let mut input = &brotli.bytes[..];
        brotli::BrotliDecompress(&mut input, &mut plain).unwrap();
        assert_eq!(plain, [b'a'; 500]);
    }

    #[test]
    fn video_and_tiny_texts_are_not_compressed() {
        assert!(chunk(&[0; 500], "video/mp4").brotli.is_none());
        assert!(chunk(b"{}", "application/json").brotli.is_none());
    }
}
