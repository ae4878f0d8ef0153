#![no_main]

#[path = "../bodies/captions.rs"]
mod captions;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| captions::run(bytes));
