//! `turnledger import`

mod place;
mod table;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};
use clap::Parser;
use indicatif::ProgressBar;
use turnledger_core::UnixMillis;
use turnledger_core::git_remote::canonical;
use turnledger_git::repository::Git;
use turnledger_intake::import::{ImportError, Options, Rollouts, Summary, Watch, default_folders, follow, import};

use self::place::Place;
use super::line_buffer::Both;
use super::otlp::Lines;
use super::{BAD_INPUT, UNDELIVERED, counted};
use crate::progress;
use crate::settings::{KeepArgs, KeyArgs, OtlpArgs, Settings};

/// Turn what Codex already wrote to disk into events, and keep them in the store.
///
/// Codex keeps a file of each thread that is stored: `~/.codex/sessions/…/rollout-….jsonl`, or `.jsonl.zst`. Each becomes
/// the events that Codex or `tap` would have made of it, as far as the file says; what it does not say is null, and the
/// events have `"source":"rollout"`. They come in the order of time. A file is never changed or locked, a symbolic link in
/// a folder is not followed, and a thread that is in two files is read once.
///
/// With `--output` the events are written, one JSON line each, and not kept, unless `--store` is there, too.
///
/// What was imported is remembered: the next import to the same place, with the same `--thread` and `--repo`, tells only
/// what is new. `--output FILE` then adds to FILE. If FILE or the store is gone, it begins anew. `--again` reads all. All
/// is read, and nothing remembered, with `--since`, `--until` or the name of a file, and if the events go to a terminal.
///
/// A line that cannot be used is reported as `FILE:LINE: what is wrong` and skipped. A last line that is cut off, because
/// Codex still writes it, is only counted.
///
/// Exit codes: 0 everything was done; 1 some lines or files could not be used; 2 the arguments cannot be used; 4 not everything
/// was sent to the receiver of `--otlp`.
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
    /// Only threads of this repository: a folder in it, or a remote's URL
    #[arg(long, value_name = "DIR|URL")]
    repo: Option<String>,
    /// Read again what was imported before
    #[arg(long)]
    again: bool,
    /// Go on as sessions do: tell their events within a second, until Ctrl-C
    #[arg(long, short, conflicts_with_all = ["until", "dry_run"])]
    follow: bool,
    /// List the files that would be read, and read none
    #[arg(long)]
    dry_run: bool,
    /// Write to FILE instead of the store: what is new comes behind what FILE has from earlier imports. `-` is standard
    /// output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List what yielded no event: the line, the reason, and the ids
    #[arg(long)]
    explain: bool,
    /// Print neither progress nor a summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    keep: KeepArgs,
    #[command(flatten)]
    otlp: OtlpArgs,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) fn since(text: &str) -> Result<UnixMillis, String> {
    let day = UnixMillis::from_iso_8601(&format!("{text}T00:00:00Z"));
    day.or_else(|| UnixMillis::from_iso_8601(text))
        .ok_or_else(|| "neither a day such as 2026-11-28 nor a time such as 2026-11-28T08:00:00Z".into())
}

pub(crate) fn until(text: &str) -> Result<UnixMillis, String> {
    let UnixMillis(at) = since(text)?;
    let is_day = !text.contains('T');
    Ok(UnixMillis(if is_day { at + DAY_MS } else { at }))
}

/// The canonical remotes of a folder's repository, or that of a URL.
fn repositories(repo: &str) -> anyhow::Result<Vec<String>> {
    let folder = Path::new(repo);
    if folder.is_dir() {
        let urls = Git::open(Some(folder))?.remote_urls();
        let known: Vec<_> = urls.iter().filter_map(|url| canonical(url)).collect();
        if known.is_empty() {
            bail!("--repo {repo}: the repository has no remote by which sessions could be known");
        }
        return Ok(known);
    }
    let known = canonical(repo).with_context(|| format!("--repo {repo}: neither a folder nor the URL of a remote"))?;
    Ok(vec![known])
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let paths = if args.paths.is_empty() { default_folders() } else { args.paths.clone() };
    if paths.is_empty() {
        bail!("there are no sessions of Codex below CODEX_HOME or ~/.codex; name a file or a folder");
    }
    let repositories = args.repo.as_deref().map(repositories).transpose()?;
    let settings = Settings::load(config, &[&args.key, &args.keep, &args.otlp])?;
    let options = Options::default()
        .since(args.since)
        .until(args.until)
        .thread(args.thread.clone())
        .repositories(repositories.clone())
        .digest(settings.digest()?)
        .explain(args.explain);
    let store = (args.keep.is_given() || args.output.is_none()).then(|| settings.store()).transpose()?;
    let mut place = Place::of(args, &paths, repositories.as_deref(), store)?;
    if args.dry_run {
        let rollouts = Rollouts::find(&paths, &options, &place.memory)?;
        super::ignore_closed_pipe(list(&rollouts, &mut io::stdout().lock()))?;
        if !args.quiet {
            let files = u64::try_from(rollouts.files.len()).unwrap_or(u64::MAX);
            eprintln!("{}, {}", counted(files, "file"), counted(rollouts.bytes(), "byte"));
            say_unchanged(rollouts.unchanged);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut sent = if args.otlp.is_given() { Lines::of(&settings)? } else { None };
    let mut lines = place.open()?;
    let mut both;
    let all: &mut dyn Write = match &mut sent {
        Some(sent) => {
            both = Both(&mut lines, sent);
            &mut both
        }
        None => &mut lines,
    };
    let done = if args.follow {
        let stop = stopped_by_signals();
        let mut said = Said { bar: ProgressBar::hidden(), files: 0, read: 0, is_quiet: args.quiet };
        let Place { memory, keeper, .. } = &mut place;
        follow(&paths, &options, memory, all, &mut said, &mut |memory| keeper.save(memory), &stop)
    } else {
        let rollouts = Rollouts::find(&paths, &options, &place.memory)?;
        let bar = progress::of_files(rollouts.bytes(), !args.quiet);
        let mut said = Said { bar, files: rollouts.files.len(), read: 0, is_quiet: args.quiet };
        let done = import(&rollouts, &options, &mut place.memory, all, &mut said);
        said.bar.finish_and_clear();
        done
    };
    let summary = match done {
        Err(ImportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        Err(error) => {
            place.give_up();
            return Err(error.into());
        }
        Ok(summary) => summary,
    };
    if !args.follow {
        place.keeper.save(&mut place.memory);
    }
    if !args.quiet {
        say(&summary);
        if let Some(kept) = lines.kept() {
            eprintln!("{kept}");
        }
    }
    if let Some(sent) = sent
        && !sent.finish(args.quiet)?
    {
        return Ok(ExitCode::from(UNDELIVERED));
    }
    Ok(if summary.has_bad_input() { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS })
}

/// What a person reads at the end.
fn say(summary: &Summary) {
    if summary.files > 0 || summary.unchanged == 0 {
        eprintln!("{summary}");
    }
    if !summary.rows.is_empty() {
        eprintln!("{}", table::of(summary));
    }
    say_unchanged(summary.unchanged);
    if summary.sessions > 0 {
        eprintln!("Rollouts say nothing of approvals, hooks, skills, and refused steers.");
    }
}

fn say_unchanged(unchanged: u64) {
    if unchanged > 0 {
        let were = if unchanged == 1 { "was" } else { "were" };
        let them = if unchanged == 1 { "it" } else { "them" };
        eprintln!("{} {were} imported before; --again reads {them} again", counted(unchanged, "file"));
    }
}

/// What is said while it goes on.
struct Said {
    bar: ProgressBar,
    files: usize,
    read: usize,
    is_quiet: bool,
}

impl Watch for Said {
    fn note(&mut self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    fn read(&mut self, bytes: u64) {
        self.read += 1;
        self.bar.inc(bytes);
        self.bar.set_message(format!("{}/{} files", self.read, self.files));
    }

    fn caught_up(&mut self, summary: &Summary) {
        if !self.is_quiet {
            say(summary);
            eprintln!("waiting for more; Ctrl-C ends");
        }
    }
}

/// Becomes true at a signal that asks for an end.
fn stopped_by_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        // A second one ends it at once.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, stop.clone());
        // Without it, the signal ends the program, and the memory is some seconds old.
        let _ = signal_hook::flag::register(signal, stop.clone());
    }
    stop
}

/// Each file with its thread, one a line.
fn list(rollouts: &Rollouts, lines: &mut dyn Write) -> io::Result<()> {
    for found in &rollouts.files {
        let thread = found.thread.as_deref().unwrap_or("-");
        writeln!(lines, "{thread}\t{}\t{}", found.bytes, found.path.display())?;
    }
    lines.flush()
}
