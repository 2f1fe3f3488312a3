//! A turn's resolved settings and its use of tokens (`docs/contract/facts.md` 3.4, 3.5).

use super::permission::{PermissionProfile, SpecialFolders};
use crate::event::turn::SubmissionType;
use crate::id::Id;
use crate::private::HostPath;
use crate::protocol::enums::{
    ApprovalsReviewer, ModeKind, Personality, ReasoningEffort, ReasoningSummary, ServiceTier,
};
use crate::protocol::policy::AskForApproval;
use crate::read::Read;
use crate::write::Write;

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
    /// All tokens.
    pub total_tokens: i64,
}
