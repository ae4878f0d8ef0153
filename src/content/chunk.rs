//! A resource held whole in memory, with everything that is prepared once for all replies.

use crate::base::digest::Digest;
use crate::http::About;
use crate::http::CachePolicy;
use crate::http::Content;
use crate::http::Fields;
use crate::http::HttpDate;
use crate::http::Resource;
use crate::http::cors;
use bytes::Bytes;

/// A segment, playlist, quiz chunk or small attachment.
#[derive(Debug)]
pub struct Chunk {
    resource: Resource,
}

impl Chunk {
    /// A chunk of `bytes`; hashes them, and compresses them if `media_type` is a text. Meant for
    /// the blocking pool: about half a millisecond a MiB, texts about twenty. `keys` says what it
    /// belongs to (course, course/lesson, …), separated by spaces.
    pub fn new(
        bytes: Bytes,
        media_type: &'static str,
        modified_unix_s: u64,
        policy: CachePolicy,
        keys: &str,
    ) -> Self {
        let about = About {
            media_type: media_type.into(),
            policy,
            modified: Some(HttpDate(modified_unix_s)),
            text: media_type.contains("charset") || TEXT_TYPES.contains(&media_type),
            fields: delivery_fields(keys),
        };
        let hash = Digest::of(&[&bytes]).to_string();
        Self {
            resource: Resource::new(about, Content::Memory(bytes), &hash),
        }
    }

    /// The resource to answer from.
    pub const fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The bytes, without a coding.
    pub fn bytes(&self) -> Bytes {
        match self.resource.content() {
            Content::Memory(bytes) => bytes.clone(),
            Content::Opened { .. } => Bytes::new(),
        }
    }

    /// What a purge may name it by.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = self.resource.about().fields.get_str("surrogate-key");
        keys.unwrap_or_default().split(' ')
    }

    /// Bytes of memory it holds, for the cache's budget.
    pub fn weight(&self) -> u64 {
        self.resource.weight() as u64
    }
}

/// Fields of every delivered resource: open to every origin, named for purging at edges, and said
/// to come from the cache; a reply that was built for its request has the last two replaced.
pub(crate) fn delivery_fields(keys: &str) -> Fields {
    purge_keys(cors::open_to_all(Fields::new()), keys)
        .with("cache-status", "lamplight; hit")
        .with("server-timing", "cache;desc=hit")
}

/// What edges purge by: `surrogate-key` (Fastly, Varnish; up to 1,024 bytes a key and 16 KiB in
/// all), `cache-tag` (Cloudflare) and `edge-cache-tag` (Akamai, which knows no `/` in a tag: a
/// period, which no id has, stands for it), both of up to 128 characters a tag and 128 tags. A tag
/// that is too long is left out: two ids of the full length together are by one.
pub(crate) fn purge_keys(mut fields: Fields, keys: &str) -> Fields {
    if !keys.is_empty() {
        fields.push(b"surrogate-key", keys.as_bytes());
        let tags = keys
            .split(' ')
            .filter(|key| key.len() <= CACHE_TAG_BYTES_MAX);
        let tags: Vec<_> = tags.collect();
        let tags = tags.join(",");
        fields.push(b"cache-tag", tags.as_bytes());
        fields.push(b"edge-cache-tag", tags.replace('/', ".").as_bytes());
    }
    fields
}

/// The keys of something that a version names in its URL.
pub(crate) fn versioned(keys: &str, version: Digest) -> String {
    format!("{keys} {version}")
}

/// What Akamai takes of one tag; Cloudflare takes 1,024.
const CACHE_TAG_BYTES_MAX: usize = 128;
const TEXT_TYPES: &[&str] = &[
    "application/vnd.apple.mpegurl",
    "application/dash+xml",
    "application/json",
    "image/svg+xml",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn coding(bytes: &'static [u8], media_type: &'static str) -> Option<String> {
        let bytes = Bytes::from_static(bytes);
        let chunk = Chunk::new(bytes, media_type, 0, CachePolicy::Day, "c c/l");
        let fields = Fields::new().with("accept-encoding", "br");
        let reply = chunk.resource().reply(Method::Get, &fields).unwrap();
        let fields = reply.head.fields();
        assert_eq!(fields.get_str("cache-tag"), Some("c,c/l"));
        assert_eq!(fields.get_str("edge-cache-tag"), Some("c,c.l"));
        fields.get_str("content-encoding").map(str::to_owned)
    }

    #[test]
    fn tags_stay_within_what_edges_take() {
        let long = "a".repeat(64);
        let keys = format!("{long} {long}/{long}");
        let fields = purge_keys(Fields::new(), &versioned(&keys, Digest::of(&[b"x"])));
        let tags: Vec<_> = fields.get_str("cache-tag").unwrap().split(',').collect();
        assert!(tags.len() == 2 && tags.iter().all(|tag| tag.len() <= 128));
        let akamai: Vec<_> = fields
            .get_str("edge-cache-tag")
            .unwrap()
            .split(',')
            .collect();
        assert!(akamai == tags, "no `/` in what is left");
        let keys: Vec<_> = fields
            .get_str("surrogate-key")
            .unwrap()
            .split(' ')
            .collect();
        assert!(keys.len() == 3 && keys.iter().all(|key| key.len() <= 1024));
    }

    #[test]
    fn texts_are_compressed_video_and_tiny_texts_are_not() {
        let vtt = "text/vtt; charset=utf-8";
        assert_eq!(coding(&[b'a'; 500], vtt).as_deref(), Some("br"));
        assert_eq!(coding(&[0; 500], "video/mp4"), None);
        assert_eq!(coding(b"{}", "application/json"), None);
    }
}
