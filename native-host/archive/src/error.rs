//! What can go wrong with a store.

use std::io;
use std::path::PathBuf;

/// Why a store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file cannot be made, or is another user's.
    #[error("{}: cannot open the store", path.display())]
    File {
        /// The store.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no file, and only reading was asked for.
    #[error("{}: no store here; `turnledger import` makes one", path.display())]
    Missing {
        /// The store.
        path: PathBuf,
    },
    /// A later version of the program wrote the file.
    #[error(
        "{}: the store has version {found}, and this program knows {known}: use the program that wrote it, or a newer one",
        path.display()
    )]
    Version {
        /// The store.
        path: PathBuf,
        /// The file's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The file is no store, or is damaged.
    #[error("{}: no store, or a damaged one: move it away, and `turnledger import` makes a new one", path.display())]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file is another program's database.
    #[error("{}: another program's database, and no store: name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the file.
    #[error("{}: another process holds the store: try again when it has ended", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// What was to be forgotten is deleted, but its traces are still in the file: another process reads it, or there is no
    /// room to write it anew.
    #[error(
        "{}: the events are deleted, but another process reads the store, or the disk is full, so that traces of them are \
         left: `turnledger store vacuum` takes them out later",
        path.display()
    )]
    Traces {
        /// The store.
        path: PathBuf,
    },
    /// Everything else that SQLite says.
    #[error("{}: the store cannot be used", path.display())]
    Sqlite {
        /// The store.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A row's JSON is no event.
    #[error("{}: row {row} has no event: the store is damaged", path.display())]
    Event {
        /// The store.
        path: PathBuf,
        /// The row's number in `events`.
        row: i64,
    },
}

/// An error of SQLite, by what a person can do about it.
pub(crate) fn of_sqlite(path: &std::path::Path, source: rusqlite::Error) -> ArchiveError {
    use rusqlite::ErrorCode;

    let path = path.into();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => ArchiveError::Damaged { path, source },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ArchiveError::Busy { path },
        _ => ArchiveError::Sqlite { path, source },
    }
}
