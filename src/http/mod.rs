//! Floor 1: what HTTP says, once for every version (RFC 9110, 9111, 9213, 9218, 9457), and the
//! contract between the drivers (`quic`, `tcp`) and the service.
//!
//! - [`Request`] borrows from the driver, [`Reply`] is owned and cheap: a prepared [`Head`] shared
//!   by every reply of one resource, a few per-reply fields, and a [`Body`] of shared slices or a
//!   pull [`Source`].
//! - [`Service::call`] answers [`Answer::Now`] (written in the same turn of the loop) or
//!   [`Answer::Later`] (a future on the worker that owns the connection).
//! - [`Resource`] is how content becomes replies: codings, entity tags, conditional requests and
//!   ranges are decided here and nowhere else, and its heads are prepared once.
//! - [`Target`] is the only reader of request targets; what it lets through holds no escape.
//!
//! Who adds what: the service states every field of the reply, `content-length` included; a driver
//! adds only `date`, and on TCP `alt-svc`. Invariant: field names are lowercase, values hold no
//! CR, LF or NUL.

pub mod cache;
mod cmcd;
pub mod coding;
pub mod conditional;
mod content;
pub mod cors;
mod date;
mod etag;
mod fields;
pub mod forwarded;
mod multipart;
mod priority;
mod problem;
pub mod range;
mod reply;
mod representation;
mod request;
mod resource;
mod service;
mod target;

pub use cache::CachePolicy;
pub use cmcd::Cmcd;
pub use cmcd::IllFormed;
pub use coding::Coding;
pub use conditional::Asked;
pub use content::Content;
pub use content::Opener;
pub use date::HttpDate;
pub use etag::EntityTag;
pub use fields::Fields;
pub use priority::Priority;
pub use problem::PROBLEMS;
pub use problem::Problem;
pub use problem::ProblemEntry;
pub use problem::ProblemKind;
pub use range::ByteRange;
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
pub use resource::About;
pub use resource::Declined;
pub use resource::Resource;
pub use service::Answer;
pub use service::Refusal;
pub use service::Service;
pub use target::Target;
pub use target::TargetError;
pub use target::is_authority;
