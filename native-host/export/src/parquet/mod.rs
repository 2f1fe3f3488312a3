//! A folder of Parquet files: `day=2026-11-29/part-0.parquet`, a part for each day of UTC, as Hive lays them out.
//!
//! `docs/parquet.md` has the columns, and questions to ask them.

mod file;
mod folder;

use std::io;
use std::path::PathBuf;

pub use crate::columns::{COLUMNS, Column, Kind, Row};
pub use folder::{Days, Export, Exported};

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
