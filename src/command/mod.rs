//! Floor 9: the command line, and the commands that do not serve.
//!
//! - [`Cli`]: flags and subcommands, and how they lie over file and environment.
//! - [`check`]: course folders, for their authors.
//! - [`config_check`]: a configuration, for operators.
//! - [`doctor`]: a running origin, for those who put a delivery network in front of it.
//! - [`receipt_verify`]: a receipt, for anyone.
//! - [`sign`]: a signed URL, for platforms and trials.
//! - [`store`]: a node's data: verified, written out, taken in.
//!
//! Exit codes: 0 done, 1 failed (a problem was found, the server could not start), 2 used wrongly
//! (unknown flag, unknown key).

mod check;
mod cli;
mod config_check;
mod doctor;
mod print;
mod receipt;
mod sign;
mod store;

pub use check::Form;
pub use check::check;
pub use cli::Cli;
pub use cli::Command;
pub use cli::ConfigCommand;
pub use cli::ReceiptCommand;
pub use cli::ServeFlags;
pub use cli::variables;
pub use config_check::config_check;
pub use doctor::Cdn;
pub use doctor::DoctorFlags;
pub use doctor::doctor;
pub use receipt::receipt_verify;
pub use sign::SignFlags;
pub use sign::sign;
pub use store::PlaceFlags;
pub use store::StoreCommand;
pub use store::store;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// A problem was found, or something could not be done.
    Failed,
    /// Wrong flags or keys.
    Usage,
}

impl Exit {
    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
        }
    }
}
