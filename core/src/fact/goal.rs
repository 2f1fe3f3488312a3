//! Goals of threads (`docs/contract/facts.md` 3.13).

pub use crate::event::goal::{GoalChange, GoalEventKind, GoalStatus};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A goal was set, worked on or removed.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoalChanged {
    /// The goal's thread.
    pub thread_id: Id,
    /// The turn that did it; none if a client did, or after a turn.
    #[serde(default)]
    pub turn_id: Option<Id>,
    /// The goal.
    #[serde(flatten)]
    pub goal: GoalChange,
}
