//! What is this program's own: settings, what was imported, and what waits.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::HumanBytes;
use serde::Serialize;
use turnledger::store::{Spool as Store, SpoolError};

use super::{Problem, ago, counted, is_writable, quoted};
use crate::settings::{Origin, Settings};

/// The settings file, and what differs from the defaults.
#[derive(Debug, Serialize)]
pub(super) struct File {
    file: Option<PathBuf>,
    is_there: bool,
    set: Vec<Set>,
}

/// A setting that somebody made.
#[derive(Debug, Serialize)]
struct Set {
    name: &'static str,
    /// As TOML has it.
    value: String,
    /// The variable, the flag, or the file and its line.
    by: String,
}

impl File {
    pub(super) fn of(settings: &Settings) -> Self {
        let rows = settings.rows().into_iter().filter(|(_, _, origin)| **origin != Origin::Default);
        let set = rows.map(|(name, value, origin)| Set { name, value, by: origin.to_string() }).collect();
        Self { file: settings.file.clone(), is_there: settings.is_file_there, set }
    }
}

impl fmt::Display for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_ref().map_or_else(|| "no file".into(), |file| file.display().to_string());
        writeln!(formatter, "{file}{}", if self.is_there || self.file.is_none() { "" } else { " (not there)" })?;
        self.set.iter().try_for_each(|Set { name, value, by }| writeln!(formatter, "{name} = {value}, by {by}"))
    }
}

/// What the policy lets leave.
#[derive(Debug, Serialize)]
pub(super) struct Policy {
    /// The settings file that has it.
    file: Option<PathBuf>,
    /// How many rules it has; null without a policy.
    rules: Option<usize>,
    /// Whether it can be kept to. If not, nothing is sent.
    is_usable: bool,
}

impl Policy {
    pub(super) fn of(settings: &Settings, problems: &mut Vec<Problem>) -> Self {
        let rules = settings.policy_rules().map(|rules| rules.len());
        // A key that cannot be read is a problem of analytics.
        let used = settings.digest().and_then(|_| settings.policy());
        if let Err(error) = &used
            && settings.digest().is_ok()
        {
            problems.push(Problem::new(
                "policy",
                format!("{error:#}"),
                "correct the rule; `docs/policy.md` has them all",
            ));
        }
        Self { file: settings.file.clone().filter(|_| rules.is_some()), rules, is_usable: used.is_ok() }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(rules), Some(file)) = (self.rules, &self.file) else {
            return formatter.write_str("none: everything leaves");
        };
        let rules = counted(u64::try_from(rules).unwrap_or(u64::MAX), "rule");
        let how = if self.is_usable { "" } else { ", which cannot be kept to: nothing is sent" };
        write!(formatter, "{rules} in {}{how}", file.display())
    }
}

/// Whether events are made.
#[derive(Debug, Serialize)]
pub(super) struct Analytics {
    enabled: bool,
    /// Who says so.
    by: String,
    /// Whether hashes are made with a key of one's own; null if it cannot be used.
    has_key: Option<bool>,
}

impl Analytics {
    pub(super) fn of(settings: &Settings, problems: &mut Vec<Problem>) -> Self {
        let has_key = match settings.digest() {
            Ok(_) => Some(settings.key_file.value.is_some()),
            Err(error) => {
                let origin = &settings.key_file.origin;
                let remedy = format!("write 16 bytes or more to the file, or take `key_file` out of {origin}");
                problems.push(Problem::new("analytics", error, remedy));
                None
            }
        };
        Self { enabled: settings.enabled.value, by: settings.enabled.origin.to_string(), has_key }
    }
}

impl fmt::Display for Analytics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.enabled {
            return write!(formatter, "off, by {}: `tap` makes no events, and nothing is sent", self.by);
        }
        let key = match self.has_key {
            Some(true) => "hashes with your own key",
            Some(false) => "hashes without a key",
            None => "the key cannot be used",
        };
        write!(formatter, "on; {key}")
    }
}

/// What is remembered of imports.
#[derive(Debug, Serialize)]
pub(super) struct Imports {
    folder: PathBuf,
    /// How many places have had an import.
    places: u64,
    bytes: u64,
}

/// Looks at the folder for state, too.
pub(super) fn imports(problems: &mut Vec<Problem>) -> Option<Imports> {
    let state = Settings::state_folder()?;
    if let Err(error) = is_writable(&state) {
        let problem = format!("cannot write in {}: {error}", state.display());
        let remedy = format!("`chmod u+rwx {}`, or name another folder: `export XDG_STATE_HOME=DIR`", quoted(&state));
        problems.push(Problem::new("imports", problem, remedy));
    }
    let folder = state.join("imports");
    let files = fs::read_dir(&folder).into_iter().flatten().flatten();
    let sizes = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "json"));
    let sizes: Vec<_> = sizes.map(|file| file.metadata().map_or(0, |file| file.len())).collect();
    Some(Imports { folder, places: u64::try_from(sizes.len()).unwrap_or(u64::MAX), bytes: sizes.iter().sum() })
}

impl fmt::Display for Imports {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.places {
            0 => write!(formatter, "nothing was imported yet"),
            places => {
                let (places, bytes) = (counted(places, "place"), HumanBytes(self.bytes));
                write!(formatter, "to {places}, remembered in {} ({bytes})", self.folder.display())
            }
        }
    }
}

/// Where events wait to be sent.
#[derive(Debug, Serialize)]
pub(super) struct Spool {
    /// Null: there is none.
    path: Option<PathBuf>,
    is_there: bool,
    /// What is in it; null if it cannot be read or is not there.
    holds: Option<Held>,
}

#[derive(Debug, Serialize)]
struct Held {
    bytes: u64,
    /// Events that wait.
    waiting: u64,
    /// When the oldest of them came out.
    oldest_ms: Option<u64>,
    /// Events that the server refused for good.
    refused: u64,
}

/// How long to wait for another process that writes the spool.
const PATIENCE: Duration = Duration::from_secs(5);

impl Spool {
    pub(super) fn of(settings: &Settings, problems: &mut Vec<Problem>) -> Self {
        Self::at("spool", settings.spool.value.clone(), settings, problems)
    }

    /// The one whose events wait for a receiver of OpenTelemetry. `None` if there is neither a receiver nor a spool.
    pub(super) fn of_otlp(settings: &Settings, problems: &mut Vec<Problem>) -> Option<Self> {
        if let Err(error) = crate::commands::otlp::Receiver::of(settings) {
            let remedy = format!("name another receiver, or `none`, in {}", settings.otlp.origin);
            problems.push(Problem::new("otlp", error, remedy));
        }
        let path = settings.otlp_spool();
        let is_used = settings.otlp.value.is_some() || path.as_ref().is_some_and(|path| path.exists());
        is_used.then(|| Self::at("otlp", path, settings, problems))
    }

    fn at(about: &'static str, path: Option<PathBuf>, settings: &Settings, problems: &mut Vec<Problem>) -> Self {
        let is_there = path.as_ref().is_some_and(|path| path.exists());
        let mut spool = Self { path, is_there, holds: None };
        // To look at a spool does not make one.
        let Some(path) = spool.path.as_deref().filter(|_| is_there) else { return spool };
        let opened = Store::open(path, settings.store_limits(), PATIENCE);
        let held = opened.and_then(|mut store| {
            let status = store.status()?;
            Ok(Held {
                bytes: store.size(),
                waiting: status.waiting.events,
                oldest_ms: status.span.map(|(oldest, _)| oldest.0),
                refused: status.refused.values().sum(),
            })
        });
        match held {
            Ok(held) => {
                if held.refused > 0 {
                    let problem = format!("the server refused {}", counted(held.refused, "event"));
                    let named = if about == "spool" { String::new() } else { format!(" --spool {}", quoted(path)) };
                    let remedy = format!(
                        "`turnledger spool list --refused{named}` lists them, `turnledger spool retry{named}` sends them again"
                    );
                    problems.push(Problem::new(about, problem, remedy));
                }
                spool.holds = Some(held);
            }
            Err(error) => {
                let remedy = match &error {
                    SpoolError::Damaged { .. } => {
                        "`turnledger spool set-aside` renames it, and a new one takes its place".into()
                    }
                    SpoolError::Version { .. } => "use the newer program, or another spool: `--spool PATH`".into(),
                    SpoolError::Locked { .. } => "try again when that process has ended".into(),
                    _ => format!("`chmod -R u+rwX {}`, or name another: `--spool PATH`", quoted(path)),
                };
                problems.push(Problem::new(about, error, remedy));
            }
        }
        spool
    }
}

impl fmt::Display for Spool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(path) = &self.path else { return write!(formatter, "none: events wait in memory") };
        write!(formatter, "{}", path.display())?;
        match &self.holds {
            Some(Held { bytes, waiting, oldest_ms, .. }) => {
                write!(formatter, " ({}): {} waiting", HumanBytes(*bytes), counted(*waiting, "event"))?;
                oldest_ms.map_or(Ok(()), |oldest| write!(formatter, ", the oldest from {}", ago(oldest)))
            }
            None if self.is_there => write!(formatter, ": cannot be used"),
            None => write!(formatter, " (not there, so no event waits)"),
        }
    }
}
