#![no_main]

#[path = "../bodies/jwt.rs"]
mod jwt;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jwt::run(bytes));
