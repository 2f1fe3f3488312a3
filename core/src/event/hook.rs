//! `codex_hook_run` (`docs/contract/events.md`).

use super::Versioned;
use super::common::{event_enums, event_groups, event_structs};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::json::write::Write, crate::json::read::Read)]
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
    /// Before a request to the model; in 0.169 and later.
    PreModelRequest,
    /// After a response of the model; in 0.169 and later.
    PostModelRequest,
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

event_enums! {
    /// What a hook is.
    HookHandlerType {
        /// A command.
        Command,
        /// A prompt.
        Prompt,
        /// An agent.
        Agent,
    }

    /// Whether the server waits for a hook.
    HookExecutionMode {
        /// It waits.
        Sync,
        /// It goes on.
        Async,
    }
}

event_groups! {
    /// Who a hook ran for (0.169 and later).
    #[non_exhaustive]
    HookProduct {
        /// The originator: what started the server. Source: the first `initialize`.
        product_client_id: Id,
    }

    /// How a hook is run (0.169 and later).
    #[derive(Copy)]
    #[non_exhaustive]
    HookManner {
        /// What the hook is. Null when the server does not say, or says an unknown word. Source: `run.handlerType`.
        handler_type: Option<HookHandlerType>,
        /// Whether the server waits for the hook.
        /// Null when the server does not say, or says an unknown word. Source: `run.executionMode`.
        execution_mode: Option<HookExecutionMode>,
    }
}

event_structs! {
    /// A hook ran.
    #[non_exhaustive]
    HookRunEvent {
        /// The thread. Source: `threadId`.
        thread_id: Id,
        /// The turn. Null when neither the hook nor the thread has one. Source: `turnId`, or the thread's running turn.
        turn_id: Option<Id>,
        /// Who the hook ran for.
        #[serde(flatten)]
        product: Versioned<HookProduct>,
        /// The turn's model. Null when it is unknown. Source: `tracking.model_slug`.
        model_slug: Option<Id>,
        /// When the hook runs, in Pascal case. Source: `run.eventName`.
        hook_name: HookName,
        /// Who configured the hook. Source: `run.source`.
        hook_source: HookSource,
        /// How the hook is run.
        #[serde(flatten)]
        manner: Versioned<HookManner>,
        /// How the run ended; one that still runs counts as `failed`.
        /// Null when the server names a status that this version does not know. Source: `run.status`.
        status: Option<HookStatus>,
    }
}
