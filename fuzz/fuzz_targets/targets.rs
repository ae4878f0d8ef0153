#![no_main]

#[path = "../bodies/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::run(bytes));
