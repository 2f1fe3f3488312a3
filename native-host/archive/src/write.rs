//! Adding events.

use std::borrow::Cow;

use rusqlite::{OptionalExtension, ToSql, Transaction, TransactionBehavior, params, params_from_iter};
use serde_json::Value;
use turnledger_core::Event;

use crate::columns::{Columns, ThreadSays, params as params_of};
use crate::key::Entry;
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
            let (row, entry) = place(&transaction, entry).map_err(sqlite)?;
            let entry = &*entry;
            match row {
                None => {
                    insert(&transaction, &mut threads, entry).map_err(sqlite)?;
                    added.new += 1;
                }
                Some(row) => {
                    let id = row.id;
                    let unknown = |NotAnEvent| ArchiveError::Event { path: path.clone(), row: id };
                    match Better::of(row, entry).map_err(unknown)? {
                        None => added.known += 1,
                        Some(better) => {
                            better.write(&transaction, &mut threads, id).map_err(sqlite)?;
                            added.improved += 1;
                        }
                    }
                }
            }
        }
        threads.settle(&transaction).map_err(sqlite)?;
        transaction.commit().map_err(sqlite)?;
        Ok(added)
    }
}

/// The row of an event, and the event with the key that the row has or is to have. What an import goes on with in a turn
/// that an earlier one saw begin has the numbers of what that one told: it gets those behind them.
fn place<'e>(transaction: &Transaction<'_>, entry: &'e Entry) -> rusqlite::Result<(Option<Row>, Cow<'e, Entry>)> {
    let mut entry = Cow::Borrowed(entry);
    loop {
        let row = find(transaction, &entry)?;
        let read = row.as_ref().and_then(|row| row.read.as_deref()).filter(|_| is_read(&entry.event, &entry.json));
        let read = read.and_then(|read| serde_json::from_str(read).ok());
        match read.filter(|read| entry.is_apart_from(read)).and_then(|_: Value| entry.next()) {
            Some(next) => entry = Cow::Owned(next),
            None => return Ok((row, entry)),
        }
    }
}

fn find(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<Option<Row>> {
    transaction
        .prepare_cached("SELECT id, at_ms, told, read FROM events JOIN bodies USING (id) WHERE key = ?1")?
        .query_row([&entry.key[..]], |row| {
            Ok(Row { id: row.get(0)?, at_ms: row.get(1)?, told: row.get(2)?, read: row.get(3)? })
        })
        .optional()
}

/// Whether a file told the event.
fn is_read(event: &Event, json: &Value) -> bool {
    // An import of settings and a plugin that was not installed have a `source` of another meaning.
    event.ids().thread_id.is_some()
        && params_of(json).is_some_and(|params| params.get("source").is_some_and(|source| source == "rollout"))
}

fn host_ms(entry: &Entry) -> Option<i64> {
    entry.at.and_then(|at| i64::try_from(at.0).ok())
}

fn insert(transaction: &Transaction<'_>, threads: &mut Threads, entry: &Entry) -> rusqlite::Result<()> {
    let Entry { key, event, json, .. } = entry;
    let is_read = is_read(event, json);
    let says = ThreadSays::of(event, json);
    let thread = says.map(|says| threads.row(transaction, &says)).transpose()?;
    let columns = Columns::of(event, json);
    let at_ms = columns.at_ms.or_else(|| host_ms(entry));
    let (key, event_type, source) = (&key[..], event.event_type(), source(is_read));
    let named: [&dyn ToSql; 3] = [&key, &event_type, &thread];
    transaction
        .prepare_cached(
            "INSERT INTO events (key, type, thread, at_ms, turn_id, item_id, model, client, name, status, duration_ms,
                input_tokens, cached_input_tokens, output_tokens, reasoning_output_tokens, added_lines, deleted_lines,
                reviewer, source)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params_from_iter(named.into_iter().chain(values(&columns, &at_ms, &source))))?;
    let id = transaction.last_insert_rowid();
    let text = event.to_json();
    let (told, read) = if is_read { (None, Some(text)) } else { (Some(text), None) };
    transaction
        .prepare_cached("INSERT INTO bodies (id, told, read) VALUES (?1, ?2, ?3)")?
        .execute(params![id, told, read])?;
    Ok(())
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
    event: Event,
    json: Value,
    at_ms: Option<i64>,
}

impl Better {
    /// What the row becomes; `None` if it stays as it is.
    fn of(row: Row, entry: &Entry) -> Result<Option<Self>, NotAnEvent> {
        let Row { at_ms: at_before, mut told, mut read, .. } = row;
        let side = if is_read(&entry.event, &entry.json) { &mut read } else { &mut told };
        let text = entry.event.to_json();
        let text = match side.as_deref() {
            Some(before) if before != text => {
                let mut json: Value = serde_json::from_str(before).map_err(|_| NotAnEvent)?;
                merge::alike(&mut json, entry.json.clone());
                event_of(&json)?.to_json()
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
        let (event, json) = whole(told.as_deref(), read.as_deref())?;
        let at_ms = Columns::of(&event, &json).at_ms.or(host).or(at_before);
        let better = Self { told, read, event, json, at_ms };
        Ok(Some(better).filter(|better| !is_same || better.at_ms != at_before))
    }

    fn write(&self, transaction: &Transaction<'_>, threads: &mut Threads, id: i64) -> rusqlite::Result<()> {
        if let Some(says) = ThreadSays::of(&self.event, &self.json) {
            threads.row(transaction, &says)?;
        }
        let (columns, source) = (Columns::of(&self.event, &self.json), source(self.told.is_none()));
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

/// JSON that is no event that this version knows.
pub(crate) struct NotAnEvent;

fn event_of(json: &Value) -> Result<Event, NotAnEvent> {
    serde_json::from_str(&json.to_string()).map_err(|_| NotAnEvent)
}

/// An event from what was told of it and what was read, as an event and as its JSON.
pub(crate) fn whole(told: Option<&str>, read: Option<&str>) -> Result<(Event, Value), NotAnEvent> {
    let value = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| NotAnEvent);
    let json = match (told, read) {
        (Some(told), Some(read)) => {
            let mut json = value(told)?;
            merge::filled(&mut json, value(read)?);
            json
        }
        (Some(only), None) | (None, Some(only)) => value(only)?,
        (None, None) => return Err(NotAnEvent),
    };
    let event = event_of(&json)?;
    // The members that the event's type does not have are gone.
    let json = value(&event.to_json())?;
    Ok((event, json))
}
