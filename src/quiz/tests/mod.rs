//! Tests of the room.

mod gift;
mod grading;
mod mistakes;
mod native;
