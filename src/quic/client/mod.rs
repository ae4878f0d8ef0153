//! The client role: a blocking engine of many connections, one a thread, for measuring and tests.
//!
//! It shares ids, keys, sockets and timers with the server and HTTP/3 with the `h3` room, and needs
//! no runtime: [`Client::turn`] sleeps in `ppoll`. The order of use is [`Client::connect`] and
//! [`Client::request`] at will, [`Client::turn`] until a moment, [`Client::poll_event`] until
//! `None`, and again. All times are the caller's monotonic clock.
//!
//! Invariants: an idle connection owns no socket and no heap beyond quinn-proto's; every request
//! ends in exactly one of `Done`, `Failed` or its connection's `Closed`.

mod config;
mod connection;
mod engine;
mod event;
mod sessions;

pub use config::Config;
pub use config::Resume;
pub use config::Tls;
pub use config::Trust;
pub use engine::Client;
pub use event::ClientError;
pub use event::ConnId;
pub use event::Event;
pub use event::Handshake;
pub use event::Request;
pub use event::StreamId;
