//! `codex_turn_event` (contract `events.md` 3).

use super::Shared;
use super::common::{ConnectionContext, InitializationMode, ThreadSource, event_enums, event_structs};
use crate::id::Id;
use crate::protocol::enums::{Personality, ReasoningEffort, ReasoningSummary};
use crate::protocol::error::CodexErrorInfo;

event_enums! {
    /// How a turn was submitted.
    SubmissionType { Default, Queued }

    /// What a turn's commands may do.
    SandboxPolicy { FullAccess, ExternalSandbox, ReadOnly, WorkspaceWrite }

    /// A service tier.
    ServiceTier { Fast, Flex, Default }

    /// When the agent must ask.
    ApprovalPolicy {
        Untrusted,
        #[serde(rename = "on-failure")]
        OnFailure,
        #[serde(rename = "on-request")]
        OnRequest,
        Granular,
        Never,
    }

    /// Who reviews approvals; versions after 0.131 say `auto_review` for the guardian.
    ApprovalsReviewer { User, GuardianSubagent, AutoReview }

    /// A collaboration mode.
    CollaborationMode { Plan, Default }

    /// How a turn ended.
    TurnStatus { Completed, Failed, Interrupted }
}

event_structs! {
    /// How many tool items a turn completed, by kind.
    #[derive(Copy, Default)]
    ToolCounts {
        total_tool_call_count: u64,
        shell_command_count: u64,
        file_change_count: u64,
        mcp_tool_call_count: u64,
        dynamic_tool_call_count: u64,
        subagent_tool_call_count: u64,
        web_search_count: u64,
        image_generation_count: u64,
    }

    /// The tokens that a turn or a review used.
    #[derive(Copy, Default)]
    Tokens {
        input_tokens: Option<i64>,
        cached_input_tokens: Option<i64>,
        output_tokens: Option<i64>,
        reasoning_output_tokens: Option<i64>,
        total_tokens: Option<i64>,
    }

    /// A turn ended.
    TurnEvent {
        thread_id: Id,
        turn_id: Id,
        submission_type: Option<SubmissionType>,
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        ephemeral: bool,
        thread_source: Option<ThreadSource>,
        initialization_mode: InitializationMode,
        subagent_source: Option<Id>,
        parent_thread_id: Option<Id>,
        model: Option<Id>,
        model_provider: Id,
        sandbox_policy: Option<SandboxPolicy>,
        reasoning_effort: Option<ReasoningEffort>,
        reasoning_summary: Option<ReasoningSummary>,
        service_tier: ServiceTier,
        /// Null when the server named a policy that this version does not know.
        approval_policy: Option<ApprovalPolicy>,
        approvals_reviewer: ApprovalsReviewer,
        sandbox_network_access: bool,
        collaboration_mode: CollaborationMode,
        personality: Option<Personality>,
        num_input_images: u64,
        is_first_turn: bool,
        status: Option<TurnStatus>,
        turn_error: Option<CodexErrorInfo>,
        steer_count: u64,
        #[serde(flatten)]
        tools: ToolCounts,
        #[serde(flatten)]
        tokens: Tokens,
        duration_ms: Option<u64>,
        /// Unix seconds.
        started_at: Option<u64>,
        /// Unix seconds; 0 when the server did not say.
        completed_at: u64,
    }
}
