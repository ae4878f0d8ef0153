//! The server role: one loop a worker, driving every connection of its sockets.
//!
//! A turn of the loop receives a batch, gives every connection that something happened to its
//! turn (HTTP/3, the service, packets), and sends what came of it in batches. An idle connection
//! is plain data in a slab: it has no task, no channel, no timer object of its own.
//!
//! Invariants: no connection sends more than a bounded number of messages a turn; newcomers are
//! refused at every bound and those inside notice nothing; a request's future or source is
//! dropped with its stream; every refusal is counted.

mod accept;
mod answer;
mod connection;
mod drain;
mod exchange;
mod half_open;
mod handover;
mod pace;
mod secrets;
mod setup;
mod turn;
mod wakes;
mod worker;

pub use handover::Handover;
pub use secrets::Keys;
pub use setup::Setup;
pub use setup::tls;
pub use worker::run;
