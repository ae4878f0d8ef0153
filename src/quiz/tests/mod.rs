//! Tests of the room.

mod forms;
mod gift;
mod grading;
mod mistakes;
mod native;
mod outcomes;
