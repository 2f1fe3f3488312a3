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
    /// Opens a store, and makes one if there is none: the file, and those that SQLite keeps beside it, are their owner's
    /// alone. A store of an earlier version becomes one of this version.
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
        if path.exists() {
            check_own(path)?;
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
        let (connection, found) = patiently(|| {
            let mut connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            // A newer one is left as it is.
            let found = schema::version(&connection)?;
            if found > schema::VERSION {
                return Ok((connection, found));
            }
            // Readers wait for nobody. A file system without shared memory keeps another journal.
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
            // An import remembers what it told: that must not be gone after a power failure.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // What is deleted is overwritten.
            connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
            let found = schema::migrate(&mut connection)?;
            Ok((connection, found))
        })
        .map_err(|error| of_sqlite(path, error))?;
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
        check_own(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (connection, found) = patiently(|| {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            let found = schema::version(&connection)?;
            Ok((connection, found))
        })
        .map_err(|error| of_sqlite(path, error))?;
        if found < schema::VERSION {
            // Opening it to write migrates it, or makes the tables that a process was killed before making.
            drop(connection);
            return Self::open(path);
        }
        Self::known(path, connection, found)
    }

    fn known(path: &Path, connection: Connection, found: i64) -> Result<Self, ArchiveError> {
        if found > schema::VERSION {
            return Err(ArchiveError::Version { path: path.into(), found, known: schema::VERSION });
        }
        Ok(Self { path: path.into(), connection })
    }
}

/// Refuses another program's database before anything of it is changed.
fn check_own(path: &Path) -> Result<(), ArchiveError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let is_foreign = patiently(|| {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        schema::is_foreign(&connection)
    });
    match is_foreign {
        Ok(true) => Err(ArchiveError::Foreign { path: path.into() }),
        Ok(false) => Ok(()),
        Err(error) => Err(of_sqlite(path, error)),
    }
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
