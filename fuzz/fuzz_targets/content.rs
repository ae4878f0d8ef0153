#![no_main]

#[path = "../bodies/content.rs"]
mod content;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| content::run(bytes));
