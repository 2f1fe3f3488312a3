//! Secrets that are shown once, and of which only a digest is kept.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The SHA-256 of a secret's text. It is of 256 random bits, which nobody guesses: it needs no slow digest.
pub(crate) type Hash = [u8; 32];

/// A secret of 256 random bits as text, with a prefix that says what it is for. `Debug` does not show it.
pub struct Secret(String);

impl Secret {
    /// A new one. The error is that the system has no randomness.
    pub(crate) fn random(prefix: &str) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The text, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> Hash {
        hash(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// The SHA-256 of anything.
pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::{Secret, hash};

    #[test]
    fn secrets() {
        let (one, other) = (Secret::random("tl_").unwrap(), Secret::random("tl_").unwrap());
        assert_eq!((one.expose().len(), &one.expose()[..3], format!("{one:?}")), (46, "tl_", "Secret".into()));
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.hash(), hash(one.expose().as_bytes()));
    }
}
