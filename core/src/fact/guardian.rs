//! An automatic approval review (`docs/contract/facts.md` 3.3): what its event says.

pub use crate::event::guardian::{
    AdditionalFileSystem, AdditionalPermissions, ApprovalRequestSource, ExecveSource, GuardianDecision,
    GuardianFailureReason, GuardianOutcome, GuardianReview, GuardianSessionKind, GuardianTerminalStatus,
    NetworkProtocol, ReviewedAction, SandboxPermissions,
};
pub use crate::event::turn::Tokens;
use crate::id::Id;
use crate::protocol::Known;

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
        }
    }
}
