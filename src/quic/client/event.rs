//! What a client engine is asked for and what it reports.

use crate::http::Fields;
use crate::http::Status;
use bytes::Bytes;
use quinn_proto::ConnectionError;

/// A connection of one engine; never reused, so that late news cannot be mistaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId {
    pub(super) slot: u32,
    pub(super) serial: u32,
}

impl ConnId {
    /// The slot of the engine's table, dense and reused: an index for the caller's own table.
    pub const fn slot(self) -> usize {
        self.slot as usize
    }
}

/// A request stream, by its id on the wire.
pub type StreamId = u64;

/// A request to send.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Method token, e.g. `GET`.
    pub method: &'a str,
    /// `:authority`.
    pub authority: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Further fields, names lowercase.
    pub fields: &'a Fields,
    /// Content; empty for none.
    pub body: Bytes,
}

/// How a handshake went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake {
    /// Whether a session was resumed.
    pub resumed: bool,
    /// Key exchange used, e.g. `X25519MLKEM768`.
    pub exchange: Option<rustls::NamedGroup>,
    /// Whether the server took our early data; false if none was offered.
    pub early_accepted: bool,
}

/// News of one connection or request.
#[derive(Debug, Clone)]
pub enum Event {
    /// The handshake is complete.
    Connected {
        /// The connection.
        conn: ConnId,
        /// How.
        handshake: Handshake,
    },
    /// More requests may be opened on a connection whose stream limit was met.
    StreamsAvailable {
        /// The connection.
        conn: ConnId,
    },
    /// The final head of a reply.
    Head {
        /// The connection.
        conn: ConnId,
        /// The request.
        stream: StreamId,
        /// Its status.
        status: Status,
        /// Announced length of the content.
        content_length: Option<u64>,
        /// Its fields, if the request asked for them with [`super::Client::keep_fields`].
        fields: Option<Box<Fields>>,
    },
    /// Content of a reply.
    Body {
        /// The connection.
        conn: ConnId,
        /// The request.
        stream: StreamId,
        /// The next bytes.
        bytes: Bytes,
    },
    /// The reply is complete.
    Done {
        /// The connection.
        conn: ConnId,
        /// The request.
        stream: StreamId,
    },
    /// The request failed; the connection lives.
    Failed {
        /// The connection.
        conn: ConnId,
        /// The request.
        stream: StreamId,
        /// HTTP/3 error code, ours or the server's.
        code: u64,
    },
    /// The server goes away: requests from `first_refused` on were not processed.
    GoAway {
        /// The connection.
        conn: ConnId,
        /// First request stream that is not processed.
        first_refused: u64,
    },
    /// The connection ended, and with it every request on it that was not reported done.
    Closed {
        /// The connection.
        conn: ConnId,
        /// Why; [`ConnectionError::Reset`] is a stateless reset: the server lost its state.
        reason: ConnectionError,
    },
}

/// Why something could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The connection is not there any more.
    #[error("the connection has ended")]
    Gone,
    /// The server's stream limit is met; wait for [`Event::StreamsAvailable`] or a reply.
    #[error("the server allows no further request on this connection now")]
    StreamsExhausted,
    /// No socket reaches the server's address family.
    #[error("no socket is bound for the address family of {0}")]
    NoSocket(std::net::SocketAddr),
    /// The name or address is not usable.
    #[error("cannot connect: {0}")]
    Connect(#[from] quinn_proto::ConnectError),
}
