//! Forgetting: what is forgotten is nowhere in the file any more, nor in those beside it.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use turnledger_core::UnixMillis;

use crate::read::count;
use crate::read::origins_sql;
use crate::{Archive, ArchiveError, OriginId};

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// Events. A count.
    pub events: u64,
    /// Threads of which nothing is left. A count.
    pub threads: u64,
}

/// Threads that nothing names any more.
const UNNAMED: &str = "
    DELETE FROM threads WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.thread = threads.id)
        AND NOT EXISTS (
            SELECT 1 FROM threads AS other
            WHERE other.parent_thread_id = threads.thread_id AND other.origin = threads.origin
        )
        AND NOT EXISTS (
            SELECT 1 FROM threads AS other
            WHERE other.session_id = threads.thread_id AND other.origin = threads.origin AND other.id <> threads.id
        )";

impl Archive {
    /// Forgets a thread, the threads below it, and those of its session. What other threads' events say of it stays,
    /// such as that they were forked from it. Nothing of it is left in the file; see [`vacuum`](Self::vacuum).
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Busy`] if another process writes for more than ten seconds: nothing is forgotten then.
    /// [`ArchiveError::Traces`] if another one reads for so long: the events are gone, and [`vacuum`](Self::vacuum) must
    /// take their traces out of the file. Else what SQLite says.
    pub fn forget_thread(&mut self, thread_id: &str) -> Result<Forgotten, ArchiveError> {
        let below = "
            WITH RECURSIVE below (id, origin, thread_id) AS (
                SELECT id, origin, thread_id FROM threads WHERE thread_id = ?1
                UNION SELECT threads.id, threads.origin, threads.thread_id FROM threads
                    JOIN below ON threads.origin = below.origin
                        AND (threads.parent_thread_id = below.thread_id OR threads.session_id = below.thread_id)
            )
            SELECT id FROM below";
        let forgotten = self.forget(|connection| {
            connection.execute("CREATE TEMP TABLE gone (id INTEGER PRIMARY KEY)", [])?;
            connection.execute(&format!("INSERT INTO gone {below}"), [thread_id])?;
            let gone = "SELECT id FROM events WHERE thread IN (SELECT id FROM gone)";
            connection.execute(&format!("DELETE FROM bodies WHERE id IN ({gone})"), [])?;
            let events = connection.execute("DELETE FROM events WHERE thread IN (SELECT id FROM gone)", [])?;
            // They may be each other's sessions.
            connection.execute("UPDATE threads SET root = NULL WHERE root IN (SELECT id FROM gone)", [])?;
            connection.execute("DELETE FROM threads WHERE id IN (SELECT id FROM gone)", [])?;
            connection.execute("DELETE FROM numbers WHERE thread IN (SELECT id FROM gone)", [])?;
            connection.execute("DROP TABLE gone", [])?;
            Ok(events)
        })?;
        self.without_traces(forgotten)
    }

    /// Forgets what ended or happened before `time`. Events without a time stay.
    ///
    /// # Errors
    ///
    /// Those of [`forget_thread`](Self::forget_thread).
    pub fn forget_before(&mut self, time: UnixMillis) -> Result<Forgotten, ArchiveError> {
        let before = i64::try_from(time.0).unwrap_or(i64::MAX);
        let forgotten = self.forget(|connection| {
            let gone = "SELECT id FROM events WHERE at_ms < ?1";
            connection.execute(&format!("DELETE FROM bodies WHERE id IN ({gone})"), [before])?;
            connection.execute("DELETE FROM events WHERE at_ms < ?1", params![before])
        })?;
        self.without_traces(forgotten)
    }

    /// Forgets all that these origins brought, and their names. This machine's own events stay.
    ///
    /// # Errors
    ///
    /// Those of [`forget_thread`](Self::forget_thread).
    pub fn forget_origins(&mut self, origins: &[OriginId]) -> Result<Forgotten, ArchiveError> {
        let origins: Vec<OriginId> = origins.iter().copied().filter(|origin| *origin != OriginId::OWN).collect();
        let wanted = origins_sql(&origins);
        let forgotten = self.forget(|connection| {
            connection
                .execute(&format!("DELETE FROM bodies WHERE id IN (SELECT id FROM events WHERE {wanted})"), [])?;
            let events = connection.execute(&format!("DELETE FROM events WHERE {wanted}"), [])?;
            connection.execute(&format!("DELETE FROM threads WHERE {wanted}"), [])?;
            connection.execute(&format!("DELETE FROM receipts WHERE {wanted}"), [])?;
            connection.execute(&format!("DELETE FROM numbers WHERE {wanted}"), [])?;
            connection.execute(&format!("DELETE FROM origins WHERE {}", wanted.replace("origin IN", "id IN")), [])?;
            Ok(events)
        })?;
        self.without_traces(forgotten)
    }

    fn without_traces(&mut self, forgotten: Forgotten) -> Result<Forgotten, ArchiveError> {
        match self.vacuum() {
            Ok(()) => Ok(forgotten),
            // Of whatever it was, what is deleted may still be in the file.
            Err(_) => Err(ArchiveError::Traces { path: self.path.clone() }),
        }
    }

    fn forget(
        &mut self,
        delete: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
    ) -> Result<Forgotten, ArchiveError> {
        let path = self.path.clone();
        let forget = || -> rusqlite::Result<Forgotten> {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Bodies go before their events.
            transaction.pragma_update(None, "defer_foreign_keys", true)?;
            let threads = |connection: &Connection| -> rusqlite::Result<u64> {
                connection.query_row("SELECT count(DISTINCT thread) FROM events", [], |row| count(row, 0))
            };
            let before = threads(&transaction)?;
            let events = delete(&transaction)? as u64;
            let after = threads(&transaction)?;
            // What only forgotten events said of a thread that has others.
            transaction.execute(
                "UPDATE threads SET repo_hash = NULL WHERE repo_hash IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM events WHERE thread = threads.id AND type = 'codex_accepted_line_fingerprints'
                 )",
                [],
            )?;
            // A row that is gone may have been the last to name another.
            loop {
                let unnamed = format!("{UNNAMED} RETURNING id");
                let unnamed: Vec<i64> =
                    transaction.prepare(&unnamed)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
                if unnamed.is_empty() {
                    break;
                }
            }
            transaction.commit()?;
            Ok(Forgotten { events, threads: before - after })
        };
        forget().map_err(|error| crate::error::of_sqlite(&path, error))
    }

    /// Writes the file anew, as small as it can be, and empties its log: what was deleted is then nowhere.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Busy`] if another process reads or writes for more than ten seconds, else what SQLite says.
    pub fn vacuum(&mut self) -> Result<(), ArchiveError> {
        let vacuum = || -> rusqlite::Result<bool> {
            self.connection.execute_batch("VACUUM")?;
            let busy: Option<i64> =
                self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).optional()?;
            Ok(busy.unwrap_or(0) != 0)
        };
        match vacuum() {
            Ok(false) => Ok(()),
            Ok(true) => Err(ArchiveError::Busy { path: self.path.clone() }),
            Err(error) => Err(self.sqlite(error)),
        }
    }
}
