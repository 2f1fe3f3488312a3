//! Events that wait on disk, in an SQLite database that several processes may share.
//!
//! An event is a row until the server has taken it. A batch is formed once, with its key, and stays as
//! it is until it is delivered: whatever happens between sending it and deleting it, it is sent again
//! with the same key, and a server that honours the key takes it once.

mod batches;
mod hand_over;
mod inspect;
mod open;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use turnledger_core::{Digest, DigestValue, UnixMillis};

use super::{MOST_REFUSED, SpoolError, StoreLimits, StoredBatch, StoredEvent, Waiting, Wanted, millis, signed};
use crate::Sha2;

const VERSION: i64 = 2;

/// Events that wait on disk.
#[derive(Debug)]
pub(super) struct Sqlite {
    path: PathBuf,
    database: Connection,
    limits: StoreLimits,
}

impl Sqlite {
    pub(super) fn open(path: &Path, limits: StoreLimits, patience: Duration) -> Result<Self, SpoolError> {
        let database = open::open(path, patience)?;
        Ok(Self { path: path.into(), database, limits })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn limits(&self) -> StoreLimits {
        self.limits
    }

    pub(super) fn append(&mut self, events: &[StoredEvent], now: UnixMillis) -> Result<u64, SpoolError> {
        let limits = self.limits;
        self.transaction(|transaction| {
            let total = insert(transaction, events, None)?;
            make_room(transaction, &limits, total, now)
        })
    }

    pub(super) fn take_in(
        &mut self,
        events: &[StoredEvent],
        batches: &[(DigestValue, Vec<StoredEvent>)],
        now: UnixMillis,
    ) -> Result<u64, SpoolError> {
        let limits = self.limits;
        self.transaction(|transaction| {
            for (key, events) in batches {
                let Some(account) = events.first().map(|event| event.account) else { continue };
                let number = transaction
                    .query_row(
                        "INSERT OR IGNORE INTO batch (key, account, leased_until_ms) VALUES (?1, ?2, 0) RETURNING number",
                        params![key.as_bytes(), account.as_bytes()],
                        |row| row.get(0),
                    )
                    .optional()?;
                if number.is_some() {
                    insert(transaction, events, number)?;
                }
            }
            let total = insert(transaction, events, None)?;
            make_room(transaction, &limits, total, now)
        })
    }

    pub(super) fn next(&mut self, wanted: &Wanted) -> Result<Option<StoredBatch>, SpoolError> {
        let limits = self.limits;
        self.transaction(|transaction| batches::next(transaction, &limits, wanted))
    }

    pub(super) fn delivered(&mut self, batch: &StoredBatch) -> Result<(), SpoolError> {
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

    pub(super) fn refused(&mut self, batch: &StoredBatch, status: u16) -> Result<(), SpoolError> {
        self.transaction(|transaction| {
            let events = settle(transaction, batch.number)?;
            transaction.execute("UPDATE total SET refused = refused + ?1", [events])?;
            transaction
                .execute("UPDATE batch SET refused_with = ?2 WHERE number = ?1", params![batch.number, status])?;
            forget_refused(transaction)
        })
    }

    pub(super) fn release(&mut self, batch: &StoredBatch, is_deferred: bool) -> Result<(), SpoolError> {
        self.transaction(|transaction| {
            transaction.execute(
                "UPDATE batch SET leased_until_ms = 0, deferred = deferred + ?3
                 WHERE number = ?1 AND leased_until_ms = ?2",
                params![batch.number, batch.leased_until, is_deferred],
            )?;
            Ok(())
        })
    }

    pub(super) fn dissolve(&mut self, batch: &StoredBatch) -> Result<(), SpoolError> {
        self.transaction(|transaction| {
            let is_ours = "SELECT number FROM batch
                WHERE number = ?1 AND leased_until_ms = ?2 AND refused_with IS NULL";
            transaction.execute(
                &format!("UPDATE event SET batch = NULL WHERE batch IN ({is_ours})"),
                [batch.number, batch.leased_until],
            )?;
            transaction.execute(
                &format!("DELETE FROM batch WHERE number IN ({is_ours})"),
                [batch.number, batch.leased_until],
            )?;
            Ok(())
        })
    }

    pub(super) fn renew(&mut self, batch: &mut StoredBatch, now: UnixMillis) -> Result<bool, SpoolError> {
        let until = signed(now.0.saturating_add(millis(self.limits.lease))).max(batch.leased_until.saturating_add(1));
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

    pub(super) fn waiting(&self) -> Result<Waiting, SpoolError> {
        let counted = self.database.query_row("SELECT events, bytes, refused FROM total", [], |row| {
            Ok(Waiting { events: unsigned(row.get(0)?), bytes: unsigned(row.get(1)?), refused: unsigned(row.get(2)?) })
        });
        counted.map_err(|error| self.error(error))
    }

    pub(super) fn asked_until(&self, url: &str, now: UnixMillis) -> Result<Option<UnixMillis>, SpoolError> {
        let asked = "SELECT asked_until_ms FROM total WHERE asked_by = ?1";
        let asked = self.database.query_row(asked, [server(url)], |row| row.get(0)).optional();
        let asked = asked.map_err(|error| self.error(error))?;
        Ok(asked.map(|asked| UnixMillis(unsigned(asked))).filter(|asked| now < *asked))
    }

    pub(super) fn ask_until(&mut self, url: &str, until: UnixMillis) -> Result<(), SpoolError> {
        self.transaction(|transaction| {
            let asked = "UPDATE total SET asked_by = ?1, asked_until_ms = ?2";
            transaction.execute(asked, params![server(url), signed(until.0)])?;
            Ok(())
        })
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
        error_of(&self.path, error)
    }
}

fn error_of(path: &Path, source: rusqlite::Error) -> SpoolError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            SpoolError::Damaged { path, source: source.into() }
        }
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => SpoolError::Locked { path },
        _ => SpoolError::Database { path, source: source.into() },
    }
}

/// How a spool knows a server: by a hash, since a URL may say more than that.
fn server(url: &str) -> Vec<u8> {
    Sha2::default().digest(&[b"turnledger-server-v1\0", url.as_bytes()]).as_bytes().to_vec()
}

/// Adds events, and returns how many bytes wait now.
fn insert(transaction: &Transaction<'_>, events: &[StoredEvent], batch: Option<i64>) -> rusqlite::Result<i64> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO event (at_ms, account, is_isolated, json, batch) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut bytes = 0;
    for event in events {
        let StoredEvent { at, account, json, is_isolated } = event;
        insert.execute(params![signed(at.0), account.as_bytes(), is_isolated, json, batch])?;
        bytes += json.len();
    }
    transaction.query_row(
        "UPDATE total SET bytes = bytes + ?1, events = events + ?2 RETURNING bytes",
        [signed(bytes as u64), signed(events.len() as u64)],
        |row| row.get(0),
    )
}

/// Drops the oldest events until the limits are kept: one that is in a batch together with the batch, unless that is
/// being sent. Returns how many.
fn make_room(
    transaction: &Transaction<'_>,
    limits: &StoreLimits,
    total: i64,
    now: UnixMillis,
) -> rusqlite::Result<u64> {
    let oldest = signed(now.0.saturating_sub(millis(limits.age)));
    let mut excess = total.saturating_sub(signed(limits.bytes));
    let mut dropped = 0;
    let mut free = transaction
        .prepare_cached("SELECT number, at_ms, NULL FROM event WHERE batch IS NULL ORDER BY number LIMIT 1")?;
    let mut left = transaction.prepare_cached(
        "SELECT event.number, at_ms, batch FROM batch JOIN event ON event.batch = batch.number
         WHERE refused_with IS NULL AND leased_until_ms <= ?1 ORDER BY event.number LIMIT 1",
    )?;
    let place = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?));
    loop {
        let free = free.query_row([], place).optional()?;
        let left = left.query_row([signed(now.0)], place).optional()?;
        let Some((number, at, batch)) = free.into_iter().chain(left).min() else { break };
        if excess <= 0 && at >= oldest {
            break;
        }
        let (which, key) = batch.map_or(("number", number), |batch| ("batch", batch));
        let sum = format!("SELECT COUNT(*), SUM(LENGTH(CAST(json AS BLOB))) FROM event WHERE {which} = ?1");
        let (events, bytes): (i64, i64) = transaction.query_row(&sum, [key], |row| Ok((row.get(0)?, row.get(1)?)))?;
        transaction.execute(&format!("DELETE FROM event WHERE {which} = ?1"), [key])?;
        transaction.execute("DELETE FROM batch WHERE number = ?1", [batch])?;
        transaction.execute("UPDATE total SET bytes = bytes - ?1, events = events - ?2", [bytes, events])?;
        excess -= bytes;
        dropped += unsigned(events);
    }
    Ok(dropped)
}

/// Deletes the oldest of the batches that were refused, if there are too many.
fn forget_refused(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let oldest: Option<i64> = transaction
        .query_row(
            "SELECT number FROM batch WHERE refused_with IS NOT NULL ORDER BY number DESC LIMIT 1 OFFSET ?1",
            [signed(MOST_REFUSED as u64)],
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

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests;
