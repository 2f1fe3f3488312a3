//! Batches of a spool: formed once, and sent as they are.

use rusqlite::{OptionalExtension, Transaction, params};
use turnledger_core::{BatchLimits, Batcher, Digest, DigestValue, UnixMillis};

use super::unsigned;
use crate::Sha2;
use crate::store::{Formed, Forming, StoreLimits, StoredBatch, Wanted, millis, signed};

/// Leases the batch to send next, if there is one.
pub(super) fn next(
    transaction: &Transaction<'_>,
    limits: &StoreLimits,
    wanted: &Wanted,
) -> rusqlite::Result<Option<StoredBatch>> {
    let until = signed(wanted.now.0.saturating_add(millis(limits.lease)));
    let left: Option<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT number, deferred FROM batch WHERE refused_with IS NULL AND leased_until_ms <= ?1 AND account = ?2
             ORDER BY deferred, number LIMIT 1",
        )?
        .query_row(params![signed(wanted.now.0), wanted.account.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match left {
        Some((number, 0)) => lease(transaction, number, until, wanted).map(Some),
        None => form(transaction, limits, wanted, until),
        Some((number, _)) => match form(transaction, limits, wanted, until)? {
            Some(formed) => Ok(Some(formed)),
            None => lease(transaction, number, until, wanted).map(Some),
        },
    }
}

/// Leases a batch that was formed before, as it was: its limits may have been others.
fn lease(
    transaction: &Transaction<'_>,
    number: i64,
    leased_until: i64,
    wanted: &Wanted,
) -> rusqlite::Result<StoredBatch> {
    let key: Vec<u8> = transaction.query_row(
        "UPDATE batch SET leased_until_ms = ?1 WHERE number = ?2 RETURNING key",
        [leased_until, number],
        |row| row.get(0),
    )?;
    let mut batcher = Batcher::new(BatchLimits::default().events(usize::MAX).bytes(usize::MAX));
    let mut events = transaction.prepare_cached("SELECT json FROM event WHERE batch = ?1 ORDER BY number")?;
    for json in events.query_map([number], |row| row.get::<_, String>(0))? {
        batcher.push_json(&json?, false);
    }
    let batch = batcher.flush().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(StoredBatch {
        number,
        leased_until,
        account: wanted.account,
        key: DigestValue::new(&key),
        events: batch.events,
        body: batch.body,
    })
}

/// Makes a batch of the account's events that are in none.
fn form(
    transaction: &Transaction<'_>,
    limits: &StoreLimits,
    wanted: &Wanted,
    until: i64,
) -> rusqlite::Result<Option<StoredBatch>> {
    let account = wanted.account.as_bytes();
    let mut forming = Forming::new(limits, wanted);
    let mut numbers = Vec::new();
    let mut complete = None;
    {
        let mut free = transaction.prepare_cached(
            "SELECT number, at_ms, is_isolated, json FROM event WHERE batch IS NULL AND account = ?1 ORDER BY number",
        )?;
        let mut rows = free.query([account])?;
        while complete.is_none()
            && let Some(row) = rows.next()?
        {
            numbers.push(row.get::<_, i64>(0)?);
            let json: String = row.get(3)?;
            complete = forming.push(UnixMillis(unsigned(row.get(1)?)), &json, row.get(2)?);
        }
    }
    let Some(Formed { events, body }) = complete.or_else(|| forming.finish()) else { return Ok(None) };
    // A batch's number is never used again, also not by one that was dissolved, and the salt is this spool's own.
    let number: i64 = transaction.query_row(
        "INSERT INTO batch (key, account, leased_until_ms) VALUES (randomblob(32), ?1, ?2) RETURNING number",
        params![account, until],
        |row| row.get(0),
    )?;
    let salt: Vec<u8> = transaction.query_row("SELECT salt FROM total", [], |row| row.get(0))?;
    let key = Sha2::default().digest(&[&salt, &number.to_be_bytes(), body.as_bytes()]);
    transaction.execute("UPDATE batch SET key = ?1 WHERE number = ?2", params![key.as_bytes(), number])?;
    let mut assign = transaction.prepare_cached("UPDATE event SET batch = ?1 WHERE number = ?2")?;
    for event in numbers.iter().take(events) {
        assign.execute([number, *event])?;
    }
    Ok(Some(StoredBatch { number, leased_until: until, account: wanted.account, key, events, body }))
}
