//! Adding events.

use std::borrow::Cow;
use std::path::Path;

use rusqlite::{OptionalExtension, ToSql, Transaction, TransactionBehavior, params, params_from_iter};
use serde_json::Value;

use crate::columns::{Columns, ThreadSays, columns_of};
use crate::content::{Content, NotAnEvent};
use crate::key::Entry;
use crate::origin::OriginId;
use crate::threads::Threads;
use crate::{Archive, ArchiveError, merge};

/// What became of the events that were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Added {
    /// Events that the store did not have. A count.
    pub new: u64,
    /// Events that it had, and now knows more of. A count.
    pub improved: u64,
    /// Events of which it knew all of this already. A count.
    pub known: u64,
}

impl Added {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.new += other.new;
        self.improved += other.improved;
        self.known += other.known;
    }
}

/// What is in the store of an event.
struct Row {
    id: i64,
    at_ms: Option<i64>,
    told: Option<String>,
    read: Option<String>,
}

impl Archive {
    /// Adds events, in one transaction: all of them, or with an error none. To add one again changes nothing.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Busy`] if another process writes for more than ten seconds, [`ArchiveError::Sqlite`] if the file
    /// cannot be written, [`ArchiveError::Event`] if the store has one of them in a form that this version does not know.
    pub fn add(&mut self, entries: &[Entry]) -> Result<Added, ArchiveError> {
        let path = self.path.clone();
        let sqlite = |source| crate::error::of_sqlite(&path, source);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
        let mut threads = Threads::default();
        let mut added = Added::default();
        for entry in entries {
            added.add(self::add(&transaction, &mut threads, entry, false, &path)?);
        }
        threads.settle(&transaction).map_err(sqlite)?;
        transaction.commit().map_err(sqlite)?;
        Ok(added)
    }
}

/// Adds an event. With `is_piece`, those before it may have been another reading's.
pub(crate) fn add(
    transaction: &Transaction<'_>,
    threads: &mut Threads,
    entry: &Entry,
    is_piece: bool,
    path: &Path,
) -> Result<Added, ArchiveError> {
    let sqlite = |source| crate::error::of_sqlite(path, source);
    let mut added = Added::default();
    match place(transaction, entry, is_piece).map_err(sqlite)? {
        (None, entry) => {
            let thread = insert(transaction, threads, &entry).map_err(sqlite)?;
            if is_piece {
                note_number(transaction, &entry, thread).map_err(sqlite)?;
            }
            added.new = 1;
        }
        (Some(row), entry) => {
            let id = row.id;
            match Better::of(row, &entry).map_err(|NotAnEvent| ArchiveError::Event { path: path.into(), row: id })? {
                None => added.known = 1,
                Some(better) => {
                    better.write(transaction, threads, entry.origin, id).map_err(sqlite)?;
                    added.improved = 1;
                }
            }
        }
    }
    Ok(added)
}

/// How far a place is looked for.
const MOST_STEPS: u32 = 64;

/// The row of an event, and the event with the key that the row has or is to have. What an import goes on with in a turn
/// that an earlier one saw begin has the numbers of what that one told: it gets those behind them. So does a piece; one
/// that says no time is never what was there before.
fn place<'e>(
    transaction: &Transaction<'_>,
    entry: &'e Entry,
    is_piece: bool,
) -> rusqlite::Result<(Option<Row>, Cow<'e, Entry>)> {
    let mut entry = Cow::Borrowed(entry);
    if is_piece && entry.number().is_some() && !entry.tells_apart() {
        return Ok((None, Cow::Owned(behind(transaction, &entry)?)));
    }
    let mut steps = 0;
    loop {
        let row = find(transaction, &entry)?;
        let before = row.as_ref().and_then(|row| {
            if entry.content.is_read() { row.read.as_deref() } else { row.told.as_deref().filter(|_| is_piece) }
        });
        let before = before.and_then(|before| serde_json::from_str(before).ok());
        match before.filter(|before| entry.is_apart_from(before)).and_then(|_: Value| entry.next()) {
            Some(_) if is_piece && steps == MOST_STEPS => {
                return Ok((None, Cow::Owned(behind(transaction, &entry)?)));
            }
            Some(next) => entry = Cow::Owned(next),
            None => return Ok((row, entry)),
        }
        steps += 1;
    }
}

/// The event with the number behind the last one of its kind that a request brought.
fn behind(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<Entry> {
    let Some((number, key)) = entry.number() else { return Ok(entry.clone()) };
    let last: Option<u32> = transaction
        .prepare_cached("SELECT last FROM numbers WHERE key = ?1")?
        .query_row([&key[..]], |row| row.get(0))
        .optional()?;
    let number = last.map_or(number, |last| number.max(last.saturating_add(1)));
    Ok(entry.numbered(number).unwrap_or_else(|| entry.clone()))
}

/// Takes note of the number of an event that a request brought.
fn note_number(transaction: &Transaction<'_>, entry: &Entry, thread: Option<i64>) -> rusqlite::Result<()> {
    let Some((number, key)) = entry.number() else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT INTO numbers (key, last, origin, thread) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
        )?
        .execute(params![&key[..], number, entry.origin.0, thread])?;
    Ok(())
}

fn find(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<Option<Row>> {
    transaction
        .prepare_cached("SELECT id, at_ms, told, read FROM events JOIN bodies USING (id) WHERE key = ?1")?
        .query_row([&entry.key[..]], |row| {
            Ok(Row { id: row.get(0)?, at_ms: row.get(1)?, told: row.get(2)?, read: row.get(3)? })
        })
        .optional()
}

fn host_ms(entry: &Entry) -> Option<i64> {
    entry.at.and_then(|at| i64::try_from(at.0).ok())
}

/// Returns the row of its thread.
fn insert(transaction: &Transaction<'_>, threads: &mut Threads, entry: &Entry) -> rusqlite::Result<Option<i64>> {
    let Entry { key, content, .. } = entry;
    let is_read = content.is_read();
    let says = ThreadSays::of(content);
    let thread = says.map(|says| threads.row(transaction, entry.origin, &says)).transpose()?;
    let columns = columns_of(content);
    let at_ms = columns.at_ms.or_else(|| host_ms(entry));
    let (key, event_type, source) = (&key[..], content.event_type(), source(is_read));
    let named: [&dyn ToSql; 4] = [&key, &event_type, &thread, &entry.origin.0];
    transaction
        .prepare_cached(
            "INSERT INTO events (key, type, thread, origin, at_ms, turn_id, item_id, model, client, name, status, duration_ms,
                input_tokens, cached_input_tokens, output_tokens, reasoning_output_tokens, added_lines, deleted_lines,
                reviewer, source)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params_from_iter(named.into_iter().chain(values(&columns, &at_ms, &source))))?;
    let id = transaction.last_insert_rowid();
    let text = content.text();
    let (told, read) = if is_read { (None, Some(text)) } else { (Some(text), None) };
    transaction
        .prepare_cached("INSERT INTO bodies (id, told, read) VALUES (?1, ?2, ?3)")?
        .execute(params![id, told, read])?;
    Ok(thread)
}

/// What the column `source` has.
const fn source(is_read: bool) -> Option<&'static str> {
    if is_read { Some("rollout") } else { None }
}

/// The columns behind those that name the event, in the order of both statements.
fn values<'v>(columns: &'v Columns, at_ms: &'v dyn ToSql, source: &'v dyn ToSql) -> [&'v dyn ToSql; 16] {
    [
        at_ms,
        &columns.turn_id,
        &columns.item_id,
        &columns.model,
        &columns.client,
        &columns.name,
        &columns.status,
        &columns.duration_ms,
        &columns.input_tokens,
        &columns.cached_input_tokens,
        &columns.output_tokens,
        &columns.reasoning_output_tokens,
        &columns.added_lines,
        &columns.deleted_lines,
        &columns.reviewer,
        source,
    ]
}

/// What a row becomes by another telling of its event.
struct Better {
    told: Option<String>,
    read: Option<String>,
    content: Content,
    at_ms: Option<i64>,
}

impl Better {
    /// What the row becomes; `None` if it stays as it is.
    fn of(row: Row, entry: &Entry) -> Result<Option<Self>, NotAnEvent> {
        let Row { at_ms: at_before, mut told, mut read, .. } = row;
        let side = if entry.content.is_read() { &mut read } else { &mut told };
        let text = entry.content.text();
        let text = match side.as_deref() {
            Some(before) if before != text => {
                let mut json: Value = serde_json::from_str(before).map_err(|_| NotAnEvent)?;
                merge::alike(&mut json, entry.content.json.clone());
                Content::read(&json.to_string())?.text()
            }
            _ => text,
        };
        let is_same = side.as_ref() == Some(&text);
        // The host's time counts for an event without one of its own: the earliest.
        let host = host_ms(entry).filter(|host| at_before.is_none_or(|before| *host < before));
        if is_same && host.is_none() {
            return Ok(None);
        }
        *side = Some(text);
        let content = whole(told.as_deref(), read.as_deref())?;
        let at_ms = columns_of(&content).at_ms.or(host).or(at_before);
        let better = Self { told, read, content, at_ms };
        Ok(Some(better).filter(|better| !is_same || better.at_ms != at_before))
    }

    fn write(
        &self,
        transaction: &Transaction<'_>,
        threads: &mut Threads,
        origin: OriginId,
        id: i64,
    ) -> rusqlite::Result<()> {
        if let Some(says) = ThreadSays::of(&self.content) {
            threads.row(transaction, origin, &says)?;
        }
        let (columns, source) = (columns_of(&self.content), source(self.told.is_none()));
        let row: [&dyn ToSql; 1] = [&id];
        transaction
            .prepare_cached(
                "UPDATE events SET at_ms = ?, turn_id = ?, item_id = ?, model = ?, client = ?, name = ?, status = ?,
                    duration_ms = ?, input_tokens = ?, cached_input_tokens = ?, output_tokens = ?,
                    reasoning_output_tokens = ?, added_lines = ?, deleted_lines = ?, reviewer = ?, source = ?
                 WHERE id = ?",
            )?
            .execute(params_from_iter(values(&columns, &self.at_ms, &source).into_iter().chain(row)))?;
        transaction
            .prepare_cached("UPDATE bodies SET told = ?2, read = ?3 WHERE id = ?1")?
            .execute(params![id, self.told, self.read])?;
        Ok(())
    }
}

/// An event from what was told of it and what was read.
pub(crate) fn whole(told: Option<&str>, read: Option<&str>) -> Result<Content, NotAnEvent> {
    let value = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| NotAnEvent);
    match (told, read) {
        (Some(told), Some(read)) => {
            let mut json = value(told)?;
            merge::filled(&mut json, value(read)?);
            Content::read(&json.to_string())
        }
        (Some(only), None) | (None, Some(only)) => Content::read(only),
        (None, None) => Err(NotAnEvent),
    }
}
