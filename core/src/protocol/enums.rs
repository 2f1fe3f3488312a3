//! The small enumerations of `docs/contract/wire.md` 1.
//!
//! A value that this version does not know reads as `Unknown`: it never fails a message. In a field of an event that can
//! be null it is null ([`Known`](super::Known)). Each is made of its word on the wire by `From<&str>`, by the same rule,
//! and is `Unknown` by default.

use super::known::WireEnum;
use crate::read::Read;
use crate::write::Write;

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
                #[allow(missing_docs, reason = "the wire's own word says it")]
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
    ModeKind("snake_case") { Plan, Default }

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
    NonSteerableTurnKind("camelCase") { Review, Compact }
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
mod tests {
    use super::{
        ApprovalsReviewer, ItemStatus, ModeKind, NetworkProtocol, ReasoningEffort, ServiceTier, UserAuthorization,
    };
    use crate::event::common::RpcTransport;
    use crate::event::compaction::CompactionImplementation;
    use crate::protocol::UnknownWord;

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
            assert_eq!(ServiceTier::from(json.trim_matches('"')), tier, "{json}");
        }
    }

    /// A word alone makes what the message with the word makes.
    #[test]
    fn values_are_made_of_their_words() {
        assert_eq!(ApprovalsReviewer::from("auto_review"), ApprovalsReviewer::GuardianSubagent);
        assert_eq!(ApprovalsReviewer::from("guardian_subagent"), ApprovalsReviewer::GuardianSubagent);
        assert_eq!(ItemStatus::from("inProgress"), ItemStatus::InProgress);
        assert_eq!(ItemStatus::from("in_progress"), ItemStatus::Unknown);
        assert_eq!(NetworkProtocol::from("socks5Udp"), NetworkProtocol::Socks5Udp);
        assert_eq!(UserAuthorization::from("unknown"), UserAuthorization::Unknown);
        assert_eq!(UserAuthorization::from("newer"), UserAuthorization::Unrecognised);
        assert_eq!(ReasoningEffort::from(""), ReasoningEffort::default());
        assert_eq!("in_process".parse(), Ok(RpcTransport::InProcess));
        assert_eq!("responses_compaction_v2".parse(), Ok(CompactionImplementation::ResponsesCompactionV2));
        assert_eq!("inProcess".parse::<RpcTransport>(), Err(UnknownWord));
    }
}
