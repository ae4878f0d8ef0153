//! Floor 1: what HTTP says, once for every version (RFC 9110, 9111, 9218, 9457), and the contract
//! between the drivers (`quic`, `tcp`) and the service.
//!
//! - [`Request`] borrows from the driver, [`Reply`] is owned and cheap: a prepared [`Head`] shared
//!   by every reply of one resource, a few per-reply fields, and a [`Body`] of shared slices or a
//!   pull [`Source`].
//! - [`Service::call`] answers [`Answer::Now`] (written in the same turn of the loop) or
//!   [`Answer::Later`] (a future on the worker that owns the connection).
//!
//! Who adds what: the service states every field of the reply, `content-length` included; a driver
//! adds only `date`, and on TCP `alt-svc`. Invariant: field names are lowercase, values hold no
//! CR, LF or NUL.

mod fields;
mod priority;
mod reply;
mod request;
mod service;

pub use fields::Fields;
pub use priority::Priority;
pub use reply::Body;
pub use reply::Head;
pub use reply::Reply;
pub use reply::Source;
pub use reply::SourceError;
pub use reply::Status;
pub use request::Method;
pub use request::Request;
pub use request::RequestHead;
pub use request::Version;
pub use service::Answer;
pub use service::Refusal;
pub use service::Service;
