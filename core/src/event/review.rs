//! `codex_review_event` (`docs/contract/events.md`).

use super::Shared;
use super::common::{ConnectionContext, Lineage, event_enums, event_structs};
use crate::id::Id;

event_enums! {
    /// What a review is about.
    SubjectKind {
        /// A command, or a part of one.
        CommandExecution,
        /// Text that is typed into a running command.
        WriteStdin,
        /// A patch.
        FileChange,
        /// A call of an MCP tool.
        McpToolCall,
        /// More permissions.
        Permissions,
        /// Access to a host.
        NetworkAccess,
    }

    /// Who decided.
    Reviewer {
        /// The automatic reviewer.
        Guardian,
        /// The user.
        User,
    }

    /// Why the review was needed.
    Trigger {
        /// The action itself asks.
        Initial,
        /// The sandbox denies it.
        SandboxDenial,
        /// The network policy denies it.
        NetworkPolicyDenial,
        /// A running command starts a program.
        ExecveIntercept,
    }

    /// What was decided.
    ReviewStatus {
        /// It may happen.
        Approved,
        /// It may not.
        Denied,
        /// Nothing: the review was cancelled, or its turn ended.
        Aborted,
        /// Nothing in time; automatic reviews only.
        TimedOut,
    }

    /// What the decision settles beyond this once.
    Resolution {
        /// Nothing.
        None,
        /// The rest of the session.
        SessionApproval,
        /// A rule for commands.
        ExecPolicyAmendment,
        /// A rule for a host.
        NetworkPolicyAmendment,
    }
}

event_structs! {
    /// The user or the automatic reviewer decided.
    #[non_exhaustive]
    ReviewEvent {
        /// The thread. Source: `threadId` of the request or notification.
        thread_id: Id,
        /// The turn. Source: `turnId` of the request or notification.
        turn_id: Id,
        /// The item under review. Null for an automatic review without one. Source: `itemId`, or `targetItemId`.
        item_id: Option<Id>,
        /// The review: `user:` and the request's id, or the automatic review's own id. Source: the request's `id`, or
        /// `reviewId`.
        review_id: Id,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// What is reviewed. Source: the request's method and parameters, or `action.type`.
        subject_kind: SubjectKind,
        /// `command_execution`, `write_stdin`, `apply_patch`, `network_access`, `permissions`, or the MCP tool's name.
        /// Source: the request's method, or `action.toolName`.
        subject_name: Id,
        /// Who decided. Source: the kind of message.
        reviewer: Reviewer,
        /// Why the review was needed. Source: the request's parameters, or `action.type`.
        trigger: Trigger,
        /// What was decided. Source: the answer, or `review.status`.
        status: ReviewStatus,
        /// What the decision settles beyond this once; `none` for an automatic review. Source: the answer.
        resolution: Resolution,
        /// When the review was asked for. Unix milliseconds. Source: `startedAtMs`.
        started_at_ms: u64,
        /// When it was decided. Unix milliseconds. Source: `server_response.completed_at_ms`, or `completedAtMs`.
        completed_at_ms: u64,
        /// The end less the beginning. Milliseconds. Null when negative. Source: the two times.
        duration_ms: Option<u64>,
    }
}
