//! `turnledger schema`

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use turnledger_core::schemas;

use super::ignore_closed_pipe;

/// Print the JSON Schema of every event.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Print the schema of every fact instead: what a program may hand over in place of messages
    #[arg(long)]
    facts: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    let schema = if args.facts { schemas::of_facts() } else { schemas::of_events() };
    let schema = serde_json::to_string_pretty(&schema)?;
    ignore_closed_pipe(writeln!(stdout, "{schema}").and_then(|()| stdout.flush()))?;
    Ok(ExitCode::SUCCESS)
}
