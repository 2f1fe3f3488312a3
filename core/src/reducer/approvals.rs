//! Approvals that the server asks its clients for, matched with their answers by request id (`docs/contract/rules.md` 5.1,
//! 5.2).

use super::Reducer;
use super::review::{Decision, denial_trigger, permissions_subject, stdin_subject};
use super::state::{PendingReview, ReviewSubject};
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::review::{Resolution, ReviewStatus, Reviewer, SubjectKind, Trigger};
use crate::fact::protocol::{
    EffectivePermissionsApprovalResponse, ServerRequestAborted, ServerRequestSent, ServerResponseReceived,
};
use crate::id::RequestId;
use crate::output::Output;
use crate::protocol::approval::{
    CommandApprovalParams, CommandDecision, FileChangeDecision, ServerRequest, ServerResponse,
};
use crate::protocol::enums::{CommandApprovalKind, GrantScope, NetworkRuleAction};
use crate::protocol::policy::PermissionOverlay;
use crate::time::to_u64;

impl<D: Digest> Reducer<D> {
    /// The server asks for an approval; other requests have no event.
    pub(super) fn approval_requested(&mut self, fact: ServerRequestSent, output: &mut Output) {
        let (Some(subject), Some((thread_id, turn_id, item_id))) = (user_subject(&fact.request), fact.request.ids())
        else {
            return;
        };
        let Some(started_at_ms) = fact.request.started_at_ms().and_then(to_u64) else {
            let ids = Ids { request_id: Some(fact.request_id), ..Ids::item(thread_id, turn_id, item_id) };
            output.discard(self.state.at, Subject::Review, Reason::NegativeTime, ids);
            return;
        };
        let (thread_id, turn_id, item_id) = (thread_id.clone(), turn_id.clone(), item_id.clone());
        let review = PendingReview { thread_id, turn_id, item_id, started_at_ms, subject };
        if let Some((id, evicted)) = self.state.reviews.insert(self.state.now, fact.request_id, review) {
            output.discard(self.state.at, Subject::Review, Reason::Evicted, evicted.ids(&id));
        }
    }

    /// A client answered.
    pub(super) fn approval_answered(&mut self, fact: &ServerResponseReceived, output: &mut Output) {
        let (status, resolution) = match fact.response {
            ServerResponse::CommandApproval(decision) => command_outcome(decision),
            ServerResponse::FileChangeApproval(decision) => file_change_outcome(decision),
            ServerResponse::PermissionsApproval(answer) => permissions_outcome(answer.permissions, answer.scope),
            ServerResponse::Other => return,
        };
        self.settle(&fact.request_id, fact.completed_at_ms, status, resolution, output);
    }

    /// The server knows what it really grants.
    pub(super) fn permissions_granted(&mut self, fact: &EffectivePermissionsApprovalResponse, output: &mut Output) {
        let (status, resolution) = permissions_outcome(fact.permissions, fact.scope);
        self.settle(&fact.request_id, fact.completed_at_ms, status, resolution, output);
    }

    /// Nobody will answer.
    pub(super) fn approval_aborted(&mut self, fact: &ServerRequestAborted, output: &mut Output) {
        self.settle(&fact.request_id, fact.completed_at_ms, ReviewStatus::Aborted, Resolution::None, output);
    }

    /// Settles a user review: every request once.
    fn settle(
        &mut self,
        request_id: &RequestId,
        completed_at_ms: u64,
        status: ReviewStatus,
        resolution: Resolution,
        output: &mut Output,
    ) {
        let Some((_, review)) = self.state.reviews.remove(request_id) else {
            output.discard(self.state.at, Subject::Review, Reason::UnknownRequest, Ids::request(None, request_id));
            return;
        };
        let decision = Decision {
            thread_id: review.thread_id,
            turn_id: review.turn_id,
            item_id: Some(review.item_id),
            review_id: alloc::format!("user:{request_id}").into(),
            subject: review.subject,
            reviewer: Reviewer::User,
            status,
            resolution,
            started_at_ms: review.started_at_ms,
            completed_at_ms,
        };
        self.review_decided(decision, output);
    }
}

/// What an approval request is about (`docs/contract/rules.md` 5.1); `None` for other requests.
fn user_subject(request: &ServerRequest) -> Option<ReviewSubject> {
    Some(match request {
        ServerRequest::CommandApproval(CommandApprovalParams {
            kind: Some(CommandApprovalKind::WriteStdin), ..
        }) => stdin_subject(),
        ServerRequest::CommandApproval(params) => {
            let network_only = params.network_approval_context.0;
            let network_access = network_only
                || params.proposed_network_policy_amendments.as_ref().is_some_and(|amendments| !amendments.is_empty())
                || params.additional_permissions.is_some_and(PermissionOverlay::enables_network);
            let additional_permissions = params.additional_permissions.is_some();
            let (kind, name) = if network_only {
                (SubjectKind::NetworkAccess, "network_access")
            } else {
                (SubjectKind::CommandExecution, "command_execution")
            };
            let trigger = if params.approval_id.0 {
                Trigger::ExecveIntercept
            } else {
                denial_trigger(network_access, additional_permissions)
            };
            ReviewSubject { kind, name: name.into(), trigger, additional_permissions, network_access }
        }
        ServerRequest::FileChangeApproval(params) => ReviewSubject {
            kind: SubjectKind::FileChange,
            name: "apply_patch".into(),
            trigger: denial_trigger(false, params.grant_root.0),
            additional_permissions: params.grant_root.0,
            network_access: false,
        },
        ServerRequest::PermissionsApproval(params) => permissions_subject(params.permissions),
        ServerRequest::Other => return None,
    })
}

fn command_outcome(decision: CommandDecision) -> (ReviewStatus, Resolution) {
    match decision {
        CommandDecision::Accept => (ReviewStatus::Approved, Resolution::None),
        CommandDecision::AcceptForSession => (ReviewStatus::Approved, Resolution::SessionApproval),
        CommandDecision::AcceptWithExecpolicyAmendment => (ReviewStatus::Approved, Resolution::ExecPolicyAmendment),
        CommandDecision::ApplyNetworkPolicyAmendment(NetworkRuleAction::Allow) => {
            (ReviewStatus::Approved, Resolution::NetworkPolicyAmendment)
        }
        CommandDecision::ApplyNetworkPolicyAmendment(NetworkRuleAction::Deny | NetworkRuleAction::Unknown) => {
            (ReviewStatus::Denied, Resolution::NetworkPolicyAmendment)
        }
        CommandDecision::Decline => (ReviewStatus::Denied, Resolution::None),
        CommandDecision::Cancel => (ReviewStatus::Aborted, Resolution::None),
    }
}

fn file_change_outcome(decision: FileChangeDecision) -> (ReviewStatus, Resolution) {
    match decision {
        FileChangeDecision::Accept => (ReviewStatus::Approved, Resolution::None),
        FileChangeDecision::AcceptForSession => (ReviewStatus::Approved, Resolution::SessionApproval),
        FileChangeDecision::Decline => (ReviewStatus::Denied, Resolution::None),
        FileChangeDecision::Cancel => (ReviewStatus::Aborted, Resolution::None),
    }
}

fn permissions_outcome(granted: PermissionOverlay, scope: GrantScope) -> (ReviewStatus, Resolution) {
    if granted.is_empty() {
        (ReviewStatus::Denied, Resolution::None)
    } else if scope == GrantScope::Session {
        (ReviewStatus::Approved, Resolution::SessionApproval)
    } else {
        (ReviewStatus::Approved, Resolution::None)
    }
}
