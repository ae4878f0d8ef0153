#![no_main]

#[path = "../bodies/jwks.rs"]
mod jwks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jwks::run(bytes));
