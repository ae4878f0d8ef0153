//! Wrong bytes against the running engine: each fault gets exactly the code that RFC 9114, 9204 and
//! 9218 ask for, and costs nobody else anything.
//!
//! Method: the client is `quinn` with hand-made bytes on its streams, so it shares neither framing
//! nor QPACK with the server, which is the whole product or, where content is needed, the engine
//! with a service that takes some. After each case a bystander on another connection, and wherever
//! the connection must live also the offender itself, gets a reply.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

#[path = "conformance/control.rs"]
mod control;
#[path = "conformance/raw.rs"]
mod raw;
#[path = "conformance/request.rs"]
mod request;
#[path = "conformance/server.rs"]
mod server;
#[path = "support/quic.rs"]
#[expect(dead_code, reason = "tests/quic_engine.rs uses the rest")]
mod support;
