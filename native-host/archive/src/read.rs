//! Reading events, and what there is.

use std::fs;

use rusqlite::types::Value as Sql;
use rusqlite::{Row, params_from_iter};
use turnledger_core::{Event, UnixMillis};

use crate::open::beside;
use crate::origin::OriginId;
use crate::write::whole;
use crate::{Archive, ArchiveError, schema};

/// Which events are wanted; all without a limit.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    /// Only what ended or happened then or later.
    pub since: Option<UnixMillis>,
    /// Only what ended or happened before.
    pub until: Option<UnixMillis>,
    /// Only events of the session that this thread belongs to.
    pub thread: Option<String>,
    /// Only events of this type.
    pub event_type: Option<&'static str>,
    /// Only what one of these origins brought.
    pub origins: Option<Vec<OriginId>>,
}

impl Filter {
    /// Only what ended or happened then or later.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<UnixMillis>>) -> Self {
        self.since = since.into();
        self
    }

    /// Only what ended or happened before.
    #[must_use]
    pub fn until(mut self, until: impl Into<Option<UnixMillis>>) -> Self {
        self.until = until.into();
        self
    }

    /// Only events of the session that this thread belongs to.
    #[must_use]
    pub fn thread(mut self, thread: impl Into<Option<String>>) -> Self {
        self.thread = thread.into();
        self
    }

    /// Only events of this type.
    #[must_use]
    pub fn event_type(mut self, event_type: impl Into<Option<&'static str>>) -> Self {
        self.event_type = event_type.into();
        self
    }

    /// Only what one of these origins brought.
    #[must_use]
    pub fn origins(mut self, origins: impl Into<Option<Vec<OriginId>>>) -> Self {
        self.origins = origins.into();
        self
    }
}

/// An event in a store: what all who told it know of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredEvent {
    /// When it ended or happened: the event's own time, else when the host got it. `None` if neither is known.
    pub at: Option<UnixMillis>,
    /// The event. It has a `source` only if nothing but a file told it.
    pub event: Event,
    /// Who brought it.
    pub origin: OriginId,
    /// The thread whose session it belongs to, by all that the store knows. `None` for an event without a thread.
    pub session_id: Option<String>,
    /// The repository of the event's thread, from its accepted lines. `None` if nothing says.
    pub repo_hash: Option<String>,
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The version of the file's tables.
    pub version: i64,
    /// Events. A count.
    pub events: u64,
    /// Events that only a file told. A count.
    pub of_files: u64,
    /// Events without a time. A count.
    pub without_time: u64,
    /// Threads that have events. A count.
    pub threads: u64,
    /// Sessions that have events: threads with those that they started. A count.
    pub sessions: u64,
    /// The times of the first event and of the last one. `None` without any.
    pub span: Option<(UnixMillis, UnixMillis)>,
    /// The size of the file and of those that SQLite keeps beside it. Bytes.
    pub bytes: u64,
}

impl Archive {
    /// Hands on each event that is wanted, in the order of time, as it was when this began; those without a time come
    /// first. It ends when `take` returns false. Says how many it passed over, since only a later version can read them.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Event`] if a row has no event, and what SQLite says.
    pub fn events(&self, filter: &Filter, take: impl FnMut(StoredEvent) -> bool) -> Result<u64, ArchiveError> {
        self.events_of(filter, |_| true, take)
    }

    /// [`events`](Self::events) of the threads that are wanted, by their rows.
    pub(crate) fn events_of(
        &self,
        filter: &Filter,
        is_wanted: impl Fn(Option<i64>) -> bool,
        mut take: impl FnMut(StoredEvent) -> bool,
    ) -> Result<u64, ArchiveError> {
        let mut wanted = vec!["1"];
        let mut values: Vec<Sql> = Vec::new();
        let millis = |time: UnixMillis| Sql::Integer(i64::try_from(time.0).unwrap_or(i64::MAX));
        if let Some(since) = filter.since {
            wanted.push("at_ms >= ?");
            values.push(millis(since));
        }
        if let Some(until) = filter.until {
            wanted.push("at_ms < ?");
            values.push(millis(until));
        }
        if let Some(thread) = &filter.thread {
            wanted.push(
                "events.thread IN (SELECT id FROM threads WHERE root IN (SELECT root FROM threads WHERE thread_id = ?))",
            );
            values.push(Sql::Text(thread.clone()));
        }
        if let Some(event_type) = filter.event_type {
            wanted.push("type = ?");
            values.push(Sql::Text(event_type.into()));
        }
        let of_origins = filter.origins.as_deref().map(|origins| format!("events.{}", origins_sql(origins)));
        wanted.extend(of_origins.as_deref());
        let wanted = wanted.join(" AND ");
        let sql = format!(
            "SELECT events.id, at_ms, told, read, thread, events.origin, sessions.thread_id, threads.repo_hash
             FROM events
             JOIN bodies ON bodies.id = events.id
             LEFT JOIN threads ON threads.id = events.thread
             LEFT JOIN threads AS sessions ON sessions.id = threads.root
             WHERE {wanted} ORDER BY at_ms, events.id"
        );
        let mut statement = self.connection.prepare(&sql).map_err(|error| self.sqlite(error))?;
        let mut passed_over = 0;
        let mut rows = statement.query(params_from_iter(values)).map_err(|error| self.sqlite(error))?;
        while let Some(row) = rows.next().map_err(|error| self.sqlite(error))? {
            if !is_wanted(row.get(4).map_err(|error| self.sqlite(error))?) {
                continue;
            }
            let read = || -> rusqlite::Result<_> {
                let (told, read): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
                let of_thread = (row.get(6)?, row.get(7)?);
                Ok((row.get::<_, i64>(0)?, row.get(1)?, told, read, OriginId(row.get(5)?), of_thread))
            };
            let (id, at_ms, told, read, origin, (session_id, repo_hash)) =
                read().map_err(|error| self.sqlite(error))?;
            let Ok(content) = whole(told.as_deref(), read.as_deref()) else {
                return Err(ArchiveError::Event { path: self.path.clone(), row: id });
            };
            let Some(event) = content.event else {
                passed_over += 1;
                continue;
            };
            if !take(StoredEvent { at: time(at_ms), event, origin, session_id, repo_hash }) {
                break;
            }
        }
        Ok(passed_over)
    }

    /// What the store holds.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn status(&self) -> Result<Status, ArchiveError> {
        let bytes = [self.path.clone(), beside(&self.path, "-wal"), beside(&self.path, "-shm")];
        let bytes = bytes.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum();
        let read = || -> rusqlite::Result<Status> {
            let version = schema::version(&self.connection)?;
            self.connection.query_row(
                "SELECT count(*), count(source), count(*) - count(at_ms), count(DISTINCT thread),
                    (SELECT count(DISTINCT root) FROM threads WHERE id IN (SELECT thread FROM events)),
                    min(at_ms), max(at_ms)
                 FROM events",
                [],
                |row| {
                    Ok(Status {
                        version,
                        events: count(row, 0)?,
                        of_files: count(row, 1)?,
                        without_time: count(row, 2)?,
                        threads: count(row, 3)?,
                        sessions: count(row, 4)?,
                        span: time(row.get(5)?).zip(time(row.get(6)?)),
                        bytes,
                    })
                },
            )
        };
        read().map_err(|error| self.sqlite(error))
    }

    /// What tells this store from others: 16 random bytes, from when it was made.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn id(&self) -> Result<Vec<u8>, ArchiveError> {
        let id = self.connection.query_row("SELECT id FROM store", [], |row| row.get(0));
        id.map_err(|error| self.sqlite(error))
    }
}

/// A count of SQLite's.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// What is asked of an event's or a thread's origin, as SQL. The numbers are the store's own.
pub(crate) fn origins_sql(origins: &[OriginId]) -> String {
    let numbers: Vec<String> = origins.iter().map(|origin| origin.0.to_string()).collect();
    format!("origin IN ({})", numbers.join(", "))
}

fn time(at_ms: Option<i64>) -> Option<UnixMillis> {
    at_ms.and_then(|at| u64::try_from(at).ok()).map(UnixMillis)
}
