//! What an endpoint sends on request streams; appends to the caller's buffer.

use crate::h3::frame;
use crate::h3::qpack;
use crate::h3::varint;
use crate::http::Body;
use crate::http::Fields;
use crate::http::Priority;
use crate::http::Reply;
use crate::http::Status;
use bytes::Bytes;

/// A field line encoded once and sent many times, e.g. the `date` of this second. The static
/// table alone makes it the same on every connection.
#[derive(Debug, Clone)]
pub struct Line(Bytes);

impl Line {
    /// Encodes `name` (lowercase) and `value`.
    pub fn new(name: &str, value: &str) -> Self {
        let mut out = Vec::with_capacity(name.len() + value.len() + 8);
        qpack::encode_line(name.as_bytes(), value.as_bytes(), &mut out);
        Self(out.into())
    }
}

/// Appends the HEADERS frame of `reply` with `date` as its last line and, if the body's length is
/// known and not 0, the header of the DATA frame whose payload the driver sends next (the body's
/// slices, uncopied). The prepared head is encoded once a resource, not once a reply.
pub fn encode_reply(reply: &Reply, date: &Line, out: &mut Vec<u8>) {
    let head = reply.head.encoded(encode_head);
    let at = begin_headers(out);
    out.extend_from_slice(head);
    encode_fields(&reply.extra, out);
    out.extend_from_slice(&date.0);
    finish_headers(at, out);
    if let Body::Slices(_) = reply.body
        && let Some(len) = reply.body.len().filter(|len| *len > 0)
    {
        encode_data_header(len, out);
    }
}

/// What the field section of `reply` counts as, `date` included (RFC 9114, 4.2.2: names, values
/// and 32 bytes a field).
pub fn section_bytes(reply: &Reply) -> u64 {
    const LINE_BYTES: usize = 32;
    const STATUS_AND_DATE_BYTES: usize = 10 + LINE_BYTES + 33 + LINE_BYTES;
    let of = |fields: &Fields| -> usize {
        let lines = fields
            .iter()
            .map(|(name, value)| name.len() + value.len() + LINE_BYTES);
        lines.sum()
    };
    (of(reply.head.fields()) + of(&reply.extra) + STATUS_AND_DATE_BYTES) as u64
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
    let at = begin_headers(out);
    out.extend_from_slice(&qpack::PREFIX);
    for (name, value) in [
        (":method", method),
        (":scheme", "https"),
        (":authority", authority),
        (":path", target),
    ] {
        qpack::encode_line(name.as_bytes(), value.as_bytes(), out);
    }
    encode_fields(fields, out);
    finish_headers(at, out);
}

/// Appends the header of a DATA frame of `len` bytes; the payload follows it.
#[inline]
pub fn encode_data_header(len: u64, out: &mut Vec<u8>) {
    frame::write_header(frame::DATA, len, out);
}

/// Appends a PRIORITY_UPDATE for the request on `stream`; a client sends it on its control stream.
pub fn encode_priority_update(stream: u64, priority: Priority, out: &mut Vec<u8>) {
    let mut payload = Vec::with_capacity(16);
    varint::write(stream, &mut payload);
    priority.encode(&mut payload);
    frame::write_header(frame::PRIORITY_UPDATE, payload.len() as u64, out);
    out.extend_from_slice(&payload);
}

/// The part of a reply's field section that [`crate::http::Head`] keeps.
fn encode_head(status: Status, fields: &Fields) -> Bytes {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&qpack::PREFIX);
    qpack::encode_line(b":status", status.0.to_string().as_bytes(), &mut out);
    encode_fields(fields, &mut out);
    out.shrink_to_fit();
    out.into()
}

fn encode_fields(fields: &Fields, out: &mut Vec<u8>) {
    for (name, value) in fields.iter() {
        qpack::encode_line(name, value, out);
    }
}

/// Begins a HEADERS frame with two bytes of room for its length; returns where that is.
fn begin_headers(out: &mut Vec<u8>) -> usize {
    varint::write(frame::HEADERS, out);
    out.extend_from_slice(&[0, 0]);
    out.len() - 2
}

/// Writes the length of the frame whose length lies at `at` and which ends here.
fn finish_headers(at: usize, out: &mut Vec<u8>) {
    let len = out.len() - at - 2;
    if let (Ok(short @ 0..0x4000), Some(place)) = (u16::try_from(len), out.get_mut(at..at + 2)) {
        place.copy_from_slice(&(short | 0x4000).to_be_bytes());
        return;
    }
    let mut long = Vec::with_capacity(8);
    varint::write(len as u64, &mut long);
    out.splice(at..at + 2, long);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Head;

    fn payload(wire: &[u8]) -> (&[u8], &[u8]) {
        let (kind, len, header) = frame::read_header(wire).unwrap();
        assert_eq!(kind, frame::HEADERS);
        wire[header..].split_at(usize::try_from(len).unwrap())
    }

    #[test]
    fn a_reply_is_its_prepared_head_its_own_fields_the_date_and_a_data_header() {
        let head = Head::new(Status(200), Fields::new().with("content-length", "5"));
        let mut reply = Reply::new(head, Body::slice(Bytes::from_static(b"hello")));
        reply.extra.push(b"x-request-id", b"{1}");
        let date = Line::new("date", "{}");
        let mut wire = Vec::new();
        encode_reply(&reply, &date, &mut wire);
        let (section, rest) = payload(&wire);
        let expected = b"\0\0\xd9\x54\x015\x2f\x02\xf2\xb4\xf6\x0d";
        assert_eq!(section[..6], expected[..6]);
        assert!(section.ends_with(b"\x03{1}\x56\x02{}"), "{section:?}");
        assert_eq!(rest, [0, 5]);
        reply.body = Body::Empty;
        wire.clear();
        encode_reply(&reply, &date, &mut wire);
        assert_eq!(payload(&wire).1, b"", "no DATA frame without content");
    }

    #[test]
    fn a_section_of_any_size_has_its_true_length_before_it() {
        for size in [0, 60, 16_000, 16_383, 16_384, 60_000] {
            let fields = Fields::new().with("x", "{".repeat(size));
            let mut wire = vec![7; 3];
            encode_request("GET", "a", "/", &fields, &mut wire);
            let (section, rest) = payload(&wire[3..]);
            assert!(section.len() >= size && rest.is_empty(), "{size}");
        }
    }
}
