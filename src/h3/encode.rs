//! What an endpoint sends on request streams; appends to the caller's buffer.

use crate::http::Fields;
use crate::http::Priority;
use crate::http::Reply;
use bytes::Bytes;

/// A field line encoded once and sent many times, e.g. the `date` of this second. The static
/// table alone makes it the same on every connection.
#[derive(Debug, Clone)]
pub struct Line(Bytes);

impl Line {
    /// Encodes `name` (lowercase) and `value`.
    pub fn new(name: &str, value: &str) -> Self {
        let _ = (name, value);
        Self(Bytes::new())
    }
}

/// Appends the HEADERS frame of `reply` with `date` as its last line and, if the body's length is
/// known and not 0, the header of the DATA frame whose payload the driver sends next (the body's
/// slices, uncopied). The prepared head is encoded once a resource, not once a reply.
pub fn encode_reply(reply: &Reply, date: &Line, out: &mut Vec<u8>) {
    let _ = (reply, &date.0, out);
}

/// Appends the HEADERS frame of a request; `method` is a token, `target` in origin form. The scheme
/// is `https`.
pub fn encode_request(
    method: &str,
    authority: &str,
    target: &str,
    fields: &Fields,
    out: &mut Vec<u8>,
) {
    let _ = (method, authority, target, fields, out);
}

/// Appends the header of a DATA frame of `len` bytes; the payload follows it.
pub fn encode_data_header(len: u64, out: &mut Vec<u8>) {
    let _ = (len, out);
}

/// Appends a PRIORITY_UPDATE for the request on `stream`; a client sends it on its control stream.
pub fn encode_priority_update(stream: u64, priority: Priority, out: &mut Vec<u8>) {
    let _ = (stream, priority, out);
}
