//! What a server receives: requests of many origins, each of them once.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use turnledger_core::UnixMillis;

use crate::threads::Threads;
use crate::{Added, Archive, ArchiveError, Entry, OriginId};

/// A request that is to be stored.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a server fills in every member")]
pub struct Received {
    /// Who sent it. Its entries are of a [`Reading`](crate::Reading) of this origin.
    pub origin: OriginId,
    /// The SHA-256 of its idempotency key; `None` if it has none.
    pub key: Option<[u8; 32]>,
    /// The SHA-256 of what it says.
    pub digest: [u8; 32],
    /// When it came.
    pub at: UnixMillis,
    /// Its events.
    pub entries: Vec<Entry>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receipt {
    /// It is stored.
    Stored(Added),
    /// A request with its key was stored before, and said the same.
    Repeated,
    /// A request with its key was stored before, and said something else. Nothing of it is stored.
    OtherBody,
    /// The store does not know its origin, which was forgotten. Nothing of it is stored.
    UnknownOrigin,
}

impl Archive {
    /// Stores requests, in one transaction: all of them, or with an error none. A session comes in pieces here: an event
    /// that nothing names, and that says another time than one with the same members, is another one.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add).
    pub fn receive(&mut self, requests: &[Received]) -> Result<Vec<Receipt>, ArchiveError> {
        let path = self.path.clone();
        let sqlite = |source| crate::error::of_sqlite(&path, source);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
        let mut threads = Threads::default();
        let mut receipts = Vec::with_capacity(requests.len());
        for request in requests {
            let receipt = if !is_known(&transaction, request.origin).map_err(sqlite)? {
                Receipt::UnknownOrigin
            } else if let Some(before) = note(&transaction, request).map_err(sqlite)? {
                before
            } else {
                let mut added = Added::default();
                for entry in &request.entries {
                    added.add(crate::write::add(&transaction, &mut threads, entry, true, &path)?);
                }
                Receipt::Stored(added)
            };
            receipts.push(receipt);
        }
        threads.settle(&transaction).map_err(sqlite)?;
        transaction.commit().map_err(sqlite)?;
        Ok(receipts)
    }

    /// Forgets the keys of requests that came before `time`, and says of how many. One of them that comes again is known
    /// by its events alone.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Busy`] if another process writes for more than ten seconds, else what SQLite says.
    pub fn forget_receipts(&mut self, before: UnixMillis) -> Result<u64, ArchiveError> {
        let before = i64::try_from(before.0).unwrap_or(i64::MAX);
        let forgotten = self.connection.execute("DELETE FROM receipts WHERE at_ms < ?1", [before]);
        forgotten.map(|forgotten| forgotten as u64).map_err(|error| self.sqlite(error))
    }
}

/// Whether the store has an origin: this machine always.
fn is_known(transaction: &Transaction<'_>, origin: OriginId) -> rusqlite::Result<bool> {
    Ok(origin == OriginId::OWN
        || transaction.prepare_cached("SELECT 1 FROM origins WHERE id = ?1")?.exists([origin.0])?)
}

/// Notes that a request came; `Some` if one with its key came before.
fn note(transaction: &Transaction<'_>, request: &Received) -> rusqlite::Result<Option<Receipt>> {
    let Some(key) = &request.key else { return Ok(None) };
    let (origin, key, digest) = (request.origin.0, &key[..], &request.digest[..]);
    let before: Option<Vec<u8>> = transaction
        .prepare_cached("SELECT digest FROM receipts WHERE origin = ?1 AND key = ?2")?
        .query_row(params![origin, key], |row| row.get(0))
        .optional()?;
    if let Some(before) = before {
        return Ok(Some(if before == digest { Receipt::Repeated } else { Receipt::OtherBody }));
    }
    let at_ms = i64::try_from(request.at.0).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("INSERT INTO receipts (origin, key, digest, at_ms) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![origin, key, digest, at_ms])?;
    Ok(None)
}
