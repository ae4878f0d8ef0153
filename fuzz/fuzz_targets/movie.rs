#![no_main]

#[path = "../bodies/movie.rs"]
mod movie;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| movie::run(bytes));
