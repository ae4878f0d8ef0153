#![no_main]

#[path = "../bodies/qpack.rs"]
mod qpack;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qpack::run(bytes));
