//! Independent clients against the real binary: `quinn` + `h3`, aioquic, curl and reqwest.
//!
//! None of them shares HTTP/3 code with the server, so an error that both of our own roles would
//! make alike shows here. Paths that lose, delay and move datagrams are made by the proxy.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::large_futures,
    reason = "a test fails by panicking and its clients may take what memory they like"
)]

#[path = "interop/aioquic.rs"]
mod aioquic;
#[path = "interop/answer.rs"]
mod answer;
#[path = "interop/proxy.rs"]
mod proxy;
#[path = "interop/quinn_client.rs"]
#[expect(dead_code, reason = "tests/hostile.rs uses the rest")]
mod quinn_client;
#[path = "interop/quinn_tests.rs"]
mod quinn_tests;
#[path = "interop/server.rs"]
#[expect(dead_code, reason = "tests/hostile.rs uses the rest")]
mod server;
#[path = "interop/tcp.rs"]
mod tcp;
