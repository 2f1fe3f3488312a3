//! What made tool calls (`docs/contract/facts.md` 3.18).

use alloc::vec::Vec;

pub use crate::event::tool::ElicitationType;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A request to the model completed, and asked for calls.
///
/// From the first such fact of a turn on, control tools, collaboration calls, and calls that a response or a cell of
/// code is known to have made wait for the next response of the turn, or its end. Then they have their event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelResponded {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// The response.
    pub response_id: Id,
    /// The calls that it asks for, by the ids of their items; of a turn the first 256 count.
    #[serde(default)]
    pub call_ids: Vec<Id>,
}

/// A call that has to do with a cell of code.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeCall {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// The call, by the id of its item.
    pub call_id: Id,
    /// The cell; of a turn the first 256 count.
    pub cell_id: Id,
    /// What the call has to do with the cell.
    pub role: CodeCallRole,
}

/// What a call has to do with a cell of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodeCallRole {
    /// It runs the cell.
    RunsCell,
    /// Code in the cell made it.
    MadeByCell,
}

/// The user was asked something in the course of an MCP call. It comes before the call's end.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct McpElicited {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// The call's item.
    pub item_id: Id,
    /// What was asked. The first of an item counts.
    pub elicitation_type: ElicitationType,
}
