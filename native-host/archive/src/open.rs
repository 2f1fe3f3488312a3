//! Opening a store's file.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use turnledger::private_file::{make_private, make_private_folder};

use crate::error::of_sqlite;
use crate::{Archive, ArchiveError, schema};

/// How long one process waits for another that writes.
const PATIENCE: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(10) };
const PAUSE: Duration = Duration::from_millis(5);

impl Archive {
    /// Opens a store, and makes one if there is none. Only the owner can read the file and those that SQLite keeps beside
    /// it. A store of an earlier version becomes one of this version.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::File`] if the file cannot be made, [`ArchiveError::Foreign`] for another program's database, which
    /// stays as it is, [`ArchiveError::Version`] for a store of a later version,
    /// [`ArchiveError::Damaged`] for a file that is no store, [`ArchiveError::Busy`] if another process holds it for more
    /// than ten seconds, and [`ArchiveError::Sqlite`] for everything else that SQLite says.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let file = |source| ArchiveError::File { path: path.into(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            make_private_folder(folder).map_err(file)?;
        }
        let foreign = || ArchiveError::Foreign { path: path.into() };
        if path.is_dir() {
            return Err(file(io::ErrorKind::IsADirectory.into()));
        }
        if path.exists() && is_foreign(path) {
            return Err(foreign());
        }
        make_private(path).map_err(file)?;
        // SQLite makes new ones with the mode of the file.
        for beside in [beside(path, "-wal"), beside(path, "-shm")] {
            if beside.exists() {
                match make_private(&beside) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(error)),
                    _ => {}
                }
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = patiently(|| {
            let mut connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            if schema::is_foreign(&connection)? {
                return Ok(None);
            }
            // A newer one is left as it is.
            let found = schema::version(&connection)?;
            if found > schema::VERSION {
                return Ok(Some((connection, found)));
            }
            // Readers wait for nobody. A file system without shared memory keeps another journal.
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
            // An import remembers what it told: that must not be gone after a power failure.
            connection.pragma_update(None, "synchronous", "FULL")?;
            // What is deleted is overwritten.
            connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
            let found = schema::migrate(&mut connection)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(Some((connection, found)))
        });
        let (connection, found) = opened.map_err(|error| of_sqlite(path, error))?.ok_or_else(foreign)?;
        Self::known(path, connection, found)
    }

    /// Opens a store that is there, to read it alone.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Missing`] if there is no file, and those of [`open`](Self::open); a store of an earlier version,
    /// which only writing makes one of this version, is an [`ArchiveError::Version`], too.
    pub fn open_read_only(path: &Path) -> Result<Self, ArchiveError> {
        if !path.exists() {
            return Err(ArchiveError::Missing { path: path.into() });
        }
        if path.is_dir() {
            return Err(ArchiveError::File { path: path.into(), source: io::ErrorKind::IsADirectory.into() });
        }
        if is_foreign(path) {
            return Err(ArchiveError::Foreign { path: path.into() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = patiently(|| {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            let found = schema::version(&connection)?;
            Ok((connection, found))
        });
        let (connection, found) = match opened {
            Ok((connection, found)) if found >= schema::VERSION => (connection, found),
            Err(error) if error.sqlite_error_code() != Some(ErrorCode::ReadOnly) => return Err(of_sqlite(path, error)),
            // Opening it to write migrates it, or mends what a process was killed before ending.
            _ => return Self::open(path),
        };
        Self::known(path, connection, found)
    }

    fn known(path: &Path, connection: Connection, found: i64) -> Result<Self, ArchiveError> {
        if found > schema::VERSION {
            return Err(ArchiveError::Version { path: path.into(), found, known: schema::VERSION });
        }
        Ok(Self { path: path.into(), connection })
    }
}

/// Whether a file is another program's database. Where that cannot be told, opening it tells.
fn is_foreign(path: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let is_foreign = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(PATIENCE)?;
        schema::is_foreign(&connection)
    });
    is_foreign.unwrap_or(false)
}

/// A file that SQLite keeps beside the store.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// To turn the log on is refused at once, whatever the patience, while another process opens the file.
fn patiently<T>(open: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let until = Instant::now() + PATIENCE;
    let mut open = open;
    loop {
        match open() {
            Err(error)
                if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
                    && Instant::now() < until =>
            {
                thread::sleep(PAUSE);
            }
            opened => return opened,
        }
    }
}
