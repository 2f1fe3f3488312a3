//! Events that wait on disk, in an SQLite database that several processes may share.
//!
//! An event is a row until the server has taken it. A batch is formed once, with its key, and stays as
//! it is until it is delivered: whatever happens between sending it and deleting it, it is sent again
//! with the same key, and a server that honours the key takes it once.

mod inspect;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use turnledger_core::{Batch, BatchLimits, Batcher, Digest, DigestValue, UnixMillis};

pub use self::inspect::{Clear, Listed, SpoolStatus, State};
use super::{Forming, StoreLimits, StoredBatch, StoredEvent, Waiting, millis};
use crate::Sha2;

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// A newer program made it.
    #[error("{}: a spool of version {found}; this program knows version {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// The database cannot be read or written.
    #[error("{}: cannot use the spool: {error}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
}

const VERSION: i64 = 1;

/// How many batches that were refused are kept.
const MOST_REFUSED: i64 = 100;

/// `total` has what waits and what is refused, so that no one has to count it.
const SCHEMA: &str = "
    CREATE TABLE event (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        is_isolated INTEGER NOT NULL,
        json TEXT NOT NULL,
        batch INTEGER REFERENCES batch (number)
    );
    CREATE INDEX event_by_batch ON event (batch, number);
    CREATE TABLE batch (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key BLOB NOT NULL UNIQUE,
        leased_until_ms INTEGER NOT NULL,
        refused_with INTEGER
    );
    CREATE TABLE total (
        events INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        salt BLOB NOT NULL
    );
    INSERT INTO total VALUES (0, 0, 0, randomblob(16));
    PRAGMA user_version = 1;
";

/// Events that wait on disk.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    database: Connection,
    limits: StoreLimits,
}

impl Spool {
    /// Opens the spool in a file, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the file is something else, damaged, of a newer version, or cannot be written.
    pub fn open(path: &Path, limits: StoreLimits) -> Result<Self, SpoolError> {
        let database = |error| SpoolError::Database { path: path.into(), error };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(database)?;
        let found = Self::prepare(&mut connection).map_err(database)?;
        if found > VERSION {
            return Err(SpoolError::Version { path: path.into(), found });
        }
        Ok(Self { path: path.into(), database: connection, limits })
    }

    /// Returns the version that the file had.
    fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let version = |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get(0));
        if version(connection)? == 0 {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another process may have been first.
            if version(&transaction)? == 0 {
                transaction.execute_batch(SCHEMA)?;
            }
            transaction.commit()?;
        }
        version(connection)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How much it holds.
    pub fn limits(&self) -> StoreLimits {
        self.limits
    }

    /// Takes events; when this returns they are on disk. Returns how many others had to go for them.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if they could not be written; then none is.
    pub fn append(&mut self, events: &[StoredEvent], now: UnixMillis) -> Result<u64, SpoolError> {
        let limits = self.limits;
        self.transaction(|transaction| {
            let mut insert =
                transaction.prepare_cached("INSERT INTO event (at_ms, is_isolated, json) VALUES (?1, ?2, ?3)")?;
            let mut bytes = 0;
            for event in events {
                insert.execute(params![signed(event.at.0), event.is_isolated, event.json])?;
                bytes += event.json.len();
            }
            let total: i64 = transaction.query_row(
                "UPDATE total SET bytes = bytes + ?1, events = events + ?2 RETURNING bytes",
                [signed(bytes as u64), signed(events.len() as u64)],
                |row| row.get(0),
            )?;
            make_room(transaction, &limits, total, now)
        })
    }

    /// The batch to send next: one that another attempt or process left behind, or a new one. It is this
    /// process's for as long as the lease lasts. `None` if nothing waits, or what waits may still get
    /// company, unless `everything` is to go.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be read or written.
    pub fn next(&mut self, now: UnixMillis, everything: bool) -> Result<Option<StoredBatch>, SpoolError> {
        let limits = self.limits;
        let until = signed(now.0.saturating_add(millis(limits.lease)));
        self.transaction(|transaction| {
            let left: Option<(i64, Vec<u8>)> = transaction
                .query_row(
                    "UPDATE batch SET leased_until_ms = ?1 WHERE number = (
                        SELECT number FROM batch WHERE refused_with IS NULL AND leased_until_ms <= ?2 ORDER BY number LIMIT 1
                     ) RETURNING number, key",
                    [until, signed(now.0)],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            match left {
                Some((number, key)) => body_of(transaction, number, until, &key).map(Some),
                None => form(transaction, &limits, now, everything, until),
            }
        })
    }

    /// The server took a batch: its events are deleted.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if they could not be; they will be sent again, with the same key.
    pub fn delivered(&mut self, batch: &StoredBatch) -> Result<(), SpoolError> {
        self.transaction(|transaction| {
            let waited = settle(transaction, batch.number)?;
            let deleted = transaction.execute("DELETE FROM event WHERE batch = ?1", [batch.number])?;
            transaction.execute("DELETE FROM batch WHERE number = ?1", [batch.number])?;
            // Another process may have been told something else of it meanwhile.
            let refused = signed(deleted as u64) - waited;
            transaction.execute("UPDATE total SET refused = refused - ?1", [refused])?;
            Ok(())
        })
    }

    /// The server will never take a batch: its events stay to be looked at, and are not sent again. The
    /// newest hundred of such batches are kept.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be written.
    pub fn refused(&mut self, batch: &StoredBatch, status: u16) -> Result<(), SpoolError> {
        self.transaction(|transaction| {
            let events = settle(transaction, batch.number)?;
            transaction.execute("UPDATE total SET refused = refused + ?1", [events])?;
            transaction
                .execute("UPDATE batch SET refused_with = ?2 WHERE number = ?1", params![batch.number, status])?;
            forget_refused(transaction)
        })
    }

    /// Gives a batch back before its lease ends, so that another process, or this one, can send it.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be written.
    pub fn release(&mut self, batch: &StoredBatch) -> Result<(), SpoolError> {
        self.transaction(|transaction| {
            transaction.execute(
                "UPDATE batch SET leased_until_ms = 0 WHERE number = ?1 AND leased_until_ms = ?2",
                [batch.number, batch.leased_until],
            )?;
            Ok(())
        })
    }

    /// Makes a batch this process's again, for as long as a lease lasts, before it is sent once more. Returns
    /// whether it is: not if it was another process's meanwhile.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be written.
    pub fn renew(&mut self, batch: &mut StoredBatch, now: UnixMillis) -> Result<bool, SpoolError> {
        let until = signed(now.0.saturating_add(millis(self.limits.lease))).max(batch.leased_until + 1);
        let held = (batch.number, batch.leased_until);
        let renewed = self.transaction(|transaction| {
            transaction.execute(
                "UPDATE batch SET leased_until_ms = ?1
                 WHERE number = ?2 AND leased_until_ms = ?3 AND refused_with IS NULL",
                [until, held.0, held.1],
            )
        })?;
        batch.leased_until = until;
        Ok(renewed > 0)
    }

    /// What waits.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Database`] if the database cannot be read.
    pub fn waiting(&self) -> Result<Waiting, SpoolError> {
        let counted = self.database.query_row("SELECT events, bytes, refused FROM total", [], |row| {
            Ok(Waiting { events: unsigned(row.get(0)?), bytes: unsigned(row.get(1)?), refused: unsigned(row.get(2)?) })
        });
        counted.map_err(|error| self.error(error))
    }

    fn transaction<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, SpoolError> {
        let done = self.database.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        done.map_err(|error| self.error(error))
    }

    fn error(&self, error: rusqlite::Error) -> SpoolError {
        SpoolError::Database { path: self.path.clone(), error }
    }
}

/// Drops the oldest events that are in no batch, until the limits are kept. Returns how many.
fn make_room(
    transaction: &Transaction<'_>,
    limits: &StoreLimits,
    total: i64,
    now: UnixMillis,
) -> rusqlite::Result<u64> {
    let oldest = signed(now.0.saturating_sub(millis(limits.age)));
    let mut excess = total.saturating_sub(signed(limits.bytes));
    let mut dropped = (0_u64, 0_i64);
    {
        let mut free = transaction.prepare_cached(
            "SELECT number, at_ms, LENGTH(CAST(json AS BLOB)) FROM event WHERE batch IS NULL ORDER BY number",
        )?;
        let mut delete = transaction.prepare_cached("DELETE FROM event WHERE number = ?1")?;
        let mut rows = free.query([])?;
        while let Some(row) = rows.next()? {
            let (number, at, bytes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if excess <= 0 && at >= oldest {
                break;
            }
            delete.execute([number])?;
            excess -= bytes;
            dropped = (dropped.0 + 1, dropped.1 + bytes);
        }
    }
    if dropped.0 > 0 {
        transaction
            .execute("UPDATE total SET bytes = bytes - ?1, events = events - ?2", [dropped.1, signed(dropped.0)])?;
    }
    Ok(dropped.0)
}

/// Makes a batch of the events that are in none.
fn form(
    transaction: &Transaction<'_>,
    limits: &StoreLimits,
    now: UnixMillis,
    everything: bool,
    until: i64,
) -> rusqlite::Result<Option<StoredBatch>> {
    let mut forming = Forming::new(limits, now, everything);
    let mut numbers = Vec::new();
    let mut complete = None;
    {
        let mut free = transaction
            .prepare_cached("SELECT number, at_ms, is_isolated, json FROM event WHERE batch IS NULL ORDER BY number")?;
        let mut rows = free.query([])?;
        while complete.is_none()
            && let Some(row) = rows.next()?
        {
            numbers.push(row.get::<_, i64>(0)?);
            let json: String = row.get(3)?;
            complete = forming.push(UnixMillis(unsigned(row.get(1)?)), &json, row.get(2)?);
        }
    }
    let Some(Batch { events, body, .. }) = complete.or_else(|| forming.finish()) else { return Ok(None) };
    let salt: Vec<u8> = transaction.query_row("SELECT salt FROM total", [], |row| row.get(0))?;
    // Numbers are never used again, and the salt is this spool's own.
    let first = numbers.first().copied().unwrap_or_default();
    let id = Sha2::default().digest(&[&salt, &first.to_be_bytes(), body.as_bytes()]);
    let number = transaction.query_row(
        "INSERT INTO batch (key, leased_until_ms) VALUES (?1, ?2) RETURNING number",
        params![id.as_bytes(), until],
        |row| row.get(0),
    )?;
    let mut assign = transaction.prepare_cached("UPDATE event SET batch = ?1 WHERE number = ?2")?;
    for event in numbers.iter().take(events) {
        assign.execute([number, *event])?;
    }
    Ok(Some(StoredBatch { number, leased_until: until, batch: Batch { id, events, body } }))
}

/// A batch that was formed before, as it was: its limits may have been others.
fn body_of(transaction: &Transaction<'_>, number: i64, leased_until: i64, key: &[u8]) -> rusqlite::Result<StoredBatch> {
    let digest = Sha2::default();
    let mut batcher = Batcher::new(BatchLimits { events: usize::MAX, bytes: usize::MAX });
    let mut events = transaction.prepare_cached("SELECT json FROM event WHERE batch = ?1 ORDER BY number")?;
    for json in events.query_map([number], |row| row.get::<_, String>(0))? {
        batcher.push_json(&json?, false, &digest);
    }
    let batch = batcher.flush(&digest).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(StoredBatch { number, leased_until, batch: Batch { id: DigestValue::new(key), ..batch } })
}

/// Deletes the oldest of the batches that were refused, if there are too many.
fn forget_refused(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let oldest: Option<i64> = transaction
        .query_row(
            "SELECT number FROM batch WHERE refused_with IS NOT NULL ORDER BY number DESC LIMIT 1 OFFSET ?1",
            [MOST_REFUSED],
            |row| row.get(0),
        )
        .optional()?;
    let Some(oldest) = oldest else { return Ok(()) };
    let old = "SELECT number FROM batch WHERE refused_with IS NOT NULL AND number <= ?1";
    let events = transaction.execute(&format!("DELETE FROM event WHERE batch IN ({old})"), [oldest])?;
    transaction.execute(&format!("DELETE FROM batch WHERE number IN ({old})"), [oldest])?;
    transaction.execute("UPDATE total SET refused = refused - ?1", [signed(events as u64)])?;
    Ok(())
}

/// A batch waits no more, if it did. Returns how many events it has.
fn settle(transaction: &Transaction<'_>, batch: i64) -> rusqlite::Result<i64> {
    let sum = "SELECT COUNT(*), COALESCE(SUM(LENGTH(CAST(json AS BLOB))), 0) FROM event
        JOIN batch ON event.batch = batch.number WHERE batch.number = ?1 AND refused_with IS NULL";
    let (events, bytes): (i64, i64) = transaction.query_row(sum, [batch], |row| Ok((row.get(0)?, row.get(1)?)))?;
    transaction.execute("UPDATE total SET bytes = bytes - ?1, events = events - ?2", [bytes, events])?;
    Ok(events)
}

/// SQLite's numbers are signed; no time or size of ours is beyond.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn event(at: u64, json: &str) -> StoredEvent {
        StoredEvent { at: UnixMillis(at), json: json.into(), is_isolated: json.contains("alone") }
    }

    fn limits() -> StoreLimits {
        StoreLimits {
            batch: BatchLimits { events: 2, bytes: 1000 },
            batch_age: Duration::from_millis(100),
            bytes: 20,
            age: Duration::from_secs(10),
            lease: Duration::from_secs(1),
        }
    }

    fn spool(folder: &tempfile::TempDir) -> Spool {
        Spool::open(&folder.path().join("spool.db"), limits()).unwrap()
    }

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(ms)
    }

    #[test]
    fn a_batch_stays_as_it_is_until_it_is_delivered() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = spool(&folder);
        assert_eq!(one.next(at(0), true).unwrap(), None);
        one.append(&[event(0, "1")], at(0)).unwrap();
        assert_eq!(one.next(at(99), false).unwrap(), None, "it may get company");
        let first = one.next(at(100), false).unwrap().unwrap();
        assert_eq!((first.batch.body.as_str(), first.batch.events), (r#"{"events":[1]}"#, 1));

        // Another process, or this one after a crash: not before the lease ends.
        let mut other = spool(&folder);
        other.append(&[event(100, "2"), event(100, "\"alone\"")], at(100)).unwrap();
        let second = other.next(at(101), true).unwrap().unwrap();
        assert_eq!(second.batch.body, r#"{"events":[2]}"#);
        assert_ne!(second.batch.id, first.batch.id);
        let alone = other.next(at(101), true).unwrap().unwrap();
        assert_eq!(alone.batch.body, r#"{"events":["alone"]}"#);
        assert_eq!(other.next(at(101), true).unwrap(), None);
        drop(one);
        let again = |batch: &StoredBatch, leased_until| Some(StoredBatch { leased_until, ..batch.clone() });
        assert_eq!(other.next(at(1100), true).unwrap(), again(&first, 2100));
        other.delivered(&first).unwrap();
        other.release(&second).unwrap();
        assert_eq!(other.next(at(1100), true).unwrap(), again(&second, 2100));
        other.delivered(&second).unwrap();
        other.refused(&alone, 400).unwrap();
        assert_eq!(other.waiting().unwrap(), Waiting { events: 0, bytes: 0, refused: 1 });
        assert_eq!(other.next(at(9_999_999), true).unwrap(), None);
    }

    #[test]
    fn the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder);
        assert_eq!(spool.append(&[event(0, "12345678"), event(1, "12345678")], at(1)).unwrap(), 0);
        let sending = spool.next(at(1), true).unwrap().unwrap();
        assert_eq!(spool.append(&[event(2, "12345678")], at(2)).unwrap(), 1, "what is being sent stays");
        spool.delivered(&sending).unwrap();
        assert_eq!(spool.waiting().unwrap(), Waiting::default());
        assert_eq!(spool.append(&[event(3, "1"), event(9000, "2")], at(9000)).unwrap(), 0);
        assert_eq!(spool.append(&[event(11_000, "3")], at(11_000)).unwrap(), 1);
        assert_eq!(spool.waiting().unwrap(), Waiting { events: 2, bytes: 2, refused: 0 });
    }

    #[test]
    fn a_lease_is_renewed_by_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (spool(&folder), spool(&folder));
        one.append(&[event(0, "1")], at(0)).unwrap();
        let mut mine = one.next(at(0), true).unwrap().unwrap();
        assert!(one.renew(&mut mine, at(900)).unwrap());
        assert_eq!((mine.leased_until, other.next(at(1000), true).unwrap()), (1900, None));
        // It expires, and is another's.
        let theirs = other.next(at(1900), true).unwrap().unwrap();
        assert!(!one.renew(&mut mine.clone(), at(1901)).unwrap());
        one.release(&mine).unwrap();
        assert_eq!(one.next(at(1901), true).unwrap(), None, "what is another's is not given back");
        // Both have an answer, and they differ.
        one.refused(&mine, 400).unwrap();
        other.delivered(&theirs).unwrap();
        assert_eq!(one.waiting().unwrap(), Waiting::default());
    }

    #[test]
    fn what_is_refused_is_not_kept_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder);
        for number in 0..=MOST_REFUSED {
            spool.append(&[event(0, &number.to_string())], at(0)).unwrap();
            let batch = spool.next(at(0), true).unwrap().unwrap();
            spool.refused(&batch, 400).unwrap();
        }
        assert_eq!(spool.waiting().unwrap(), Waiting { events: 0, bytes: 0, refused: 100 });
        let mut first = None;
        spool
            .list(|event| {
                first = Some(event.json);
                false
            })
            .unwrap();
        assert_eq!(first.as_deref(), Some("1"));
    }

    #[test]
    fn equal_events_are_two_batches() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder);
        let mut ids = Vec::new();
        for _ in 0..2 {
            spool.append(&[event(0, "1")], at(0)).unwrap();
            let batch = spool.next(at(0), true).unwrap().unwrap();
            spool.delivered(&batch).unwrap();
            ids.push(batch.batch.id);
        }
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn what_is_no_spool_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let noise = folder.path().join("noise.db");
        fs::write(&noise, "no database, ".repeat(1000)).unwrap();
        let refused = Spool::open(&noise, limits()).unwrap_err().to_string();
        assert_eq!(refused, format!("{}: cannot use the spool: file is not a database", noise.display()));
        let newer = folder.path().join("newer.db");
        Connection::open(&newer).unwrap().pragma_update(None, "user_version", 2).unwrap();
        let refused = Spool::open(&newer, limits()).unwrap_err().to_string();
        assert_eq!(refused, format!("{}: a spool of version 2; this program knows version 1", newer.display()));
        assert!(Spool::open(&folder.path().join("no/folder.db"), limits()).is_err());
    }
}
