//! `turnledger doctor`

mod codex;
mod ours;
mod store;
mod upload;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use indicatif::HumanDuration;
use serde::Serialize;
use turnledger::now;

use self::codex::{Codex, Sessions};
use self::ours::{Analytics, File, Imports, Spool};
use self::store::Store;
use self::upload::Upload;
use super::{BAD_INPUT, counted, ignore_closed_pipe};
use crate::settings::{BatchArgs, KeyArgs, Settings, SpoolArgs, StoreArgs, Unusable, UploadArgs};

/// Say what is set up, where everything is, and what is wrong with it.
///
/// It looks at the settings, at Codex and what it wrote to disk, at the store, at the events that wait, and at where they
/// would be sent.
/// Each thing that is wrong has a line with what mends it. It asks no server, and changes nothing.
///
/// Exit codes: 0 nothing is wrong; 1 something is wrong; 2 the arguments cannot be used.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// How it is said
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// Lines for a person
    #[default]
    Text,
    /// One JSON object; times are in milliseconds since 1970
    Json,
}

/// Everything that was looked at. What the settings decide is null if they cannot be used.
#[derive(Debug, Serialize)]
struct Checkup {
    version: &'static str,
    settings: Option<File>,
    analytics: Option<Analytics>,
    policy: Option<ours::Policy>,
    codex: Option<Codex>,
    sessions: Option<Sessions>,
    imports: Option<Imports>,
    store: Option<Store>,
    spool: Option<Spool>,
    /// Null also without a receiver of OpenTelemetry.
    otlp: Option<Spool>,
    upload: Option<Upload>,
    problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
struct Problem {
    /// The part of the checkup.
    about: &'static str,
    problem: String,
    /// What mends it: a command, or what to do.
    remedy: String,
}

impl Problem {
    fn new(about: &'static str, problem: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self { about, problem: format!("{problem:#}"), remedy: remedy.into() }
    }
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings = match Settings::load(config, &[&args.key, &args.upload, &args.batch, &args.spool, &args.store]) {
        Err(error) if error.is_flag() => return Err(error.into()),
        settings => settings,
    };
    let checkup = Checkup::of(&settings);
    let mut stdout = io::stdout().lock();
    let written = match args.format {
        Format::Text => write!(stdout, "{checkup}"),
        Format::Json => {
            let json = serde_json::to_string_pretty(&checkup)?;
            writeln!(stdout, "{json}")
        }
    };
    ignore_closed_pipe(written.and_then(|()| stdout.flush()))?;
    Ok(if checkup.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(BAD_INPUT) })
}

impl Checkup {
    fn of(settings: &Result<Settings, Unusable>) -> Self {
        let mut problems = Vec::new();
        let known = settings.as_ref().ok();
        if let Err(error) = settings {
            problems.push(Problem::new(
                "settings",
                with_source(error),
                "correct it there; `turnledger config` checks it",
            ));
        }
        let codex = codex::find(&mut problems);
        let sessions = codex::sessions(&mut problems);
        if codex.is_none() && sessions.as_ref().is_none_or(|sessions| sessions.files() == 0) {
            let remedy =
                "put the folder of `codex` in PATH, or name the folder with its sessions: `export CODEX_HOME=DIR`";
            problems.push(Problem::new("codex", "neither Codex nor a session of it was found", remedy));
        }
        Self {
            version: env!("CARGO_PKG_VERSION"),
            settings: known.map(File::of),
            analytics: known.map(|settings| Analytics::of(settings, &mut problems)),
            policy: known.map(|settings| ours::Policy::of(settings, &mut problems)),
            codex,
            sessions,
            imports: ours::imports(&mut problems),
            store: known.map(|settings| Store::of(settings, &mut problems)),
            spool: known.map(|settings| Spool::of(settings, &mut problems)),
            otlp: known.and_then(|settings| Spool::of_otlp(settings, &mut problems)),
            upload: known.map(|settings| Upload::of(settings, &mut problems)),
            problems,
        }
    }
}

impl fmt::Display for Checkup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNKNOWN: &str = "unknown: the settings cannot be used";
        let known = |part: Option<String>| part.unwrap_or_else(|| UNKNOWN.into());
        let rows = [
            ("program", format!("turnledger {}", self.version)),
            ("settings", self.settings.as_ref().map_or_else(|| "cannot be used".into(), ToString::to_string)),
            ("analytics", known(self.analytics.as_ref().map(ToString::to_string))),
            ("policy", known(self.policy.as_ref().map(ToString::to_string))),
            ("Codex", self.codex.as_ref().map_or_else(|| "not found in PATH".into(), ToString::to_string)),
            ("sessions", self.sessions.as_ref().map_or_else(|| "nowhere".into(), ToString::to_string)),
            ("imports", self.imports.as_ref().map_or_else(|| "nowhere".into(), ToString::to_string)),
            ("store", known(self.store.as_ref().map(ToString::to_string))),
            ("spool", known(self.spool.as_ref().map(ToString::to_string))),
            ("upload", known(self.upload.as_ref().map(ToString::to_string))),
        ];
        let otlp = self.otlp.as_ref().map(|otlp| ("for OTLP", otlp.to_string()));
        for (name, text) in rows.into_iter().chain(otlp) {
            for (line, text) in text.lines().enumerate() {
                writeln!(formatter, "{:11}{text}", if line == 0 { name } else { "" })?;
            }
        }
        if self.problems.is_empty() {
            return writeln!(formatter, "\nNothing is wrong.");
        }
        let count = u64::try_from(self.problems.len()).unwrap_or(u64::MAX);
        writeln!(formatter, "\n{}:", counted(count, "problem"))?;
        for Problem { about, problem, remedy } in &self.problems {
            writeln!(formatter, "{about}: {problem}; {remedy}")?;
        }
        Ok(())
    }
}

/// An error with its sources, in one line.
fn with_source(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

/// How long ago a time was.
fn ago(at_ms: u64) -> String {
    format!("{} ago", HumanDuration(Duration::from_millis(now().0.saturating_sub(at_ms))))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+:@%".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// What the file system says of a folder that has to be written, where it is or would be made.
fn is_writable(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find(|folder| folder.exists()).map(PathBuf::from);
    tempfile::tempfile_in(there.unwrap_or_else(|| folder.to_owned())).map(drop)
}
