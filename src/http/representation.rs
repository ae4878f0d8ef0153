//! One coding of a resource: its bytes, its tag, and the heads of its replies, each made once.

use crate::http::Asked;
use crate::http::Coding;
use crate::http::Content;
use crate::http::EntityTag;
use crate::http::Fields;
use crate::http::Head;
use crate::http::coding;
use crate::http::coding::Accepted;
use crate::http::coding::CODED_BYTES_MIN;
use crate::http::coding::Effort;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::OnceLock;

/// Bytes in one coding.
#[derive(Debug)]
pub(crate) struct Representation {
    pub(crate) content: Content,
    pub(crate) etag: EntityTag,
    pub(crate) coding: Coding,
    /// Of 200.
    pub(crate) full: OnceLock<Arc<Head>>,
    /// Of 206, without what each part says of itself.
    pub(crate) partial: OnceLock<Arc<Head>>,
    /// Of 304.
    pub(crate) not_modified: OnceLock<Arc<Head>>,
}

impl Representation {
    pub(crate) fn new(content: Content, hash: &str, coding: Coding) -> Self {
        Self {
            content,
            etag: EntityTag::new(hash, coding.name()),
            coding,
            full: OnceLock::new(),
            partial: OnceLock::new(),
            not_modified: OnceLock::new(),
        }
    }

    /// Bytes of memory, an estimate of its heads included.
    fn weight(&self) -> usize {
        self.content.held() + HEADS_BYTES
    }
}

/// About what three heads take, HTTP/3's encoding included, that not every resource will need.
const HEADS_BYTES: usize = 1024;

/// The codings of one text. What is made for everybody is made at once by the thread that builds
/// it; what a worker makes while a request waits is made when the first client asks for it.
#[derive(Debug)]
pub(crate) struct Variants {
    plain: Bytes,
    hash: Box<str>,
    effort: Effort,
    /// In the order of [`Coding::CODED`]; `None` inside where it saves too little.
    made: [OnceLock<Option<Representation>>; Coding::CODED.len()],
}

impl Variants {
    /// Those of `plain`; `None` where compression is not worth it.
    pub(crate) fn of(plain: &Bytes, hash: &str, effort: Effort) -> Option<Box<Self>> {
        if plain.len() < CODED_BYTES_MIN {
            return None;
        }
        let variants = Self {
            plain: plain.clone(),
            hash: hash.into(),
            effort,
            made: [const { OnceLock::new() }; Coding::CODED.len()],
        };
        if effort == Effort::Thorough {
            let made = Coding::CODED.map(|coding| variants.get(coding).is_some());
            if !made.contains(&true) {
                return None;
            }
        }
        Some(Box::new(variants))
    }

    /// What to send to who asks so; `None` for the plain bytes. `fields` are those that `asked` was
    /// made from.
    pub(crate) fn chosen(&self, asked: &Asked<'_>, fields: &Fields) -> Option<&Representation> {
        let accept = asked.accept_encoding?;
        if asked.accept_encoding_lines > 1 {
            let accepted = Accepted::of(fields.get_all("accept-encoding"));
            return accepted.in_order().find_map(|coding| self.get(coding));
        }
        // What browsers send, word by word; nearly everybody is answered here.
        if accept.starts_with(b"gzip, deflate, br")
            && !accept.contains(&b';')
            && let Some(coded) = self.get(Coding::Brotli)
        {
            return Some(coded);
        }
        let accepted = Accepted::of([accept]);
        accepted.in_order().find_map(|coding| self.get(coding))
    }

    /// Bytes of memory of those made so far.
    pub(crate) fn weight(&self) -> usize {
        let made = self.made.iter().filter_map(OnceLock::get).flatten();
        made.map(Representation::weight).sum()
    }

    fn get(&self, coding: Coding) -> Option<&Representation> {
        let at = Coding::CODED.iter().position(|c| *c == coding)?;
        let made = self.made.get(at)?.get_or_init(|| {
            let bytes = coding::coded(&self.plain, coding, self.effort)?;
            let content = Content::Memory(bytes);
            Some(Representation::new(content, &self.hash, coding))
        });
        made.as_ref()
    }
}

/// Bytes of memory of the plain bytes and all codings made so far.
pub(crate) fn weight(plain: &Representation, variants: Option<&Variants>) -> usize {
    plain.weight() + variants.map_or(0, Variants::weight)
}
