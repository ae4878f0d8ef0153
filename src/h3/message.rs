//! The scratch into which heads are decoded.

use crate::h3::head::Head;
use crate::h3::head::Section;
use crate::h3::qpack;
use crate::h3::qpack::Scratch;
use crate::h3::reject::Reject;
use crate::http::Fields;
use crate::http::Priority;
use crate::http::RequestHead;
use crate::http::Status;
use crate::http::Version;

/// The head of the message that was decoded last; keeps its memory for the next one.
///
/// One scratch serves all streams of a worker. A driver that needs a head after the next call of
/// [`Connection::next`](crate::h3::Connection::next), because the content is still to come, takes
/// the whole scratch with `mem::take` and keeps it with the stream.
#[derive(Debug, Default)]
pub struct Message {
    head: Head,
    scratch: Scratch,
}

impl Message {
    /// An empty scratch, without an allocation.
    pub fn new() -> Self {
        Self::default()
    }

    /// The request (server role). Several `cookie` lines have become one (RFC 9114, 4.2.1).
    /// For CONNECT, which has no target, the target is `*`.
    pub fn request(&self) -> RequestHead<'_> {
        RequestHead {
            version: Version::Http3,
            method: self.head.method,
            authority: &self.head.authority,
            target: &self.head.target,
            fields: &self.head.fields,
        }
    }

    /// The status (client role).
    pub const fn status(&self) -> Status {
        self.head.status
    }

    /// The fields, without pseudo-header fields.
    pub const fn fields(&self) -> &Fields {
        &self.head.fields
    }

    /// The priority: PRIORITY_UPDATE if one overtook the request, else the `priority` field, else
    /// the default (RFC 9218, 7).
    pub const fn priority(&self) -> Priority {
        self.head.priority
    }

    /// `content-length`, if there is one.
    pub const fn content_length(&self) -> Option<u64> {
        self.head.content_length
    }

    /// Bytes of the field section, counted as RFC 9114, 4.2.2 does.
    pub const fn header_bytes(&self) -> usize {
        self.head.bytes
    }

    pub(crate) const fn set_priority(&mut self, priority: Priority) {
        self.head.priority = priority;
    }

    /// Decodes an encoded field section of at most `bytes_max` bytes (RFC 9114, 4.2.2) and checks
    /// everything that can be checked without the content.
    pub(crate) fn decode(
        &mut self,
        encoded: &[u8],
        section: Section,
        bytes_max: usize,
    ) -> Result<(), Reject> {
        let head = &mut self.head;
        head.clear(section, bytes_max);
        qpack::decode(encoded, &mut self.scratch, |line| head.accept(&line))?;
        head.finish()
    }
}
