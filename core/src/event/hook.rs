//! `codex_hook_run` (contract `events.md` 14).

use super::common::{event_enums, event_structs};
use crate::id::Id;

event_enums! {
    /// Who configured it.
    HookSource {
        System, User, Project, Mdm, SessionFlags, Plugin, CloudRequirements, CloudManagedConfig,
        LegacyManagedConfigFile, LegacyManagedConfigMdm, Unknown,
    }

    /// How it ended.
    HookStatus { Completed, Failed, Blocked, Stopped }
}

/// Which hook ran, in Pascal case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::write::Write, crate::read::Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(missing_docs, reason = "the contract's own word says it")]
#[non_exhaustive]
pub enum HookName {
    PreToolUse,
    PermissionRequest,
    PostToolUse,
    PreCompact,
    PostCompact,
    SessionStart,
    SessionEnd,
    UserPromptSubmit,
    SubagentStart,
    SubagentStop,
    Stop,
    Interrupt,
    Unknown,
}

event_structs! {
    /// A hook ran.
    HookRunEvent {
        thread_id: Id,
        turn_id: Option<Id>,
        model_slug: Option<Id>,
        hook_name: HookName,
        hook_source: HookSource,
        /// Null when the server named a status that this version does not know.
        status: Option<HookStatus>,
    }
}
