//! `turnledger report`

mod explain;
mod period;
mod render;
mod standing;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use jiff::tz::TimeZone;
use turnledger_archive::Archive;
use turnledger_archive::report::{By, Prices, Query, Report};
use turnledger_core::git_remote::repo_hashes;
use turnledger_git::repository::Git;

pub(super) use self::period::time_zone;
use self::period::{Period, Point};
use self::render::Look;
use self::standing::StillThere;
use super::ignore_closed_pipe;
use crate::settings::{KeyArgs, Settings, StoreArgs};

/// Say what the sessions in the store add up to: turns, tokens, tool calls, approvals, accepted lines.
///
/// Without dates it is the last 30 days. Days and weeks are those of the system's time zone. A number that may be larger
/// has `≥` before it, and what it leaves out beside it; `--explain NUMBER` says what a number is, and why it may be larger.
/// Nothing is sent anywhere.
///
/// The store is filled by `turnledger import`, `tap --store` and `replay --store`.
///
/// Exit codes: 0 everything was done; 2 the arguments, the store or a file cannot be used.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Only what ended or happened then or later: a day such as 2026-11-28, a time such as 2026-11-28T08:00:00Z, or a number
    /// of days or weeks such as 7d or 4w, today's being the last [default: 30d]
    #[arg(long, value_name = "DAY", value_parser = period::point)]
    since: Option<Point>,
    /// Only what ended or happened before: a time, or a day and all of it
    #[arg(long, value_name = "DAY", value_parser = period::point)]
    until: Option<Point>,
    /// Everything, whenever it was
    #[arg(long, conflicts_with_all = ["since", "until"])]
    all: bool,
    /// A row for each of these, instead of the overview
    #[arg(long, value_enum)]
    by: Option<Group>,
    /// Only the session of the thread of this id: with the threads that agents started
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    /// Only sessions with accepted lines in this repository: a folder in it, or a remote's URL. Of a folder it is also said
    /// how many of the accepted lines are still in its latest commit
    #[arg(long, value_name = "DIR|URL")]
    repo: Option<String>,
    /// Add what the tokens cost. FILE is a table of prices in the form of `LiteLLM`'s
    /// `model_prices_and_context_window.json`
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as `--format html`: one page that opens offline
    #[arg(long, conflicts_with = "format")]
    html: bool,
    /// Write to FILE instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The time zone of days and weeks, such as Europe/Berlin [default: the system's]
    #[arg(long, value_name = "NAME", value_parser = period::time_zone)]
    time_zone: Option<TimeZone>,
    /// Say what a number is, or all of them, and do nothing else
    #[arg(long, value_name = "NUMBER", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "the flag may be there without a value")]
    explain: Option<Option<String>>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Markdown,
    /// One page that opens offline
    Html,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    Day,
    Week,
    Model,
    Repository,
    Client,
    Thread,
    Tool,
    /// In a collector's store: the team of who sent
    Team,
    /// In a collector's store: who sent
    Person,
}

impl From<Group> for By {
    fn from(group: Group) -> Self {
        match group {
            Group::Day => Self::Day,
            Group::Week => Self::Week,
            Group::Model => Self::Model,
            Group::Repository => Self::Repository,
            Group::Client => Self::Client,
            Group::Thread => Self::Thread,
            Group::Tool => Self::Tool,
            Group::Team => Self::Team,
            Group::Person => Self::Person,
        }
    }
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    if let Some(number) = &args.explain {
        let text = explain::text(number.as_deref())?;
        ignore_closed_pipe(io::stdout().lock().write_all(text.as_bytes())).context("cannot write")?;
        return Ok(ExitCode::SUCCESS);
    }
    let settings = Settings::load(config, &[&args.store, &args.key])?;
    let path = settings.store()?;
    let zone = args.time_zone.clone().unwrap_or_else(TimeZone::system);
    let period = if args.all { Period::default() } else { Period::of(args.since, args.until, &zone)? };
    if period.since.zip(period.until).is_some_and(|(since, until)| since >= until) {
        bail!("--until is before --since: there is no time between them");
    }
    let repositories = args.repo.as_deref().map(|repo| hashes(repo, &settings)).transpose()?;
    let prices = args.prices.as_deref().map(prices).transpose()?;
    let archive = Archive::open_read_only(path)?;
    let query = Query::new(zone)
        .since(period.since)
        .until(period.until)
        .by(args.by.map(By::from))
        .thread(args.thread.clone())
        .repositories(repositories)
        .prices(prices);
    let report = archive.report(&query)?;
    let standing = match args.repo.as_deref().map(Path::new).filter(|folder| folder.is_dir()) {
        Some(folder) => Some(StillThere::of(folder, &archive, &query, &settings)?),
        None => None,
    };
    if report.events > 0 {
        write(args, &report, standing.as_ref())?;
        return Ok(ExitCode::SUCCESS);
    }
    let status = archive.status()?;
    if status.events == 0 {
        bail!("{}: the store is empty: `turnledger import` fills it from what Codex wrote to disk", path.display());
    }
    write(args, &report, standing.as_ref())?;
    eprintln!("turnledger: {}", nothing(args, &report, status.span.map(|(_, last)| last)));
    Ok(ExitCode::SUCCESS)
}

fn write(args: &Args, report: &Report, standing: Option<&StillThere>) -> anyhow::Result<()> {
    let notes: Vec<String> = standing.iter().flat_map(|standing| standing.sentences()).collect();
    let look = Look::new(args.output.is_some());
    let mut output = Vec::new();
    let format = if args.html { Format::Html } else { args.format };
    match format {
        Format::Table => output.extend_from_slice(render::table(report, &notes, look).as_bytes()),
        Format::Json => render::json(&mut output, report, standing)?,
        Format::Csv => render::csv(&mut output, report)?,
        Format::Markdown => output.extend_from_slice(render::markdown(report, &notes).as_bytes()),
        Format::Html => output.extend_from_slice(render::html(report, &notes).as_bytes()),
    }
    if let Some(path) = &args.output {
        return fs::write(path, output).with_context(|| format!("cannot write {}", path.display()));
    }
    let mut stdout = io::stdout().lock();
    ignore_closed_pipe(stdout.write_all(&output).and_then(|()| stdout.flush())).context("cannot write")
}

/// Why a report has nothing, and what would have something.
fn nothing(args: &Args, report: &Report, last: Option<turnledger_core::UnixMillis>) -> String {
    if args.thread.is_some() || args.repo.is_some() {
        return "the store has nothing of this thread or repository in this time; --all asks for any time".into();
    }
    match last {
        Some(last) => {
            let day = period::day(last, &report.query.time_zone);
            format!("the store has nothing of this time, its last event is of {day}: --since {day}, or --all")
        }
        None => "the store's events say no time: --all shows them".into(),
    }
}

/// The hashes by which events may know the repository of a folder, or of a remote's URL.
fn hashes(repo: &str, settings: &Settings) -> anyhow::Result<Vec<String>> {
    let folder = Path::new(repo);
    let urls = if folder.is_dir() { Git::open(Some(folder))?.remote_urls() } else { vec![repo.to_owned()] };
    if urls.is_empty() {
        bail!("--repo {repo}: the repository has no remote by which sessions could be known");
    }
    let digest = settings.digest()?;
    Ok(urls.iter().flat_map(|url| repo_hashes(&digest, url).map(|hash| hash.to_string())).collect())
}

fn prices(path: &Path) -> anyhow::Result<Prices> {
    let text = fs::read(path).with_context(|| format!("cannot read the prices in {}", path.display()))?;
    Prices::read(&text).with_context(|| format!("cannot use the prices in {}", path.display()))
}
