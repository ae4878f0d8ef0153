//! What goes into the state machine and what comes out of it.

use crate::http::Priority;
use bytes::Bytes;

/// Bytes of one stream, as far as they have arrived in order, on their way into the machine.
///
/// The machine takes what it can use off the front; after it returned `None` nothing is left.
#[derive(Debug, Default, Clone)]
pub struct Input {
    /// What has not been taken yet.
    pub bytes: Bytes,
    /// Whether the stream ends after `bytes`.
    pub fin: bool,
}

impl Input {
    /// A chunk that is (or is not) the last of its stream.
    pub const fn new(bytes: Bytes, fin: bool) -> Self {
        Self { bytes, fin }
    }
}

/// What a request stream has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The head is in the `Message`. With `end` the message is complete: no further event comes,
    /// and a server need not keep the [`Stream`](crate::h3::Stream).
    Head {
        /// Whether the stream ended with it.
        end: bool,
    },
    /// Client only: an interim (1xx) reply is in the `Message`; the final head is still to come.
    Interim,
    /// Content, never empty, a slice of the input.
    Data(Bytes),
    /// The message is complete; trailers were checked and dropped.
    End,
    /// The field section is larger than announced. A server answers 431; whatever else comes on
    /// the stream is skipped, so no further event comes.
    TooLarge,
}

/// What a unidirectional stream of the peer has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// SETTINGS arrived and hold from now on.
    Settings,
    /// The peer shuts down. On a client: requests with this stream id and above were not
    /// processed and may be repeated elsewhere (RFC 9114, 5.2).
    GoAway {
        /// First request stream (from a server) or push (from a client) that is not processed.
        id: u64,
    },
    /// PRIORITY_UPDATE for a request whose head was already delivered (RFC 9218, 7.1). One that
    /// overtakes its request is remembered and appears in `Message::priority`.
    Priority {
        /// The request stream.
        stream: u64,
        /// Its priority from now on.
        priority: Priority,
    },
    /// A stream of no known type (RFC 9114, 6.2.3): send STOP_SENDING with
    /// `Code::StreamCreationError` and pass on nothing more of it.
    Unwanted,
}
