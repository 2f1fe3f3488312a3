//! Who brought events.

use rusqlite::{OptionalExtension, params};

use crate::{Archive, ArchiveError};

/// Who brought an event: the number of an [`Origin`], or this machine. The same event from two origins is stored twice.
/// Nobody can change or read another origin's events by sending some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(pub(crate) i64);

impl OriginId {
    /// This machine: what was imported, tapped or added here.
    pub const OWN: Self = Self(0);

    /// The number, which says nothing of the origin. Counts from 1; 0 is this machine.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The origin with this number, whether or not the store knows it.
    pub const fn of_number(number: i64) -> Self {
        Self(number)
    }
}

/// Who brings events: a person of a team. Both names are labels of whoever runs the store; no event has them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// Its number.
    pub id: OriginId,
    /// The person.
    pub person: String,
    /// The team. `None` without one.
    pub team: Option<String>,
}

impl Archive {
    /// The origin with these names, which the store has from then on.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Busy`] if another process writes for more than ten seconds, else what SQLite says.
    pub fn origin(&mut self, person: &str, team: Option<&str>) -> Result<OriginId, ArchiveError> {
        let find = || {
            let sql = "SELECT id FROM origins WHERE person = ?1 AND team IS ?2";
            self.connection.query_row(sql, params![person, team], |row| row.get(0)).optional()
        };
        let found = || -> rusqlite::Result<OriginId> {
            if let Some(id) = find()? {
                return Ok(OriginId(id));
            }
            let sql = "INSERT INTO origins (person, team) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            self.connection.execute(sql, params![person, team])?;
            // Another process may have been first.
            Ok(OriginId(find()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?))
        };
        found().map_err(|error| self.sqlite(error))
    }

    /// Who brought events, or may: all but this machine, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn origins(&self) -> Result<Vec<Origin>, ArchiveError> {
        let read = || -> rusqlite::Result<Vec<Origin>> {
            let mut statement = self.connection.prepare("SELECT id, person, team FROM origins ORDER BY id")?;
            let origins = statement.query_map([], |row| {
                Ok(Origin { id: OriginId(row.get(0)?), person: row.get(1)?, team: row.get(2)? })
            })?;
            origins.collect()
        };
        read().map_err(|error| self.sqlite(error))
    }
}
