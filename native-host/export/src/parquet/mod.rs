//! A folder of Parquet files: `day=2026-11-29/part-0.parquet`, a part for each day of UTC, as Hive lays them out.
//!
//! `docs/parquet.md` has the columns, and questions to ask them.

mod columns;
mod file;
mod folder;

use std::io;
use std::path::PathBuf;

use turnledger_core::UnixMillis;

pub use columns::{COLUMNS, Column, Kind};
pub use folder::{Days, Export, Exported};

/// An event that is to be in a file.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Row<'a> {
    /// The event, as [`Event::to_json`](turnledger_core::Event::to_json) writes it.
    pub event: &'a str,
    /// When it ended or happened. `None` takes what the event says.
    pub at: Option<UnixMillis>,
    /// The thread whose session it belongs to. `None` if it is not known.
    pub session_id: Option<&'a str>,
    /// The repository of its thread. `None` if it is not known.
    pub repo_hash: Option<&'a str>,
    /// Who brought it. `None` for this machine's own.
    pub person: Option<&'a str>,
    /// The person's team. `None` without one.
    pub team: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// An event of which nothing is known but what it says.
    pub const fn new(event: &'a str) -> Self {
        Self { event, at: None, session_id: None, repo_hash: None, person: None, team: None }
    }

    /// When it ended or happened.
    #[must_use]
    pub fn at(mut self, at: impl Into<Option<UnixMillis>>) -> Self {
        self.at = at.into();
        self
    }

    /// The thread whose session it belongs to.
    #[must_use]
    pub fn session_id(mut self, thread: impl Into<Option<&'a str>>) -> Self {
        self.session_id = thread.into();
        self
    }

    /// The repository of its thread.
    #[must_use]
    pub fn repo_hash(mut self, hash: impl Into<Option<&'a str>>) -> Self {
        self.repo_hash = hash.into();
        self
    }

    /// Who brought it.
    #[must_use]
    pub fn person(mut self, person: impl Into<Option<&'a str>>) -> Self {
        self.person = person.into();
        self
    }

    /// The person's team.
    #[must_use]
    pub fn team(mut self, team: impl Into<Option<&'a str>>) -> Self {
        self.team = team.into();
        self
    }
}

/// Why events are not in Parquet files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Another export writes to the folder.
    #[error("another export writes to {}; try again when it has ended", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// A text that is no event.
    #[error("this is no event, so it is in no file")]
    Event(#[source] serde_json::Error),
    /// A file or folder cannot be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file's content cannot be made.
    #[error("cannot write {}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the writer says.
        source: ::parquet::errors::ParquetError,
    },
}
