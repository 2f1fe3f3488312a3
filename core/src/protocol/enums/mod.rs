//! The small enumerations of `docs/contract/wire.md` 1.
//!
//! A value that this version does not know reads as `Unknown`: it never fails a message. In a field of an event that can
//! be null it is null ([`Known`](super::Known)). Each is made of its word on the wire by `From<&str>`, by the same rule,
//! and is `Unknown` by default.

use super::known::WireEnum;
use crate::json::read::Read;
use crate::json::write::Write;

/// Declares unit enums with their wire spelling, `Unknown` for any other text, and their docs.
macro_rules! wire_enums {
    ($($(#[$meta:meta])* $name:ident ($case:literal) { $($(#[$variant_meta:meta])* $variant:ident),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Write, Read)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = $case)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$variant_meta])*
                $variant,
            )+
            /// A value that this version does not know.
            #[default]
            #[serde(other)]
            Unknown,
        }

        impl WireEnum for $name {
            fn is_unknown(&self) -> bool {
                matches!(self, Self::Unknown)
            }
        }
    )+};
}

mod hook;

pub use hook::{HookEventName, HookExecutionMode, HookHandlerType, HookRunStatus, HookSource};

wire_enums! {
    /// Who reviews approvals.
    ApprovalsReviewer("snake_case") {
        /// The user.
        User,
        /// The automatic reviewer.
        #[serde(alias = "auto_review")]
        GuardianSubagent,
    }

    /// How a turn ended, or that it has not.
    TurnStatus("camelCase") {
        /// It came to its end.
        Completed,
        /// The user stopped it.
        Interrupted,
        /// An error ended it.
        Failed,
        /// It still runs.
        InProgress,
    }

    /// The state of a tool item. `Error` occurs in image generations only.
    ItemStatus("camelCase") {
        /// It still runs.
        InProgress,
        /// It came to its end.
        Completed,
        /// An error ended it.
        Failed,
        /// It was not allowed to run.
        Declined,
        /// It was stopped.
        Interrupted,
        /// An image could not be generated.
        Error,
    }

    /// What started a command.
    CommandSource("camelCase") {
        /// The agent, by the shell tool.
        Agent,
        /// The user, by a shell of their own.
        UserShell,
        /// The agent, by a new process of the unified tool.
        UnifiedExecStartup,
        /// The agent, by input to a running process of the unified tool.
        UnifiedExecInteraction,
    }

    /// What a part of a command does, as far as the server could tell.
    CommandActionKind("camelCase") {
        /// It reads a file.
        Read,
        /// It lists files.
        ListFiles,
        /// It searches files.
        Search,
    }

    /// What happened to one file of a patch.
    PatchKind("camelCase") {
        /// It was made.
        Add,
        /// It was deleted.
        Delete,
        /// It was changed, or renamed.
        Update,
    }

    /// The kind of one piece of a dynamic tool's output.
    ContentKind("camelCase") {
        /// A text.
        InputText,
        /// An image.
        InputImage,
        /// A sound; after Codex 0.131.
        InputAudio,
    }

    /// A collaboration tool.
    CollabTool("camelCase") {
        /// Starts an agent.
        SpawnAgent,
        /// Sends an agent more input.
        SendInput,
        /// Lets an agent that was closed go on.
        ResumeAgent,
        /// Waits for agents.
        Wait,
        /// Closes an agent.
        CloseAgent,
        /// Sends an agent a message; after Codex 0.131.
        SendMessage,
        /// Gives an agent a new task; after Codex 0.131.
        FollowupTask,
        /// Interrupts an agent; after Codex 0.131.
        InterruptAgent,
        /// Lists the agents; after Codex 0.131.
        ListAgents,
    }

    /// The state of an agent that a collaboration tool saw.
    CollabAgentStatus("camelCase") {
        /// It has not begun yet.
        PendingInit,
        /// It runs.
        Running,
        /// It was stopped.
        Interrupted,
        /// It came to its end.
        Completed,
        /// An error ended it.
        Errored,
        /// It was closed.
        Shutdown,
        /// There is no such agent.
        NotFound,
    }

    /// What a web search item did.
    WebSearchActionKind("camelCase") {
        /// It searched.
        Search,
        /// It opened a page.
        OpenPage,
        /// It looked into a page.
        FindInPage,
    }

    /// How long a permission grant lasts.
    GrantScope("camelCase") {
        /// For the rest of the turn.
        Turn,
        /// For the rest of the session.
        Session,
    }

    /// Whether a network rule lets a host through.
    NetworkRuleAction("camelCase") {
        /// It does.
        Allow,
        /// It does not.
        Deny,
    }

    /// The state of an automatic approval review.
    GuardianStatus("camelCase") {
        /// It still runs.
        InProgress,
        /// It approved the action.
        Approved,
        /// It denied the action.
        Denied,
        /// It took too long, which denies.
        TimedOut,
        /// It was cancelled.
        Aborted,
    }

    /// The reviewer's estimate of an action's risk.
    RiskLevel("snake_case") {
        /// Low.
        Low,
        /// Medium.
        Medium,
        /// High.
        High,
        /// Critical.
        Critical,
    }

    /// What an approval of a command is about.
    CommandApprovalKind("camelCase") {
        /// The command.
        Command,
        /// Text that is typed into a running command.
        WriteStdin,
    }

    /// Which shell tool runs a command under review.
    GuardianCommandSource("camelCase") {
        /// The shell tool.
        Shell,
        /// The unified tool.
        UnifiedExec,
    }

    /// A network protocol under review.
    NetworkProtocol("camelCase") {
        /// HTTP.
        Http,
        /// HTTPS.
        Https,
        /// SOCKS 5, for TCP.
        Socks5Tcp,
        /// SOCKS 5, for UDP.
        Socks5Udp,
    }

    /// Where a skill was found.
    SkillScope("snake_case") {
        /// In the user's own folder.
        User,
        /// In the repository.
        Repo,
        /// With Codex itself.
        System,
        /// By the administrator.
        Admin,
    }

    /// A turn's collaboration mode; everything but `plan` reads as `default`.
    ModeKind("snake_case") {
        /// The agent plans and changes nothing.
        Plan,
        /// The agent does what it is asked for.
        Default,
    }

    /// How much the model says of its reasoning.
    ReasoningSummary("snake_case") {
        /// As the model sees fit.
        Auto,
        /// Little.
        Concise,
        /// Much.
        Detailed,
        /// Nothing.
        None,
    }

    /// The tone a model is asked for.
    Personality("snake_case") {
        /// None.
        None,
        /// Friendly.
        Friendly,
        /// Pragmatic.
        Pragmatic,
    }

    /// How much a model is asked to reason.
    ReasoningEffort("snake_case") {
        /// Not at all.
        None,
        /// Minimal.
        Minimal,
        /// Low.
        Low,
        /// Medium.
        Medium,
        /// High.
        High,
        /// Extra high.
        Xhigh,
        /// Maximum; after Codex 0.131.
        Max,
        /// Beyond the maximum; after Codex 0.131.
        Ultra,
    }

    /// Which running turn refuses a steer.
    NonSteerableTurnKind("camelCase") {
        /// A review.
        Review,
        /// A compaction.
        Compact,
    }
}

/// Whether the user asked for an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UserAuthorization {
    /// Hardly.
    Low,
    /// Perhaps.
    Medium,
    /// Clearly.
    High,
    /// The reviewer does not know: its own word.
    Unknown,
    /// A value that this version does not know.
    #[default]
    #[serde(other)]
    Unrecognised,
}

impl WireEnum for UserAuthorization {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unrecognised)
    }
}

/// The service tier of a request: a free text on the wire, of which two tiers are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceTier {
    /// `fast`, or `priority`.
    #[serde(alias = "priority")]
    Fast,
    /// `flex`.
    Flex,
    /// Any other tier counts as none.
    #[default]
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests;
