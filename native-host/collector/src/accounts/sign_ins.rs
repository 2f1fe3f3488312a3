//! Who is signed in, and under which names persons are shown to those who may not know them.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{OptionalExtension, params};
use sha2::Sha256;
use turnledger_core::UnixMillis;

use super::tokens::millis;
use super::{Accounts, AccountsError, User};
use crate::secret::{Secret, hash};

/// What a cookie's secret begins with.
const PREFIX: &str = "tls_";

/// What makes a person's pseudonym: the same one for the same person.
pub(crate) struct Pseudonyms(Vec<u8>);

impl Accounts {
    /// Signs a user in until then, and returns what the browser keeps.
    pub(crate) fn begin_sign_in(
        &self,
        user: &User,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<Secret, AccountsError> {
        let secret = Secret::random(PREFIX).map_err(AccountsError::Randomness)?;
        self.with(|connection| {
            connection.execute("DELETE FROM sign_ins WHERE expires_at <= ?1", [millis(now)])?;
            let sql = "INSERT INTO sign_ins (hash, user, expires_at) VALUES (?1, ?2, ?3)";
            connection.execute(sql, params![secret.hash(), user.id, millis(until)])
        })?;
        Ok(secret)
    }

    /// Who is signed in with this; `None` if nobody is, or is revoked.
    pub(crate) fn signed_in(&self, secret: &str, now: UnixMillis) -> Result<Option<User>, AccountsError> {
        let user: Option<i64> = self.with(|connection| {
            let sql = "SELECT user FROM sign_ins WHERE hash = ?1 AND expires_at > ?2";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row(params![hash(secret.as_bytes()), millis(now)], |row| row.get(0)).optional()
        })?;
        user.map_or(Ok(None), |user| self.user(user))
    }

    /// Signs out.
    pub(crate) fn end_sign_in(&self, secret: &str) -> Result<(), AccountsError> {
        let sql = "DELETE FROM sign_ins WHERE hash = ?1";
        self.with(|connection| connection.execute(sql, [hash(secret.as_bytes())]))?;
        Ok(())
    }

    /// What makes pseudonyms.
    pub(crate) fn pseudonyms(&self) -> Result<Pseudonyms, AccountsError> {
        self.with(|connection| {
            connection.query_row("SELECT secret FROM pseudonyms", [], |row| row.get(0)).map(Pseudonyms)
        })
    }
}

impl Pseudonyms {
    /// `P-` and ten hexadecimal digits, of which nobody without the accounts can tell the person.
    pub(crate) fn of(&self, person: &str) -> String {
        // It takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::from("P-") };
        mac.update(person.as_bytes());
        let digest = mac.finalize().into_bytes();
        let digits = digest.iter().take(5).map(|byte| format!("{byte:02X}"));
        std::iter::once(String::from("P-")).chain(digits).collect()
    }
}
