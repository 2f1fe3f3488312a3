//! The account that events belong to.
//!
//! An event belongs to the account that was logged in when it was made, and is sent under no other one.

use std::fmt;

use turnledger_core::Digest;

use crate::Sha2;

/// An account, as a hash, so that events on disk name nobody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountKey([u8; Self::LEN]);

impl AccountKey {
    /// Bytes of a key.
    pub const LEN: usize = 16;

    /// No account: for a server without credentials.
    pub const NONE: Self = Self([0; Self::LEN]);

    /// The account with this id and this user. A missing id or user makes a different account.
    pub fn of(account: Option<&str>, user: Option<&str>) -> Self {
        let part = |part: Option<&str>| part.map_or_else(|| vec![0], |part| [&[1], part.as_bytes(), &[0]].concat());
        let hash = Sha2::default().digest(&[b"turnledger-account-v1\0", &part(account), &part(user)]);
        Self::from_bytes(hash.as_bytes()).unwrap_or(Self::NONE)
    }

    /// A key that was stored: its first bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(*bytes.first_chunk()?))
    }

    /// As it is stored.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

/// A few hexadecimal digits, enough to tell accounts apart.
impl fmt::Display for AccountKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AccountKey({self})")
    }
}

/// Who is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Login {
    /// Somebody with an account: events made now are sent under it.
    Account(AccountKey),
    /// Nobody is logged in: events made now are dropped, as Codex drops them.
    LoggedOut,
    /// The user's mode does not use the backend (a plain API key, say): events made now are not uploaded.
    NotBackend,
}

#[cfg(test)]
mod tests {
    use super::AccountKey;

    #[test]
    fn accounts_are_told_apart() {
        let parts = [None, Some(""), Some("a"), Some("b"), Some("ab")];
        let mut keys: Vec<_> =
            parts.iter().flat_map(|account| parts.map(|user| AccountKey::of(*account, user))).collect();
        keys.push(AccountKey::NONE);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 26);
        let key = AccountKey::of(Some("a"), None);
        assert_eq!(AccountKey::from_bytes(key.as_bytes()), Some(key));
        assert_eq!(AccountKey::from_bytes(b"short"), None);
    }
}
