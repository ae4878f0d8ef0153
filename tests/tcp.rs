//! HTTP/1.1 and HTTP/2 over TLS, spoken by clients that share no code with the server: reqwest,
//! and raw bytes over rustls where a client must misbehave.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking and runs its clients on a runtime of its own"
)]

#[path = "tcp/bad.rs"]
mod bad;
#[path = "tcp/bounds.rs"]
mod bounds;
#[path = "tcp/plain.rs"]
mod plain;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "tcp/server.rs"]
mod server;
