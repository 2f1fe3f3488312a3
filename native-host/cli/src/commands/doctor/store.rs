//! The file that keeps events.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use indicatif::HumanBytes;
use serde::Serialize;
use turnledger_archive::{Archive, ArchiveError, Status};

use super::{Problem, ago, counted, quoted, with_source};
use crate::settings::Settings;

/// The file that keeps events.
#[derive(Debug, Serialize)]
pub(super) struct Store {
    /// Null: there is none.
    path: Option<PathBuf>,
    is_there: bool,
    /// What is in it; null if it cannot be read or is not there.
    holds: Option<Held>,
}

#[derive(Debug, Serialize)]
struct Held {
    /// The version of its tables.
    version: i64,
    bytes: u64,
    events: u64,
    sessions: u64,
    /// When the latest event was; null if none says.
    newest_ms: Option<u64>,
}

impl Store {
    pub(super) fn of(settings: &Settings, problems: &mut Vec<Problem>) -> Self {
        let path = settings.store.value.clone();
        let is_there = path.as_ref().is_some_and(|path| path.exists());
        let mut store = Self { path, is_there, holds: None };
        // To look does not make one.
        let Some(path) = store.path.as_deref().filter(|_| is_there) else { return store };
        let shown = path.display();
        if fs::metadata(path).is_ok_and(|file| file.permissions().readonly()) {
            let remedy = format!("`chmod u+w {}`", quoted(path));
            problems.push(Problem::new("store", format!("{shown} cannot be written"), remedy));
        }
        match Archive::open_read_only(path).and_then(|archive| archive.status()) {
            Ok(Status { version, bytes, events, sessions, span, .. }) => {
                let newest_ms = span.map(|(_, last)| last.0);
                store.holds = Some(Held { version, bytes, events, sessions, newest_ms });
            }
            Err(error) => {
                let (problem, remedy) = match &error {
                    ArchiveError::Version { found, known, .. } => (
                        format!("{shown} has version {found}, and this program knows {known}"),
                        "use the program that wrote it, or a newer one".into(),
                    ),
                    ArchiveError::Damaged { .. } => (
                        format!("{shown} is no store, or a damaged one"),
                        format!("`mv {0} {0}.damaged`, then `turnledger import` makes a new one", quoted(path)),
                    ),
                    ArchiveError::Busy { .. } => {
                        (format!("another process holds {shown}"), "try again when that process has ended".into())
                    }
                    error => {
                        (with_source(error), format!("`chmod u+rw {}`, or name another: `--store FILE`", quoted(path)))
                    }
                };
                problems.push(Problem::new("store", problem, remedy));
            }
        }
        store
    }
}

impl fmt::Display for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(path) = &self.path else { return write!(formatter, "none: no report can be made") };
        write!(formatter, "{}", path.display())?;
        match &self.holds {
            Some(Held { bytes, events, sessions, newest_ms, .. }) => {
                let (events, sessions) = (counted(*events, "event"), counted(*sessions, "session"));
                write!(formatter, " ({}): {events} of {sessions}", HumanBytes(*bytes))?;
                newest_ms.map_or(Ok(()), |newest| write!(formatter, ", the latest from {}", ago(newest)))
            }
            None if self.is_there => write!(formatter, ": cannot be used"),
            None => write!(formatter, " (not there: `turnledger import` makes it)"),
        }
    }
}
