//! Floor 3: one learner's state, as a join-semilattice of effects.
//!
//! A command is judged once, by the node that accepts it, with that node's time and what it knows:
//! [`State::watch`], [`State::open`], [`State::answer`], [`State::submit`] and their like. What it
//! decides is an [`Effect`], a fact. [`State::apply`] adds one, [`State::join`] all that another
//! copy knows; both are commutative, associative and idempotent, so effects may arrive in any
//! order, twice, in any split and through any node, and every copy ends the same.
//!
//! - Higher generations replace lower ones whole: of a learner (erasure), of a course
//!   (un-enrolment, a teacher's reset). The epoch only grows and survives both.
//! - An attempt closes with the answers it had seen. Answers that turn up later are kept apart.
//! - [`State::encode`] writes length-prefixed sections; unknown ones are kept byte for byte, so
//!   nodes of two versions can pass a learner back and forth.
//!
//! Invariants: no clock, no randomness, no I/O; bounded by `base::limits` whatever is joined; a
//! state that is written and read is equal to itself.

mod answer;
mod attempt;
mod codec;
mod codec_effect;
mod codec_quiz;
mod course;
mod effect;
mod enrolling;
mod grading;
mod quizzing;
mod sorted;
mod state;
#[cfg(test)]
mod tests;
mod watching;

pub use answer::Answer;
pub use answer::Body;
pub use attempt::Answers;
pub use attempt::Attempt;
pub use attempt::AttemptKey;
pub use attempt::Closing;
pub use attempt::attempt_id;
pub use attempt::attempt_seed;
pub use codec::DecodeError;
pub use course::Course;
pub use course::Standing;
pub use effect::CourseFact;
pub use effect::Effect;
pub use effect::Fact;
pub use enrolling::TooManyCourses;
pub use quizzing::AnswerRefusal;
pub use quizzing::Answering;
pub use quizzing::OpenRefusal;
pub use quizzing::Opening;
pub use quizzing::QuizRules;
pub use quizzing::SubmitRefusal;
pub use quizzing::Timing;
pub use sorted::Sorted;
pub use state::Device;
pub use state::Profile;
pub use state::Section;
pub use state::State;
pub use watching::BeatRefusal;
pub use watching::LessonBeat;
pub use watching::Watching;
