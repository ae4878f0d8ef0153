//! The scratch into which heads are decoded.

use crate::http::Fields;
use crate::http::Method;
use crate::http::Priority;
use crate::http::RequestHead;
use crate::http::Status;
use crate::http::Version;

/// The head of the message that was decoded last; keeps its memory for the next one.
#[derive(Debug)]
pub struct Message {
    method: Method,
    authority: String,
    target: String,
    status: Status,
    fields: Fields,
    priority: Priority,
    content_length: Option<u64>,
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl Message {
    /// An empty scratch, without an allocation.
    pub const fn new() -> Self {
        Self {
            method: Method::Other,
            authority: String::new(),
            target: String::new(),
            status: Status(0),
            fields: Fields::new(),
            priority: Priority {
                urgency: 3,
                incremental: false,
            },
            content_length: None,
        }
    }

    /// The request (server role). Several `cookie` lines have become one (RFC 9114, 4.2.1).
    /// For CONNECT, which has no target, the target is `*`.
    pub fn request(&self) -> RequestHead<'_> {
        RequestHead {
            version: Version::Http3,
            method: self.method,
            authority: &self.authority,
            target: &self.target,
            fields: &self.fields,
        }
    }

    /// The status (client role).
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The fields, without pseudo-header fields.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The priority: PRIORITY_UPDATE if one overtook the request, else the `priority` field, else
    /// the default (RFC 9218, 7).
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// `content-length`, if there is one.
    pub const fn content_length(&self) -> Option<u64> {
        self.content_length
    }
}
