//! The file's tables, and how a file of an earlier version becomes one of this version: the version is its `user_version`.

use rusqlite::{Connection, TransactionBehavior};

/// What says that a file is a collector's accounts: `TLac`.
const APPLICATION_ID: i64 = 0x544c_6163;

/// What brings a file from each version to the next. What was released is never changed.
const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2];

const VERSION_1: &str = "
    -- What clients send with. A token that was used or revoked stays: events are of its person and team.
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        -- SHA-256 of the token.
        hash BLOB NOT NULL UNIQUE,
        person TEXT NOT NULL,
        team TEXT,
        -- Unix milliseconds; null is never.
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        revoked_at INTEGER
    ) STRICT;
    -- Who may look.
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        -- SHA-256 of the key to sign in with.
        hash BLOB NOT NULL UNIQUE,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        -- Whose numbers a member sees; null for every other role.
        person TEXT,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        revoked_at INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX users_by_name ON users (name) WHERE revoked_at IS NULL;
";

const VERSION_2: &str = "
    -- Who is signed in.
    CREATE TABLE sign_ins (
        -- SHA-256 of what the browser's cookie holds.
        hash BLOB PRIMARY KEY,
        user INTEGER NOT NULL REFERENCES users (id),
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- What viewers see of a week, as JSON: it stays as it is.
    CREATE TABLE publications (week TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
    -- What pseudonyms are made with.
    CREATE TABLE pseudonyms (secret BLOB NOT NULL) STRICT;
    INSERT INTO pseudonyms (secret) VALUES (randomblob(32));
";

/// The version that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "there are a few")]
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether a file is another program's: it has tables, and not our mark.
pub(super) fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    // In this order: another process may make the tables and the mark, both at once, in between.
    let has_tables: bool = connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(id != APPLICATION_ID && (id != 0 || has_tables))
}

/// Makes a connection ready and brings its file to this version. Returns the version that it has then: a newer file stays
/// as it is.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    let found = version(connection)?;
    if found > VERSION {
        return Ok(found);
    }
    // Readers wait for nobody.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // A secret that was shown is not forgotten after a power failure, and a revoked one does not come back.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    if found == VERSION {
        return Ok(found);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    let found = version(&transaction)?;
    let done = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    if found < VERSION {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    version(connection)
}
