//! The outgoing HTTP client: a few requests to one server, bounded in time and size.
//!
//! - [`Client`] knows whom to trust and how long to wait; [`Client::connect`] makes a
//!   [`Connection`] over HTTP/1.1 or HTTP/2, whichever is asked for.
//! - [`Origin`] is where it goes, taken from a URL.
//! - [`Answer`] is a whole reply; redirects are answers too and never followed.
//!
//! Invariants: every step ends within [`Limits::time`]; no body is kept beyond
//! [`Limits::body_bytes`]; a connection that failed says so and is not used again by itself.

mod connection;
mod io;
mod origin;
#[cfg(test)]
mod tests;
mod trust;

pub use connection::Answer;
pub use connection::Ask;
pub use connection::Connection;
pub use connection::Protocol;
pub use origin::Origin;
pub use trust::Client;
pub use trust::Trust;
pub use trust::tls_settings;

use std::time::Duration;
use thiserror::Error;

/// What one exchange may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time for a connection, and for one whole exchange on it.
    pub time: Duration,
    /// Bytes of one body.
    pub body_bytes: usize,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Not a URL of the form `https://host[:port][/path]`.
    #[error("`{0}` is not an http or https URL with a host")]
    Url(String),
    /// The certificates to trust cannot be used.
    #[error("certificates of {place}: {why}")]
    Trust {
        /// The file, or the system's store.
        place: String,
        /// What is wrong with them.
        why: String,
    },
    /// No TCP connection.
    #[error("no connection to {0}")]
    Connect(String, #[source] std::io::Error),
    /// No TLS session: certificate, name, version or protocol do not fit.
    #[error("no TLS session with {0}")]
    Tls(String, #[source] std::io::Error),
    /// The protocol was broken, or the connection ended.
    #[error("the exchange failed")]
    Http(#[from] hyper::Error),
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// The body is too large.
    #[error("the body has more than {0} bytes")]
    Large(usize),
    /// Method, path or fields cannot be sent.
    #[error("the request cannot be sent")]
    Request(#[from] http::Error),
}
