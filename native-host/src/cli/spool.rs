//! `turnledger spool`

use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{HumanBytes, HumanDuration};
use serde::Deserialize;
use turnledger::now;
use turnledger::store::{Clear, Listed, Spool, SpoolStatus, State};
use turnledger_core::UnixMillis;

use super::settings::{Settings, SpoolArgs};
use super::{counted, ignore_closed_pipe};

/// Look at the events that wait for delivery, and at those that were refused.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say how much waits, and what was refused
    Status(Args),
    /// List the events, the oldest first
    List(ListArgs),
    /// Let what was refused wait for delivery again
    Retry(Args),
    /// Delete events without delivering them
    Clear(ClearArgs),
}

#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(flatten)]
    spool: SpoolArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct ListArgs {
    /// Print the events themselves, one a line, as they would be sent
    #[arg(long)]
    json: bool,
    /// Only those that the server refused for good
    #[arg(long)]
    refused: bool,
    /// Only the oldest NUMBER
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    #[command(flatten)]
    spool: SpoolArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct ClearArgs {
    /// Only those that the server refused for good
    #[arg(long)]
    refused: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    spool: SpoolArgs,
}

pub(crate) fn run(command: &Command, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let flags = match command {
        Command::Status(args) | Command::Retry(args) => &args.spool,
        Command::List(args) => &args.spool,
        Command::Clear(args) => &args.spool,
    };
    let settings = Settings::load(config, &[flags])?;
    let Some(path) = &settings.spool.value else {
        bail!("there is no spool: the setting ({}) is none", settings.spool.origin);
    };
    // To look at a spool does not make one.
    if !path.exists() {
        eprintln!("turnledger: {}: no spool there; nothing waits", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    let mut spool = Spool::open(path, settings.store_limits())?;
    let mut stdout = BufWriter::new(io::stdout().lock());
    match command {
        Command::Status(_) => {
            let status = spool.status()?;
            ignore_closed_pipe(print_status(&spool, &status, &mut stdout))?;
        }
        Command::List(args) => list(&spool, args, &mut stdout)?,
        Command::Retry(_) => {
            let events = counted(spool.retry_refused()?, "event");
            ignore_closed_pipe(writeln!(stdout, "{events} will be sent again"))?;
        }
        Command::Clear(args) => clear(&mut spool, args, &mut stdout)?,
    }
    ignore_closed_pipe(stdout.flush())?;
    Ok(ExitCode::SUCCESS)
}

fn print_status(spool: &Spool, status: &SpoolStatus, output: &mut impl Write) -> io::Result<()> {
    let size = spool.path().metadata().map_or(0, |file| file.len());
    writeln!(output, "{} ({} on disk)", spool.path().display(), HumanBytes(size))?;
    let SpoolStatus { waiting, in_batches, span, refused } = status;
    write!(output, "{} waiting ({})", counted(waiting.events, "event"), HumanBytes(waiting.bytes))?;
    if let Some((oldest, _)) = span {
        write!(output, ", the oldest for {}", HumanDuration(age(*oldest)))?;
    }
    writeln!(output)?;
    if *in_batches > 0 {
        writeln!(output, "{in_batches} of them in requests that are on their way, or were when a process ended")?;
    }
    for (code, events) in refused {
        writeln!(output, "{} refused for good with status {code}", counted(*events, "event"))?;
    }
    Ok(())
}

fn list(spool: &Spool, args: &ListArgs, output: &mut impl Write) -> anyhow::Result<()> {
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["NUMBER", "AGE", "STATE", "BYTES", "EVENT"]);
    let mut written = Ok(());
    spool.list(|event| {
        if args.refused && !matches!(event.state, State::Refused { .. }) {
            return true;
        }
        if left == 0 {
            return false;
        }
        left -= 1;
        if args.json {
            written = writeln!(output, "{}", event.json);
        } else {
            table.add_row(row(&event));
        }
        written.is_ok()
    })?;
    ignore_closed_pipe(written)?;
    if !args.json && !table.is_empty() {
        for column in [0, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        ignore_closed_pipe(writeln!(output, "{}", table.trim_fmt()))?;
    }
    Ok(())
}

fn row(event: &Listed) -> [String; 5] {
    #[derive(Deserialize)]
    struct Typed {
        event_type: String,
    }
    let state = match event.state {
        State::Waiting => "waiting".to_owned(),
        State::InBatch => "on its way".to_owned(),
        State::Refused { status } => format!("refused ({status})"),
    };
    let name = serde_json::from_str(&event.json).map_or_else(|_| "?".to_owned(), |Typed { event_type }| event_type);
    [event.number.to_string(), HumanDuration(age(event.at)).to_string(), state, event.json.len().to_string(), name]
}

fn age(at: UnixMillis) -> Duration {
    Duration::from_millis(now().0.saturating_sub(at.0))
}

fn clear(spool: &mut Spool, args: &ClearArgs, output: &mut impl Write) -> anyhow::Result<()> {
    let waiting = spool.waiting()?;
    let (what, events) = if args.refused {
        (Clear::Refused, waiting.refused)
    } else {
        (Clear::Everything, waiting.events + waiting.refused)
    };
    if events > 0 && !args.yes && !is_agreed(&counted(events, "event"))? {
        bail!("nothing is deleted");
    }
    let cleared = spool.clear(what)?;
    // Only of an empty spool, since it holds up whoever writes; the room is used again all the same.
    if spool.status()? == SpoolStatus::default() {
        let _ = spool.shrink();
    }
    Ok(ignore_closed_pipe(writeln!(output, "{} deleted", counted(cleared, "event")))?)
}

/// Asks the person at the terminal.
fn is_agreed(what: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("{what} would be deleted; say --yes if that is meant");
    }
    eprint!("Delete {what} without delivering them? [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
