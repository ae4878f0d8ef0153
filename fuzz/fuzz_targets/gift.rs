#![no_main]

#[path = "../bodies/gift.rs"]
mod gift;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gift::run(bytes));
