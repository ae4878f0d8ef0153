//! Attempts at quizzes: open, answer, submit, look.
//!
//! - [`Desk`] judges them, purely: a learner's state and the version of the quiz that the attempt
//!   was opened with, in; facts and what the learner is told, out.
//! - `calls` is the wire: who asks, what they say, and when they may be told.
//!
//! Invariants: an attempt is judged by the version it was opened with, which is on the disk before
//! the attempt is acknowledged; nothing is told before the facts behind it are durable; what a
//! reply says of a quiz is no more than its author reveals.

mod body;
mod calls;
mod config;
mod desk;
mod paper;
mod refused;
mod result;
#[cfg(test)]
mod tests;
mod tidy;
mod view;

pub use config::Config;
pub(crate) use desk::Desk;
pub(crate) use refused::Refused;
