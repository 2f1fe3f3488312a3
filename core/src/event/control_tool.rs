//! `codex_control_tool_call_event` (`docs/contract/events.md`).

use super::common::event_structs;
use super::tool::ToolBase;
use crate::id::Id;

event_structs! {
    /// A call of a tool ended that acts on the session: it shows an image, asks the user or sets a goal.
    #[non_exhaustive]
    ControlToolCallEvent {
        /// What began the turn, such as `goal` or `queue`.
        /// Null is left out: for a plain `turn/start`. Source: `turn/start` `turnTrigger`, or a goal or a queue that began
        /// the turn.
        #[serde(skip_serializing_if = "Option::is_none")]
        turn_trigger: Option<Id>,
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// Whether the call completed. Source: how it ended.
        success: bool,
    }
}
