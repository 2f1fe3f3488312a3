//! A turn's resolved settings and its use of tokens (`docs/contract/facts.md` 3.4, 3.5).

use alloc::vec::Vec;

use super::permission::{PermissionProfile, SpecialFolders};
use crate::event::error_kind::ErrorKind;
use crate::event::turn::SubmissionType;
pub use crate::event::turn::{CriticalPath, ImagePreparation, MultiAgentVersion, TurnProfile};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::HostPath;
use crate::protocol::enums::{
    ApprovalsReviewer, ModeKind, Personality, ReasoningEffort, ReasoningSummary, ServiceTier,
};
use crate::protocol::policy::AskForApproval;

/// A turn's settings, resolved right before its first model request.
///
/// The default's members are unknown, false or zero.
///
/// ```
/// use turnledger_core::fact::turn::TurnResolvedConfig;
///
/// let config = TurnResolvedConfig {
///     thread_id: "thread".into(),
///     turn_id: "turn".into(),
///     model_provider: "openai".into(),
///     approval_policy: "on-request".into(),
///     reasoning_effort: Some("high".into()),
///     ..TurnResolvedConfig::default()
/// };
/// # assert_eq!(config.permission_profile, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnResolvedConfig {
    /// The turn.
    pub turn_id: Id,
    /// The thread.
    pub thread_id: Id,
    /// How many images the user sent.
    pub num_input_images: u64,
    /// How the turn was submitted.
    pub submission_type: Option<SubmissionType>,
    /// Whether the thread is not stored.
    pub ephemeral: bool,
    /// The model's slug.
    pub model: Option<Id>,
    /// The model provider's id.
    pub model_provider: Id,
    /// What commands may do; none if it is not known.
    pub permission_profile: Option<PermissionProfile>,
    /// The working directory, for the question about its repository; an observer's question is
    /// asked earlier.
    #[serde(default)]
    pub permission_profile_cwd: Option<HostPath>,
    /// Where the host's temporary folders are, which a profile may name.
    #[serde(default)]
    pub special_folders: SpecialFolders,
    /// How much the model reasons.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// How much it says of its reasoning.
    pub reasoning_summary: Option<ReasoningSummary>,
    /// The service tier.
    pub service_tier: Option<ServiceTier>,
    /// When the agent must ask.
    pub approval_policy: AskForApproval,
    /// Who reviews approvals.
    pub approvals_reviewer: ApprovalsReviewer,
    /// Whether commands reach the network.
    pub sandbox_network_access: bool,
    /// The collaboration mode.
    pub collaboration_mode: ModeKind,
    /// The model's tone.
    pub personality: Option<Personality>,
    /// Whether it is the session's first turn.
    pub is_first_turn: bool,
    /// The plugins that are on; like all that follow only for events of 0.169 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_plugin_ids_at_turn_start: Option<Vec<Id>>,
    /// What began the turn, such as `goal` or `queue`, if it was no plain `turn/start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_trigger: Option<Id>,
    /// The turn with which its chain of turns began; what `turn/started` says counts more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_turn_id: Option<Id>,
    /// Where the turn was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codex_turn_source: Option<Id>,
    /// The turn's voice session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_session_id: Option<Id>,
    /// Whether the second version of the automatic reviewer is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian_v2_enabled: Option<bool>,
    /// How the thread's agents work together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_agent_version: Option<MultiAgentVersion>,
    /// The kind of workspace, such as `project`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_kind: Option<Id>,
    /// Whether the input was dictated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_dictation: Option<bool>,
}

/// The tokens that a turn used: session total at its end less that at its start, never negative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnTokenUsage {
    /// The turn.
    pub turn_id: Id,
    /// The thread.
    pub thread_id: Id,
    /// Tokens sent.
    pub input_tokens: i64,
    /// Of these, tokens that were cached.
    pub cached_input_tokens: i64,
    /// Tokens received.
    pub output_tokens: i64,
    /// Of these, tokens of reasoning.
    pub reasoning_output_tokens: i64,
    /// All tokens, as the server counts them: a turn that overflowed its context has the size of the model's window.
    pub total_tokens: i64,
    /// Tokens that were written to the cache, for events of 0.169 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_input_tokens: Option<i64>,
}

/// What a turn's time went into, for events of 0.169 and later. What is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnProfiled {
    /// The turn.
    pub turn_id: Id,
    /// The thread.
    pub thread_id: Id,
    /// The parts of its time, and the numbers of its requests.
    #[serde(flatten)]
    pub profile: TurnProfile,
    /// What it waited for, if that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_path: Option<CriticalPath>,
    /// What became of its images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_preparations: Option<Vec<ImagePreparation>>,
}

/// A client asked for a turn to be interrupted, and the server did so; for events of 0.169 and later.
#[derive(Clone, Debug, Default, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnInterrupted {
    /// The turn.
    pub turn_id: Id,
    /// The thread.
    pub thread_id: Id,
    /// When the request came, in Unix milliseconds. The earliest of a turn counts.
    pub requested_at_ms: u64,
}

/// The kind of error that ended a turn, for events of 0.169 and later; without it the kind of `turn/completed` counts.
#[derive(Clone, Debug, Default, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnErrorKind {
    /// The turn.
    pub turn_id: Id,
    /// The thread.
    pub thread_id: Id,
    /// The kind, and what comes with it. The last fact of a turn counts.
    #[serde(flatten)]
    pub error: ErrorKind,
}
