//! `codex_review_event`: decisions of the user and of the automatic reviewer (contract
//! `rules.md` 5).

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::common::ThreadContext;
use crate::event::review::{Resolution, ReviewEvent, ReviewStatus, Reviewer, SubjectKind, Trigger};
use crate::event::tool::FinalApprovalOutcome;
use crate::fact::protocol::{
    EffectivePermissionsApprovalResponse, ServerRequestAborted, ServerRequestSent, ServerResponseReceived,
};
use crate::id::{Id, RequestId};
use crate::output::Output;
use crate::protocol::approval::{CommandDecision, FileChangeDecision, ServerRequest, ServerResponse};
use crate::protocol::enums::{GrantScope, GuardianStatus, NetworkRuleAction};
use crate::protocol::notification::{GuardianAction, GuardianReviewCompleted};
use crate::protocol::policy::PermissionOverlay;
use crate::read::Read;
use crate::time::to_u64;
use crate::write::Write;

/// An approval that waits for its answer.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct PendingReview {
    thread_id: Id,
    turn_id: Id,
    item_id: Id,
    started_at_ms: u64,
    subject: ReviewSubject,
}

impl PendingReview {
    pub(super) fn ids(&self, request_id: &RequestId) -> Ids {
        Ids { request_id: Some(request_id.clone()), ..Ids::item(&self.thread_id, &self.turn_id, &self.item_id) }
    }
}

/// What a review is about and why it was needed.
#[derive(Clone, Debug, PartialEq, Write, Read)]
struct ReviewSubject {
    kind: SubjectKind,
    name: Id,
    trigger: Trigger,
    additional_permissions: bool,
    network_access: bool,
}

/// A decision, ready to be counted and reported.
struct Decision {
    thread_id: Id,
    turn_id: Id,
    item_id: Option<Id>,
    review_id: Id,
    subject: ReviewSubject,
    reviewer: Reviewer,
    status: ReviewStatus,
    resolution: Resolution,
    started_at_ms: u64,
    completed_at_ms: u64,
}

impl<D: Digest> Reducer<D> {
    /// The server asks for an approval; other requests have no event.
    pub(super) fn approval_requested(&mut self, fact: ServerRequestSent, output: &mut Output) {
        let (Some(subject), Some((thread_id, turn_id, item_id))) = (user_subject(&fact.request), fact.request.ids())
        else {
            return;
        };
        let Some(started_at_ms) = fact.request.started_at_ms().and_then(to_u64) else {
            let ids = Ids { request_id: Some(fact.request_id), ..Ids::item(thread_id, turn_id, item_id) };
            output.discard(self.state.now, Subject::Review, Reason::NegativeTime, ids);
            return;
        };
        let (thread_id, turn_id, item_id) = (thread_id.clone(), turn_id.clone(), item_id.clone());
        let review = PendingReview { thread_id, turn_id, item_id, started_at_ms, subject };
        if let Some((id, evicted)) = self.state.reviews.insert(self.state.now, fact.request_id, review) {
            output.discard(self.state.now, Subject::Review, Reason::Evicted, evicted.ids(&id));
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
            output.discard(self.state.now, Subject::Review, Reason::UnknownRequest, Ids::request(None, request_id));
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
        self.emit_review(decision, output);
    }

    /// The automatic reviewer decided (contract `rules.md` 5.3).
    pub(super) fn guardian_decided(&mut self, review: GuardianReviewCompleted, output: &mut Output) {
        let status = match review.review.status {
            GuardianStatus::Approved => Ok(ReviewStatus::Approved),
            GuardianStatus::Denied => Ok(ReviewStatus::Denied),
            GuardianStatus::TimedOut => Ok(ReviewStatus::TimedOut),
            GuardianStatus::Aborted => Ok(ReviewStatus::Aborted),
            GuardianStatus::InProgress => Err(Reason::NotFinal),
            GuardianStatus::Unknown => Err(Reason::UnknownStatus),
        };
        let subject = guardian_subject(&review.action).ok_or(Reason::UnknownStatus);
        let times = to_u64(review.started_at_ms).zip(to_u64(review.completed_at_ms)).ok_or(Reason::NegativeTime);
        match (status, times, subject) {
            (Ok(status), Ok((started_at_ms, completed_at_ms)), Ok(subject)) => {
                let decision = Decision {
                    thread_id: review.thread_id,
                    turn_id: review.turn_id,
                    item_id: review.target_item_id,
                    review_id: review.review_id,
                    subject,
                    reviewer: Reviewer::Guardian,
                    status,
                    resolution: Resolution::None,
                    started_at_ms,
                    completed_at_ms,
                };
                self.emit_review(decision, output);
            }
            (Err(reason), ..) | (_, Err(reason), _) | (_, _, Err(reason)) => {
                let ids = Ids { item_id: review.target_item_id, ..Ids::turn(&review.thread_id, &review.turn_id) };
                output.discard(self.state.now, Subject::Review, reason, ids);
            }
        }
    }

    /// Counts a decision on its item, then reports it (contract `rules.md` 5.4). The count stays even
    /// if the report has no context.
    fn emit_review(&mut self, decision: Decision, output: &mut Output) {
        let on_item = matches!(
            decision.subject.kind,
            SubjectKind::CommandExecution | SubjectKind::FileChange | SubjectKind::McpToolCall
        );
        if on_item && let Some(item_id) = &decision.item_id {
            let item = self.item_or_new(&decision.thread_id, &decision.turn_id, item_id, output);
            item.reviews.review_count += 1;
            match decision.reviewer {
                Reviewer::Guardian => item.reviews.guardian_review_count += 1,
                Reviewer::User => item.reviews.user_review_count += 1,
            }
            item.reviews.final_approval_outcome =
                final_outcome(decision.reviewer, decision.status, decision.resolution);
            item.requested_additional_permissions |= decision.subject.additional_permissions;
            item.requested_network_access |= decision.subject.network_access;
        }
        let ThreadContext { connection, lineage } = match self.state.thread_context(&decision.thread_id) {
            Ok(context) => context,
            Err(reason) => {
                let ids = Ids { item_id: decision.item_id, ..Ids::turn(&decision.thread_id, &decision.turn_id) };
                output.discard(self.state.now, Subject::Review, reason, ids);
                return;
            }
        };
        output.events.push(Event::Review(Box::new(ReviewEvent {
            thread_id: decision.thread_id,
            turn_id: decision.turn_id,
            item_id: decision.item_id,
            review_id: decision.review_id,
            connection,
            lineage,
            subject_kind: decision.subject.kind,
            subject_name: decision.subject.name,
            reviewer: decision.reviewer,
            trigger: decision.subject.trigger,
            status: decision.status,
            resolution: decision.resolution,
            started_at_ms: decision.started_at_ms,
            completed_at_ms: decision.completed_at_ms,
            duration_ms: decision.completed_at_ms.checked_sub(decision.started_at_ms),
        })));
    }
}

/// What an approval request is about (contract `rules.md` 5.1); `None` for other requests.
fn user_subject(request: &ServerRequest) -> Option<ReviewSubject> {
    Some(match request {
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

fn permissions_subject(permissions: PermissionOverlay) -> ReviewSubject {
    let network_access = permissions.enables_network();
    let additional_permissions = network_access || permissions.file_system.0;
    ReviewSubject {
        kind: SubjectKind::Permissions,
        name: "permissions".into(),
        trigger: denial_trigger(network_access, additional_permissions),
        additional_permissions,
        network_access,
    }
}

fn denial_trigger(network_access: bool, additional_permissions: bool) -> Trigger {
    if network_access {
        Trigger::NetworkPolicyDenial
    } else if additional_permissions {
        Trigger::SandboxDenial
    } else {
        Trigger::Initial
    }
}

/// What an automatic review is about (contract `rules.md` 5.3); `None` for an unknown action.
fn guardian_subject(action: &GuardianAction) -> Option<ReviewSubject> {
    let subject = |kind, name: Id, trigger, additional_permissions, network_access| ReviewSubject {
        kind,
        name,
        trigger,
        additional_permissions,
        network_access,
    };
    let command = "command_execution";
    Some(match action {
        GuardianAction::Command { .. } => {
            subject(SubjectKind::CommandExecution, command.into(), Trigger::Initial, false, false)
        }
        GuardianAction::Execve { .. } => {
            subject(SubjectKind::CommandExecution, command.into(), Trigger::ExecveIntercept, false, false)
        }
        GuardianAction::ApplyPatch => {
            subject(SubjectKind::FileChange, "apply_patch".into(), Trigger::SandboxDenial, true, false)
        }
        GuardianAction::NetworkAccess { .. } => {
            subject(SubjectKind::NetworkAccess, "network_access".into(), Trigger::NetworkPolicyDenial, true, true)
        }
        GuardianAction::RequestPermissions { permissions } => permissions_subject(*permissions),
        GuardianAction::McpToolCall(call) => {
            subject(SubjectKind::McpToolCall, call.tool_name.clone(), Trigger::Initial, false, false)
        }
        GuardianAction::Unknown => return None,
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

/// What an item's last review says (contract `rules.md` 5.5).
fn final_outcome(reviewer: Reviewer, status: ReviewStatus, resolution: Resolution) -> FinalApprovalOutcome {
    match (reviewer, status) {
        (Reviewer::Guardian, ReviewStatus::Approved) => FinalApprovalOutcome::GuardianApproved,
        (Reviewer::Guardian, ReviewStatus::Denied) => FinalApprovalOutcome::GuardianDenied,
        (Reviewer::Guardian, ReviewStatus::Aborted | ReviewStatus::TimedOut) => FinalApprovalOutcome::GuardianAborted,
        (Reviewer::User, ReviewStatus::Approved) if resolution == Resolution::SessionApproval => {
            FinalApprovalOutcome::UserApprovedForSession
        }
        (Reviewer::User, ReviewStatus::Approved) => FinalApprovalOutcome::UserApproved,
        (Reviewer::User, ReviewStatus::Denied) => FinalApprovalOutcome::UserDenied,
        (Reviewer::User, ReviewStatus::Aborted | ReviewStatus::TimedOut) => FinalApprovalOutcome::UserAborted,
    }
}
