//! Arguments, exit codes, and what a person sees.

mod replay;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Turns the traffic of a coding agent's app-server into privacy-safe analytics events.
///
/// Exit codes: 0 if everything was done; 1 if some of the input was bad; 2 if the arguments cannot be
/// used or a file cannot be read or written.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reduce recorded sessions to the events that they are worth
    Replay(replay::Args),
    /// Print the JSON Schema of every event
    Schema,
}

/// Some of the input was bad.
const BAD_INPUT: u8 = 1;
/// The arguments cannot be used, or a file cannot be read or written.
const UNUSABLE: u8 = 2;

pub(crate) fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Replay(args) => replay::run(args),
        Command::Schema => print_schema(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("turnledger: {error:#}");
        ExitCode::from(UNUSABLE)
    })
}

fn print_schema() -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    let schema = serde_json::to_string_pretty(&turnledger::schema::of_events())?;
    ignore_closed_pipe(writeln!(stdout, "{schema}").and_then(|()| stdout.flush()))?;
    Ok(ExitCode::SUCCESS)
}

/// A reader that has seen enough is no error.
fn ignore_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
