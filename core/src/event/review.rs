//! `codex_review_event` (contract `events.md` 6).

use super::Shared;
use super::common::{ConnectionContext, Lineage, event_enums, event_structs};
use crate::id::Id;

event_enums! {
    /// What a review is about.
    SubjectKind { CommandExecution, FileChange, McpToolCall, Permissions, NetworkAccess }

    /// Who decided.
    Reviewer { Guardian, User }

    /// Why the review was needed.
    Trigger { Initial, SandboxDenial, NetworkPolicyDenial, ExecveIntercept }

    /// What was decided.
    ReviewStatus { Approved, Denied, Aborted, TimedOut }

    /// What the decision settles beyond this once.
    Resolution { None, SessionApproval, ExecPolicyAmendment, NetworkPolicyAmendment }
}

event_structs! {
    /// The user or the automatic reviewer decided.
    ReviewEvent {
        thread_id: Id,
        turn_id: Id,
        item_id: Option<Id>,
        review_id: Id,
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        subject_kind: SubjectKind,
        subject_name: Id,
        reviewer: Reviewer,
        trigger: Trigger,
        status: ReviewStatus,
        resolution: Resolution,
        started_at_ms: u64,
        completed_at_ms: u64,
        /// Null when negative.
        duration_ms: Option<u64>,
    }
}
