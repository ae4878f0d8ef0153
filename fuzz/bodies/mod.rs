//! What is fuzzed: plain functions from hostile bytes to nothing, which panic when a promise is
//! broken. `cargo fuzz` runs them where nightly exists; `tests/fuzz_replay.rs` replays the kept
//! corpus and mutations of it everywhere. A new body is a file here, its name in the list below, a
//! directory of seeds in `fuzz/corpus/` and a target in `fuzz/fuzz_targets/`.

macro_rules! bodies {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*
        /// Every body with its name, which is also its corpus directory.
        pub(crate) const ALL: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name::run)),*];
    };
}

bodies![
    answers, captions, cmcd, conditions, config, content, course, frames, gift, jwks, jwt, movie,
    qpack, ranges, session, targets,
];
