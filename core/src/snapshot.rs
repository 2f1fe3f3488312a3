//! The saved form of a session's state: versioned JSON, without any diff or path.

use crate::codex::observer::SavedObserver;
use crate::digest::Scheme;
use crate::discard::Stats;
use crate::json::read::{self, Read};
use crate::json::write::Write;
use crate::reducer::SavedState;
use crate::restore::{RestoreError, check_version};

/// Everything that a suspended session needs to go on.
#[derive(Debug, Write, Read)]
pub(crate) struct Snapshot {
    pub(crate) version: u32,
    /// What made the hashes in it.
    pub(crate) scheme: Scheme,
    pub(crate) observer: SavedObserver,
    pub(crate) reducer: SavedState,
    pub(crate) stats: Stats,
}

impl Snapshot {
    pub(crate) fn from_json(json: &str, wanted: Scheme) -> Result<Self, RestoreError> {
        check_version(json)?;
        let snapshot: Self = read::from_str(json).map_err(|source| RestoreError::Damaged { source })?;
        if snapshot.scheme == wanted {
            Ok(snapshot)
        } else {
            Err(RestoreError::Scheme { found: snapshot.scheme, wanted })
        }
    }
}
