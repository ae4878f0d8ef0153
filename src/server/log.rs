//! Logs: lines for people or one JSON object a line, on standard error.

use crate::config::Log;
use crate::config::LogFormat;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Begins logging as configured; a second call in one process changes nothing.
///
/// # Errors
/// When `log.level` is no filter.
pub(super) fn begin(config: &Log) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(&config.level)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // An earlier subscriber (of a test, of a host program) stays in charge.
    let _earlier = match config.format {
        LogFormat::Human => builder
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
