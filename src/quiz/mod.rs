//! Floor 2: quizzes: what learners see of one, and the key that stays on the server.
//!
//! - [`Quiz::parse`] reads the native form (`*.toml` in a lesson's folder).
//! - [`Quiz::chunk`] is the public JSON that everybody may cache.
//! - [`Key`] says what is right; it has no public form.
//!
//! Invariants: the public chunk, its version and its length depend on nothing that is not public
//! itself, so that neither they nor a change of them tells a right answer; what learners have to
//! put in order or to match is listed in an order that does not depend on the right one.

mod key;
mod parse;
mod public;
#[cfg(test)]
mod tests;

pub use key::ItemKey;
pub use key::Key;
pub use parse::Quiz;
