//! `codex_hook_run` (`docs/contract/events.md`).

use super::common::{event_enums, event_structs};
use crate::id::Id;

event_enums! {
    /// Who configured it.
    HookSource {
        /// The system's configuration.
        System,
        /// The user's configuration.
        User,
        /// The project's configuration.
        Project,
        /// The device's management.
        Mdm,
        /// Flags of the session.
        SessionFlags,
        /// A plugin.
        Plugin,
        /// Requirements from the cloud.
        CloudRequirements,
        /// Managed configuration from the cloud.
        CloudManagedConfig,
        /// A managed configuration file of the older form.
        LegacyManagedConfigFile,
        /// The device's management in the older form.
        LegacyManagedConfigMdm,
        /// The server does not say, or says a word that this version does not know.
        Unknown,
    }

    /// How it ended.
    HookStatus {
        /// It let the work go on.
        Completed,
        /// It failed, or was still running.
        Failed,
        /// It blocked what it was asked about.
        Blocked,
        /// It stopped the turn.
        Stopped,
    }
}

/// Which hook ran, in Pascal case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::write::Write, crate::read::Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum HookName {
    /// Before a tool runs.
    PreToolUse,
    /// When an approval is asked for.
    PermissionRequest,
    /// After a tool ran.
    PostToolUse,
    /// Before a compaction.
    PreCompact,
    /// After a compaction.
    PostCompact,
    /// When a session starts.
    SessionStart,
    /// When a session ends; after Codex 0.131.
    SessionEnd,
    /// When the user submits input.
    UserPromptSubmit,
    /// When a subagent starts; after Codex 0.131.
    SubagentStart,
    /// When a subagent stops; after Codex 0.131.
    SubagentStop,
    /// When a turn is about to end.
    Stop,
    /// When a turn is interrupted; after Codex 0.131.
    Interrupt,
    /// At a time that this version does not know.
    Unknown,
}

event_structs! {
    /// A hook ran.
    #[non_exhaustive]
    HookRunEvent {
        /// The thread. Source: `threadId`.
        thread_id: Id,
        /// The turn. Null when neither the hook nor the thread has one. Source: `turnId`, or the thread's running turn.
        turn_id: Option<Id>,
        /// The turn's model. Null when it is unknown. Source: `tracking.model_slug`.
        model_slug: Option<Id>,
        /// When the hook runs, in Pascal case. Source: `run.eventName`.
        hook_name: HookName,
        /// Who configured the hook. Source: `run.source`.
        hook_source: HookSource,
        /// How the run ended; one that still runs counts as `failed`.
        /// Null when the server names a status that this version does not know. Source: `run.status`.
        status: Option<HookStatus>,
    }
}
