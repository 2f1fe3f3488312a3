//! Turnledger's store: the events of many sessions in one SQLite file, each of them once.
//!
//! An event may be brought by a tap, by a recording, by a file of events and by what the agent wrote to disk, in any
//! order and as often as one likes: [`Reading`] gives it the key by which the store knows it, and what each of them knows
//! of it is put together. Several processes may write and read the file at the same time.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod columns;
mod content;
mod error;
mod forget;
mod forward;
mod key;
mod merge;
mod open;
mod origin;
mod read;
mod receive;
pub mod report;
mod schema;
#[cfg(test)]
mod tests;
mod threads;
mod write;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use content::NotAnEvent;
pub use error::ArchiveError;
pub use forget::Forgotten;
pub use forward::{Behind, EventNumber, ReceiverId};
pub use key::{Entry, Reading};
pub use origin::{Origin, OriginId};
pub use read::{Filter, Status, StoredEvent};
pub use receive::{Receipt, Received};
pub use write::Added;

/// A store of events.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    connection: Connection,
}

impl Archive {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn sqlite(&self, source: rusqlite::Error) -> ArchiveError {
        error::of_sqlite(&self.path, source)
    }
}
