//! Looking at a spool, and acting on what it keeps.

use rusqlite::{Row, params};
use turnledger_core::UnixMillis;

use super::{SpoolError, Sqlite, unsigned};
use crate::delivery::account::AccountKey;
use crate::store::{Clear, Listed, SpoolStatus, State};

impl Sqlite {
    pub(in crate::store) fn status(&mut self) -> Result<SpoolStatus, SpoolError> {
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
            let mut by_account = transaction.prepare(
                "SELECT event.account, COUNT(*) FROM event LEFT JOIN batch ON event.batch = batch.number
                 WHERE refused_with IS NULL GROUP BY event.account",
            )?;
            let accounts = by_account.query_map([], |row| {
                let account: Vec<u8> = row.get(0)?;
                Ok((AccountKey::from_bytes(&account).unwrap_or(AccountKey::NONE), unsigned(row.get(1)?)))
            })?;
            Ok(SpoolStatus {
                waiting,
                in_batches,
                span,
                refused: refused.collect::<Result<_, _>>()?,
                accounts: accounts.collect::<Result<_, _>>()?,
            })
        })
    }

    pub(in crate::store) fn list(&self, mut see: impl FnMut(Listed) -> bool) -> Result<(), SpoolError> {
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

    pub(in crate::store) fn clear(&mut self, what: Clear) -> Result<u64, SpoolError> {
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

    pub(in crate::store) fn retry_refused(&mut self) -> Result<u64, SpoolError> {
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

    pub(in crate::store) fn shrink(&self) -> Result<(), SpoolError> {
        self.database.execute_batch("VACUUM").map_err(|error| self.error(error))
    }
}
