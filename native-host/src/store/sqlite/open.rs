//! Opening a spool's file: its form, its permissions, and what to do on a file system that cannot do everything.

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{SpoolError, VERSION, error_of};
use crate::private_file::{make_private, narrow};
use crate::store::spool::{BESIDE, with_suffix};

/// `total` has what waits and what is refused, so that no one has to count it.
const SCHEMA: &str = "
    CREATE TABLE event (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        account BLOB NOT NULL,
        is_isolated INTEGER NOT NULL,
        json TEXT NOT NULL,
        batch INTEGER REFERENCES batch (number)
    );
    CREATE INDEX event_by_batch ON event (batch, number);
    CREATE TABLE batch (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key BLOB NOT NULL UNIQUE,
        account BLOB NOT NULL,
        leased_until_ms INTEGER NOT NULL,
        deferred INTEGER NOT NULL DEFAULT 0,
        refused_with INTEGER
    );
    CREATE TABLE total (
        events INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        salt BLOB NOT NULL,
        asked_by BLOB,
        asked_until_ms INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO total (events, bytes, refused, salt) VALUES (0, 0, 0, randomblob(16));
    PRAGMA user_version = 2;
";

/// Version 1 did not know whose events it had: as those of no account they are sent where there are no accounts, and
/// under nobody's.
const FROM_1: &str = "
    ALTER TABLE event ADD COLUMN account BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
    ALTER TABLE batch ADD COLUMN account BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
    ALTER TABLE batch ADD COLUMN deferred INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE total ADD COLUMN asked_by BLOB;
    ALTER TABLE total ADD COLUMN asked_until_ms INTEGER NOT NULL DEFAULT 0;
    PRAGMA user_version = 2;
";

pub(super) fn open(path: &Path, patience: Duration) -> Result<Connection, SpoolError> {
    let file = |source| SpoolError::File { path: path.into(), source };
    make_private(path).map_err(file)?;
    for beside in BESIDE {
        match narrow(&with_suffix(path, beside)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(error)),
            _ => {}
        }
    }
    let connect = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(patience)?;
        Ok(connection)
    };
    let prepared = || -> rusqlite::Result<(Connection, i64)> {
        let mut connection = connect()?;
        if !keeps_a_log(&connection)? {
            // Shared memory failed once; a new connection does not hold on to it.
            drop(connection);
            connection = connect()?;
            without_log(&connection)?;
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        let found = with_schema(&mut connection)?;
        Ok((connection, found))
    };
    let until = Instant::now() + patience;
    let (connection, found) = loop {
        match prepared() {
            // To turn the log on is refused at once while another process opens the file.
            Err(error) if is_busy(&error) && Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            prepared => break prepared.map_err(|error| error_of(path, error))?,
        }
    };
    if found > VERSION {
        return Err(SpoolError::Version { path: path.into(), found, known: VERSION });
    }
    Ok(connection)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked))
}

/// Turns on the write-ahead log, with which who reads waits for nobody. Returns whether it works: it needs shared
/// memory, which network file systems do not have.
fn keeps_a_log(connection: &Connection) -> rusqlite::Result<bool> {
    let tried: rusqlite::Result<String> =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).and_then(|mode| {
            // What does not work shows at the first access.
            connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(mode)
        });
    match tried {
        Ok(mode) => Ok(mode.eq_ignore_ascii_case("wal")),
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::CannotOpen) => Ok(false),
            _ => Err(error),
        },
    }
}

/// A rollback journal instead. A file that has a log already is changed over by its one user, who needs no shared
/// memory for that.
fn without_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let _: String = connection.pragma_update_and_check(None, "journal_mode", "TRUNCATE", |row| row.get(0))?;
    connection.pragma_update(None, "locking_mode", "NORMAL")?;
    // The lock is given back at the next access.
    connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Returns the version that the file has.
fn with_schema(connection: &mut Connection) -> rusqlite::Result<i64> {
    let version = |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get(0));
    if version(connection)? < VERSION {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been first.
        match version(&transaction)? {
            0 => transaction.execute_batch(SCHEMA)?,
            1 => transaction.execute_batch(FROM_1)?,
            _ => {}
        }
        transaction.commit()?;
    }
    version(connection)
}
