//! The `lamplight-loadtest` binary: honest load for HTTP/3 servers.
//!
//! `coordinator` runs the stages and concludes; each generator thread is a `swarm` over the
//! project's own QUIC client engine; everything between them (plan, pace, ledger, bodies,
//! honesty, report) is plain and tested on its own.

mod board;
mod body;
mod cli;
mod coordinator;
mod honesty;
mod latency;
mod ledger;
mod machine;
mod pace;
mod plan;
mod progress;
mod report;
mod share;
mod swarm;
mod table;
mod tally;
mod target;

use crate::honesty::Verdict;
use anyhow::Context as _;
use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match run(&cli) {
        Ok(verdict) => ExitCode::from(verdict as u8),
        Err(error) => {
            let _closed = writeln!(std::io::stderr().lock(), "lamplight-loadtest: {error:#}");
            ExitCode::from(Verdict::Withheld as u8)
        }
    }
}

fn run(cli: &cli::Cli) -> anyhow::Result<Verdict> {
    let report = coordinator::run(&cli.mode, std::env::args().skip(1).collect())?;
    if let Some(file) = &cli.mode.common().report {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    write!(std::io::stdout().lock(), "{report}").context("cannot print the result")?;
    Ok(report.verdict)
}
