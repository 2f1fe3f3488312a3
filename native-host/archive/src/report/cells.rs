//! The smallest parts of a period that sums can be made of: what one origin's work on a repository with a client and a
//! model, or with a kind of tool, adds up to.

use rusqlite::params_from_iter;

use super::maps::Map;
use super::pass::{COLUMNS, period, seen};
use super::tally::{Kind, Tally};
use super::threads::Threads;
use super::{Query, Row};
use crate::origin::OriginId;
use crate::{Archive, ArchiveError};

/// What the events of a cell are about. Each number is about one of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Turns that were set to a model; `None` if it is unknown.
    Turns(Option<String>),
    /// Calls of a kind of tool: the type of their events.
    Calls(String),
    /// Everything else.
    Others,
}

/// A part of a period that no sum divides further.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cell {
    /// Who brought the events.
    pub origin: OriginId,
    /// The client; `None` if no event of the thread names one.
    pub client: Option<String>,
    /// The hash of the session's repository; `None` if it is unknown.
    pub repository: Option<String>,
    /// What the events are about.
    pub part: Part,
    /// Their numbers. Only those about the part are theirs, and sessions and threads are those of this part alone.
    pub row: Row,
}

/// What all events of a cell have, while a thread's client is not yet known.
type Key = (i64, Option<i64>, Part);

impl Archive {
    /// The cells of what a query wants, in no order. No event is in two of them, and none is left out.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn cells(&self, query: &Query) -> Result<Vec<Cell>, ArchiveError> {
        self.read_cells(query).map_err(|error| self.sqlite(error))
    }

    fn read_cells(&self, query: &Query) -> rusqlite::Result<Vec<Cell>> {
        let transaction = self.connection.unchecked_transaction()?;
        let (threads, wanted) = Threads::read(&self.connection, query)?;
        let (period, values) = period(query);
        let mut statement = self.connection.prepare(&format!("SELECT {COLUMNS} FROM events WHERE {period}"))?;
        let mut rows = statement.query(params_from_iter(&values))?;
        let mut tallies: Map<Key, Tally> = Map::default();
        let mut clients: Map<i64, String> = Map::default();
        while let Some(row) = rows.next()? {
            let seen = seen(row, &threads)?;
            if !wanted.has(seen.root) {
                continue;
            }
            if let (Some(thread), Some(client)) = (seen.thread, seen.client)
                && clients.get(&thread).is_none_or(|known| known.as_str() < client)
            {
                // Of several clients of a thread the last one by name, whatever the order.
                clients.insert(thread, client.to_owned());
            }
            let part = match seen.kind {
                Kind::Turn => Part::Turns(seen.model.map(ToOwned::to_owned)),
                Kind::Call => Part::Calls(seen.event_type.to_owned()),
                _ => Part::Others,
            };
            tallies.entry((seen.origin, seen.thread, part)).or_default().add(&seen);
        }
        drop(rows);
        drop(statement);
        transaction.finish()?;
        let mut cells: Map<(i64, Option<String>, Option<String>, Part), Tally> = Map::default();
        for ((origin, thread, part), tally) in tallies {
            let client = thread.and_then(|thread| clients.get(&thread)).cloned();
            let repository = thread.and_then(|thread| threads.repository(threads.root(thread))).map(ToOwned::to_owned);
            cells.entry((origin, client, repository, part)).or_default().merge(tally);
        }
        let cells = cells.into_iter().map(|((origin, client, repository, part), tally)| Cell {
            origin: OriginId(origin),
            client,
            repository,
            part,
            row: Row::new(None, tally, false),
        });
        Ok(cells.collect())
    }
}
