//! Looking at a spool, and acting on what it keeps.

use std::collections::BTreeMap;

use rusqlite::{Row, params};
use turnledger_core::UnixMillis;

use super::{Spool, SpoolError, unsigned};
use crate::store::Waiting;

/// What a spool holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolStatus {
    /// What waits and what was refused.
    pub waiting: Waiting,
    /// Of the events that wait, how many are in a batch that a process is sending, or was when it ended.
    pub in_batches: u64,
    /// When the oldest and the newest event that wait came out.
    pub span: Option<(UnixMillis, UnixMillis)>,
    /// Events that the server refused for good, by its status.
    pub refused: BTreeMap<u16, u64>,
}

/// How far an event in a spool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Waiting,
    /// It is in a batch that is being sent, or was when a process ended.
    InBatch,
    /// The server refused its batch for good.
    Refused {
        /// With this status.
        status: u16,
    },
}

/// An event in a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number, which no other event of the spool ever has.
    pub number: u64,
    /// When it came out.
    pub at: UnixMillis,
    /// How far it is.
    pub state: State,
    /// Its JSON text.
    pub json: String,
}

/// What goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// What was refused.
    Refused,
    /// Everything: also what a process is sending, which may arrive all the same.
    Everything,
}

impl Spool {
    /// What it holds.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be read.
    pub fn status(&mut self) -> Result<SpoolStatus, SpoolError> {
        let waiting = self.waiting()?;
        self.transaction(|transaction| {
            let open = "SELECT MIN(at_ms), MAX(at_ms), COUNT(event.batch) FROM event
                LEFT JOIN batch ON event.batch = batch.number WHERE refused_with IS NULL";
            let (span, in_batches) = transaction.query_row(open, [], |row| {
                let (oldest, newest): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
                let at = |ms| UnixMillis(unsigned(ms));
                Ok((oldest.map(at).zip(newest.map(at)), unsigned(row.get(2)?)))
            })?;
            let mut by_status = transaction.prepare(
                "SELECT refused_with, COUNT(*) FROM event JOIN batch ON event.batch = batch.number
                 WHERE refused_with IS NOT NULL GROUP BY refused_with",
            )?;
            let refused = by_status.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
            Ok(SpoolStatus { waiting, in_batches, span, refused: refused.collect::<Result<_, _>>()? })
        })
    }

    /// Shows every event, the oldest first, until `see` says that it has seen enough.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be read.
    pub fn list(&self, mut see: impl FnMut(Listed) -> bool) -> Result<(), SpoolError> {
        let listed = |row: &Row<'_>| -> rusqlite::Result<Listed> {
            let state = match (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<u16>>(3)?) {
                (None, _) => State::Waiting,
                (Some(_), None) => State::InBatch,
                (Some(_), Some(status)) => State::Refused { status },
            };
            let (number, at): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(Listed { number: unsigned(number), at: UnixMillis(unsigned(at)), state, json: row.get(4)? })
        };
        let mut read = || {
            let mut events = self.database.prepare(
                "SELECT event.number, at_ms, event.batch, refused_with, json FROM event
                 LEFT JOIN batch ON event.batch = batch.number ORDER BY event.number",
            )?;
            let mut rows = events.query([])?;
            while let Some(row) = rows.next()? {
                if !see(listed(row)?) {
                    break;
                }
            }
            Ok(())
        };
        read().map_err(|error| self.error(error))
    }

    /// Deletes events. Returns how many.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be written; then none is.
    pub fn clear(&mut self, what: Clear) -> Result<u64, SpoolError> {
        self.transaction(|transaction| {
            let which = match what {
                Clear::Refused => "batch IN (SELECT number FROM batch WHERE refused_with IS NOT NULL)",
                Clear::Everything => "TRUE",
            };
            let cleared = transaction.execute(&format!("DELETE FROM event WHERE {which}"), [])?;
            transaction
                .execute("DELETE FROM batch WHERE number NOT IN (SELECT batch FROM event WHERE batch NOT NULL)", [])?;
            transaction.execute("UPDATE total SET refused = 0", [])?;
            if what == Clear::Everything {
                transaction.execute("UPDATE total SET events = 0, bytes = 0", [])?;
            }
            Ok(cleared as u64)
        })
    }

    /// Lets what was refused wait again, in new batches. Returns how many events that is.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be written; then none is.
    pub fn retry_refused(&mut self) -> Result<u64, SpoolError> {
        self.transaction(|transaction| {
            let refused = "SELECT COUNT(*), COALESCE(SUM(LENGTH(CAST(json AS BLOB))), 0) FROM event
                JOIN batch ON event.batch = batch.number WHERE refused_with IS NOT NULL";
            let (events, bytes): (i64, i64) = transaction.query_row(refused, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            transaction.execute(
                "UPDATE event SET batch = NULL WHERE batch IN (SELECT number FROM batch WHERE refused_with IS NOT NULL)",
                [],
            )?;
            transaction.execute("DELETE FROM batch WHERE refused_with IS NOT NULL", [])?;
            transaction.execute(
                "UPDATE total SET refused = 0, events = events + ?1, bytes = bytes + ?2",
                params![events, bytes],
            )?;
            Ok(unsigned(events))
        })
    }

    /// Gives the room of deleted events back to the disk.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be written, or another process uses it.
    pub fn shrink(&self) -> Result<(), SpoolError> {
        self.database.execute_batch("VACUUM").map_err(|error| self.error(error))
    }
}

#[cfg(test)]
mod tests {
    use turnledger_core::{BatchLimits, UnixMillis};

    use super::{Clear, Listed, Spool, SpoolStatus, State};
    use crate::store::{StoreLimits, StoredEvent, Waiting};

    /// A spool with two events that were refused, one that is being sent, and one that waits.
    fn spool(folder: &tempfile::TempDir) -> Spool {
        let limits = StoreLimits { batch: BatchLimits { events: 2, bytes: 1000 }, ..StoreLimits::default() };
        let mut spool = Spool::open(&folder.path().join("spool.db"), limits).unwrap();
        let event = |at, json: &str| StoredEvent { at: UnixMillis(at), json: json.into(), is_isolated: false };
        spool.append(&[event(1, "1"), event(2, "22")], UnixMillis(2)).unwrap();
        let refused = spool.next(UnixMillis(2), true).unwrap().unwrap();
        spool.refused(&refused, 413).unwrap();
        spool.append(&[event(3, "333")], UnixMillis(3)).unwrap();
        spool.next(UnixMillis(3), true).unwrap().unwrap();
        spool.append(&[event(4, "4444")], UnixMillis(4)).unwrap();
        spool
    }

    fn listed(spool: &Spool) -> Vec<Listed> {
        let mut listed = Vec::new();
        spool
            .list(|event| {
                listed.push(event);
                true
            })
            .unwrap();
        listed
    }

    fn at(first: u64, last: u64) -> (UnixMillis, UnixMillis) {
        (UnixMillis(first), UnixMillis(last))
    }

    #[test]
    fn what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder);
        let waiting = Waiting { events: 2, bytes: 7, refused: 2 };
        let status = SpoolStatus { waiting, in_batches: 1, span: Some(at(3, 4)), refused: [(413, 2)].into() };
        assert_eq!(spool.status().unwrap(), status);
        let event = |number, state, json: &str| Listed { number, at: UnixMillis(number), state, json: json.into() };
        let refused = State::Refused { status: 413 };
        assert_eq!(
            listed(&spool),
            [
                event(1, refused, "1"),
                event(2, refused, "22"),
                event(3, State::InBatch, "333"),
                event(4, State::Waiting, "4444")
            ]
        );
        let mut seen = 0;
        spool
            .list(|_| {
                seen += 1;
                seen < 2
            })
            .unwrap();
        assert_eq!(seen, 2);
    }

    #[test]
    fn what_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder);
        assert_eq!(spool.clear(Clear::Refused).unwrap(), 2);
        let waiting = Waiting { events: 2, bytes: 7, refused: 0 };
        assert_eq!(
            spool.status().unwrap(),
            SpoolStatus { waiting, in_batches: 1, span: Some(at(3, 4)), refused: [].into() }
        );
        assert_eq!(spool.clear(Clear::Everything).unwrap(), 2);
        assert_eq!((spool.status().unwrap(), listed(&spool)), (SpoolStatus::default(), Vec::new()));
        spool.shrink().unwrap();
    }

    #[test]
    fn what_was_refused_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder);
        assert_eq!(spool.retry_refused().unwrap(), 2);
        let waiting = Waiting { events: 4, bytes: 10, refused: 0 };
        assert_eq!(
            spool.status().unwrap(),
            SpoolStatus { waiting, in_batches: 1, span: Some(at(1, 4)), refused: [].into() }
        );
        let batch = spool.next(UnixMillis(5), true).unwrap().unwrap();
        assert_eq!(batch.batch.body, r#"{"events":[1,22]}"#);
    }
}
