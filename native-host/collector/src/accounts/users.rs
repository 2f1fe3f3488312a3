//! Users: who may look at the numbers, and at which.

use rusqlite::{ErrorCode, OptionalExtension, Row, params};
use turnledger_core::UnixMillis;

use super::tokens::{millis, time};
use super::{Accounts, AccountsError, checked};
use crate::secret::{Secret, hash};

/// What a user's key begins with.
const PREFIX: &str = "tlk_";

/// What a user may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Everything, with persons' names, and tokens and users to change.
    Owner,
    /// Events and sessions of all, under pseudonyms.
    Analyst,
    /// Sums over groups that are large enough.
    Viewer,
    /// What is one's own.
    Member,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Analyst, Self::Viewer, Self::Member];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Analyst => "analyst",
            Self::Viewer => "viewer",
            Self::Member => "member",
        }
    }

    /// The role of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A role, with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserKind {
    /// See [`Role::Owner`].
    Owner,
    /// See [`Role::Analyst`].
    Analyst,
    /// See [`Role::Viewer`].
    Viewer,
    /// See [`Role::Member`]: the person as tokens name them.
    Member(String),
}

impl UserKind {
    /// A role's; null if a member has no person, or another role has one.
    pub fn new(role: Role, person: Option<String>) -> Option<Self> {
        match (role, person) {
            (Role::Owner, None) => Some(Self::Owner),
            (Role::Analyst, None) => Some(Self::Analyst),
            (Role::Viewer, None) => Some(Self::Viewer),
            (Role::Member, Some(person)) => Some(Self::Member(person)),
            _ => None,
        }
    }

    /// The role.
    pub const fn role(&self) -> Role {
        match self {
            Self::Owner => Role::Owner,
            Self::Analyst => Role::Analyst,
            Self::Viewer => Role::Viewer,
            Self::Member(_) => Role::Member,
        }
    }

    /// The person whose numbers a member sees; null for every other role.
    pub fn person(&self) -> Option<&str> {
        match self {
            Self::Member(person) => Some(person),
            _ => None,
        }
    }
}

/// A user, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// Its number.
    pub id: i64,
    /// The name.
    pub name: String,
    /// What the user may see.
    pub kind: UserKind,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When the user signed in last; null is never.
    pub last_used_at: Option<UnixMillis>,
    /// Since when the user is refused; null while good.
    pub revoked_at: Option<UnixMillis>,
}

const COLUMNS: &str = "id, name, role, person, created_at, last_used_at, revoked_at";

impl Accounts {
    /// Makes a user, and returns the number and the key to sign in with, which nothing can tell again.
    ///
    /// # Errors
    ///
    /// [`AccountsError::Name`], [`AccountsError::Taken`], [`AccountsError::Randomness`], and those of SQLite.
    pub fn add_user(&self, name: &str, kind: &UserKind, at: UnixMillis) -> Result<(i64, Secret), AccountsError> {
        let (name, person) = (checked(name)?, kind.person().map(checked).transpose()?);
        let key = Secret::random(PREFIX).map_err(AccountsError::Randomness)?;
        let added = self.with(|connection| {
            connection.execute(
                "INSERT INTO users (hash, name, role, person, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![key.hash(), name, kind.role().name(), person, millis(at)],
            )?;
            Ok(connection.last_insert_rowid())
        });
        match added {
            Ok(id) => Ok((id, key)),
            Err(AccountsError::Sqlite { source, .. })
                if source.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) =>
            {
                Err(AccountsError::Taken)
            }
            Err(error) => Err(error),
        }
    }

    /// All users, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn users(&self) -> Result<Vec<User>, AccountsError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM users ORDER BY id"))?;
            statement.query_map([], user)?.collect()
        })
    }

    /// Revokes a user. Returns whether there was a good one of this number.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn revoke_user(&self, id: i64, at: UnixMillis) -> Result<bool, AccountsError> {
        let sql = "UPDATE users SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
        Ok(self.with(|connection| connection.execute(sql, params![id, millis(at)]))? > 0)
    }

    /// The user of a number; null if there is none, or a revoked one.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn user(&self, id: i64) -> Result<Option<User>, AccountsError> {
        self.with(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1 AND revoked_at IS NULL");
            connection.prepare_cached(&sql)?.query_row([id], user).optional()
        })
    }

    /// The user who signs in with a key; null if it is unknown or revoked. The time is noted.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn sign_in(&self, key: &str, at: UnixMillis) -> Result<Option<User>, AccountsError> {
        if !key.starts_with(PREFIX) {
            return Ok(None);
        }
        self.with(|connection| {
            let sql = format!(
                "UPDATE users SET last_used_at = ?2 WHERE hash = ?1 AND revoked_at IS NULL RETURNING {COLUMNS}"
            );
            connection.prepare_cached(&sql)?.query_row(params![hash(key.as_bytes()), millis(at)], user).optional()
        })
    }
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(2)?;
    let kind = Role::of(&role).and_then(|role| UserKind::new(role, row.get(3).ok()?));
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: kind.ok_or(rusqlite::Error::InvalidQuery)?,
        created_at: time(row.get(4)?),
        last_used_at: row.get::<_, Option<i64>>(5)?.map(time),
        revoked_at: row.get::<_, Option<i64>>(6)?.map(time),
    })
}
