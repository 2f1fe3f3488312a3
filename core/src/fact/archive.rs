//! What happens to threads beside their turns (`docs/contract/facts.md` 3.14).

pub use crate::event::archive::{ArchiveAction, HintStatus};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A thread was archived, or taken back.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThreadArchived {
    /// The thread.
    pub thread_id: Id,
    /// What was done.
    pub action: ArchiveAction,
    /// When, in Unix milliseconds.
    pub occurred_at_ms: u64,
}

/// A thread was given a hint.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThreadHinted {
    /// The thread.
    pub thread_id: Id,
    /// Whether it was given.
    pub status: HintStatus,
    /// When, in Unix milliseconds.
    pub occurred_at_ms: u64,
}
