//! Sessions one by one, the last one first.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rusqlite::params_from_iter;

use super::maps::{Map, Set};
use super::pass::{COLUMNS, period, seen};
use super::tally::{Kind, Tally};
use super::threads::Threads;
use super::{Query, Row};
use crate::origin::OriginId;
use crate::{Archive, ArchiveError, Filter, StoredEvent};

/// A session: a thread with those that its agents started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// Its thread's id, with its numbers. The span is that of the query's period.
    pub row: Row,
    /// Who brought it.
    pub origin: OriginId,
    /// The clients that its events name, in the order of their names.
    pub clients: Vec<String>,
    /// The models that its turns were set to, in the order of their names.
    pub models: Vec<String>,
    /// The hash of the repository whose lines were accepted; of several the last one by name. `None` if none says.
    pub repository: Option<String>,
}

/// Where a list of sessions goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a page keeps it, and gives it back")]
pub struct Place {
    /// When the session before ended: Unix milliseconds; `None` if its events say no time.
    pub last_ms: Option<i64>,
    /// The number of its thread in the store.
    pub thread: i64,
}

/// A part of a list of sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sessions {
    /// The sessions, the last one first.
    pub sessions: Vec<Session>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<Place>,
    /// Sessions in the whole list. A count.
    pub total: u64,
}

impl Archive {
    /// Sessions with events in the query's period, the one that ended last first: `limit` of them behind `after`.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn sessions(&self, query: &Query, after: Option<Place>, limit: usize) -> Result<Sessions, ArchiveError> {
        self.read_sessions(query, after, limit).map_err(|error| self.sqlite(error))
    }

    fn read_sessions(&self, query: &Query, after: Option<Place>, limit: usize) -> rusqlite::Result<Sessions> {
        // All statements see the same events.
        let transaction = self.connection.unchecked_transaction()?;
        let (threads, wanted) = Threads::read(&self.connection, query)?;
        let (period, values) = period(&query.clone().origins(None));
        let sql =
            format!("SELECT thread, max(at_ms) FROM events WHERE thread IS NOT NULL AND {period} GROUP BY thread");
        let mut ends: Map<i64, Option<i64>> = Map::default();
        let mut of_root: Map<i64, Vec<i64>> = Map::default();
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        while let Some(row) = rows.next()? {
            let (thread, last): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            // The threads of other origins are not read.
            let Some(&root) = threads.roots.get(&thread) else { continue };
            if wanted.has(Some(root)) {
                let end = ends.entry(root).or_default();
                *end = (*end).max(last);
                of_root.entry(root).or_default().push(thread);
            }
        }
        drop(rows);
        let total = ends.len() as u64;
        let mut places: Vec<Place> = ends.into_iter().map(|(thread, last_ms)| Place { last_ms, thread }).collect();
        places.retain(|place| after.is_none_or(|after| *place < after));
        places.sort_unstable_by_key(|place| Reverse(*place));
        let next = places.get(limit.wrapping_sub(1)).copied().filter(|_| places.len() > limit);
        places.truncate(limit);
        let sql = format!("SELECT {COLUMNS} FROM events WHERE thread = ? AND {period}");
        let mut statement = self.connection.prepare(&sql)?;
        let mut sessions = Vec::with_capacity(places.len());
        for place in places {
            let mut building = Building::default();
            for thread in of_root.remove(&place.thread).unwrap_or_default() {
                let mut rows = statement.query(params_from_iter(std::iter::once(&thread).chain(&values)))?;
                while let Some(row) = rows.next()? {
                    building.add(&seen(row, &threads)?);
                }
            }
            sessions.push(building.session(place.thread, &threads));
        }
        drop(statement);
        transaction.finish()?;
        Ok(Sessions { sessions, next, total })
    }
}

impl Archive {
    /// Hands on the events of what a query wants: see [`Archive::events`].
    ///
    /// # Errors
    ///
    /// Those of [`Archive::events`].
    pub fn events_of_query(&self, query: &Query, take: impl FnMut(StoredEvent) -> bool) -> Result<u64, ArchiveError> {
        let (threads, wanted) = Threads::read(&self.connection, query).map_err(|error| self.sqlite(error))?;
        let filter = Filter::default().since(query.since).until(query.until).origins(query.origins.clone());
        self.events_of(&filter, |thread| wanted.has(thread.map(|thread| threads.root(thread))), take)
    }
}

/// A session, while its events are added to it.
#[derive(Debug, Default)]
struct Building {
    tally: Tally,
    origin: i64,
    clients: BTreeSet<String>,
    models: BTreeSet<String>,
}

impl Building {
    fn add(&mut self, seen: &super::tally::Seen<'_>) {
        self.origin = seen.origin;
        insert(&mut self.clients, seen.client);
        insert(&mut self.models, seen.model.filter(|_| seen.kind == Kind::Turn));
        self.tally.add(seen);
    }

    fn session(self, root: i64, threads: &Threads) -> Session {
        Session {
            row: Row::new(threads.name(root).map(ToOwned::to_owned), self.tally, false),
            origin: OriginId(self.origin),
            clients: self.clients.into_iter().collect(),
            models: self.models.into_iter().collect(),
            repository: threads.repository(root).map(ToOwned::to_owned),
        }
    }
}

fn insert(texts: &mut BTreeSet<String>, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !texts.contains(*text)) {
        texts.insert(text.to_owned());
    }
}

/// The names that a store's events and threads have, in their order: what a list of sessions can be filtered by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choices {
    /// The models that turns were set to.
    pub models: Vec<String>,
    /// Clients.
    pub clients: Vec<String>,
    /// The hashes of repositories whose lines were accepted.
    pub repositories: Vec<String>,
}

impl Archive {
    /// The names that the events of these origins have; of all without.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn choices(&self, origins: Option<&[OriginId]>) -> Result<Choices, ArchiveError> {
        let of_origins = origins.map_or_else(|| String::from("1"), crate::read::origins_sql);
        let texts = |sql: &str| -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare(&format!("{sql} AND {of_origins}"))?;
            let found: Set<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut found: Vec<String> = found.into_iter().collect();
            found.sort_unstable();
            Ok(found)
        };
        let read = || -> rusqlite::Result<Choices> {
            Ok(Choices {
                models: texts(
                    "SELECT DISTINCT model FROM events WHERE type = 'codex_turn_event' AND model IS NOT NULL",
                )?,
                clients: texts("SELECT DISTINCT client FROM events WHERE client NOT IN ('', 'unknown')")?,
                repositories: texts("SELECT DISTINCT repo_hash FROM threads WHERE repo_hash IS NOT NULL")?,
            })
        };
        read().map_err(|error| self.sqlite(error))
    }
}
