//! Configuration files.
//!
//! Promises: no panic; a mistake is named with a line of the file; what is read can be checked,
//! estimated and printed, and what is printed reads back as the same.

use lamplight::config;
use lamplight::config::memory;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match config::read(text) {
        Ok(config) => {
            let _usable = config.check();
            let _estimate = memory::estimate(&config, &memory::Machine::default());
            let printed = toml::to_string(&config).unwrap_or_default();
            assert_eq!(config::read(&printed), Ok(config));
        }
        Err(mistake) => {
            let lines = text.matches('\n').count() + 1;
            assert!((1..=lines).contains(&mistake.line), "{mistake:?}");
            assert!(!mistake.what.is_empty());
        }
    }
}
