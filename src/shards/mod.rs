//! Floor 6: the learners in memory, shared by all workers.
//!
//! - [`Shards`] holds one encoded [`State`](crate::session::State) a learner in a map of many small
//!   locks. [`Shards::read`] looks, [`Shards::act`] judges a command and hands its effects to the
//!   journal under the learner's lock, so that the journal has them in the order of judging.
//! - [`Ack`] resolves once the disk has what a command decided. Without effects of its own it waits
//!   for whatever an earlier command of the learner has not been told of yet: a repeated request is
//!   never acknowledged before the first one is safe.
//! - A learner who is not in memory is loaded from [`Cold`] places once, however many ask.
//! - [`keep`] is the task that writes snapshots, lets the journal forget what they hold, and lets
//!   idle learners go. [`ship`] is the task that brings changes to Redis and joins those of other
//!   nodes.
//!
//! Invariants: no lock is held across an await, and none while anything blocks; a learner leaves
//! memory only when everything is elsewhere; the memory is bounded, newcomers are refused before
//! anybody inside is; what the journal refused is not to be seen in the state.

mod ack;
mod act;
mod all;
mod calendar;
mod cold;
mod config;
mod facts;
mod keeper;
mod load;
mod metrics;
mod resident;
mod shipping;
mod table;
#[cfg(test)]
mod tests;

pub use ack::Ack;
pub use act::Acted;
pub use act::Judged;
pub use act::ShardError;
pub use act::Touch;
pub use cold::Cold;
pub use config::Config;
pub use keeper::keep;
pub use shipping::ship;
pub use table::Setup;
pub use table::Shards;
