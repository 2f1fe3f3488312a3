//! The enumerations of hooks.

use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::known::WireEnum;

wire_enums! {
    /// When a hook runs.
    HookEventName("camelCase") {
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
        /// Before a request to the model; after Codex 0.131.
        PreModelRequest,
        /// After a response of the model; after Codex 0.131.
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
    }

    /// Who configured a hook; `Unknown` is also the wire's own word.
    HookSource("camelCase") {
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
    }

    /// What a hook is.
    HookHandlerType("camelCase") {
        /// A command.
        Command,
        /// A prompt.
        Prompt,
        /// An agent.
        Agent,
    }

    /// Whether the server waits for a hook.
    HookExecutionMode("camelCase") {
        /// It waits.
        Sync,
        /// It goes on.
        Async,
    }

    /// How a hook run ended.
    HookRunStatus("camelCase") {
        /// It still runs.
        Running,
        /// It let the work go on.
        Completed,
        /// It failed.
        Failed,
        /// It blocked what it was asked about.
        Blocked,
        /// It stopped the turn.
        Stopped,
    }
}
