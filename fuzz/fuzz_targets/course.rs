#![no_main]

#[path = "../bodies/course.rs"]
mod course;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| course::run(bytes));
