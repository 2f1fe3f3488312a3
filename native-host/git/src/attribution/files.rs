//! Which files have events.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Why events cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// There is no such file or folder, or it cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// A folder has no file of events.
    #[error("{}: no .jsonl, .ndjson or .json file in this folder, plain or compressed (.gz, .zst)", .0.display())]
    NoFiles(PathBuf),
}

/// The files of events that a path names: itself, or those below it by name.
///
/// # Errors
///
/// [`EventsError`] if there is nothing to be read.
pub fn files_of(path: &Path) -> Result<Vec<PathBuf>, EventsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| EventsError::Unreadable { path, source }
    };
    if !fs::metadata(path).map_err(unreadable(path))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let entry = entry.map_err(unreadable(&folder))?;
            let path = entry.path();
            // A link to a folder may lead back here.
            if entry.file_type().map_err(unreadable(&path))?.is_dir() {
                folders.push(path);
            } else if is_events_file(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    if files.is_empty() { Err(EventsError::NoFiles(path.to_owned())) } else { Ok(files) }
}

fn is_events_file(path: &Path) -> bool {
    let extension = |path: &Path| path.extension().map(std::ffi::OsStr::to_os_string);
    let is_packed = extension(path).is_some_and(|extension| extension == "gz" || extension == "zst");
    let plain = if is_packed { path.with_extension("") } else { path.to_owned() };
    extension(&plain).is_some_and(|extension| ["jsonl", "ndjson", "json"].iter().any(|known| extension == *known))
}
