//! Whether a bench is to measure, or only to show that it works.

/// `cargo bench` measures; `cargo test --bench` runs everything once, with few.
pub(crate) fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
