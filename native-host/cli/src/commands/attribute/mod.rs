//! `turnledger attribute`

mod render;
mod rows;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{ArgGroup, Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use turnledger::Sha2;
use turnledger::lines::read_line;
use turnledger_core::accepted_lines::lines;
use turnledger_git::attribution::{AcceptedEvents, Attributor, Counts, EventReader, TOLERANCE, files_of};
use turnledger_git::repository::{Git, GitError, Step};
use turnledger_intake::recording::{Complaints, Source};

use self::rows::By;
use super::files::open_events;
use super::{BAD_INPUT, OVER, counted, ignore_closed_pipe};
use crate::settings::{KeyArgs, Settings};

/// Say which lines of a change match lines that an agent wrote.
///
/// Lines are compared by the hash of their words. A line still matches after a rebase, a squash, an amended commit, a
/// new indentation or a rename of its file. A line never matches a turn that began after the line was committed. A line
/// that does not match may still be an agent's.
///
/// Exit codes: 0 everything was done; 1 some lines of the event files could not be read; 2 the arguments, the
/// repository or the events cannot be used; 3 more than `--fail-over` matches.
#[derive(Debug, Parser)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args(["revisions", "staged", "worktree", "diff", "blame"]))]
pub(crate) struct Args {
    /// A commit (`HEAD`) or a range (`main..topic`; `main...topic` is the same)
    #[arg(value_name = "RANGE|COMMIT", conflicts_with_all = ["staged", "worktree", "diff"])]
    revisions: Option<String>,
    /// Compare the staged changes
    #[arg(long, conflicts_with_all = ["worktree", "diff", "blame"])]
    staged: bool,
    /// Compare everything that is not committed, with untracked files
    #[arg(long, conflicts_with_all = ["diff", "blame"])]
    worktree: bool,
    /// Compare a diff; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "blame")]
    diff: Option<PathBuf>,
    /// Print a file with the agent's lines marked, from the working tree or from COMMIT
    #[arg(long, value_name = "FILE")]
    blame: Option<PathBuf>,
    /// Files of events or of request bodies, recordings, rollouts of Codex, or folders of such files; plain, gzip or
    /// Zstandard
    #[arg(long, value_name = "FILE|DIR", required = true)]
    events: Vec<PathBuf>,
    /// The repository, or a folder in it; the file of `--blame` is looked for in this folder [default: `GIT_DIR`, or
    /// the current folder]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Use events from other repositories as well
    #[arg(long)]
    any_repository: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Add the rows up by this. Without it, each file of each commit has a row. JSON has everything in any case
    #[arg(long, value_enum)]
    by: Option<By>,
    /// End with exit code 3 if more than PERCENT of the lines match
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_over: Option<f64>,
    /// Print neither progress nor notes
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Markdown,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("expected a number from 0 to 100".into()),
    }
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let digest = Settings::load(config, &[&args.key])?.digest()?;
    // A diff needs no repository, but `--repo` may name one.
    let git = if args.diff.is_some() && args.repo.is_none() { None } else { Some(Git::open(args.repo.as_deref())?) };
    // Faults of the arguments are reported before the events are read, which may take long.
    let steps = match &git {
        Some(git) if args.blame.is_none() && args.diff.is_none() => steps(git, args)?,
        _ => Vec::new(),
    };
    let blamed = match (&git, &args.blame) {
        (Some(git), Some(path)) => {
            let folder = args.repo.as_deref().unwrap_or(Path::new("."));
            Some(git.file(args.revisions.as_deref(), folder, path)?)
        }
        _ => None,
    };
    let remotes = git.as_ref().map(Git::remote_urls).filter(|urls| !urls.is_empty() && !args.any_repository);
    let mut events = EventReader::new(&digest, remotes.as_deref());
    let bad_lines = read_events(&mut events, &digest, args)?;
    let events = events.finish();
    check(&events, args, remotes.is_some())?;

    let mut attributor = Attributor::new(digest, events);
    let mut output = Vec::new();
    let total = if let Some(file) = blamed {
        let content: Vec<&[u8]> = lines(&file.content).collect();
        let marks = attributor.blame(&file.path, &content, file.at);
        render::blame(&mut output, args.format, &file.path, &content, &marks)?
    } else {
        match (&git, &args.diff) {
            (_, Some(path)) => read_diff(path, &mut attributor)?,
            (Some(git), None) => follow(git, &steps, args, &mut attributor)?,
            (None, None) => {}
        }
        let report = attributor.report();
        render::report(&mut output, args.format, args.by, &report)?;
        report.total
    };
    let mut stdout = io::stdout().lock();
    ignore_closed_pipe(stdout.write_all(&output).and_then(|()| stdout.flush())).context("cannot write")?;
    Ok(verdict(args.fail_over, total, bad_lines))
}

fn verdict(fail_over: Option<f64>, total: Counts, bad_lines: bool) -> ExitCode {
    if let (Some(limit), Some(share)) = (fail_over, total.share())
        && total.exceeds(limit)
    {
        eprintln!("turnledger: {:.1} % of the lines match, more than the {limit} % allowed", share * 100.0);
        return ExitCode::from(OVER);
    }
    if bad_lines { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS }
}

fn steps(git: &Git, args: &Args) -> Result<Vec<Step>, GitError> {
    match &args.revisions {
        Some(revisions) => git.steps(revisions),
        None if args.staged => Ok(vec![git.staged()?]),
        None => Ok(vec![git.worktree()?]),
    }
}

/// How many commits a message names at most.
const MOST_NAMED: usize = 5;

/// Reads the files of events. Returns whether there were bad lines in them.
fn read_events(events: &mut EventReader, digest: &Sha2, args: &Args) -> anyhow::Result<bool> {
    let mut files = Vec::new();
    for path in &args.events {
        files.extend(files_of(path)?);
    }
    let mut any_bad = false;
    for path in files {
        let unreadable = || format!("cannot read {}", path.display());
        let mut reader = open_events(&path, digest)?;
        let bad = events.read(&mut reader).with_context(unreadable)?;
        any_bad |= !bad.is_empty();
        let mut complaints = Complaints::default();
        for (line, column) in bad {
            let column = if column == 0 { String::new() } else { format!(" (column {column})") };
            complaints.add(line, &format!("neither an event nor a request body{column}"));
        }
        for complaint in complaints.tell(&path.display().to_string()) {
            eprintln!("{complaint}");
        }
    }
    Ok(any_bad)
}

/// Reports the events that are not used, and fails if none is left.
fn check(events: &AcceptedEvents, args: &Args, is_known: bool) -> anyhow::Result<()> {
    let accepted = |count| counted(count, "accepted-line event");
    let mut notes = Vec::new();
    for (scheme, count) in &events.skipped.other_scheme {
        let hint =
            if scheme.as_str().starts_with("hmac") { "; name the file with their key by --key-file" } else { "" };
        notes.push(format!("{} not used: hashed by {scheme}, not by {}{hint}", accepted(*count), events.scheme()));
    }
    if events.skipped.other_repository > 0 {
        let events = accepted(events.skipped.other_repository);
        notes.push(format!(
            "{events} not used: the repo_hash is another repository's; --any-repository includes such events"
        ));
    }
    if events.is_empty() {
        match notes.first() {
            Some(note) => bail!("no events to compare with: {note}"),
            None => bail!("no events to compare with: the files have no accepted-line event"),
        }
    }
    if events.skipped.repeated > 0 {
        notes.push(format!("{} repeated: counted once", accepted(events.skipped.repeated)));
    }
    if events.without_lines > 0 {
        notes.push(format!("{} without hashes: no line can match", accepted(events.without_lines)));
    }
    if events.unknown_repository > 0 {
        let events = accepted(events.unknown_repository);
        notes.push(format!("{events} without a repository (repo_hash is null): used all the same"));
    }
    if events.wrong_times > 0 {
        let events = accepted(events.wrong_times);
        notes
            .push(format!("{events} with an impossible time (before 1980 or after now): used for commits of any time"));
    }
    if events.wrong_starts > 0 {
        let events = accepted(events.wrong_starts);
        notes.push(format!(
            "{events} with an impossible start of the turn: used from {TOLERANCE} seconds before the event's own time"
        ));
    }
    if !is_known && !args.any_repository {
        let what = if args.diff.is_some() {
            "a diff does not name its repository (--repo does)"
        } else {
            "the repository has no remote to compare with repo_hash"
        };
        notes.push(format!("{what}, so events of every repository are used"));
    }
    if !args.quiet {
        for note in notes {
            eprintln!("turnledger: {note}");
        }
    }
    Ok(())
}

/// Attributes one step after another.
fn follow(git: &Git, steps: &[Step], args: &Args, attributor: &mut Attributor) -> anyhow::Result<()> {
    let progress = if args.quiet || !io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(steps.len() as u64)
    };
    // The template is a constant: it either always parses or never does.
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} commits ({eta} left)");
    progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut wrong_dates = Vec::new();
    attributor.follow(git, progress.wrap_iter(steps.iter()), |step, unread| {
        wrong_dates.extend(step.all().filter(|step| step.has_wrong_date).map(short));
        let unreadable = unread.iter().map(|step| (GitError::Unreadable(short(step).into()), "skipped"));
        let cut_off = step.all().filter(|step| step.is_cut_off);
        let cut_off = cut_off.map(|step| (GitError::CutOff(short(step).into()), "not counted"));
        for (error, what) in unreadable.chain(cut_off) {
            if args.fail_over.is_some() {
                return Err(error);
            }
            if !args.quiet {
                progress.suspend(|| eprintln!("turnledger: {what}: {error}"));
            }
        }
        Ok(())
    })?;
    progress.finish_and_clear();
    if !wrong_dates.is_empty() && !args.quiet {
        eprintln!(
            "turnledger: {} with an impossible date, whose lines match events of any time: {}",
            counted(wrong_dates.len() as u64, "commit"),
            named(&wrong_dates)
        );
    }
    Ok(())
}

fn short(step: &Step) -> &str {
    step.commit.as_ref().map_or("", |commit| &commit.short)
}

/// The first few of many names.
fn named(names: &[&str]) -> String {
    let more = if names.len() > MOST_NAMED { ", …" } else { "" };
    names[..names.len().min(MOST_NAMED)].join(", ") + more
}

fn read_diff(path: &Path, attributor: &mut Attributor) -> anyhow::Result<()> {
    let source = Source::from_argument(path);
    let unreadable = || format!("cannot read {}", source.name());
    let mut reader = source.open(|file| file).with_context(unreadable)?;
    let mut files = attributor.diff();
    let mut line = Vec::new();
    let mut is_empty = true;
    while read_line(&mut reader, &mut line).with_context(unreadable)?.is_some() {
        is_empty = false;
        files.line(line.strip_suffix(b"\r").unwrap_or(&line));
    }
    match files.finish() {
        Some(files) => attributor.step(None, &files, &[]),
        None if is_empty => attributor.step(None, &[], &[]),
        None => bail!("{}: not a unified diff", source.name()),
    }
    Ok(())
}
