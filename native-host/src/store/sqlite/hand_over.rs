//! Handing everything over to a log, once.

use std::fs;
use std::io;

use rusqlite::params;
use turnledger_core::{DigestValue, UnixMillis};

use super::{Sqlite, unsigned};
use crate::delivery::account::AccountKey;
use crate::store::log::Log;
use crate::store::spool::{BESIDE, with_suffix};
use crate::store::{SpoolError, StoredEvent, Wanted, signed};

impl Sqlite {
    /// Gives a log what is here and no process is sending, batches with their keys. The file goes with its last event,
    /// if nobody else has it open. Returns how many events the log has taken.
    ///
    /// An end at any moment loses nothing: a batch leaves when the log has it, and the log takes a key once.
    pub(in crate::store) fn hand_over(mut self, log: &mut Log, now: UnixMillis) -> Result<u64, SpoolError> {
        let mut taken = 0;
        let accounts: Vec<AccountKey> = self.status()?.accounts.into_keys().collect();
        for account in accounts {
            let wanted = Wanted { now, account, age: std::time::Duration::ZERO, most_events: usize::MAX };
            while let Some(batch) = self.next(&wanted)? {
                let events = self.events_of(batch.number, account)?;
                if let Err(error) = log.take_in(&[], &[(batch.key, events)], now) {
                    self.release(&batch, false)?;
                    return Err(error);
                }
                self.delivered(&batch)?;
                taken += batch.events as u64;
            }
        }
        for (number, key, account, status) in self.refused_batches()? {
            let events = self.events_of(number, account)?;
            taken += events.len() as u64;
            log.take_in_refused(key, status, &events)?;
            self.transaction(|transaction| {
                let deleted = transaction.execute("DELETE FROM event WHERE batch = ?1", [number])?;
                transaction.execute("DELETE FROM batch WHERE number = ?1", [number])?;
                transaction.execute("UPDATE total SET refused = refused - ?1", [signed(deleted as u64)])
            })?;
        }
        let left = self.waiting()?;
        if left.events + left.refused == 0 {
            self.remove()?;
        }
        Ok(taken)
    }

    fn events_of(&self, batch: i64, account: AccountKey) -> Result<Vec<StoredEvent>, SpoolError> {
        let read = || {
            let mut events = self
                .database
                .prepare_cached("SELECT at_ms, is_isolated, json FROM event WHERE batch = ?1 ORDER BY number")?;
            let rows = events.query_map([batch], |row| {
                let at = UnixMillis(unsigned(row.get(0)?));
                Ok(StoredEvent { at, account, is_isolated: row.get(1)?, json: row.get(2)? })
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.error(error))
    }

    fn refused_batches(&self) -> Result<Vec<(i64, DigestValue, AccountKey, u16)>, SpoolError> {
        let read = || {
            let mut batches = self.database.prepare(
                "SELECT number, key, account, refused_with FROM batch WHERE refused_with IS NOT NULL ORDER BY number",
            )?;
            let rows = batches.query_map(params![], |row| {
                let (key, account): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
                let account = AccountKey::from_bytes(&account).unwrap_or(AccountKey::NONE);
                Ok((row.get(0)?, DigestValue::new(&key), account, row.get(3)?))
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.error(error))
    }

    /// Removes the file, unless somebody else has it open, who would write to it in vain.
    fn remove(self) -> Result<(), SpoolError> {
        // Only the one user of a database can end its log.
        let mode = self.database.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0));
        if !mode.is_ok_and(|mode| mode.eq_ignore_ascii_case("delete")) {
            return Ok(());
        }
        let Self { path, database, .. } = self;
        drop(database);
        let removed = fs::remove_file(&path);
        for beside in BESIDE {
            match fs::remove_file(with_suffix(&path, beside)) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(SpoolError::File { path, source });
                }
                _ => {}
            }
        }
        removed.map_err(|source| SpoolError::File { path, source })
    }
}
