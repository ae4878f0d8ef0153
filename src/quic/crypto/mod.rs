//! The cryptography of a QUIC connection, on rustls and aws-lc-rs.
//!
//! Two things differ from the usual stack, both for the memory of idle connections: packet keys
//! are kept folded ([`keys`]), and the state of a TLS handshake is dropped once it has nothing
//! left to say ([`session`]). Everything that goes over the wire is RFC 9001's.

mod keys;
mod retry;
mod session;
mod suites;
#[cfg(test)]
mod vectors;

pub(super) use session::Agreed;
pub(super) use session::ClientCrypto;
pub(super) use session::ServerCrypto;
pub use suites::KeyExchange;
pub use suites::provider;
