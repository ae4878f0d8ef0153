//! The contract between drivers and the service.

use crate::http::Reply;
use crate::http::Request;
use crate::http::RequestHead;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// The application, one value a worker. Drivers are generic over it and never name it.
pub trait Service: 'static {
    /// Bytes of content accepted for this head; the driver answers 413 through
    /// [`Service::refuse`] beyond it and calls only once the content is whole.
    fn body_limit(&self, head: &RequestHead<'_>) -> usize;

    /// Answers one request.
    fn call(&self, request: &Request<'_>) -> Answer;

    /// The reply to a request that the driver itself refuses.
    fn refuse(&self, refusal: Refusal) -> Reply;
}

/// A reply now, or a future of one that runs on the worker owning the connection. Dropping the
/// future (stream reset, connection lost) cancels the request.
pub enum Answer {
    /// Written in the same turn of the loop.
    Now(Reply),
    /// Exists only while the request is in flight.
    Later(Pin<Box<dyn Future<Output = Reply>>>),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(reply) => f.debug_tuple("Now").field(reply).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// Why a driver refuses a request that the protocol lets live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The content is larger than the route takes: 413.
    BodyTooLarge,
    /// The field section is larger than we announced: 431.
    FieldsTooLarge,
    /// The content did not arrive in time: 408.
    Timeout,
    /// Not a well-formed request for this server: 400.
    Malformed,
    /// An unsafe method in early data: 425 (RFC 8470, 5.2).
    TooEarly,
    /// No room for another request now: 503.
    Overloaded,
}
