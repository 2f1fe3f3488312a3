//! Tokens: what clients send with. A token only writes, and what it brings belongs to one person of one team.

use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};
use turnledger_core::UnixMillis;

use super::{Accounts, AccountsError, checked};
use crate::secret::{Secret, hash};

/// What a token begins with, so that scanners for secrets know one.
const PREFIX: &str = "tl_";

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// Whose events it brings: a label of the owner's.
    pub person: String,
    /// That person's team; null if the owner named none.
    pub team: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was used last, to about a minute; null is never.
    pub last_used_at: Option<UnixMillis>,
    /// Since when it is refused; null while it is good.
    pub revoked_at: Option<UnixMillis>,
}

/// Who sends: what a good token says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Holder {
    /// The token's number.
    pub token: i64,
    /// The person.
    pub person: String,
    /// That person's team; null if the owner named none.
    pub team: Option<String>,
}

impl Accounts {
    /// Makes a token, and returns its number and the token, which nothing can tell again.
    ///
    /// # Errors
    ///
    /// [`AccountsError::Name`], [`AccountsError::Randomness`], and those of SQLite.
    pub fn add_token(&self, person: &str, team: Option<&str>, at: UnixMillis) -> Result<(i64, Secret), AccountsError> {
        let (person, team) = (checked(person)?, team.map(checked).transpose()?);
        let token = Secret::random(PREFIX).map_err(AccountsError::Randomness)?;
        let id = self.with(|connection| {
            connection.execute(
                "INSERT INTO tokens (hash, person, team, created_at) VALUES (?1, ?2, ?3, ?4)",
                params![token.hash(), person, team, millis(at)],
            )?;
            Ok(connection.last_insert_rowid())
        })?;
        Ok((id, token))
    }

    /// All tokens, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn tokens(&self) -> Result<Vec<Token>, AccountsError> {
        self.with(|connection| {
            let sql = "SELECT id, person, team, created_at, last_used_at, revoked_at FROM tokens ORDER BY id";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map([], token)?.collect()
        })
    }

    /// Revokes a token. Returns whether there was a good one of this number.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn revoke_token(&self, id: i64, at: UnixMillis) -> Result<bool, AccountsError> {
        let sql = "UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
        Ok(self.with(|connection| connection.execute(sql, params![id, millis(at)]))? > 0)
    }

    /// Whether a text is a token by its form.
    pub(crate) fn is_token(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Who sends with a token; null if it is unknown or revoked.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn holder(&self, token: &str) -> Result<Option<Holder>, AccountsError> {
        if !token.starts_with(PREFIX) {
            return Ok(None);
        }
        self.with(|connection| {
            let sql = "SELECT id, person, team FROM tokens WHERE hash = ?1 AND revoked_at IS NULL";
            let mut statement = connection.prepare_cached(sql)?;
            let holder = |row: &Row<'_>| Ok(Holder { token: row.get(0)?, person: row.get(1)?, team: row.get(2)? });
            statement.query_row([hash(token.as_bytes())], holder).optional()
        })
    }

    /// Notes when tokens were used.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn tokens_used(&self, used: impl IntoIterator<Item = (i64, UnixMillis)>) -> Result<(), AccountsError> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (id, at) in used {
                let sql = "UPDATE tokens SET last_used_at = max(?2, coalesce(last_used_at, 0)) WHERE id = ?1";
                transaction.prepare_cached(sql)?.execute(params![id, millis(at)])?;
            }
            transaction.commit()
        })
    }
}

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        id: row.get(0)?,
        person: row.get(1)?,
        team: row.get(2)?,
        created_at: time(row.get(3)?),
        last_used_at: row.get::<_, Option<i64>>(4)?.map(time),
        revoked_at: row.get::<_, Option<i64>>(5)?.map(time),
    })
}

/// A time as SQLite has it.
pub(super) fn millis(at: UnixMillis) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

pub(super) fn time(millis: i64) -> UnixMillis {
    UnixMillis(u64::try_from(millis).unwrap_or(0))
}
