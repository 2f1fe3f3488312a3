//! `turnledger fingerprint`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use turnledger::now;
use turnledger_core::Id;
use turnledger_core::git_remote::repo_hash;
use turnledger_git::fingerprint::{EventWriter, Labels, UNNAMED};
use turnledger_git::repository::{ChangeReader, Git, Step};
use turnledger_intake::recording::Source;

use super::ignore_closed_pipe;
use crate::settings::{KeyArgs, Settings};

/// Turn a diff into events with counts and hashes of its lines, without code and paths.
///
/// The diff is a unified one, as `git diff` and `diff -u` write it: `git diff | turnledger fingerprint`. A diff that
/// adds and deletes no line has no event.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The diff, plain or compressed (gzip, Zstandard); `-` is standard input
    #[arg(value_name = "FILE", default_value = "-", conflicts_with = "git")]
    file: PathBuf,
    /// Read a commit or a range from a repository instead. `main..topic` is the difference of the two ends;
    /// `main...topic` begins where they parted
    #[arg(long, value_name = "RANGE")]
    git: Option<String>,
    /// The repository, or a folder in it [default: `GIT_DIR`, or the current folder]
    #[arg(long, value_name = "DIR", requires = "git")]
    repo: Option<PathBuf>,
    /// Remote URL of the repository [default with `--git`: that of `origin`]
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// Thread id for the events
    #[arg(long, value_name = "ID", default_value = UNNAMED)]
    thread: String,
    /// Turn id for the events
    #[arg(long, value_name = "ID", default_value = UNNAMED)]
    turn: String,
    /// Model for the events
    #[arg(long, value_name = "SLUG")]
    model: Option<String>,
    /// When the lines were accepted, in Unix seconds [default: now; with `--git`, the time of the last commit]
    #[arg(long, value_name = "SECONDS")]
    at: Option<u64>,
    #[command(flatten)]
    key: KeyArgs,
}

pub(crate) fn run(args: Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let digest = Settings::load(config, &[&args.key])?.digest()?;
    let git = if args.git.is_some() { Some(Git::open(args.repo.as_deref())?) } else { None };
    let span = git.as_ref().zip(args.git.as_ref()).map(|(git, range)| git.span(range)).transpose()?;
    let remote = args.remote.or_else(|| git.as_ref()?.remote_url());
    let committed_at = span.as_ref().and_then(|span| u64::try_from(span.at?).ok());
    let completed_at = args.at.or(committed_at).unwrap_or_else(|| now().as_secs());
    let labels = Labels::new(args.thread, args.turn, completed_at)
        .model_slug(args.model.map(Id::from))
        .repo_hash(remote.map(|url| repo_hash(&digest, &url)));
    let mut events = EventWriter::new(digest, labels);
    if let (Some(git), Some(span)) = (&git, &span) {
        read_range(git, span, &mut events)?;
    } else {
        read_diff(&args.file, &mut events)?;
    }
    if events.counts() == (0, 0) {
        eprintln!("turnledger: the diff adds and deletes nothing, so there is no event");
    }
    let mut stdout = io::stdout().lock();
    ignore_closed_pipe(events.finish(&mut stdout).and_then(|()| stdout.flush())).context("cannot write")?;
    Ok(ExitCode::SUCCESS)
}

fn read_range(git: &Git, span: &Step, events: &mut EventWriter) -> anyhow::Result<()> {
    let mut written = Ok(());
    let mut unread = 0;
    ChangeReader::new(git)?.read(span, |change| {
        unread += u64::from(change.unread.is_some());
        if written.is_ok() {
            written = events.file(change);
        }
    })?;
    if unread > 0 {
        eprintln!("turnledger: {unread} binary or very large files are skipped: they have no lines");
    }
    written.context("cannot write a temporary file")
}

fn read_diff(path: &Path, events: &mut EventWriter) -> anyhow::Result<()> {
    let source = Source::from_argument(path);
    let unreadable = || format!("cannot read {}", source.name());
    let mut diff = source.open(|file| file).with_context(unreadable)?;
    if !events.diff(&mut diff).with_context(unreadable)? {
        bail!("{}: not a unified diff", source.name());
    }
    Ok(())
}
