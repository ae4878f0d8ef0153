//! Flags and subcommands.

use crate::command::DoctorFlags;
use crate::command::SignFlags;
use crate::command::StoreCommand;
use crate::config;
use crate::config::Config;
use crate::config::ConfigError;
use crate::config::Overrides;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use std::ffi::OsString;
use std::path::PathBuf;

/// Serves lessons and quizzes over HTTP/3, HTTP/2 and HTTP/1.1.
#[derive(Debug, Parser)]
#[command(name = "lamplight", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; serving is the default.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of `serve`, when no subcommand is given.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (the default).
    Serve(ServeFlags),
    /// Report every problem of a content folder.
    Check {
        /// One JSON document instead of lines.
        #[arg(long)]
        json: bool,
        /// The content folder, or one course in it.
        path: PathBuf,
    },
    /// Ask a running origin what a delivery network will ask it.
    Doctor(DoctorFlags),
    /// Look at a configuration.
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Check receipts.
    Receipt {
        /// What to do with it.
        #[command(subcommand)]
        command: ReceiptCommand,
    },
    /// Print a URL with a signature.
    Sign(SignFlags),
    /// Verify, export or import a node's data.
    Store {
        /// What to do with it.
        #[command(subcommand)]
        command: StoreCommand,
    },
}

/// What can be done with a receipt.
#[derive(Debug, Subcommand)]
pub enum ReceiptCommand {
    /// Say what it proves; docs/receipts.md describes the file.
    Verify {
        /// The file; "-" for standard input.
        file: PathBuf,
    },
}

/// What can be done with a configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print what is in effect and the memory it implies.
    Check {
        /// The file; without it, the defaults and the environment.
        file: Option<PathBuf>,
    },
}

/// Flags of `serve`. All are optional, so that a default never hides what the file says.
#[derive(Debug, Default, Args)]
pub struct ServeFlags {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Public address for UDP and TCP; may be repeated. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// Address of the operations listener.
    #[arg(long, value_name = "ADDR")]
    pub ops: Option<String>,
    /// Folder with one folder a course.
    #[arg(long, value_name = "DIR")]
    pub content: Option<String>,
    /// Directory of keys and certificate.
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Threads that serve; 0 means one per core.
    #[arg(long, value_name = "N")]
    pub workers: Option<String>,
    /// Log lines for people or one JSON object a line.
    #[arg(long, value_name = "human|json")]
    pub log: Option<String>,
    /// Any setting, for example `--set tcp.idle_timeout=60s`; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// The `LAMPLIGHT_…` variables among `all`; others may hold what they like.
///
/// # Errors
/// One of ours whose value is not UTF-8.
pub fn variables(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let ours = all.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let ours = ours.filter(|(name, _)| name.starts_with("LAMPLIGHT_"));
    let read = ours.map(|(from, value)| match value.into_string() {
        Ok(value) => Ok((from, value)),
        Err(_bytes) => {
            let what = "the value is not UTF-8 text; write it anew".to_owned();
            Err(ConfigError::Override { from, what })
        }
    });
    read.collect()
}

impl ServeFlags {
    /// The configuration in effect: file < environment < flags, `--set` before the short flags.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file's line, the variable or the flag.
    pub fn config(
        &self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut overrides = Overrides::default();
        overrides.push_variables(variables)?;
        for set in &self.set {
            let Some((key, text)) = set.split_once('=') else {
                let from = format!("--set {set}");
                let what = "write key=value, like tcp.idle_timeout=60s".to_owned();
                return Err(ConfigError::Override { from, what });
            };
            overrides.push(format!("--set {set}"), key.trim(), text.trim());
        }
        if !self.listen.is_empty() {
            overrides.push("--listen", "server.listen", self.listen.join(","));
        }
        let flags = [
            ("--ops", "server.ops", &self.ops),
            ("--content", "content.dir", &self.content),
            ("--data", "server.data", &self.data),
            ("--workers", "server.workers", &self.workers),
            ("--log", "log.format", &self.log),
        ];
        for (flag, key, text) in flags {
            if let Some(text) = text {
                overrides.push(flag, key, text.as_str());
            }
        }
        config::load(self.config.as_deref(), &overrides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parsed(line: &str) -> Cli {
        Cli::try_parse_from(line.split(' ')).unwrap()
    }

    fn served(line: &str) -> Result<Config, String> {
        let flags = match parsed(line) {
            Cli {
                command: Some(Command::Serve(flags)),
                ..
            } => flags,
            cli => cli.serve,
        };
        flags
            .config(std::iter::empty())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_flags_are_understood_with_and_without_serve() {
        Cli::command().debug_assert();
        let flags = "--listen 127.0.0.1:0 --listen [::1]:0 --ops 127.0.0.1:0 --content c \
                     --data d --workers 3 --log json --set tcp.idle_timeout=60s";
        for line in [
            format!("lamplight {flags}"),
            format!("lamplight serve {flags}"),
        ] {
            let config = served(&line).unwrap();
            assert_eq!(config.server.listen.len(), 2);
            assert_eq!((config.server.ops.port(), config.server.workers), (0, 3));
            assert_eq!(config.content.dir, PathBuf::from("c"));
            assert_eq!(config.tcp.idle_timeout.as_ms(), 60_000);
        }
        assert!(matches!(
            parsed("lamplight check --json x").command,
            Some(Command::Check { .. })
        ));
        assert!(matches!(
            parsed("lamplight config check").command,
            Some(Command::Config { .. })
        ));
    }

    #[test]
    fn a_wrong_value_names_its_flag() {
        assert!(
            served("lamplight --log yaml")
                .unwrap_err()
                .starts_with("--log: log.format")
        );
        assert!(
            served("lamplight --listen nowhere")
                .unwrap_err()
                .starts_with("--listen:")
        );
        assert!(
            served("lamplight --set x")
                .unwrap_err()
                .contains("key=value")
        );
        let error = served("lamplight --set tcp.idle=1s").unwrap_err();
        assert!(
            error.starts_with("--set tcp.idle=1s: unknown key"),
            "{error}"
        );
    }
}
