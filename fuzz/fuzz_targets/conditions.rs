#![no_main]

#[path = "../bodies/conditions.rs"]
mod conditions;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conditions::run(bytes));
