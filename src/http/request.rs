//! A request as the service sees it, whatever version it came by.

use crate::http::Fields;
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Instant;

/// The protocol a message travels by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// HTTP/3.
    Http3,
}

/// A request method (RFC 9110, 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Transfer a representation.
    Get,
    /// GET without the content.
    Head,
    /// Process the content.
    Post,
    /// Replace the target.
    Put,
    /// Remove the target.
    Delete,
    /// Ask what may be done, CORS preflight included.
    Options,
    /// Anything else; answered with 501 or 405.
    Other,
}

impl Method {
    /// The method of that token; tokens are case-sensitive (RFC 9110, 9.1).
    pub fn parse(token: &[u8]) -> Self {
        match token {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }

    /// Whether the method is safe (RFC 9110, 9.2.1), and so allowed in early data.
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }
}

/// What is known of a request before its content has arrived.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// Version it came by.
    pub version: Version,
    /// Its method.
    pub method: Method,
    /// `:authority` or `Host`; empty if the client sent none where it may.
    pub authority: &'a str,
    /// Path and query in origin form, beginning with `/` (or `*` for OPTIONS).
    pub target: &'a str,
    /// Header fields, without pseudo-header fields.
    pub fields: &'a Fields,
}

/// A whole request; its parts belong to the driver, so `Later` futures copy what they need.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The head.
    pub head: RequestHead<'a>,
    /// The content, at most what `Service::body_limit` allowed.
    pub body: &'a Bytes,
    /// Whether it came in TLS early data and could be a replay (RFC 8470).
    pub early: bool,
    /// Who sent it.
    pub peer: SocketAddr,
    /// Monotonic time of this turn of the worker's loop.
    pub now: Instant,
    /// Wall clock of this turn, milliseconds since 1970 UTC.
    pub unix_ms: u64,
}
