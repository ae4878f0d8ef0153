//! Floor 8: one value with everything that can be set, read once at start.
//!
//! - [`Config`]: each room's own `Config` as one table of the file.
//! - [`load`]: file < environment (`LAMPLIGHT_TCP_IDLE_TIMEOUT`) < flags (`--set key=value`).
//! - [`memory`]: what a configuration can take of the machine's memory and open files.
//!
//! Invariants: an unknown key is refused with its line and the nearest known name; every value is
//! checked here, so that nothing above meets one out of its range; `config/lamplight.toml` lists
//! every key with its default (a test compares).

mod keys;
mod load;
pub mod memory;
mod process;

pub use load::ConfigError;
pub use load::Mistake;
pub use load::Overrides;
pub use load::load;
pub use load::read;
pub use process::Config;
pub use process::Log;
pub use process::LogFormat;
pub use process::Server;
