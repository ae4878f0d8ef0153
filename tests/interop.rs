//! Clients that share no code with the server agree with it: aioquic, the `quinn` and `h3` crates,
//! reqwest and curl. Each test starts the real binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::large_futures,
    reason = "a test that cannot be set up fails; independent clients run on tokio's own loop"
)]

#[path = "interop/aioquic.rs"]
mod aioquic;
#[path = "interop/proxy.rs"]
mod proxy;
#[path = "interop/quinn_client.rs"]
mod quinn_client;
#[path = "interop/quinn.rs"]
mod quinn_crate;
#[path = "interop/server.rs"]
mod server;
#[path = "interop/tcp.rs"]
mod tcp;
