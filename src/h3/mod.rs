//! Floor 3: HTTP/3 (RFC 9114), QPACK (RFC 9204, static table and Huffman, dynamic capacity 0) and
//! the PRIORITY_UPDATE of RFC 9218, server and client role, as one pure state machine.
//!
//! # Driving it
//! 1. [`Connection::server`] or [`Connection::client`] once the transport is up. Open one
//!    unidirectional stream, write [`Connection::preamble`] to it and keep it open for ever.
//!    No QPACK streams are needed (RFC 9204, 4.2).
//! 2. Bytes of the peer's unidirectional streams: [`Connection::next_control`] until `None`;
//!    when one is reset, [`Connection::reset_control`].
//! 3. Bytes of a request stream: make a [`Stream`] ([`Stream::request`] on the server,
//!    [`Stream::response`] on the client) and call [`Connection::next`] until `None`. A request
//!    in one chunk needs no memory at all: the driver's `Stream` may live on its stack, and it is
//!    stored only if the head did not come with `end`. Dropping the `Stream` forgets the request.
//! 4. Replies: [`encode_reply`], content of unknown length behind [`encode_data_header`]; requests:
//!    [`encode_request`]. These append to the caller's buffer and need no connection.
//! 5. On `Err`: [`Fault::Connection`] closes the connection with its code, [`Fault::Stream`]
//!    resets and stops the one stream with its code; both are counted in [`Metrics`].
//!
//! # Invariants
//! - An idle connection is a few dozen bytes without heap; everything rare is boxed and dropped.
//! - Only field sections that are spread over chunks (at most `Config::header_max`) and
//!   small control frames are buffered; unknown frames are skipped, content is passed through.
//! - The same bytes give the same events however they are cut into chunks.

mod config;
mod connection;
mod control;
mod encode;
mod event;
mod fault;
mod field;
mod frame;
mod head;
mod message;
mod metrics;
pub mod qpack;
mod reject;
mod requests;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod varint;

pub use config::Config;
pub use connection::Connection;
pub use encode::Line;
pub use encode::encode_data_header;
pub use encode::encode_priority_update;
pub use encode::encode_reply;
pub use encode::encode_request;
pub use encode::section_bytes;
pub use event::Control;
pub use event::Event;
pub use event::Input;
pub use fault::Code;
pub use fault::Fault;
pub use message::Message;
pub use metrics::Metrics;
pub use stream::Stream;
