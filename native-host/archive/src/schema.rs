//! The file's tables, and how a file of an earlier version becomes one of this version.
//!
//! The version is the file's `user_version`. (`rusqlite_migration` does as much, but no release of it takes the `rusqlite`
//! that the other crates link, and only one may be linked.)

use rusqlite::{Connection, TransactionBehavior};

/// What says that a file is a store: `TLdg`, in the place that SQLite's files have for it.
const APPLICATION_ID: i64 = 0x544c_6467;

/// What brings a file from each version to the next: the first from nothing to version 1. What was released is never
/// changed.
const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3];

const VERSION_1: &str = "
    -- One row for each thread that an event names.
    CREATE TABLE threads (
        id INTEGER PRIMARY KEY,
        thread_id TEXT NOT NULL UNIQUE,
        -- As events say; null is unknown.
        parent_thread_id TEXT,
        session_id TEXT,
        -- From its accepted lines.
        repo_hash TEXT,
        -- The thread whose session it belongs to: that of session_id, else the topmost known parent, else itself.
        root INTEGER REFERENCES threads (id)
    ) STRICT;
    CREATE INDEX threads_by_parent ON threads (parent_thread_id) WHERE parent_thread_id IS NOT NULL;
    CREATE INDEX threads_by_root ON threads (root);
    CREATE INDEX threads_by_session ON threads (session_id) WHERE session_id IS NOT NULL;
    -- One row for each event, with what is asked often.
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        -- What makes it one event: see key.rs.
        key BLOB NOT NULL UNIQUE,
        type TEXT NOT NULL,
        -- When it ended or happened: Unix milliseconds. Null is unknown.
        at_ms INTEGER,
        thread INTEGER REFERENCES threads (id),
        turn_id TEXT,
        item_id TEXT,
        model TEXT,
        client TEXT,
        name TEXT,
        status TEXT,
        duration_ms INTEGER,
        input_tokens INTEGER,
        cached_input_tokens INTEGER,
        output_tokens INTEGER,
        reasoning_output_tokens INTEGER,
        added_lines INTEGER,
        deleted_lines INTEGER,
        reviewer TEXT,
        -- 'rollout' if only a file told it.
        source TEXT
    ) STRICT;
    CREATE INDEX events_by_time ON events (at_ms);
    CREATE INDEX events_by_thread ON events (thread);
    -- The threads whose beginning is known.
    CREATE INDEX events_of_beginnings ON events (thread) WHERE type = 'codex_thread_initialized';
    -- The events' JSON: what traffic and facts told, and what a file told. One of them is there.
    CREATE TABLE bodies (
        id INTEGER PRIMARY KEY REFERENCES events (id),
        told TEXT,
        read TEXT
    ) STRICT;
    -- What tells this store from others.
    CREATE TABLE store (id BLOB NOT NULL) STRICT;
    INSERT INTO store (id) VALUES (randomblob(16));
    -- For those who ask with SQL: names instead of numbers.
    CREATE VIEW event AS SELECT
        events.type, at_ms, threads.thread_id, sessions.thread_id AS session_id, turn_id, item_id, model, client, name,
        status, duration_ms, input_tokens, cached_input_tokens, output_tokens, reasoning_output_tokens, added_lines,
        deleted_lines, reviewer, source, threads.repo_hash, coalesce(told, read) AS json
    FROM events
    JOIN bodies USING (id)
    LEFT JOIN threads ON threads.id = events.thread
    LEFT JOIN threads AS sessions ON sessions.id = threads.root;
";

/// What several people bring is told apart: see origin.rs.
const VERSION_2: &str = "
    -- A number is never given again.
    CREATE TABLE origins (id INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL, team TEXT) STRICT;
    CREATE UNIQUE INDEX origins_by_names ON origins (person, coalesce(team, ''));
    -- Requests that were stored.
    CREATE TABLE receipts (
        origin INTEGER NOT NULL,
        -- Digests of the idempotency key and of what the request said.
        key BLOB NOT NULL,
        digest BLOB NOT NULL,
        -- When it came: Unix milliseconds.
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (origin, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX receipts_by_time ON receipts (at_ms);
    -- The last number of what requests brought: of events that nothing names.
    CREATE TABLE numbers (
        -- A digest of what such events have in common.
        key BLOB PRIMARY KEY,
        last INTEGER NOT NULL,
        origin INTEGER NOT NULL,
        thread INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX numbers_by_thread ON numbers (thread);
    -- A thread's id is its own within its origin.
    DROP VIEW event;
    CREATE TABLE threads_2 (
        id INTEGER PRIMARY KEY,
        -- 0 is this machine.
        origin INTEGER NOT NULL DEFAULT 0,
        thread_id TEXT NOT NULL,
        parent_thread_id TEXT,
        session_id TEXT,
        repo_hash TEXT,
        root INTEGER REFERENCES threads (id),
        UNIQUE (thread_id, origin)
    ) STRICT;
    INSERT INTO threads_2 (id, thread_id, parent_thread_id, session_id, repo_hash, root)
        SELECT id, thread_id, parent_thread_id, session_id, repo_hash, root FROM threads;
    DROP TABLE threads;
    ALTER TABLE threads_2 RENAME TO threads;
    CREATE INDEX threads_by_parent ON threads (parent_thread_id) WHERE parent_thread_id IS NOT NULL;
    CREATE INDEX threads_by_root ON threads (root);
    CREATE INDEX threads_by_session ON threads (session_id) WHERE session_id IS NOT NULL;
    ALTER TABLE events ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;
    -- When a session began and ended is asked of the index alone.
    DROP INDEX events_by_thread;
    CREATE INDEX events_by_thread ON events (thread, at_ms);
    CREATE VIEW event AS SELECT
        events.type, at_ms, threads.thread_id, sessions.thread_id AS session_id, turn_id, item_id, model, client, name,
        status, duration_ms, input_tokens, cached_input_tokens, output_tokens, reasoning_output_tokens, added_lines,
        deleted_lines, reviewer, source, threads.repo_hash, coalesce(told, read) AS json, events.origin
    FROM events
    JOIN bodies USING (id)
    LEFT JOIN threads ON threads.id = events.thread
    LEFT JOIN threads AS sessions ON sessions.id = threads.root;
";

/// Events are handed on in the order in which they came: see forward.rs.
const VERSION_3: &str = "
    -- How far each receiver has the events.
    CREATE TABLE forwards (
        -- A digest of its name.
        receiver BLOB PRIMARY KEY,
        -- The number of the last event that it has.
        mark INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- An event's number is never given again, whatever is forgotten.
    DROP VIEW event;
    CREATE TABLE events_3 (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key BLOB NOT NULL UNIQUE,
        type TEXT NOT NULL,
        at_ms INTEGER,
        thread INTEGER REFERENCES threads (id),
        turn_id TEXT,
        item_id TEXT,
        model TEXT,
        client TEXT,
        name TEXT,
        status TEXT,
        duration_ms INTEGER,
        input_tokens INTEGER,
        cached_input_tokens INTEGER,
        output_tokens INTEGER,
        reasoning_output_tokens INTEGER,
        added_lines INTEGER,
        deleted_lines INTEGER,
        reviewer TEXT,
        source TEXT,
        origin INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO events_3 SELECT
        id, key, type, at_ms, thread, turn_id, item_id, model, client, name, status, duration_ms, input_tokens,
        cached_input_tokens, output_tokens, reasoning_output_tokens, added_lines, deleted_lines, reviewer, source, origin
    FROM events ORDER BY id;
    DROP TABLE events;
    ALTER TABLE events_3 RENAME TO events;
    CREATE INDEX events_by_time ON events (at_ms);
    CREATE INDEX events_by_thread ON events (thread, at_ms);
    CREATE INDEX events_of_beginnings ON events (thread) WHERE type = 'codex_thread_initialized';
    CREATE VIEW event AS SELECT
        events.type, at_ms, threads.thread_id, sessions.thread_id AS session_id, turn_id, item_id, model, client, name,
        status, duration_ms, input_tokens, cached_input_tokens, output_tokens, reasoning_output_tokens, added_lines,
        deleted_lines, reviewer, source, threads.repo_hash, coalesce(told, read) AS json, events.origin
    FROM events
    JOIN bodies USING (id)
    LEFT JOIN threads ON threads.id = events.thread
    LEFT JOIN threads AS sessions ON sessions.id = threads.root;
";

/// The version that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "there are a few")]
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The version of a file; 0 if it has no tables yet.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether a file is another program's: it has tables, and not our mark.
pub(crate) fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    // In this order: another process may make the tables and the mark, both at once, in between.
    let has_tables: bool = connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(id != APPLICATION_ID && (id != 0 || has_tables))
}

/// Brings a file to this version, and returns the version that it has then: a newer file stays as it is.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    let found = version(connection)?;
    if found >= VERSION {
        return Ok(found);
    }
    // A table that others refer to is made anew.
    connection.pragma_update(None, "foreign_keys", false)?;
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

/// Makes a file of version 1.
#[cfg(test)]
pub(crate) fn version_1(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(VERSION_1)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", 1)
}
