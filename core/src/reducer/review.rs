//! `codex_review_event`: decisions of the user and of the automatic reviewer
//! (`docs/contract/rules.md` 5).

use alloc::boxed::Box;

use super::Reducer;
use super::state::ReviewSubject;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::common::ThreadContext;
use crate::event::review::{Resolution, ReviewEvent, ReviewStatus, Reviewer, SubjectKind, Trigger};
use crate::event::tool::FinalApprovalOutcome;
use crate::id::Id;
use crate::output::Output;
use crate::protocol::enums::GuardianStatus;
use crate::protocol::notification::{GuardianAction, GuardianReviewCompleted};
use crate::protocol::policy::PermissionOverlay;
use crate::time::to_u64;

/// A decision, ready to be counted and reported.
pub(super) struct Decision {
    pub(super) thread_id: Id,
    pub(super) turn_id: Id,
    pub(super) item_id: Option<Id>,
    pub(super) review_id: Id,
    pub(super) subject: ReviewSubject,
    pub(super) reviewer: Reviewer,
    pub(super) status: ReviewStatus,
    pub(super) resolution: Resolution,
    pub(super) started_at_ms: u64,
    pub(super) completed_at_ms: u64,
}

impl<D: Digest> Reducer<D> {
    /// The automatic reviewer decided (`docs/contract/rules.md` 5.3).
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
                self.review_decided(decision, output);
            }
            (Err(reason), ..) | (_, Err(reason), _) | (_, _, Err(reason)) => {
                let ids = Ids { item_id: review.target_item_id, ..Ids::turn(&review.thread_id, &review.turn_id) };
                output.discard(self.state.at, Subject::Review, reason, ids);
            }
        }
    }

    /// Counts a decision on its item, then reports it (`docs/contract/rules.md` 5.4). The count stays even
    /// if the report has no context.
    pub(super) fn review_decided(&mut self, decision: Decision, output: &mut Output) {
        let on_item = matches!(
            decision.subject.kind,
            SubjectKind::CommandExecution | SubjectKind::FileChange | SubjectKind::McpToolCall
        );
        if on_item && let Some(item_id) = &decision.item_id {
            let item = self.item_or_new(&decision.thread_id, &decision.turn_id, item_id, output);
            add_one(&mut item.reviews.review_count);
            match decision.reviewer {
                Reviewer::Guardian => add_one(&mut item.reviews.guardian_review_count),
                Reviewer::User => add_one(&mut item.reviews.user_review_count),
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
                output.discard(self.state.at, Subject::Review, reason, ids);
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

pub(super) fn permissions_subject(permissions: PermissionOverlay) -> ReviewSubject {
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

/// What is typed into a running command is not counted on its item.
pub(super) fn stdin_subject() -> ReviewSubject {
    ReviewSubject {
        kind: SubjectKind::WriteStdin,
        name: "write_stdin".into(),
        trigger: Trigger::Initial,
        additional_permissions: false,
        network_access: false,
    }
}

pub(super) fn denial_trigger(network_access: bool, additional_permissions: bool) -> Trigger {
    if network_access {
        Trigger::NetworkPolicyDenial
    } else if additional_permissions {
        Trigger::SandboxDenial
    } else {
        Trigger::Initial
    }
}

/// What an automatic review is about (`docs/contract/rules.md` 5.3); `None` for an unknown action.
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
        GuardianAction::WriteStdin { .. } => stdin_subject(),
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

/// What an item's last review says (`docs/contract/rules.md` 5.5).
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

fn add_one(count: &mut Option<u64>) {
    *count = count.map(|count| count + 1);
}
