//! Handing events on: the store is the queue, and a mark says how far a receiver has it.

use rusqlite::OptionalExtension;

use crate::write::whole;
use crate::{Archive, ArchiveError};

/// Who takes events from a store: a digest of its name.
pub type ReceiverId = [u8; 32];

/// The place of an event in the order in which events came to the store. Counts from 1, and is never given again; 0 is
/// before the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventNumber(i64);

impl EventNumber {
    /// How many numbers come behind another's and up to this one. A count; the events of some of them may be forgotten.
    pub fn behind(self, other: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(other.0)).unwrap_or(0)
    }

    /// The number itself.
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// What comes behind a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Behind {
    /// The events as JSON, in the order in which they came. One that only a later version can read is left out.
    pub events: Vec<String>,
    /// The rows that have no event, since the store is damaged. They are left out.
    pub damaged: Vec<EventNumber>,
    /// The number of the last one of them, or of the last one that was left out. `None` if nothing comes behind the mark.
    pub last: Option<EventNumber>,
}

impl Archive {
    /// How far a receiver has the events. A new one begins at what comes from now on.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Busy`] if another process writes for more than ten seconds, else what SQLite says.
    pub fn mark(&mut self, receiver: &ReceiverId) -> Result<EventNumber, ArchiveError> {
        let mark = || -> rusqlite::Result<i64> {
            let mut insert = self.connection.prepare(
                "INSERT INTO forwards (receiver, mark)
                 SELECT ?1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) WHERE true
                 ON CONFLICT DO NOTHING",
            )?;
            insert.execute([&receiver[..]])?;
            let find = "SELECT mark FROM forwards WHERE receiver = ?1";
            self.connection.query_row(find, [&receiver[..]], |row| row.get(0))
        };
        mark().map(EventNumber).map_err(|error| self.sqlite(error))
    }

    /// Notes that a receiver has all events up to this one.
    ///
    /// # Errors
    ///
    /// Those of [`mark`](Self::mark).
    pub fn move_mark(&mut self, receiver: &ReceiverId, to: EventNumber) -> Result<(), ArchiveError> {
        let sql = "UPDATE forwards SET mark = max(mark, ?2) WHERE receiver = ?1";
        let moved = self.connection.execute(sql, (&receiver[..], to.0));
        moved.map(|_| ()).map_err(|error| self.sqlite(error))
    }

    /// The next events behind a mark: at most so many, and so many bytes, but at least one.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn behind(&self, mark: EventNumber, most_events: usize, most_bytes: usize) -> Result<Behind, ArchiveError> {
        self.range(mark, EventNumber(i64::MAX), most_events, most_bytes)
    }

    /// The events behind a mark and up to a number, as [`behind`](Self::behind) gives them: those that are still there.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn between(&self, mark: EventNumber, last: EventNumber) -> Result<Vec<String>, ArchiveError> {
        self.range(mark, last, usize::MAX, usize::MAX).map(|behind| behind.events)
    }

    fn range(
        &self,
        mark: EventNumber,
        last: EventNumber,
        most_events: usize,
        most_bytes: usize,
    ) -> Result<Behind, ArchiveError> {
        let sqlite = |error| self.sqlite(error);
        let sql = "SELECT events.id, told, read FROM events JOIN bodies ON bodies.id = events.id
            WHERE events.id > ?1 AND events.id <= ?2 ORDER BY events.id";
        let mut statement = self.connection.prepare_cached(sql).map_err(sqlite)?;
        let mut rows = statement.query([mark.0, last.0]).map_err(sqlite)?;
        let (mut behind, mut bytes) = (Behind::default(), 0);
        while behind.events.len() < most_events
            && let Some(row) = rows.next().map_err(sqlite)?
        {
            let number = EventNumber(row.get(0).map_err(sqlite)?);
            let texts = || -> rusqlite::Result<(Option<String>, Option<String>)> { Ok((row.get(1)?, row.get(2)?)) };
            let content = texts().ok().and_then(|(told, read)| whole(told.as_deref(), read.as_deref()).ok());
            if content.is_none() {
                behind.damaged.push(number);
            }
            if let Some(event) = content.and_then(|content| content.event) {
                let json = event.to_json();
                bytes += json.len();
                if bytes > most_bytes && !behind.events.is_empty() {
                    break;
                }
                behind.events.push(json);
            }
            behind.last = Some(number);
        }
        Ok(behind)
    }

    /// The number of the last event that came.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn last_number(&self) -> Result<EventNumber, ArchiveError> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";
        let last = self.connection.query_row(sql, [], |row| row.get(0)).optional();
        last.map(|last| EventNumber(last.unwrap_or(0))).map_err(|error| self.sqlite(error))
    }
}
