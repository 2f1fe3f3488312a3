//! `turnledger fingerprint`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use turnledger::fingerprint::{EventWriter, Labels};
use turnledger::git::{ChangeReader, Git};
use turnledger::now;
use turnledger::recording::Source;
use turnledger_core::Id;
use turnledger_core::git_remote::repo_hash;

use super::ignore_closed_pipe;
use super::settings::{KeyArgs, Settings};

/// Turn a diff into accepted-line events: counts and hashes of its lines, no code and no path.
///
/// The diff is unified, as `git diff` or `diff -u` writes it. Nothing is printed for a diff that neither
/// adds nor deletes a line.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The diff, plain or compressed (gzip, Zstandard); `-` is standard input
    #[arg(value_name = "FILE", default_value = "-", conflicts_with = "git")]
    file: PathBuf,
    /// Take the changes of a commit, or between the ends of a range (`main...topic` begins where they
    /// parted), from a repository
    #[arg(long, value_name = "RANGE")]
    git: Option<String>,
    /// The repository, or a folder in it; the current folder, or `GIT_DIR`, if it is not given
    #[arg(long, value_name = "DIR", requires = "git")]
    repo: Option<PathBuf>,
    /// The remote URL of the repository; with `--git`, that of `origin` if it is not given
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// The thread that the events name
    #[arg(long, value_name = "ID", default_value = "unknown")]
    thread: String,
    /// The turn that the events name
    #[arg(long, value_name = "ID", default_value = "unknown")]
    turn: String,
    /// The model that the events name
    #[arg(long, value_name = "SLUG")]
    model: Option<String>,
    /// When the lines were accepted, in Unix seconds; now if it is not given
    #[arg(long, value_name = "SECONDS")]
    at: Option<u64>,
    #[command(flatten)]
    key: KeyArgs,
}

pub(crate) fn run(args: Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let digest = Settings::load(config, &[&args.key])?.digest()?;
    let git = if args.git.is_some() { Some(Git::open(args.repo.as_deref())?) } else { None };
    let remote = args.remote.or_else(|| git.as_ref()?.remote_url());
    let labels = Labels {
        thread_id: args.thread.into(),
        turn_id: args.turn.into(),
        model_slug: args.model.map(Id::from),
        completed_at: args.at.unwrap_or_else(|| now().as_secs()),
        repo_hash: remote.map(|url| repo_hash(&digest, &url)),
    };
    let mut events = EventWriter::new(digest, labels);
    if let (Some(git), Some(range)) = (&git, &args.git) {
        read_range(git, range, &mut events)?;
    } else {
        read_diff(&args.file, &mut events)?;
    }
    if events.counts() == (0, 0) {
        eprintln!("turnledger: nothing is added or deleted, so there is no event");
    }
    let mut stdout = io::stdout().lock();
    ignore_closed_pipe(events.finish(&mut stdout).and_then(|()| stdout.flush())).context("cannot write")?;
    Ok(ExitCode::SUCCESS)
}

fn read_range(git: &Git, range: &str, events: &mut EventWriter) -> anyhow::Result<()> {
    let step = git.span(range)?;
    let mut written = Ok(());
    let mut unread = 0;
    ChangeReader::new(git)?.read(&step, |change| {
        unread += u64::from(change.unread.is_some());
        if written.is_ok() {
            written = events.file(change);
        }
    })?;
    if unread > 0 {
        eprintln!("turnledger: {unread} binary or very large files have no lines");
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
