#![no_main]

#[path = "../bodies/cmcd.rs"]
mod cmcd;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cmcd::run(bytes));
