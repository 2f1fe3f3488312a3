//! The folder: which file a row is in, and how new files take the place of old ones.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, TryLockError};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tempfile::{NamedTempFile, TempPath};
use turnledger_core::UnixMillis;

use super::file::File;
use super::{ExportError, Row};
use crate::columns::Seen;

/// The folder of events without a time, by the name that readers take for null.
const NO_DAY: &str = "__HIVE_DEFAULT_PARTITION__";
/// While it is locked, one export writes to the folder. Readers pass over names that begin with a dot.
const LOCK: &str = ".turnledger.lock";
/// What a file is called until it is whole.
const UNFINISHED: (&str, &str) = (".turnledger-", ".tmp");

/// The days of UTC whose files an export replaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Days {
    since: Option<Date>,
    until: Option<Date>,
}

impl Days {
    /// The days from one moment to another, the latter not in it. Without a limit it is all days; without both it is also
    /// what has no time. `None` if a limit is within a day: a part of a day would take the place of the whole.
    pub fn between(since: Option<UnixMillis>, until: Option<UnixMillis>) -> Option<Self> {
        let day = |at: Option<UnixMillis>| match at {
            None => Some(None),
            Some(at) => {
                let date = date(i64::try_from(at.0).ok()?)?;
                let start = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
                (u64::try_from(start).ok() == Some(at.0)).then_some(Some(date))
            }
        };
        Some(Self { since: day(since)?, until: day(until)? })
    }

    /// Whether a day's files are replaced.
    fn has(&self, day: Option<Date>) -> bool {
        match day {
            None => self.since.is_none() && self.until.is_none(),
            Some(day) => self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day < until),
        }
    }
}

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Events. A count.
    pub events: u64,
    /// Days with events; those without a time count as one. A count.
    pub days: u64,
    /// The size of the files. Bytes.
    pub bytes: u64,
}

/// Events on their way into a folder. Nothing in it changes before [`finish`](Self::finish).
pub struct Export {
    folder: PathBuf,
    days: Days,
    /// Locked until the end.
    lock: fs::File,
    open: Option<Open>,
    whole: Vec<Whole>,
    /// How many files each day has.
    parts: BTreeMap<Option<Date>, u32>,
    exported: Exported,
}

impl std::fmt::Debug for Export {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Export").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The file that rows go to.
struct Open {
    day: Option<Date>,
    file: File<BufWriter<NamedTempFile>>,
}

/// A file that waits for its name.
struct Whole {
    path: TempPath,
    /// Its name in the folder.
    name: PathBuf,
}

impl Export {
    /// Begins an export. The folder is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`ExportError::File`] if the folder cannot be written to, and [`ExportError::Busy`] while another export writes to
    /// it.
    pub fn begin(folder: &Path, days: Days) -> Result<Self, ExportError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| ExportError::File { path, source }
        };
        fs::create_dir_all(folder).map_err(file(folder))?;
        let path = folder.join(LOCK);
        let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(file(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ExportError::Busy { path: folder.into() }),
            Err(TryLockError::Error(source)) => return Err(ExportError::File { path, source }),
        }
        // What an export left that was killed.
        let is_unfinished = |name: &str| name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1);
        for path in inside(folder).map_err(file(folder))? {
            if path.file_name().and_then(OsStr::to_str).is_some_and(is_unfinished) {
                fs::remove_file(&path).map_err(file(&path))?;
            }
        }
        Ok(Self {
            folder: folder.into(),
            days,
            lock,
            open: None,
            whole: Vec::new(),
            parts: BTreeMap::new(),
            exported: Exported::default(),
        })
    }

    /// Adds an event. Those of a day share a file if they come one after the other.
    ///
    /// # Errors
    ///
    /// [`ExportError::Event`] for a text that is no event, and what a file's writing says.
    pub fn add(&mut self, row: &Row<'_>) -> Result<(), ExportError> {
        let seen = Seen::of(row).map_err(ExportError::Event)?;
        let day = seen.at_ms().and_then(date);
        if self.open.as_ref().is_some_and(|open| open.day != day) {
            self.close()?;
        }
        let folder = &self.folder;
        let parquet = |source| ExportError::Parquet { path: folder.clone(), source };
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let file = unfinished(folder).map_err(|source| ExportError::File { path: folder.clone(), source })?;
                none.insert(Open { day, file: File::new(BufWriter::new(file)).map_err(parquet)? })
            }
        };
        open.file.add(&seen).map_err(parquet)?;
        self.exported.events += 1;
        Ok(())
    }

    /// Ends the file that is open.
    fn close(&mut self) -> Result<(), ExportError> {
        let Some(Open { day, file }) = self.open.take() else { return Ok(()) };
        let folder = &self.folder;
        let file = file.finish().map_err(|source| ExportError::Parquet { path: folder.clone(), source })?;
        let synced = |file: BufWriter<NamedTempFile>| {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            Ok((file.as_file().metadata()?.len(), file.into_temp_path()))
        };
        let (bytes, path) = synced(file).map_err(|source| ExportError::File { path: folder.clone(), source })?;
        let part = self.parts.entry(day).or_default();
        self.whole.push(Whole { path, name: PathBuf::from(folder_of(day)).join(format!("part-{part}.parquet")) });
        *part += 1;
        self.exported.bytes += bytes;
        Ok(())
    }

    /// Gives all files their names, and deletes those of the export's days that an earlier export left.
    ///
    /// # Errors
    ///
    /// What a file's writing says. Each file is whole then, old or new.
    pub fn finish(mut self) -> Result<Exported, ExportError> {
        self.close()?;
        let Self { folder, days, whole, parts, mut exported, lock: _lock, .. } = self;
        let mut written = BTreeSet::new();
        for Whole { path, name } in whole {
            let to = folder.join(name);
            let place = |source| ExportError::File { path: to.clone(), source };
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).map_err(place)?;
            }
            path.persist(&to).map_err(|error| place(error.error))?;
            written.insert(to);
        }
        let file = |path: &Path, source| ExportError::File { path: path.into(), source };
        for day_folder in inside(&folder).map_err(|source| file(&folder, source))? {
            if !day_of(&day_folder).is_some_and(|day| days.has(day)) {
                continue;
            }
            for path in inside(&day_folder).map_err(|source| file(&day_folder, source))? {
                if is_part(&path) && !written.contains(&path) {
                    fs::remove_file(&path).map_err(|source| file(&path, source))?;
                }
            }
            // It stays if something else is in it.
            let _ = fs::remove_dir(&day_folder);
        }
        exported.days = parts.len() as u64;
        Ok(exported)
    }
}

/// A new file that has no name yet. Who may read it is for the process to say, as of other files that it makes.
fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED.0).suffix(UNFINISHED.1);
    #[cfg(unix)]
    let permissions = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    builder.tempfile_in(folder)
}

/// The day of UTC.
fn date(at_ms: i64) -> Option<Date> {
    Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(TimeZone::UTC).date())
}

fn folder_of(day: Option<Date>) -> String {
    day.map_or_else(|| format!("day={NO_DAY}"), |day| format!("day={day}"))
}

/// The day that a folder is of.
fn day_of(folder: &Path) -> Option<Option<Date>> {
    match folder.file_name()?.to_str()?.strip_prefix("day=")? {
        NO_DAY => Some(None),
        day => day.parse().ok().map(Some),
    }
}

/// Whether a file has the name of an export's file.
fn is_part(path: &Path) -> bool {
    let number = |name: &str| Some(name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse::<u32>().is_ok());
    path.file_name().and_then(OsStr::to_str).and_then(number).unwrap_or(false)
}

/// What is in a folder; nothing in what is no folder.
fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}
