//! Arguments, exit codes, and what a person sees.

mod attribute;
#[cfg(feature = "full")]
mod collect;
#[cfg(not(feature = "full"))]
#[path = "missing/collect.rs"]
mod collect;
mod config;
mod doctor;
mod files;
mod fingerprint;
mod import;
mod keeping;
mod line_buffer;
#[cfg(feature = "full")]
mod otlp;
#[cfg(not(feature = "full"))]
#[path = "missing/otlp.rs"]
mod otlp;
#[cfg(feature = "full")]
mod parquet;
#[cfg(not(feature = "full"))]
#[path = "missing/parquet.rs"]
mod parquet;
mod preview;
mod replay;
mod report;
mod schema;
mod shell;
mod spool;
mod store;
mod tap;
mod upload;
mod withheld;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{CommandFactory, Parser, Subcommand};
use turnledger_intake::recording::Source;

/// Turn the messages between a coding agent and its editor into analytics events without prompts or code.
///
/// Exit codes: 0 everything was done; 1 some lines of the input could not be used, or `doctor` found something wrong; 2 the
/// arguments, the settings or a file cannot be used; 3 `attribute --fail-over` found a larger share; 4 `upload` could not deliver everything. `tap`
/// ends as its command ends.
#[derive(Debug, Parser)]
#[command(name = "turnledger", version, propagate_version = true)]
struct Cli {
    /// The settings file; `turnledger config --help` names the default
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

// A command's text is at its arguments. A doc comment here would take the place of all of it in `--help`.
#[derive(Debug, Subcommand)]
enum Command {
    Replay(replay::Args),
    Import(import::Args),
    Report(Box<report::Args>),
    Preview(preview::Args),
    Attribute(Box<attribute::Args>),
    Fingerprint(fingerprint::Args),
    Tap(Box<tap::Args>),
    Upload(upload::Args),
    #[command(subcommand)]
    Spool(spool::Command),
    #[command(subcommand)]
    Store(store::Command),
    Collect(Box<collect::Args>),
    Config(config::Args),
    Doctor(Box<doctor::Args>),
    Schema(schema::Args),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

/// Some lines of the input could not be used.
const BAD_INPUT: u8 = 1;
/// The arguments, the settings or a file cannot be used.
const UNUSABLE: u8 = 2;
/// A larger share matches than `attribute --fail-over` allows.
const OVER: u8 = 3;
/// Not everything could be delivered.
const UNDELIVERED: u8 = 4;

pub(crate) fn run() -> ExitCode {
    let Cli { config, command } = Cli::parse();
    let config = config.as_deref();
    let done = match command {
        Command::Replay(args) => replay::run(args, config),
        Command::Import(args) => import::run(&args, config),
        Command::Report(args) => report::run(&args, config),
        Command::Preview(args) => preview::run(&args, config),
        Command::Attribute(args) => attribute::run(&args, config),
        Command::Fingerprint(args) => fingerprint::run(args, config),
        Command::Tap(args) => tap::run(&args, config),
        Command::Upload(args) => upload::run(&args, config),
        Command::Spool(command) => spool::run(&command, config),
        Command::Store(command) => store::run(&command, config),
        Command::Collect(args) => collect::run(*args, config),
        Command::Config(args) => config::run(&args, config),
        Command::Doctor(args) => doctor::run(&args, config),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => shell::completions(&args, Cli::command()),
        Command::Man(args) => shell::man(&args, Cli::command()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("turnledger: {error:#}");
        ExitCode::from(UNUSABLE)
    })
}

/// A build from source has what the first command needs; the rest takes as long again to compile.
#[cfg(not(feature = "full"))]
fn missing(what: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "{what}: this program was built without it; `cargo build --release --features full` builds it with all"
    )
}

/// A reader that closes the pipe early, such as `head`, is no error.
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

/// Reports a missing file before anything is written.
fn check_readable(sources: &[Source]) -> anyhow::Result<()> {
    for source in sources {
        if let Source::File(path) = source {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                bail!("cannot read {}: it is a folder; name the files in it", path.display());
            }
        }
    }
    Ok(())
}

#[cfg(all(test, not(feature = "full")))]
mod tests {
    use super::*;

    #[test]
    fn missing_commands_say_how_to_have_them() {
        let line = ["turnledger", "collect", "token", "add", "--person", "ada"];
        let Command::Collect(args) = Cli::try_parse_from(line).expect("a command").command else { panic!("{line:?}") };
        let error = collect::run(*args, None).expect_err("it is left out");
        assert_eq!(
            error.to_string(),
            "collect: this program was built without it; `cargo build --release --features full` builds it with all"
        );
    }
}
