//! `turnledger attribute`

mod render;
mod rows;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{ArgGroup, Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use turnledger::attribution::{AcceptedEvents, Attributor, Counts, files_of};
use turnledger::git::{ChangeReader, Git, GitError, Step};
use turnledger::recording::{Source, read_line};
use turnledger_core::accepted_lines::lines;

use self::rows::By;
use super::settings::{KeyArgs, Settings};
use super::{BAD_INPUT, OVER, ignore_closed_pipe};

/// Say which lines of a change match lines that an agent's turns left accepted.
///
/// Lines are compared by the hash of their words, wherever they stand, so rebasing, squashing, amending,
/// renaming and indenting change nothing. A line that does not match may still be an agent's.
///
/// Exit codes: 0 if everything was done; 1 if some lines of the events could not be read; 2 if the
/// arguments, the repository or the events cannot be used; 3 if more than `--fail-over` matches.
#[derive(Debug, Parser)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args(["revisions", "staged", "worktree", "diff", "blame"]))]
pub(crate) struct Args {
    /// A commit (`HEAD`) or a range (`main..topic`, or `main...topic` from where they parted)
    #[arg(value_name = "RANGE|COMMIT", conflicts_with_all = ["staged", "worktree", "diff"])]
    revisions: Option<String>,
    /// Look at what is staged
    #[arg(long, conflicts_with_all = ["worktree", "diff", "blame"])]
    staged: bool,
    /// Look at everything that is not committed, untracked files too
    #[arg(long, conflicts_with_all = ["diff", "blame"])]
    worktree: bool,
    /// Look at a diff; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "blame")]
    diff: Option<PathBuf>,
    /// Print a file of the working tree, or of a commit, with its lines marked
    #[arg(long, value_name = "FILE")]
    blame: Option<PathBuf>,
    /// Files of events or request bodies, or folders of such files; plain, gzip or Zstandard
    #[arg(long, value_name = "FILE|DIR", required = true)]
    events: Vec<PathBuf>,
    /// The repository, or a folder in it, from which files are named; the current folder, or `GIT_DIR`,
    /// if it is not given
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Use events from other repositories too
    #[arg(long)]
    any_repository: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Add up by something else than each file of each commit; JSON always has everything
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
    // A diff needs no repository, but may be said to be of one.
    let git = if args.diff.is_some() && args.repo.is_none() { None } else { Some(Git::open(args.repo.as_deref())?) };
    // What is asked for is known to exist before the events, which may take long, are read.
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
    let mut events = AcceptedEvents::new(&digest, remotes.as_deref());
    let bad_lines = read_events(&mut events, args)?;
    check(&events, args, remotes.is_some())?;

    let mut attributor = Attributor::new(digest, events);
    let mut output = Vec::new();
    let total = if let Some((path, content)) = blamed {
        let content: Vec<&[u8]> = lines(&content).collect();
        let marks = attributor.blame(&path, &content);
        render::blame(&mut output, args.format, &path, &content, &marks)?
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
        eprintln!("turnledger: {:.1} % of the lines match, more than {limit} %", share * 100.0);
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

/// How many bad lines of a file are named.
const MOST_BAD_LINES: usize = 5;

/// Reads the files of events. Returns whether there were bad lines in them.
fn read_events(events: &mut AcceptedEvents, args: &Args) -> anyhow::Result<bool> {
    let mut files = Vec::new();
    for path in &args.events {
        files.extend(files_of(path)?);
    }
    let mut any_bad = false;
    for path in files {
        let unreadable = || format!("cannot read {}", path.display());
        let mut reader = Source::File(path.clone()).open(|file| file).with_context(unreadable)?;
        let bad = events.read(&mut reader).with_context(unreadable)?;
        any_bad |= !bad.is_empty();
        for (line, column) in bad.iter().take(MOST_BAD_LINES) {
            let column = if *column == 0 { String::new() } else { format!(" (column {column})") };
            eprintln!("{}:{line}: neither an event nor a request body{column}", path.display());
        }
        if bad.len() > MOST_BAD_LINES {
            eprintln!("{}: {} more bad lines", path.display(), bad.len() - MOST_BAD_LINES);
        }
    }
    Ok(any_bad)
}

/// Says what of the events is not used, and ends if nothing is left of them.
fn check(events: &AcceptedEvents, args: &Args, is_known: bool) -> anyhow::Result<()> {
    let mut notes = Vec::new();
    for (scheme, count) in &events.skipped.other_scheme {
        let hint = if scheme.as_str().starts_with("hmac") { "; --key-file names the file of their key" } else { "" };
        notes.push(format!("{count} accepted-line events are of the scheme {scheme}, not {}{hint}", events.scheme()));
    }
    if events.skipped.other_repository > 0 {
        let count = events.skipped.other_repository;
        notes.push(format!(
            "{count} accepted-line events come from another repository (their repo_hash differs); --any-repository uses them"
        ));
    }
    if events.is_empty() {
        match notes.first() {
            Some(note) => bail!("no events to compare with: {note}"),
            None => bail!("no events to compare with: the files have no accepted-line event"),
        }
    }
    if events.skipped.repeated > 0 {
        notes.push(format!("{} accepted-line events were read before and count once", events.skipped.repeated));
    }
    if events.without_lines > 0 {
        notes.push(format!("{} accepted-line events have no hashes: nothing can match them", events.without_lines));
    }
    if events.unknown_repository > 0 {
        let count = events.unknown_repository;
        notes.push(format!("{count} accepted-line events do not say which repository they come from"));
    }
    if !is_known && !args.any_repository {
        let what = if args.diff.is_some() {
            "a diff does not say of which repository it is"
        } else {
            "the repository has no remote"
        };
        notes.push(format!("{what}, so events from everywhere count"));
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
    let mut reader = ChangeReader::new(git)?;
    for step in progress.wrap_iter(steps.iter()) {
        let mut files = Vec::new();
        reader.read(step, |change| files.push(attributor.changed_file(change)))?;
        attributor.step(Some(step), &files);
        let commit = step.commit.as_ref().map_or("", |commit| &commit.short);
        if step.is_cut_off && args.fail_over.is_some() {
            return Err(GitError::CutOff(commit.into()).into());
        }
        if step.is_cut_off && !args.quiet {
            progress.suspend(|| {
                eprintln!("turnledger: the shallow clone ends at {commit}, whose changes are unknown; `git fetch --unshallow` brings what is missing");
            });
        }
    }
    progress.finish_and_clear();
    Ok(())
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
        Some(files) => attributor.step(None, &files),
        None if is_empty => attributor.step(None, &[]),
        None => bail!("{}: not a unified diff", source.name()),
    }
    Ok(())
}
