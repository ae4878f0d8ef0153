//! Real edges in front of a whole server: nginx, Varnish, Squid and Apache Traffic Server, each as
//! its own documentation says a cache in front of an HTTPS (Varnish: HTTP) origin is set up. They
//! run on loopback with folders of their own, and end with the test that started them.
//!
//! `laws` says what must hold behind any of them; each file adds how that edge is configured.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking and runs its clients on a runtime of its own"
)]

mod edge;
mod laws;
mod nginx;
mod origin;
mod plain;
mod squid;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod trafficserver;
mod varnish;
