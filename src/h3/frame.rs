//! Frame headers (RFC 9114, 7.1) and the types that mean something here.

use crate::h3::Code;
use crate::h3::Fault;
use crate::h3::varint;

/// Content of a message.
pub(crate) const DATA: u64 = 0x00;
/// A field section.
pub(crate) const HEADERS: u64 = 0x01;
/// A client's wish not to get a push.
pub(crate) const CANCEL_PUSH: u64 = 0x03;
/// First frame of each control stream.
pub(crate) const SETTINGS: u64 = 0x04;
/// The promise of a push, on a request stream.
pub(crate) const PUSH_PROMISE: u64 = 0x05;
/// The end is near.
pub(crate) const GOAWAY: u64 = 0x07;
/// How many pushes a client takes.
pub(crate) const MAX_PUSH_ID: u64 = 0x0d;
/// A new priority for a request (RFC 9218, 7.2).
pub(crate) const PRIORITY_UPDATE: u64 = 0xf_0700;
/// A new priority for a push.
pub(crate) const PRIORITY_UPDATE_PUSH: u64 = 0xf_0701;

/// Bytes of the longest frame header.
pub(crate) const HEADER_LEN_MAX: usize = 16;

/// Type, payload length and header length of the frame at the start of `bytes`, if whole.
#[inline]
pub(crate) fn read_header(bytes: &[u8]) -> Option<(u64, u64, usize)> {
    let (kind, kind_len) = varint::read(bytes)?;
    let (len, len_len) = varint::read(bytes.get(kind_len..)?)?;
    Some((kind, len, kind_len + len_len))
}

/// Appends a frame header.
#[inline]
pub(crate) fn write_header(kind: u64, len: u64, out: &mut Vec<u8>) {
    varint::write(kind, out);
    varint::write(len, out);
}

/// Frame types of HTTP/2 that HTTP/3 has no use for are errors wherever they come
/// (RFC 9114, 7.2.8).
pub(crate) const fn is_of_http2(kind: u64) -> bool {
    matches!(kind, 0x02 | 0x06 | 0x08 | 0x09)
}

/// The `n`th number that is reserved so that peers must ignore it, as a frame type, a setting or
/// a stream type (RFC 9114, 6.2.3, 7.2.4.1, 7.2.8).
pub(crate) const fn reserved(n: u16) -> u64 {
    0x1f * n as u64 + 0x21
}

/// A payload that must be one integer and nothing else (RFC 9114, 7.1).
pub(crate) fn read_only_integer(payload: &[u8]) -> Result<u64, Fault> {
    match varint::read(payload) {
        Some((value, len)) if len == payload.len() => Ok(value),
        _ => Err(Fault::connection(
            Code::FrameError,
            "a frame that holds one identifier is too short or too long",
        )),
    }
}

/// The error for a frame that has no place here.
pub(crate) const fn unexpected<T>(reason: &'static str) -> Result<T, Fault> {
    Err(Fault::connection(Code::FrameUnexpected, reason))
}
