//! A hook's run (`docs/contract/facts.md` 3.9).

use super::Tracking;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::enums::{HookEventName, HookExecutionMode, HookHandlerType, HookRunStatus, HookSource};

/// A hook ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HookRun {
    /// The turn it ran in.
    pub tracking: Tracking,
    /// Which hook.
    pub event_name: HookEventName,
    /// Who configured it.
    pub hook_source: HookSource,
    /// How it ended.
    pub status: HookRunStatus,
    /// What it is, for events of 0.169 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler_type: Option<HookHandlerType>,
    /// Whether the server waits for it, for events of 0.169 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<HookExecutionMode>,
}
