//! Coming in and going out, asked of a whole server over HTTP/1.1, HTTP/2 and HTTP/3: whose tokens
//! are believed, what a session's token opens, and what ends it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking and runs its clients on a runtime of its own"
)]

#[path = "../protocol/client.rs"]
#[expect(dead_code, reason = "another suite uses more of it")]
mod client;
mod cookies;
mod forge;
#[path = "../support/key_server.rs"]
mod key_server;
mod keys;
mod limits;
mod logs;
mod rotation;
mod school;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
