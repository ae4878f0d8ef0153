//! What strangers may send and crowds may do: each gets its exact code, is counted under its
//! reason, and those who are being served notice nothing. Broken HTTP/3 is the business of
//! h3_conformance.rs.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::large_futures,
    reason = "a test fails by panicking and its clients may take what memory they like"
)]

#[path = "interop/answer.rs"]
#[expect(dead_code, reason = "tests/interop.rs uses the rest")]
mod answer;
#[path = "hostile/crowds.rs"]
mod crowds;
#[path = "hostile/forge.rs"]
mod forge;
#[path = "hostile/neighbour.rs"]
mod neighbour;
#[path = "hostile/packets.rs"]
mod packets;
#[path = "interop/quinn_client.rs"]
#[expect(dead_code, reason = "tests/interop.rs uses the rest")]
mod quinn_client;
#[path = "interop/server.rs"]
#[expect(dead_code, reason = "tests/interop.rs uses the rest")]
mod server;
