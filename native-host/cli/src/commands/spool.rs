//! `turnledger spool`

use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Parser, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{HumanBytes, HumanDuration};
use serde::Deserialize;
use turnledger::delivery::account::AccountKey;
use turnledger::now;
use turnledger::store::{Clear, Listed, Spool, SpoolError, SpoolStatus, State, StoreLimits};
use turnledger_core::UnixMillis;

use super::{counted, ignore_closed_pipe};
use crate::settings::{Settings, SpoolArgs};

/// Look at the events that wait to be sent, and at those that the server refused.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say how many events wait, and how many were refused
    Status(Args),
    /// List the events, the oldest first
    List(ListArgs),
    /// Let refused events be sent again
    Retry(Args),
    /// Delete events without sending them
    Clear(ClearArgs),
    /// Rename a damaged spool, so that a new one takes its place; its events stay under the new name
    SetAside(SetAsideArgs),
}

#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(flatten)]
    spool: SpoolArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct ListArgs {
    /// Print the events themselves, one JSON line each
    #[arg(long)]
    json: bool,
    /// List only refused events
    #[arg(long)]
    refused: bool,
    /// List only the oldest NUMBER events of each spool
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    #[command(flatten)]
    spool: SpoolArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct ClearArgs {
    /// Delete only refused events
    #[arg(long)]
    refused: bool,
    /// Do not ask before deleting
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    spool: SpoolArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct SetAsideArgs {
    /// Rename the spool even if it is not damaged
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    spool: SpoolArgs,
}

/// How long to wait for another process that writes the spool.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a spool. The error of a damaged one says what to do.
pub(super) fn open(path: &Path, limits: StoreLimits, patience: Duration) -> anyhow::Result<Spool> {
    let mut spool = Spool::open(path, limits, patience).map_err(advised)?;
    if let Some(damage) = spool.take_damage() {
        eprintln!("turnledger: {}: {damage}", path.display());
    }
    Ok(spool)
}

/// Moves the events of an earlier version's file into the new spool. A failure is reported, and tried again the next
/// time.
pub(super) fn take_over(settings: &Settings, patience: Duration) {
    let Some((old, path)) = settings.old_spool().zip(settings.spool.value.as_deref()) else { return };
    let taken = open(path, settings.store_limits(), patience)
        .and_then(|mut spool| spool.take_over(&old, now(), patience).map_err(advised));
    match taken {
        Ok(0) => {}
        Ok(events) => {
            let events = counted(events, "event");
            eprintln!("turnledger: {events} of {} moved to {}", old.display(), path.display());
        }
        Err(problem) => eprintln!("turnledger: what waits in {} stays there: {problem:#}", old.display()),
    }
}

fn advised(error: SpoolError) -> anyhow::Error {
    if error.is_damaged() {
        anyhow!("{error}; `turnledger spool set-aside` renames it, and a new one takes its place")
    } else {
        error.into()
    }
}

pub(crate) fn run(command: &Command, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let flags = match command {
        Command::Status(args) | Command::Retry(args) => &args.spool,
        Command::List(args) => &args.spool,
        Command::Clear(args) => &args.spool,
        Command::SetAside(args) => &args.spool,
    };
    let settings = Settings::load(config, &[flags])?;
    let Some(path) = &settings.spool.value else {
        bail!("there is no spool: {} says `none`", settings.spool.origin);
    };
    if !matches!(command, Command::SetAside(_)) {
        take_over(&settings, PATIENCE);
    }
    if let (Command::SetAside(args), true) = (command, path.exists()) {
        return set_aside(path, settings.store_limits(), args.force);
    }
    // What waits for a receiver of OpenTelemetry is beside it.
    let beside = settings.otlp_spool().filter(|_| !matches!(command, Command::SetAside(_)));
    // To look at a spool does not make one.
    let paths: Vec<&Path> =
        [Some(path.as_path()), beside.as_deref()].into_iter().flatten().filter(|path| path.exists()).collect();
    if paths.is_empty() {
        eprintln!("turnledger: {}: no spool here, so no event waits", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    let open = |path: &Path| open(path, settings.store_limits(), PATIENCE);
    let heading = |of: &Path| if Some(of) == beside.as_deref() { "for OpenTelemetry:\n" } else { "" };
    let mut stdout = BufWriter::new(io::stdout().lock());
    match command {
        Command::Status(_) => {
            for path in paths {
                let mut spool = open(path)?;
                let status = spool.status().map_err(advised)?;
                let written = write!(stdout, "{}", heading(path));
                ignore_closed_pipe(written.and_then(|()| print_status(&spool, &status, &mut stdout)))?;
            }
        }
        Command::List(args) => {
            for path in paths {
                list(&open(path)?, args, heading(path), &mut stdout)?;
            }
        }
        Command::Retry(_) => {
            let mut events = 0;
            for path in paths {
                events += open(path)?.retry_refused().map_err(advised)?;
            }
            ignore_closed_pipe(writeln!(stdout, "{} will be sent again", counted(events, "event")))?;
        }
        Command::Clear(args) => {
            let mut spools = paths.into_iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
            clear(&mut spools, args, &mut stdout)?;
        }
        // Done above, without opening the file.
        Command::SetAside(_) => {}
    }
    ignore_closed_pipe(stdout.flush())?;
    Ok(ExitCode::SUCCESS)
}

fn print_status(spool: &Spool, status: &SpoolStatus, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "{} ({} on disk)", spool.path().display(), HumanBytes(spool.size()))?;
    let SpoolStatus { waiting, in_batches, span, refused, accounts, .. } = status;
    write!(output, "{} waiting ({})", counted(waiting.events, "event"), HumanBytes(waiting.bytes))?;
    if let Some((oldest, _)) = span {
        write!(output, ", the oldest for {}", HumanDuration(age(*oldest)))?;
    }
    writeln!(output)?;
    if *in_batches > 0 {
        writeln!(output, "{in_batches} of them in requests that are being sent, or were when their process ended")?;
    }
    if accounts.len() > 1 || accounts.keys().any(|account| *account != AccountKey::NONE) {
        for (account, events) in accounts {
            let events = counted(*events, "event");
            if *account == AccountKey::NONE {
                writeln!(output, "{events} without an account: sent to a server without credentials")?;
            } else {
                writeln!(output, "{events} of account {account}: sent when that account is logged in")?;
            }
        }
    }
    for (code, events) in refused {
        writeln!(output, "{} refused by the server with status {code}", counted(*events, "event"))?;
    }
    if let Some((path, bytes)) = spool.damaged_file() {
        writeln!(output, "{} of damage set aside in {}", HumanBytes(bytes), path.display())?;
    }
    Ok(())
}

/// Renames a damaged spool, or any spool with `force`.
fn set_aside(path: &Path, limits: StoreLimits, force: bool) -> anyhow::Result<ExitCode> {
    let is_damaged = match Spool::open(path, limits, PATIENCE) {
        Ok(mut spool) => spool.status().is_err_and(|error| error.is_damaged()),
        Err(error) => error.is_damaged(),
    };
    if !is_damaged && !force {
        bail!("{}: not damaged; --force renames it all the same", path.display());
    }
    let aside = Spool::set_aside(path, now()).with_context(|| format!("cannot rename {}", path.display()))?;
    println!("{} is now {}; the next session makes a new spool", path.display(), aside.display());
    Ok(ExitCode::SUCCESS)
}

/// Prints a spool's events; `heading` stands before the table.
fn list(spool: &Spool, args: &ListArgs, heading: &str, output: &mut impl Write) -> anyhow::Result<()> {
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["NUMBER", "AGE", "STATE", "BYTES", "EVENT"]);
    let mut written = Ok(());
    let listed = spool.list(|event| {
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
    });
    listed.map_err(advised)?;
    ignore_closed_pipe(written)?;
    if !args.json && !table.is_empty() {
        for column in [0, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        ignore_closed_pipe(writeln!(output, "{heading}{}", table.trim_fmt()))?;
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
        State::InBatch => "being sent".to_owned(),
        State::Refused { status } => format!("refused ({status})"),
        _ => "?".to_owned(),
    };
    let name = serde_json::from_str(&event.json).map_or_else(|_| "?".to_owned(), |Typed { event_type }| event_type);
    [event.number.to_string(), HumanDuration(age(event.at)).to_string(), state, event.json.len().to_string(), name]
}

fn age(at: UnixMillis) -> Duration {
    Duration::from_millis(now().0.saturating_sub(at.0))
}

/// Deletes events of all spools, after one question.
fn clear(spools: &mut [Spool], args: &ClearArgs, output: &mut impl Write) -> anyhow::Result<()> {
    let what = if args.refused { Clear::Refused } else { Clear::Everything };
    let mut events = 0;
    for spool in &*spools {
        let waiting = spool.waiting().map_err(advised)?;
        events += if args.refused { waiting.refused } else { waiting.events + waiting.refused };
    }
    if events > 0 && !args.yes && !is_agreed(&counted(events, "event"))? {
        bail!("nothing was deleted");
    }
    let mut cleared = 0;
    for spool in spools {
        cleared += spool.clear(what).map_err(advised)?;
        // Only an empty spool is made smaller, since that holds up other writers. Its room is used again in any case.
        if spool.status().is_ok_and(|status| status == SpoolStatus::default()) {
            let _ = spool.shrink();
        }
    }
    Ok(ignore_closed_pipe(writeln!(output, "{} deleted", counted(cleared, "event")))?)
}

/// Asks the person at the terminal.
fn is_agreed(what: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("{what} would be deleted; --yes deletes without asking");
    }
    eprint!("Delete {what} without sending? [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
