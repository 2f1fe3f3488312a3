//! The small enumerations of contract `wire.md` 1.
//!
//! A value that this version does not know reads as `Unknown`: it never fails a message.

use crate::read::Read;
use crate::write::Write;

/// Declares unit enums with their wire spelling, `Unknown` for any other text, and their docs.
macro_rules! wire_enums {
    ($($(#[$meta:meta])* $name:ident ($case:literal) { $($(#[$variant_meta:meta])* $variant:ident),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Write, Read)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = $case)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[allow(missing_docs, reason = "the wire's own word says it")]
                $(#[$variant_meta])*
                $variant,
            )+
            /// A value that this version does not know.
            #[serde(other)]
            Unknown,
        }
    )+};
}

wire_enums! {
    /// Who reviews approvals.
    ApprovalsReviewer("snake_case") {
        User,
        #[serde(alias = "auto_review")]
        GuardianSubagent,
    }

    /// How a turn ended, or that it has not.
    TurnStatus("camelCase") { Completed, Interrupted, Failed, InProgress }

    /// The state of a tool item. `Error` occurs in image generations only.
    ItemStatus("camelCase") { InProgress, Completed, Failed, Declined, Interrupted, Error }

    /// What started a command.
    CommandSource("camelCase") { Agent, UserShell, UnifiedExecStartup, UnifiedExecInteraction }

    /// What a part of a command does, as far as the server could tell.
    CommandActionKind("camelCase") { Read, ListFiles, Search }

    /// What happened to one file of a patch.
    PatchKind("camelCase") { Add, Delete, Update }

    /// The kind of one piece of a dynamic tool's output.
    ContentKind("camelCase") { InputText, InputImage }

    /// A collaboration tool.
    CollabTool("camelCase") { SpawnAgent, SendInput, ResumeAgent, Wait, CloseAgent }

    /// The state of an agent that a collaboration tool saw.
    CollabAgentStatus("camelCase") { PendingInit, Running, Interrupted, Completed, Errored, Shutdown, NotFound }

    /// What a web search item did.
    WebSearchActionKind("camelCase") { Search, OpenPage, FindInPage }

    /// How long a permission grant lasts.
    GrantScope("camelCase") { Turn, Session }

    /// Whether a network rule lets a host through.
    NetworkRuleAction("camelCase") { Allow, Deny }

    /// The state of an automatic approval review.
    GuardianStatus("camelCase") { InProgress, Approved, Denied, TimedOut, Aborted }

    /// The reviewer's estimate of an action's risk.
    RiskLevel("snake_case") { Low, Medium, High, Critical }

    /// Whether the user asked for an action; `Unknown` is also the reviewer's own word.
    UserAuthorization("snake_case") { Low, Medium, High }

    /// Which shell tool runs a command under review.
    GuardianCommandSource("camelCase") { Shell, UnifiedExec }

    /// A network protocol under review.
    NetworkProtocol("camelCase") { Http, Https, Socks5Tcp, Socks5Udp }

    /// When a hook runs.
    HookEventName("camelCase") {
        PreToolUse, PermissionRequest, PostToolUse, PreCompact, PostCompact, SessionStart, SessionEnd,
        UserPromptSubmit, SubagentStart, SubagentStop, Stop, Interrupt,
    }

    /// Who configured a hook; `Unknown` is also the wire's own word.
    HookSource("camelCase") {
        System, User, Project, Mdm, SessionFlags, Plugin, CloudRequirements, CloudManagedConfig,
        LegacyManagedConfigFile, LegacyManagedConfigMdm,
    }

    /// How a hook run ended.
    HookRunStatus("camelCase") { Running, Completed, Failed, Blocked, Stopped }

    /// Where a skill was found.
    SkillScope("snake_case") { User, Repo, System, Admin }

    /// A turn's collaboration mode; everything but `plan` reads as `default`.
    ModeKind("snake_case") { Plan, Default }

    /// How much the model says of its reasoning.
    ReasoningSummary("snake_case") { Auto, Concise, Detailed, None }

    /// The tone a model is asked for.
    Personality("snake_case") { None, Friendly, Pragmatic }

    /// How much a model is asked to reason.
    ReasoningEffort("snake_case") { None, Minimal, Low, Medium, High, Xhigh, Max, Ultra }

    /// Which running turn refuses a steer.
    NonSteerableTurnKind("camelCase") { Review, Compact }
}

/// The service tier of a request: a free text on the wire, of which two tiers are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
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
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::{ApprovalsReviewer, ItemStatus, ModeKind, NetworkProtocol, ReasoningEffort, ServiceTier};

    #[test]
    fn spellings_and_aliases() {
        let parse = |json: &str| crate::read::from_str::<ApprovalsReviewer>(json).unwrap();
        assert_eq!(parse("\"auto_review\""), ApprovalsReviewer::GuardianSubagent);
        assert_eq!(parse("\"guardian_subagent\""), ApprovalsReviewer::GuardianSubagent);
        assert_eq!(parse("\"someone\""), ApprovalsReviewer::Unknown);
        assert_eq!(crate::read::from_str::<NetworkProtocol>("\"socks5Tcp\"").unwrap(), NetworkProtocol::Socks5Tcp);
        assert_eq!(crate::read::from_str::<ItemStatus>("\"inProgress\"").unwrap(), ItemStatus::InProgress);
        assert_eq!(crate::read::from_str::<ReasoningEffort>("\"xhigh\"").unwrap(), ReasoningEffort::Xhigh);
        assert_eq!(crate::read::from_str::<ModeKind>("\"pair_programming\"").unwrap(), ModeKind::Unknown);
        for (json, tier) in [
            ("\"fast\"", ServiceTier::Fast),
            ("\"priority\"", ServiceTier::Fast),
            ("\"flex\"", ServiceTier::Flex),
            ("\"x\"", ServiceTier::Other),
        ] {
            assert_eq!(crate::read::from_str::<ServiceTier>(json).unwrap(), tier, "{json}");
        }
    }
}
