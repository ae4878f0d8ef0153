//! A resource with everything prepared: bytes in each coding, tags, and the heads of its replies.

use crate::http::Asked;
use crate::http::Body;
use crate::http::ByteRange;
use crate::http::CachePolicy;
use crate::http::Coding;
use crate::http::Content;
use crate::http::EntityTag;
use crate::http::Fields;
use crate::http::Head;
use crate::http::HttpDate;
use crate::http::Method;
use crate::http::Reply;
use crate::http::Status;
use crate::http::coding::Effort;
use crate::http::conditional::Validators;
use crate::http::conditional::Verdict;
use crate::http::multipart::multipart;
use crate::http::range;
use crate::http::range::Parts;
use crate::http::range::Selection;
use crate::http::representation;
use crate::http::representation::Representation;
use crate::http::representation::Variants;
use std::borrow::Cow;
use std::sync::Arc;

/// What all representations of a resource share.
#[derive(Debug, Clone)]
pub struct About {
    /// `content-type`.
    pub media_type: Cow<'static, str>,
    /// How long it may be kept.
    pub policy: CachePolicy,
    /// When it last changed.
    pub modified: Option<HttpDate>,
    /// Whether to keep it in brotli, zstd and gzip too (text).
    pub text: bool,
    /// Fields of every reply, 304 included: CORS, security, cache keys, `cache-status`.
    pub fields: Fields,
}

/// A resource, immutable; shared as `Arc<Resource>` by caches and workers. Answering from it does
/// not allocate when the whole of it or a 304 is sent.
#[derive(Debug)]
pub struct Resource {
    about: About,
    plain: Representation,
    variants: Option<Box<Variants>>,
}

/// Why a resource does not answer with content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declined {
    /// 412.
    PreconditionFailed,
    /// 416; the representation has so many bytes.
    RangeNotSatisfiable(u64),
}

impl Resource {
    /// Prepares a resource; `hash` are hexadecimal digits that change with every change of the
    /// bytes. Compresses text thoroughly, so this is for the thread that builds, not the one that
    /// answers.
    pub fn new(about: About, content: Content, hash: &str) -> Self {
        Self::with(about, content, hash, Effort::Thorough)
    }

    /// The same on a worker's loop, while a request waits: each coding is made, less thoroughly,
    /// when it is asked for.
    pub fn quickly(about: About, content: Content, hash: &str) -> Self {
        Self::with(about, content, hash, Effort::Quick)
    }

    fn with(about: About, content: Content, hash: &str, effort: Effort) -> Self {
        let variants = match &content {
            Content::Memory(bytes) if about.text => Variants::of(bytes, hash, effort),
            Content::Memory(_) | Content::Opened { .. } => None,
        };
        Self {
            about,
            plain: Representation::new(content, hash, Coding::Identity),
            variants,
        }
    }

    /// What its representations share.
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// The plain bytes.
    pub const fn content(&self) -> &Content {
        &self.plain.content
    }

    /// The tag of the plain bytes.
    pub const fn etag(&self) -> &EntityTag {
        &self.plain.etag
    }

    /// Bytes that it holds in memory, codings and an estimate of its heads included.
    pub fn weight(&self) -> usize {
        representation::weight(&self.plain, self.variants.as_deref())
    }

    /// Answers GET or HEAD: coding, preconditions, range (RFC 9110, 13.2.2).
    pub fn reply(&self, method: Method, fields: &Fields) -> Result<Reply, Declined> {
        let asked = Asked::of(fields);
        let variants = self.variants.as_ref();
        let coded = variants.and_then(|variants| variants.chosen(&asked, fields));
        let chosen = coded.unwrap_or(&self.plain);
        let have = Validators {
            etag: &chosen.etag,
            modified: self.about.modified,
        };
        match asked.verdict(fields, &have) {
            Verdict::Proceed => {}
            Verdict::NotModified => {
                let head = chosen
                    .not_modified
                    .get_or_init(|| self.not_modified(chosen));
                return Ok(Reply::new(Arc::clone(head), Body::Empty));
            }
            Verdict::Failed => return Err(Declined::PreconditionFailed),
        }
        // Range is defined for GET only (RFC 9110, 14.2).
        if method == Method::Get
            && let Some(value) = asked.effective_range(&have)
        {
            match range::select(value, chosen.content.len()) {
                Selection::Whole => {}
                Selection::Part(range) => return Ok(self.part(chosen, range)),
                Selection::Parts(parts) => return Ok(self.parts(chosen, &parts)),
                Selection::Unsatisfiable => {
                    return Err(Declined::RangeNotSatisfiable(chosen.content.len()));
                }
            }
        }
        let head = chosen.full.get_or_init(|| self.full(chosen));
        let body = if method == Method::Head {
            Body::Empty
        } else {
            chosen.content.body(None)
        };
        Ok(Reply::new(Arc::clone(head), body))
    }

    fn part(&self, chosen: &Representation, range: ByteRange) -> Reply {
        let head = chosen.partial.get_or_init(|| self.partial(chosen));
        let extra = Fields::new()
            .with("content-range", range.content_range(chosen.content.len()))
            .with("content-length", range.len().to_string());
        Reply {
            head: Arc::clone(head),
            extra,
            body: chosen.content.body(Some(range)),
        }
    }

    fn parts(&self, chosen: &Representation, parts: &Parts) -> Reply {
        let media_type = &self.about.media_type;
        let made = multipart(&chosen.content, parts, media_type, &chosen.etag);
        let fields = Fields::new()
            .with("content-type", made.media_type)
            .with("content-length", made.len.to_string());
        Reply {
            head: self.partial(chosen).replacing(&fields),
            extra: Fields::new(),
            body: made.body,
        }
    }

    fn full(&self, chosen: &Representation) -> Arc<Head> {
        let length = chosen.content.len().to_string();
        let fields = self.described(chosen);
        Head::new(Status(200), fields.with("content-length", length))
    }

    /// Without `content-length` and `content-range`, which each reply adds.
    fn partial(&self, chosen: &Representation) -> Arc<Head> {
        Head::new(Status(206), self.described(chosen))
    }

    /// Only what may have changed in a cache's copy (RFC 9110, 15.4.5).
    fn not_modified(&self, chosen: &Representation) -> Arc<Head> {
        let mut fields = Fields::new();
        self.validate(chosen, &mut fields);
        Head::new(Status(304), fields)
    }

    fn described(&self, chosen: &Representation) -> Fields {
        let mut fields = Fields::new();
        fields.push(b"content-type", self.about.media_type.as_bytes());
        if let Some(name) = chosen.coding.name() {
            fields.push(b"content-encoding", name.as_bytes());
        }
        fields.push(b"accept-ranges", b"bytes");
        if let Some(modified) = self.about.modified {
            fields.push(b"last-modified", &modified.format());
        }
        self.validate(chosen, &mut fields);
        fields
    }

    fn validate(&self, chosen: &Representation, fields: &mut Fields) {
        let policy = self.about.policy;
        fields.push(b"cache-control", policy.cache_control().as_bytes());
        if let Some(value) = policy.cdn_cache_control() {
            fields.push(b"cdn-cache-control", value.as_bytes());
        }
        fields.push(b"etag", chosen.etag.as_bytes());
        if self.variants.is_some() {
            fields.push(b"vary", b"accept-encoding");
        }
        for (name, value) in self.about.fields.iter() {
            fields.push(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Opener;
    use crate::http::Source;
    use bytes::Bytes;

    fn text() -> Resource {
        let about = About {
            media_type: "application/vnd.apple.mpegurl".into(),
            policy: CachePolicy::Manifest,
            modified: Some(HttpDate(784_111_777)),
            text: true,
            fields: Fields::new().with("timing-allow-origin", "*"),
        };
        let bytes = Bytes::from("#EXTINF:4.000,\n1.m4s\n".repeat(50));
        Resource::new(about, Content::Memory(bytes), "3f9a")
    }

    fn get(resource: &Resource, fields: &Fields) -> Reply {
        resource.reply(Method::Get, fields).unwrap()
    }

    fn field<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
        let own = reply.extra.get_str(name);
        own.or_else(|| reply.head.fields().get_str(name))
    }

    fn bytes(reply: &Reply) -> Vec<u8> {
        match &reply.body {
            Body::Slices(slices) => slices.concat(),
            Body::Empty => Vec::new(),
            Body::Pull(_) => panic!("not in memory"),
        }
    }

    #[test]
    fn head_says_what_get_would_send_and_sends_nothing() {
        let resource = text();
        let reply = get(&resource, &Fields::new());
        let head = resource.reply(Method::Head, &Fields::new()).unwrap();
        assert!(Arc::ptr_eq(&reply.head, &head.head) && head.body.is_empty());
        assert_eq!(field(&reply, "content-length"), Some("1050"));
        assert_eq!(field(&reply, "etag"), Some("\"3f9a\""));
        assert_eq!(
            field(&reply, "last-modified"),
            Some("Sun, 06 Nov 1994 08:49:37 GMT")
        );
        assert_eq!(field(&reply, "vary"), Some("accept-encoding"));
    }

    #[test]
    fn a_coded_reply_never_carries_the_tag_of_the_plain_one() {
        let resource = text();
        let brotli = Fields::new().with("accept-encoding", "br");
        let reply = get(&resource, &brotli);
        assert_eq!(field(&reply, "content-encoding"), Some("br"));
        assert_eq!(field(&reply, "etag"), Some("\"3f9a-br\""));
        let length = bytes(&reply).len().to_string();
        assert_eq!(field(&reply, "content-length"), Some(length.as_str()));
        let revalidated = get(
            &resource,
            &brotli.clone().with("if-none-match", "\"3f9a-br\""),
        );
        assert_eq!(revalidated.status(), Status(304));
        assert_eq!(field(&revalidated, "vary"), Some("accept-encoding"));
        assert_eq!(field(&revalidated, "content-length"), None);
        let other = get(&resource, &brotli.with("if-none-match", "\"3f9a\""));
        assert_eq!(other.status(), Status(200));
    }

    #[test]
    fn every_coding_has_its_own_tag_and_counts_in_the_weight() {
        let resource = text();
        let mut tags = vec![resource.etag().as_bytes().to_vec()];
        for (accept, name) in [("br", "br"), ("zstd", "zstd"), ("gzip, deflate", "gzip")] {
            let reply = get(&resource, &Fields::new().with("accept-encoding", accept));
            assert_eq!(field(&reply, "content-encoding"), Some(name));
            assert_eq!(field(&reply, "vary"), Some("accept-encoding"));
            tags.push(reply.head.fields().get("etag").unwrap().to_vec());
            // A coding made for a request that waits is there when it is asked for.
            let about = resource.about().clone();
            let quick = Resource::quickly(about, resource.content().clone(), "3f9a");
            let before = quick.weight();
            let reply = get(&quick, &Fields::new().with("accept-encoding", accept));
            assert_eq!(field(&reply, "content-encoding"), Some(name));
            assert!(quick.weight() > before + bytes(&reply).len());
            assert!(quick.weight() < resource.weight());
        }
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 4);
    }

    #[test]
    fn a_list_of_codings_over_two_lines_is_one_list() {
        let fields = Fields::new().with("accept-encoding", "br;q=0.1");
        let reply = get(&text(), &fields.with("accept-encoding", "gzip"));
        assert_eq!(field(&reply, "content-encoding"), Some("gzip"));
    }

    #[test]
    fn video_is_never_coded_and_never_varies() {
        let about = About {
            text: false,
            ..text().about
        };
        let resource = Resource::new(about, text().content().clone(), "3f9a");
        let reply = get(
            &resource,
            &Fields::new().with("accept-encoding", "br, gzip"),
        );
        assert_eq!(field(&reply, "content-encoding"), None);
        assert_eq!(field(&reply, "vary"), None);
    }

    #[test]
    fn several_ranges_are_several_parts_under_the_same_tag() {
        let resource = text();
        let fields = Fields::new().with("range", "bytes=0-1,700-701");
        let reply = get(&resource, &fields);
        assert_eq!(reply.status(), Status(206));
        let kind = field(&reply, "content-type");
        assert_eq!(kind, Some("multipart/byteranges; boundary=part-3f9a"));
        assert_eq!(field(&reply, "content-range"), None);
        assert_eq!(field(&reply, "etag"), Some("\"3f9a\""));
        let body = String::from_utf8(bytes(&reply)).unwrap();
        let length = body.len().to_string();
        assert_eq!(field(&reply, "content-length"), Some(length.as_str()));
        assert!(
            body.contains("content-range: bytes 700-701/1050\r\n"),
            "{body}"
        );
        assert_eq!(body.matches("--part-3f9a").count(), 3);
        let stale = fields.with("if-range", "\"other\"");
        assert_eq!(get(&resource, &stale).status(), Status(200));
    }

    #[test]
    fn a_range_is_cut_exactly_and_only_for_get() {
        let resource = text();
        let fields = Fields::new().with("range", "bytes=1-3");
        let reply = get(&resource, &fields);
        assert_eq!(
            (reply.status(), bytes(&reply)),
            (Status(206), b"EXT".to_vec())
        );
        assert_eq!(field(&reply, "content-range"), Some("bytes 1-3/1050"));
        assert_eq!(field(&reply, "content-length"), Some("3"));
        let head = resource.reply(Method::Head, &fields).unwrap();
        assert_eq!(head.status(), Status(200));
        let beyond = resource.reply(Method::Get, &Fields::new().with("range", "bytes=1050-"));
        assert_eq!(beyond.unwrap_err(), Declined::RangeNotSatisfiable(1050));
        let stale = fields.with("if-range", "\"other\"");
        assert_eq!(get(&resource, &stale).status(), Status(200));
    }

    #[test]
    fn the_head_is_prepared_once() {
        let resource = text();
        let first = get(&resource, &Fields::new());
        assert!(Arc::ptr_eq(
            &first.head,
            &get(&resource, &Fields::new()).head
        ));
        let failed = resource.reply(Method::Get, &Fields::new().with("if-match", "\"x\""));
        assert_eq!(failed.unwrap_err(), Declined::PreconditionFailed);
    }

    #[test]
    fn what_is_too_large_to_hold_is_read_by_parts() {
        struct Opened;
        struct Part(ByteRange);
        impl Opener for Opened {
            fn open(&self, range: ByteRange) -> Box<dyn Source> {
                Box::new(Part(range))
            }
        }
        impl Source for Part {
            fn poll_chunk(
                &mut self,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<Bytes, crate::http::SourceError>>> {
                let text = format!("{}..{}", self.0.first(), self.0.end());
                std::task::Poll::Ready(Some(Ok(Bytes::from(text))))
            }
        }
        let about = About {
            text: true,
            ..text().about
        };
        let content = Content::Opened {
            len: 1 << 40,
            opener: Arc::new(Opened),
        };
        let resource = Resource::new(about, content, "1");
        let reply = get(&resource, &Fields::new().with("range", "bytes=-5"));
        let Body::Pull(mut source) = reply.body else {
            panic!("held")
        };
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(Some(Ok(chunk))) = source.poll_chunk(&mut cx) else {
            panic!("no chunk")
        };
        assert_eq!(chunk, "1099511627771..1099511627776");
        assert_eq!(
            resource
                .reply(Method::Head, &Fields::new())
                .unwrap()
                .body
                .len(),
            Some(0)
        );
    }
}
