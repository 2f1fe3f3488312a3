//! The details of automatic reviews, as far as their notification has them
//! (`docs/contract/derived.md` 6).

use alloc::boxed::Box;

use super::{Observer, Step};
use crate::fact::Fact;
use crate::fact::guardian::{
    ExecveSource, GuardianDecision, GuardianFailureReason, GuardianOutcome, GuardianReview, GuardianTerminalStatus,
    NetworkProtocol, ReviewedAction, SandboxPermissions,
};
use crate::protocol::enums::{self, GuardianCommandSource, GuardianStatus};
use crate::protocol::notification::{GuardianAction, GuardianReviewCompleted, Notification};
use crate::time::to_u64;

/// How long the reviewer may take.
const REVIEW_TIMEOUT_MS: u64 = 90_000;

impl Observer {
    pub(super) fn guardian_review_completed(&mut self, review: GuardianReviewCompleted, step: &mut Step<'_>) {
        if let GuardianAction::McpToolCall(call) = &review.action {
            self.connector_reviewed(&review.thread_id, review.target_item_id.as_ref(), call);
        }
        if let Some(mut details) = details(&review) {
            let settings = self.settings_of(&review.thread_id, &review.turn_id);
            details.guardian_model_provider_id = settings.and_then(|settings| settings.model_provider());
            step.fact(Fact::GuardianReview(Box::new(details)));
        }
        step.notification(Notification::GuardianReviewCompleted(Box::new(review)));
    }
}

/// `None` for a review that has not ended, or of an unknown kind.
fn details(completed: &GuardianReviewCompleted) -> Option<GuardianReview> {
    let review = &completed.review;
    let failed_closed = review.failed_closed && review.status == GuardianStatus::Denied;
    let (decision, terminal_status, failure_reason, outcome) = match review.status {
        GuardianStatus::Approved => {
            (GuardianDecision::Approved, GuardianTerminalStatus::Approved, None, Some(GuardianOutcome::Allow))
        }
        // Why it failed is not on the wire.
        GuardianStatus::Denied if failed_closed => {
            (GuardianDecision::Denied, GuardianTerminalStatus::FailedClosed, None, None)
        }
        GuardianStatus::Denied => {
            (GuardianDecision::Denied, GuardianTerminalStatus::Denied, None, Some(GuardianOutcome::Deny))
        }
        GuardianStatus::TimedOut => {
            (GuardianDecision::Denied, GuardianTerminalStatus::TimedOut, Some(GuardianFailureReason::Timeout), None)
        }
        GuardianStatus::Aborted => {
            (GuardianDecision::Aborted, GuardianTerminalStatus::Aborted, Some(GuardianFailureReason::Cancelled), None)
        }
        GuardianStatus::InProgress | GuardianStatus::Unknown => return None,
    };
    let (started, ended) = to_u64(completed.started_at_ms).zip(to_u64(completed.completed_at_ms))?;
    Some(GuardianReview {
        target_item_id: completed.target_item_id.clone(),
        failure_reason,
        risk_level: review.risk_level.filter(|_| !failed_closed).into(),
        user_authorization: review.user_authorization.filter(|_| !failed_closed).into(),
        outcome,
        review_timeout_ms: REVIEW_TIMEOUT_MS,
        completion_latency_ms: ended.checked_sub(started),
        started_at: started / 1000,
        completed_at: Some(ended / 1000),
        ..GuardianReview::new(
            completed.thread_id.clone(),
            completed.turn_id.clone(),
            completed.review_id.clone(),
            reviewed_action(&completed.action)?,
            decision,
            terminal_status,
        )
    })
}

/// The reviewed action. Sandbox permissions and terminal have the contract's defaults.
fn reviewed_action(action: &GuardianAction) -> Option<ReviewedAction> {
    let sandbox_permissions = SandboxPermissions::UseDefault;
    let additional_permissions = None;
    Some(match action {
        GuardianAction::Command { source: GuardianCommandSource::UnifiedExec } => {
            ReviewedAction::UnifiedExec { sandbox_permissions, additional_permissions, tty: false }
        }
        GuardianAction::Command { .. } => ReviewedAction::Shell { sandbox_permissions, additional_permissions },
        GuardianAction::Execve { source, program } => ReviewedAction::Execve {
            source: match source {
                GuardianCommandSource::UnifiedExec => ExecveSource::UnifiedExec,
                GuardianCommandSource::Shell | GuardianCommandSource::Unknown => ExecveSource::Shell,
            },
            program: program.clone(),
            additional_permissions,
        },
        GuardianAction::WriteStdin { tty } => ReviewedAction::WriteStdin { tty: *tty },
        GuardianAction::ApplyPatch => ReviewedAction::ApplyPatch,
        GuardianAction::NetworkAccess { protocol, port } => ReviewedAction::NetworkAccess {
            protocol: match protocol {
                enums::NetworkProtocol::Http => NetworkProtocol::Http,
                enums::NetworkProtocol::Https => NetworkProtocol::Https,
                enums::NetworkProtocol::Socks5Tcp => NetworkProtocol::Socks5Tcp,
                enums::NetworkProtocol::Socks5Udp => NetworkProtocol::Socks5Udp,
                enums::NetworkProtocol::Unknown => NetworkProtocol::Unknown,
            },
            port: *port,
        },
        GuardianAction::McpToolCall(call) => ReviewedAction::McpToolCall {
            server: call.server.clone(),
            tool_name: call.tool_name.clone(),
            connector_id: call.connector_id.clone(),
            connector_name: call.connector_name.clone(),
            tool_title: call.tool_title.clone(),
        },
        GuardianAction::RequestPermissions { .. } => ReviewedAction::RequestPermissions,
        GuardianAction::Unknown => return None,
    })
}
