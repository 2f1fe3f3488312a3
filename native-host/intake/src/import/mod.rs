//! What Codex wrote to disk becomes events: rollouts, from files and folders, in the order of time.
//!
//! A file is read and never locked or changed. A folder's symbolic links are not followed.

mod file;
mod find;
mod merge;
mod summary;

use std::io::Write;
use std::path::PathBuf;

use turnledger_core::UnixMillis;
use turnledger_core::digest::Sha2;

pub use find::{Found, Rollouts, default_folders};
pub use summary::Summary;

/// What is imported, and how.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Only what happened then or later.
    pub since: Option<UnixMillis>,
    /// Only what happened before.
    pub until: Option<UnixMillis>,
    /// Only this thread.
    pub thread: Option<String>,
    /// What makes the hashes.
    pub digest: Sha2,
    /// Whether every discard is explained.
    pub explain: bool,
}

impl Options {
    /// Only what happened then or later.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<UnixMillis>>) -> Self {
        self.since = since.into();
        self
    }

    /// Only what happened before.
    #[must_use]
    pub fn until(mut self, until: impl Into<Option<UnixMillis>>) -> Self {
        self.until = until.into();
        self
    }

    /// Only this thread.
    #[must_use]
    pub fn thread(mut self, thread: impl Into<Option<String>>) -> Self {
        self.thread = thread.into();
        self
    }

    /// What makes the hashes.
    #[must_use]
    pub fn digest(mut self, digest: Sha2) -> Self {
        self.digest = digest;
        self
    }

    /// Whether every discard is explained.
    #[must_use]
    pub const fn explain(mut self, explain: bool) -> Self {
        self.explain = explain;
        self
    }

    fn wants(&self, at: UnixMillis) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
    }
}

/// Why an import ended early, or could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file or folder that was named cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// The events cannot be written.
    #[error("cannot write the output")]
    Write(#[source] std::io::Error),
}

/// Reads the files that were found, several at a time, and writes their events, one a line, in the order of time. `note` is
/// told of each line that could not be read, once a file.
///
/// # Errors
///
/// [`ImportError`] if the output cannot be written. A file that cannot be read is counted, and the others go on.
pub fn import(
    rollouts: &Rollouts,
    options: &Options,
    lines: &mut dyn Write,
    note: &mut dyn FnMut(&str),
) -> Result<Summary, ImportError> {
    let mut summary = Summary { duplicates: rollouts.duplicates, ..Summary::default() };
    let mut merge = merge::Merge::default();
    let step = find::threads() * 4;
    let mut rest = &rollouts.files[..];
    while !rest.is_empty() {
        let (now, later) = rest.split_at(step.min(rest.len()));
        for imported in find::each(now, |found| file::read(found, options)) {
            imported.notes.iter().for_each(|text| note(text));
            summary.add(&imported.summary);
            merge.add(imported.events);
        }
        // Later files begin later.
        merge.write(later.first().map(|found| found.start), lines).map_err(ImportError::Write)?;
        rest = later;
    }
    lines.flush().map_err(ImportError::Write)?;
    Ok(summary)
}
