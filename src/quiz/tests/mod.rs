//! Tests of the room.

mod gift;
mod grading;
mod native;
