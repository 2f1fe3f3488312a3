//! Arguments, exit codes, and what a person sees.

mod attribute;
mod fingerprint;
mod key;
mod replay;
mod tap;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Turns the traffic of a coding agent's app-server into privacy-safe analytics events.
///
/// Exit codes: 0 if everything was done; 1 if some of the input was bad; 2 if the arguments cannot be
/// used or a file cannot be read or written; 3 if `attribute --fail-over` found more than it lets pass.
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
    /// Say which lines of a commit, a range or a diff match lines that an agent wrote
    Attribute(Box<attribute::Args>),
    /// Turn a diff into accepted-line events
    Fingerprint(fingerprint::Args),
    /// Run an app-server, and turn its session into events as it goes on
    Tap(tap::Args),
    /// Print the JSON Schema of every event
    Schema,
}

/// Some of the input was bad.
const BAD_INPUT: u8 = 1;
/// The arguments cannot be used, or a file cannot be read or written.
const UNUSABLE: u8 = 2;
/// More lines match than `attribute --fail-over` lets pass.
const OVER: u8 = 3;

pub(crate) fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Replay(args) => replay::run(args),
        Command::Attribute(args) => attribute::run(&args),
        Command::Fingerprint(args) => fingerprint::run(args),
        Command::Tap(args) => tap::run(&args),
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
