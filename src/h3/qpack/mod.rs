//! QPACK (RFC 9204) without a dynamic table: capacity 0 is announced to the peer and never used
//! towards it, so a field section means the same on every connection and can be prepared once a
//! resource. Pure functions over bytes.

mod code;
mod decode;
mod encode;
mod huffman;
mod integer;
mod table;

pub use decode::Line;
pub use decode::Scratch;
pub use decode::decode;
pub use encode::PREFIX;
pub use encode::encode_line;
pub(crate) use table::TABLE;

/// A field section that cannot be decoded: QPACK_DECOMPRESSION_FAILED (RFC 9204, 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub &'static str);
