//! Floor 2: what a learner has watched.
//!
//! - [`Coverage`]: which part of a lesson was watched, exact however the beats were cut.
//! - [`Position`], [`Totals`], [`Allowance`]: where to resume, time played and visible, and how
//!   much more media is plausible.
//! - [`Record`]: all of it for one lesson.
//! - [`judge`]: a beat of a player → what of it counts.
//!
//! Everything but the judgement is a join-semilattice: `join` is commutative, associative and
//! idempotent, so facts may arrive late, twice, in any order and through any node. The judgement
//! depends on time and order and is made once, by the node that accepts the beat; what it decides
//! is a [`Watched`], and that is joined everywhere.
//!
//! Invariants: a record is bounded whatever is joined; nothing here reads a clock.

mod allowance;
mod beat;
mod coverage;
mod record;
#[cfg(test)]
mod tests;

pub use allowance::Allowance;
pub use allowance::Config;
pub use beat::Beat;
pub use beat::Judged;
pub use beat::Refusal;
pub use beat::Watched;
pub use beat::judge;
pub use coverage::Coverage;
pub use coverage::Grain;
pub use coverage::Span;
pub use record::Position;
pub use record::Record;
pub use record::Totals;
