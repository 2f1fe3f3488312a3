//! Whose session a thread belongs to, where it worked, and which sessions are wanted.

use rusqlite::{Connection, params_from_iter};

use super::Query;
use super::maps::{Map, Set};
use crate::read::origins_sql;

/// The threads of a store, and whose session each belongs to.
#[derive(Debug, Default)]
pub(super) struct Threads {
    pub(super) names: Map<i64, String>,
    pub(super) roots: Map<i64, i64>,
    /// By session; of several the last one by name.
    pub(super) repositories: Map<i64, String>,
    /// Whose beginning is known.
    pub(super) begun: Set<i64>,
    /// The persons and the teams of those who bring events.
    pub(super) origins: Map<i64, (String, Option<String>)>,
}

/// The sessions that are wanted; all without a limit.
#[derive(Debug)]
pub(super) struct Wanted(Option<Set<i64>>);

impl Threads {
    pub(super) fn name(&self, thread: i64) -> Option<&str> {
        self.names.get(&thread).map(String::as_str)
    }

    pub(super) fn repository(&self, root: i64) -> Option<&str> {
        self.repositories.get(&root).map(String::as_str)
    }

    pub(super) fn root(&self, thread: i64) -> i64 {
        self.roots.get(&thread).copied().unwrap_or(thread)
    }

    pub(super) fn person(&self, origin: i64) -> Option<&str> {
        self.origins.get(&origin).map(|(person, _)| person.as_str())
    }

    pub(super) fn team(&self, origin: i64) -> Option<&str> {
        self.origins.get(&origin)?.1.as_deref()
    }

    /// Reads the threads of a query's origins, and which of their sessions the query wants.
    pub(super) fn read(connection: &Connection, query: &Query) -> rusqlite::Result<(Self, Wanted)> {
        let mut threads = Self::default();
        let mut of_repositories = Set::default();
        let mut of_thread = Set::default();
        let of_origins = query.origins.as_deref().map_or_else(|| String::from("1"), origins_sql);
        let sql = format!("SELECT id, root, thread_id, repo_hash FROM threads WHERE {of_origins}");
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let root = row.get::<_, Option<i64>>(1)?.unwrap_or(id);
            let name: String = row.get(2)?;
            let repository: Option<String> = row.get(3)?;
            if query.thread.as_ref() == Some(&name) {
                of_thread.insert(root);
            }
            threads.names.insert(id, name);
            threads.roots.insert(id, root);
            if let Some(repository) = repository {
                if query.repositories.as_ref().is_some_and(|wanted| wanted.contains(&repository)) {
                    of_repositories.insert(root);
                }
                let known = threads.repositories.entry(root).or_default();
                if *known < repository {
                    *known = repository;
                }
            }
        }
        let sql = "SELECT thread FROM events WHERE type = 'codex_thread_initialized' AND thread IS NOT NULL";
        for thread in connection.prepare(sql)?.query_map([], |row| row.get(0))? {
            threads.begun.insert(thread?);
        }
        let sql = "SELECT id, person, team FROM origins";
        for origin in connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))? {
            let (id, names) = origin?;
            threads.origins.insert(id, names);
        }
        let with = |column: &str, texts: &Option<Vec<String>>| -> rusqlite::Result<Option<Set<i64>>> {
            let Some(texts) = texts else { return Ok(None) };
            let marks = vec!["?"; texts.len()].join(", ");
            let sql = format!("SELECT DISTINCT thread FROM events WHERE thread IS NOT NULL AND {column} IN ({marks})");
            let mut statement = connection.prepare(&sql)?;
            let found = statement.query_map(params_from_iter(texts), |row| row.get(0))?;
            found.map(|thread| Ok(threads.root(thread?))).collect::<rusqlite::Result<_>>().map(Some)
        };
        let filters = [
            query.thread.as_ref().map(|_| of_thread),
            query.repositories.as_ref().map(|_| of_repositories),
            with("type = 'codex_turn_event' AND model", &query.models)?,
            with("client", &query.clients)?,
        ];
        let wanted = filters.into_iter().flatten().reduce(|a, b| a.intersection(&b).copied().collect());
        Ok((threads, Wanted(wanted)))
    }
}

impl Wanted {
    /// Whether something of a session is wanted; what is of no session only without a limit.
    pub(super) fn has(&self, root: Option<i64>) -> bool {
        self.0.as_ref().is_none_or(|wanted| root.is_some_and(|root| wanted.contains(&root)))
    }
}
