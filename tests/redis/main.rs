//! Redis against a real redis-server that each test starts for itself, on a free port, in a
//! directory of its own, without persistence: what it does to the service when it dies, hangs,
//! forgets, is full, read-only or somebody else.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests; what fails shall fail loudly"
)]

mod chaos;
mod credentials;
mod harm;
mod node;
mod server;
mod servers;
mod shards;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod words;
