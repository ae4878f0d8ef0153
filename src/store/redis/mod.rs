//! Learners' states in Redis, for the other nodes: shipping, loading, and what others say.
//!
//! The pure part, which also runs in the simulation of `tests/sim`:
//! - [`Shipment`]: compare-and-set of merged states: write, join what was found, write again.
//! - [`Known`]: which version of each learner Redis was last seen to have.
//! - [`Pace`]: how long to wait after failures.
//! - [`Version`], [`key`], [`value`], [`read`]: how a learner stands in Redis.
//!
//! The shell: [`Redis`] is the handle, a thread of its own keeps the connection and makes it again;
//! [`Event`]s tell what other nodes did and that Redis lost what it had.
//!
//! Invariants: a value is replaced only by one that contains it (or if it is damaged), whoever
//! writes and whatever is lost on the way; a version names the content and the learner, so that a
//! Redis that was emptied and filled again is never mistaken; nothing waits longer than
//! `redis.timeout` for a server that does not answer, and nothing waits at all while it is away;
//! secrets and what a server says about a refused command are never logged.

mod config;
mod handle;
mod keeper;
mod link;
mod metrics;
mod news;
mod pace;
mod record;
mod shipment;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use config::Place;
pub use handle::Event;
pub use handle::Redis;
pub use handle::RedisError;
pub use handle::RedisHealth;
pub use metrics::Metrics;
pub use pace::Pace;
pub use record::Known;
pub use record::Unreadable;
pub use record::Version;
pub use record::key;
pub use record::read;
pub use record::value;
pub use shipment::Left;
pub use shipment::Reply;
pub use shipment::Shipment;
pub use shipment::Shipped;
pub use shipment::Stored;
pub use shipment::Write;
