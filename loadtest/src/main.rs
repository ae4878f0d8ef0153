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
mod learn;
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
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Command::Measure(mode) => measure(&mode),
        cli::Command::Figure { file, path } => figure(&file, &path).map(|()| Verdict::Met),
    };
    match done {
        Ok(verdict) => ExitCode::from(verdict as u8),
        Err(error) => {
            let _closed = writeln!(std::io::stderr().lock(), "lamplight-loadtest: {error:#}");
            ExitCode::from(Verdict::Withheld as u8)
        }
    }
}

fn measure(mode: &cli::Mode) -> anyhow::Result<Verdict> {
    // Where it cannot be had, the generator is only slower, and says so itself.
    let _ordinary_pages = lamplight::runtime::prefer_huge_pages();
    let report = coordinator::run(mode, std::env::args().skip(1).collect())?;
    if let Some(file) = &mode.common().report {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    write!(std::io::stdout().lock(), "{report}").context("cannot print the result")?;
    Ok(report.verdict)
}

fn figure(file: &Path, path: &str) -> anyhow::Result<()> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let report: serde_json::Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a report", file.display()))?;
    let pointer = format!("/{}", path.replace('.', "/"));
    let value = report.pointer(&pointer);
    let value = value.with_context(|| format!("{} holds no `{path}`", file.display()))?;
    let bare = value.as_str().map_or_else(|| value.to_string(), Into::into);
    writeln!(std::io::stdout().lock(), "{bare}").context("cannot print the value")
}
