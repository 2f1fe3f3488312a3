//! Arguments, exit codes, and what a person sees.

mod attribute;
mod config;
mod fingerprint;
mod preview;
mod progress;
mod replay;
mod settings;
mod shell;
mod spool;
mod tap;
mod upload;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{CommandFactory, Parser, Subcommand};
use turnledger::recording::Source;

/// Turns the traffic of a coding agent's app-server into privacy-safe analytics events.
///
/// Exit codes: 0 if everything was done; 1 if some of the input was bad; 2 if the arguments or settings
/// cannot be used or a file cannot be read or written; 3 if `attribute --fail-over` found more than it lets
/// pass; 4 if `upload` could not deliver everything.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// The file with settings; `turnledger config --help` says where it is if this is not given
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reduce recorded sessions to the events that they are worth
    Replay(replay::Args),
    /// Show what would be sent of a session, request by request
    Preview(preview::Args),
    /// Say which lines of a commit, a range or a diff match lines that an agent wrote
    Attribute(Box<attribute::Args>),
    /// Turn a diff into accepted-line events
    Fingerprint(fingerprint::Args),
    /// Run an app-server, and turn its session into events as it goes on
    Tap(Box<tap::Args>),
    /// Deliver events from files, or those that wait in the spool
    Upload(upload::Args),
    /// Look at the events that wait for delivery, and at those that were refused
    #[command(subcommand)]
    Spool(spool::Command),
    /// Print the settings that are in force, each with where it comes from
    Config(config::Args),
    /// Print the JSON Schema of every event
    Schema(SchemaArgs),
    /// Print the completions of a shell
    Completions(shell::CompletionsArgs),
    /// Print the manual
    Man(shell::ManArgs),
}

/// Some of the input was bad.
const BAD_INPUT: u8 = 1;
/// The arguments cannot be used, or a file cannot be read or written.
const UNUSABLE: u8 = 2;
/// More lines match than `attribute --fail-over` lets pass.
const OVER: u8 = 3;
/// Not everything could be delivered.
const UNDELIVERED: u8 = 4;

#[derive(Debug, clap::Args)]
struct SchemaArgs {
    /// Of every fact that a host may feed instead
    #[arg(long)]
    facts: bool,
}

pub(crate) fn run() -> ExitCode {
    let Cli { config, command } = Cli::parse();
    let config = config.as_deref();
    let done = match command {
        Command::Replay(args) => replay::run(args, config),
        Command::Preview(args) => preview::run(&args, config),
        Command::Attribute(args) => attribute::run(&args, config),
        Command::Fingerprint(args) => fingerprint::run(args, config),
        Command::Tap(args) => tap::run(&args, config),
        Command::Upload(args) => upload::run(&args, config),
        Command::Spool(command) => spool::run(&command, config),
        Command::Config(args) => config::run(&args, config),
        Command::Schema(args) => print_schema(&args),
        Command::Completions(args) => shell::completions(&args, Cli::command()),
        Command::Man(args) => shell::man(&args, Cli::command()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("turnledger: {error:#}");
        ExitCode::from(UNUSABLE)
    })
}

fn print_schema(args: &SchemaArgs) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    let schema = if args.facts { turnledger::schema::of_facts() } else { turnledger::schema::of_events() };
    let schema = serde_json::to_string_pretty(&schema)?;
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

/// `1 event`, `2 events`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A file that is not there is said before anything is written.
fn check_readable(sources: &[Source]) -> anyhow::Result<()> {
    for source in sources {
        if let Source::File(path) = source {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                bail!("cannot read {}: it is a folder; name the recordings in it", path.display());
            }
        }
    }
    Ok(())
}
