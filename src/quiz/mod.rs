//! Floor 2: quizzes: what learners see of one, the key that stays on the server, and grading.
//!
//! - [`Quiz::parse`] reads the native form (`*.toml` in a lesson's folder) and Moodle's GIFT
//!   (`*.gift`).
//! - [`Quiz::chunk`] is the public JSON that everybody may cache.
//! - [`Key`] says what is right and what to tell learners afterwards; it has no public form.
//! - An [`Answer`] has a JSON form, which front ends send, and canonical bytes, which are kept and
//!   which receipts hash.
//! - [`grade`] judges one answer, [`Key::outcome`] a whole attempt with its [`Effort`]: pure, in
//!   whole numbers, so that every node comes to the same result.
//!
//! Invariants: the public chunk, its version and its length depend on nothing that is not public
//! itself, so that neither they nor a change of them tells a right answer; what learners have to
//! put in order or to match is listed in an order that does not depend on the right one.

mod answer;
mod canonical;
mod compiled;
mod effort;
mod fold;
mod form;
mod gift;
mod grade;
mod head;
mod key;
mod native;
mod outcome;
mod public;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use answer::Misfit;
pub use compiled::Quiz;
pub use effort::Effort;
pub use effort::RAPID_MS;
pub use form::FormFault;
pub use form::MEMBERS;
pub use grade::Mark;
pub use grade::Score;
pub use grade::Share;
pub use grade::grade;
pub use key::Accepted;
pub use key::ItemKey;
pub use key::Key;
pub use key::Range;
pub use outcome::Given;
pub use outcome::ItemOutcome;
pub use outcome::Outcome;
pub use outcome::Reveal;
