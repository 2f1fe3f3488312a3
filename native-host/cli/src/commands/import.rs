//! `turnledger import`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use turnledger_core::UnixMillis;
use turnledger_intake::import::{ImportError, Options, Rollouts, default_folders, import};

use super::{BAD_INPUT, counted};
use crate::settings::{KeyArgs, Settings};

/// Turn what Codex already wrote to disk into events, one JSON line each.
///
/// Codex keeps a file of each thread that is stored: `~/.codex/sessions/…/rollout-….jsonl`, or `.jsonl.zst`. Each becomes
/// the events that Codex or `tap` would have made of it, as far as the file says; what it does not say is null, and the
/// events have `"source":"rollout"`. They come in the order of time. A file is never changed or locked, a symbolic link in
/// a folder is not followed, and a thread that is in two files is read once.
///
/// A line that cannot be used is reported as `FILE:LINE: what is wrong` and skipped. A last line that is cut off, because
/// Codex still writes it, is only counted.
///
/// Exit codes: 0 everything was done; 1 some lines or files could not be used; 2 the arguments cannot be used.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Rollouts, and folders with rollouts; without any, `sessions` and `archived_sessions` below `CODEX_HOME` or
    /// `~/.codex`
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only what happened then or later: a day such as 2026-11-28, or a time such as 2026-11-28T08:00:00Z, in UTC
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<UnixMillis>,
    /// Only what happened before: a time, or a day and all of it
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<UnixMillis>,
    /// Only the thread of this id
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    /// List the files that would be read, and read none
    #[arg(long)]
    dry_run: bool,
    /// Write to FILE instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List what yielded no event: the line, the reason, and the ids
    #[arg(long)]
    explain: bool,
    /// Print no summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    key: KeyArgs,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn since(text: &str) -> Result<UnixMillis, String> {
    let day = UnixMillis::from_iso_8601(&format!("{text}T00:00:00Z"));
    day.or_else(|| UnixMillis::from_iso_8601(text))
        .ok_or_else(|| "neither a day such as 2026-11-28 nor a time such as 2026-11-28T08:00:00Z".into())
}

fn until(text: &str) -> Result<UnixMillis, String> {
    let UnixMillis(at) = since(text)?;
    let is_day = !text.contains('T');
    Ok(UnixMillis(if is_day { at + DAY_MS } else { at }))
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let paths = if args.paths.is_empty() { default_folders() } else { args.paths.clone() };
    if paths.is_empty() {
        bail!("there are no sessions of Codex below CODEX_HOME or ~/.codex; name a file or a folder");
    }
    let options = Options::default()
        .since(args.since)
        .until(args.until)
        .thread(args.thread.clone())
        .digest(Settings::load(config, &[&args.key])?.digest()?)
        .explain(args.explain);
    let rollouts = Rollouts::find(&paths, &options)?;
    let mut lines: Box<dyn Write> = match &args.output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    if args.dry_run {
        super::ignore_closed_pipe(list(&rollouts, &mut lines))?;
        if !args.quiet {
            let (files, bytes) = (rollouts.files.len(), rollouts.bytes());
            eprintln!("{}, {}", counted(u64::try_from(files).unwrap_or(u64::MAX), "file"), counted(bytes, "byte"));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let summary = match import(&rollouts, &options, &mut lines, &mut |text| eprintln!("{text}")) {
        Err(ImportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        summary => summary?,
    };
    if !args.quiet {
        eprintln!("{summary}");
    }
    Ok(if summary.has_bad_input() { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS })
}

/// Each file with its thread, one a line.
fn list(rollouts: &Rollouts, lines: &mut dyn Write) -> io::Result<()> {
    for found in &rollouts.files {
        let thread = found.thread.as_deref().unwrap_or("-");
        writeln!(lines, "{thread}\t{}\t{}", found.bytes, found.path.display())?;
    }
    lines.flush()
}
