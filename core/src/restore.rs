//! What every saved form has: its version, and why one cannot be restored.

use crate::digest::Scheme;
use crate::json::read::{self, Read, ReadError};

/// The version of the form; a snapshot of another version is refused.
///
/// It changes with the meaning of a member alone. A member that is added may be absent: an `Option`, or one with a
/// default. `tests/snapshots` has a state of each release, which every build restores.
pub(crate) const VERSION: u32 = 5;

/// Why a snapshot could not be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not a snapshot, or it is damaged.
    #[error("the snapshot cannot be read: {source}")]
    Damaged {
        /// What is missing or wrong, and at which byte.
        source: ReadError,
    },
    /// It was made by another version.
    #[error("the snapshot has version {found}, this program reads version {VERSION}")]
    Version {
        /// The snapshot's version.
        found: u32,
    },
    /// Its hashes were made with another algorithm or key, and cannot be mixed with new ones.
    #[error("the snapshot's hashes are of the scheme {found}, new ones would be of {wanted}")]
    Scheme {
        /// The snapshot's scheme.
        found: Scheme,
        /// The scheme of the digest that was to go on.
        wanted: Scheme,
    },
    /// It is the state of another file than the one that is to go on.
    #[error("the state is of another file")]
    OtherFile,
}

/// Whether a saved state has this version. The version comes first: a newer form may have any other shape.
pub(crate) fn check_version(json: &str) -> Result<(), RestoreError> {
    #[derive(Read)]
    struct Versioned {
        version: u32,
    }
    let Versioned { version: found } = read::from_str(json).map_err(|source| RestoreError::Damaged { source })?;
    if found == VERSION { Ok(()) } else { Err(RestoreError::Version { found }) }
}
