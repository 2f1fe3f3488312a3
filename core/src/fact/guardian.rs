//! An automatic approval review (`docs/contract/facts.md` 3.3): what its event says.

pub use crate::event::guardian::{
    AdditionalFileSystem, AdditionalPermissions, ApprovalRequestSource, ExecveSource, GuardianDecision,
    GuardianFailureReason, GuardianOutcome, GuardianSessionKind, GuardianTerminalStatus, NetworkProtocol,
    ReviewedAction, SandboxPermissions,
};
pub use crate::event::turn::Tokens;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::Known;
use crate::protocol::enums::{ReasoningEffort, RiskLevel, UserAuthorization};

/// An automatic review ended.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardianReview {
    /// The reviewed thread.
    pub thread_id: Id,
    /// The turn of the request.
    pub turn_id: Id,
    /// The review, as in its `codex_review_event`.
    pub review_id: Id,
    /// The item under review. None for network access.
    pub target_item_id: Option<Id>,
    /// Which session asked.
    pub approval_request_source: ApprovalRequestSource,
    /// What was reviewed.
    pub reviewed_action: ReviewedAction,
    /// Whether the reviewer saw only a part of the action.
    pub reviewed_action_truncated: bool,
    /// What was decided.
    pub decision: GuardianDecision,
    /// How the review ended.
    pub terminal_status: GuardianTerminalStatus,
    /// Why it came to no verdict. None when it came to one, and when the reason is unknown.
    pub failure_reason: Option<GuardianFailureReason>,
    /// The reviewer's estimate of the risk. None without a verdict, and for an unknown word.
    pub risk_level: Known<RiskLevel>,
    /// The reviewer's estimate whether the user wanted it. None without a verdict, and for a word that this version
    /// does not know.
    pub user_authorization: Known<UserAuthorization>,
    /// The reviewer's verdict. None without one.
    pub outcome: Option<GuardianOutcome>,
    /// The reviewer's own thread. Unknown without a session.
    pub guardian_thread_id: Option<Id>,
    /// Which session reviewed. Unknown without a session.
    pub guardian_session_kind: Option<GuardianSessionKind>,
    /// The reviewer's model. Unknown without a session.
    pub guardian_model: Option<Id>,
    /// The reviewer's reasoning effort. Unknown without a session.
    pub guardian_reasoning_effort: Known<ReasoningEffort>,
    /// Whether the reviewer saw an earlier review of the session. Unknown without a session.
    pub had_prior_review_context: Option<bool>,
    /// How long a review may take. Milliseconds.
    pub review_timeout_ms: u64,
    /// Number of tools that the reviewer called. None from traffic, and in Codex 0.131.
    pub tool_call_count: Option<u64>,
    /// How long the reviewer took for its first token. Milliseconds. Unknown without a session.
    pub time_to_first_token_ms: Option<u64>,
    /// How long the review took. Milliseconds. None when negative.
    pub completion_latency_ms: Option<u64>,
    /// When the review began. Unix seconds.
    pub started_at: u64,
    /// When it ended. Unix seconds. None when the host does not say.
    pub completed_at: Option<u64>,
    /// What the reviewer used.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// How many attempts the review took. Like all that follow it is only in events of 0.169 and later.
    #[serde(default)]
    pub attempt_count: Option<i64>,
    /// What the reviewer was shown.
    #[serde(default)]
    pub guardian_context_mode: Option<Id>,
    /// The reviewer's model by default.
    #[serde(default)]
    pub guardian_default_review_model_id: Option<Id>,
    /// Whether the catalogue of models has one for reviews.
    #[serde(default)]
    pub guardian_catalog_contains_auto_review: Option<bool>,
    /// Whether the configuration names another model.
    #[serde(default)]
    pub guardian_review_model_overridden: Option<bool>,
    /// That model.
    #[serde(default)]
    pub guardian_review_model_override: Option<Id>,
    /// The provider of the reviewer's model.
    #[serde(default)]
    pub guardian_model_provider_id: Option<Id>,
    /// The part of the input that was written to the cache, in tokens.
    #[serde(default)]
    pub cache_write_input_tokens: Option<i64>,
}

impl GuardianReview {
    /// A review of `reviewed_action` that ended like this. What it is not given is unknown, false or zero: the caller
    /// sets the times, and the rest as far as it knows it.
    pub fn new(
        thread_id: impl Into<Id>,
        turn_id: impl Into<Id>,
        review_id: impl Into<Id>,
        reviewed_action: ReviewedAction,
        decision: GuardianDecision,
        terminal_status: GuardianTerminalStatus,
    ) -> Self {
        Self {
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            review_id: review_id.into(),
            target_item_id: None,
            approval_request_source: ApprovalRequestSource::MainTurn,
            reviewed_action,
            reviewed_action_truncated: false,
            decision,
            terminal_status,
            failure_reason: None,
            risk_level: Known::default(),
            user_authorization: Known::default(),
            outcome: None,
            guardian_thread_id: None,
            guardian_session_kind: None,
            guardian_model: None,
            guardian_reasoning_effort: Known::default(),
            had_prior_review_context: None,
            review_timeout_ms: 0,
            tool_call_count: None,
            time_to_first_token_ms: None,
            completion_latency_ms: None,
            started_at: 0,
            completed_at: None,
            tokens: Tokens::default(),
            attempt_count: None,
            guardian_context_mode: None,
            guardian_default_review_model_id: None,
            guardian_catalog_contains_auto_review: None,
            guardian_review_model_overridden: None,
            guardian_review_model_override: None,
            guardian_model_provider_id: None,
            cache_write_input_tokens: None,
        }
    }
}
