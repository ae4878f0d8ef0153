//! The `lamplight` binary: flags, one command, an exit code.

use clap::Parser as _;
use lamplight::command;
use lamplight::command::Cli;
use lamplight::command::Command;
use lamplight::command::ConfigCommand;
use lamplight::command::Exit;
use lamplight::command::Form;
use lamplight::command::ReceiptCommand;
use lamplight::command::ServeFlags;
use lamplight::runtime;
use lamplight::server;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let variables = match command::variables(std::env::vars_os()) {
        Ok(variables) => variables.into_iter(),
        Err(error) => return ExitCode::from(complain(&error, Exit::Usage).code()),
    };
    let exit = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(flags) => serve(&flags, variables),
        Command::Check { json, path } => {
            command::check(&path, if json { Form::Json } else { Form::Lines })
        }
        Command::Doctor(flags) => command::doctor(&flags),
        Command::Config {
            command: ConfigCommand::Check { file },
        } => command::config_check(file.as_deref(), variables),
        Command::Receipt {
            command: ReceiptCommand::Verify { file },
        } => command::receipt_verify(&file),
        Command::Sign(flags) => command::sign(&flags),
        Command::Store { command } => command::store(command, variables),
    };
    ExitCode::from(exit.code())
}

fn serve(flags: &ServeFlags, variables: impl Iterator<Item = (String, String)>) -> Exit {
    let config = match flags.config(variables) {
        Ok(config) => config,
        Err(error) => return complain(&error, Exit::Usage),
    };
    // Where it cannot be had, the server works all the same.
    let _ordinary_pages = runtime::prefer_huge_pages();
    match server::run(config) {
        Ok(()) => Exit::Done,
        Err(error) => complain(&error, Exit::Failed),
    }
}

/// Prints the error with its causes.
fn complain(error: &dyn std::error::Error, exit: Exit) -> Exit {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    // With standard error closed, the exit code still tells.
    drop(writeln!(std::io::stderr(), "lamplight: {line}"));
    exit
}
