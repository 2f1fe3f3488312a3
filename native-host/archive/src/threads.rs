//! The threads' rows, and whose session each belongs to.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{OptionalExtension, Transaction, params};

use crate::columns::ThreadSays;
use crate::origin::OriginId;

/// The rows of the threads that one transaction's events are about.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    known: HashMap<(OriginId, String), (i64, ThreadSays)>,
    /// Rows whose session may be another now.
    changed: BTreeSet<i64>,
}

impl Threads {
    /// The row of an event's thread, which then has what the event says of it. Of two things that are known, the greater
    /// one stays: the order of the events does not matter.
    pub(crate) fn row(
        &mut self,
        transaction: &Transaction<'_>,
        origin: OriginId,
        says: &ThreadSays,
    ) -> rusqlite::Result<i64> {
        let name = (origin, says.thread_id.clone());
        if let Some((row, known)) = self.known.get(&name)
            && known == says
        {
            return Ok(*row);
        }
        let (row, mut known) = self.find(transaction, origin, &says.thread_id)?;
        let before = known.clone();
        known.parent_thread_id = known.parent_thread_id.max(says.parent_thread_id.clone());
        known.session_id = known.session_id.max(says.session_id.clone());
        known.repo_hash = known.repo_hash.max(says.repo_hash.clone());
        if known != before {
            transaction
                .prepare_cached(
                    "UPDATE threads SET parent_thread_id = ?2, session_id = ?3, repo_hash = ?4 WHERE id = ?1",
                )?
                .execute(params![row, known.parent_thread_id, known.session_id, known.repo_hash])?;
            if (&known.parent_thread_id, &known.session_id) != (&before.parent_thread_id, &before.session_id) {
                self.changed.insert(row);
            }
            for named in [&known.parent_thread_id, &known.session_id].into_iter().flatten() {
                self.find(transaction, origin, named)?;
            }
        }
        self.known.insert(name, (row, known));
        Ok(row)
    }

    /// A thread's row and what is known of the thread. Adds the row if there is none.
    fn find(
        &mut self,
        transaction: &Transaction<'_>,
        origin: OriginId,
        thread_id: &str,
    ) -> rusqlite::Result<(i64, ThreadSays)> {
        let name = (origin, thread_id.to_owned());
        if let Some(known) = self.known.get(&name) {
            return Ok(known.clone());
        }
        let found = transaction
            .prepare_cached(
                "SELECT id, parent_thread_id, session_id, repo_hash FROM threads WHERE origin = ?1 AND thread_id = ?2",
            )?
            .query_row(params![origin.0, thread_id], |row| {
                let says = ThreadSays {
                    thread_id: thread_id.to_owned(),
                    parent_thread_id: row.get(1)?,
                    session_id: row.get(2)?,
                    repo_hash: row.get(3)?,
                };
                Ok((row.get(0)?, says))
            })
            .optional()?;
        let known = if let Some(known) = found {
            known
        } else {
            transaction
                .prepare_cached("INSERT INTO threads (origin, thread_id) VALUES (?1, ?2)")?
                .execute(params![origin.0, thread_id])?;
            let row = transaction.last_insert_rowid();
            self.changed.insert(row);
            (row, ThreadSays { thread_id: thread_id.to_owned(), ..ThreadSays::default() })
        };
        self.known.insert(name, known.clone());
        Ok(known)
    }

    /// Says of each thread that changed, and of those below it, whose session it belongs to.
    pub(crate) fn settle(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut open: Vec<i64> = self.changed.into_iter().collect();
        let mut seen: BTreeSet<i64> = open.iter().copied().collect();
        let mut children = transaction.prepare_cached(
            "SELECT child.id FROM threads AS child JOIN threads AS parent ON child.parent_thread_id = parent.thread_id
                AND child.origin = parent.origin
             WHERE parent.id = ?1",
        )?;
        let mut set = transaction.prepare_cached("UPDATE threads SET root = ?2 WHERE id = ?1 AND root IS NOT ?2")?;
        while let Some(row) = open.pop() {
            set.execute([row, root(transaction, row)?])?;
            for child in children.query_map([row], |found| found.get(0))? {
                let child = child?;
                if seen.insert(child) {
                    open.push(child);
                }
            }
        }
        Ok(())
    }
}

/// How far up a thread's session is looked for. Agents are not started that deep.
const DEEPEST: u32 = 64;

/// The thread whose session a thread belongs to: up the parents, to one that names its session or has no parent. Threads
/// that are each other's parents are each their own.
fn root(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<i64> {
    let mut up = transaction.prepare_cached(
        "SELECT session.id, parent.id FROM threads
         LEFT JOIN threads AS session ON session.thread_id = threads.session_id AND session.origin = threads.origin
         LEFT JOIN threads AS parent ON parent.thread_id = threads.parent_thread_id AND parent.origin = threads.origin
         WHERE threads.id = ?1",
    )?;
    let (mut at, mut seen) = (row, BTreeSet::from([row]));
    // What is deeper is a session of its own.
    for _ in 0..DEEPEST {
        let (session, parent): (Option<i64>, Option<i64>) = up.query_row([at], |row| Ok((row.get(0)?, row.get(1)?)))?;
        match (session, parent) {
            (Some(session), _) => return Ok(session),
            (None, None) => return Ok(at),
            (None, Some(parent)) if seen.insert(parent) => at = parent,
            (None, Some(_)) => return Ok(row),
        }
    }
    Ok(row)
}
