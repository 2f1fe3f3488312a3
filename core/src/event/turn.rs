//! `codex_turn_event` (`docs/contract/events.md`).

use super::Shared;
use super::common::{ConnectionContext, InitializationMode, ThreadSource, event_enums, event_structs};
use crate::id::Id;
use crate::protocol::Known;
use crate::protocol::enums::{Personality, ReasoningEffort, ReasoningSummary};
use crate::protocol::error::CodexErrorInfo;

event_enums! {
    /// How a turn was submitted.
    SubmissionType {
        /// At once.
        Default,
        /// Behind another turn.
        Queued,
    }

    /// What a turn's commands may do.
    SandboxPolicy {
        /// Anything.
        FullAccess,
        /// What a sandbox around the whole server lets through.
        ExternalSandbox,
        /// Read files, and write none.
        ReadOnly,
        /// Write below the working directory and other writable roots.
        WorkspaceWrite,
    }

    /// A service tier.
    ServiceTier {
        /// `fast` or `priority`.
        Fast,
        /// `flex`.
        Flex,
        /// None, or another one.
        Default,
    }

    /// When the agent must ask.
    ApprovalPolicy {
        /// Before every command that is not known to be harmless.
        Untrusted,
        /// When a sandboxed command failed.
        #[serde(rename = "on-failure")]
        OnFailure,
        /// When the model asks for it.
        #[serde(rename = "on-request")]
        OnRequest,
        /// By a setting for each kind of approval.
        Granular,
        /// Never.
        Never,
    }

    /// Who reviews approvals.
    ApprovalsReviewer {
        /// The user.
        User,
        /// The automatic reviewer, as Codex 0.131 calls it.
        GuardianSubagent,
        /// The automatic reviewer, as later versions call it.
        AutoReview,
    }

    /// A collaboration mode.
    CollaborationMode {
        /// The agent plans, and changes nothing.
        Plan,
        /// Any other mode.
        Default,
    }

    /// How a turn ended.
    TurnStatus {
        /// By its own end.
        Completed,
        /// By an error.
        Failed,
        /// By the user.
        Interrupted,
    }
}

event_structs! {
    /// How many tool items a turn completed, by kind.
    #[derive(Copy, Default)]
    #[non_exhaustive]
    ToolCounts {
        /// Number of completed tool items, whatever their status. Source: `item/completed` of the turn.
        total_tool_call_count: u64,
        /// Number of these that are commands. Source: items `commandExecution`.
        shell_command_count: u64,
        /// Number of these that are patches. Source: items `fileChange`.
        file_change_count: u64,
        /// Number of these that are calls of MCP tools. Source: items `mcpToolCall`.
        mcp_tool_call_count: u64,
        /// Number of these that are calls of a client's tools. Source: items `dynamicToolCall`.
        dynamic_tool_call_count: u64,
        /// Number of these that are calls of collaboration tools. Source: items `collabAgentToolCall`.
        subagent_tool_call_count: u64,
        /// Number of these that are web searches. Source: items `webSearch`.
        web_search_count: u64,
        /// Number of these that are generated images. Source: items `imageGeneration`.
        image_generation_count: u64,
    }

    /// The tokens that a turn or a review used.
    #[derive(Copy, Default)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    Tokens {
        /// What the model read, with what was cached. Tokens. Null when the use is unknown, as of an interrupted turn.
        /// Source: `turn_token_usage`, or the reviewer's session.
        input_tokens: Option<i64>,
        /// The cached part of the input. Tokens. Null when the use is unknown, as of an interrupted turn. Source:
        /// `turn_token_usage`, or the reviewer's session.
        cached_input_tokens: Option<i64>,
        /// What the model wrote, with its reasoning. Tokens. Null when the use is unknown, as of an interrupted turn.
        /// Source: `turn_token_usage`, or the reviewer's session.
        output_tokens: Option<i64>,
        /// The reasoning in the output. Tokens. Null when the use is unknown, as of an interrupted turn. Source:
        /// `turn_token_usage`, or the reviewer's session.
        reasoning_output_tokens: Option<i64>,
        /// Input and output together. Tokens. Null when the use is unknown, as of an interrupted turn. Source:
        /// `turn_token_usage`, or the reviewer's session.
        total_tokens: Option<i64>,
    }

    /// A turn ended.
    #[non_exhaustive]
    TurnEvent {
        /// The turn's thread. Source: the notification or the request.
        thread_id: Id,
        /// The turn. Source: `turn.id`.
        turn_id: Id,
        /// Whether the turn had to wait for another.
        /// Null from traffic, and in Codex 0.131. Source: `turn_resolved_config.submission_type`.
        submission_type: Option<SubmissionType>,
        /// Who started the turn, and what ran; without a `turn/start`, the thread's connection.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Whether the thread is not stored. Source: `thread.ephemeral`.
        ephemeral: bool,
        /// Who started the thread; `subagent` if the server did. One word.
        /// Null when the server does not say, or says more than a word. Source: `thread.threadSource`.
        thread_source: Known<ThreadSource>,
        /// How the thread came to be. Source: the method that opened it; `new` for one that the server started.
        initialization_mode: InitializationMode,
        /// Why the server started the thread; `other` for a label of more than a word.
        /// Null for a thread that a client started. Source: `thread.source.subAgent`.
        subagent_source: Option<Id>,
        /// The thread that started this one.
        /// Null for a thread that a client started, and where the source names none. Source: `thread.source.subAgent`.
        parent_thread_id: Option<Id>,
        /// The model that the turn was set to. Null when it is unknown. Source: `turn_resolved_config.model`.
        model: Option<Id>,
        /// The provider's id in the user's configuration. Source: `modelProvider`.
        model_provider: Id,
        /// What the turn's commands may do.
        /// Null when the permission profile is unknown. Source: `turn_resolved_config.permission_profile`.
        sandbox_policy: Option<SandboxPolicy>,
        /// How much the model was asked to reason; `none` is an effort.
        /// Null for the model's default, and for an unknown word. Source: `turn_resolved_config.reasoning_effort`.
        reasoning_effort: Known<ReasoningEffort>,
        /// How much the model was asked to say of its reasoning.
        /// Null for `none`, and when it is unknown. Source: `turn_resolved_config.reasoning_summary`.
        reasoning_summary: Known<ReasoningSummary>,
        /// The service tier; `default` for none. Source: `turn_resolved_config.service_tier`.
        service_tier: ServiceTier,
        /// When the agent must ask before it acts.
        /// Null when the server names a policy that this version does not know. Source: `approvalPolicy`.
        approval_policy: Option<ApprovalPolicy>,
        /// Who decides on approvals. Source: `approvalsReviewer`.
        approvals_reviewer: ApprovalsReviewer,
        /// Whether the turn's commands reach the network. Source: `turn_resolved_config.sandbox_network_access`.
        sandbox_network_access: bool,
        /// The mode that the turn runs in. Source: `collaborationMode.mode`.
        collaboration_mode: CollaborationMode,
        /// The tone that the model was asked for.
        /// Null for `none`, and when it is unknown. Source: `turn_resolved_config.personality`.
        personality: Known<Personality>,
        /// Number of images in the turn's input. Source: inputs `image` and `localImage`.
        num_input_images: u64,
        /// Whether it is the first turn with input of the user in this session. Source:
        /// `turn_resolved_config.is_first_turn`.
        is_first_turn: bool,
        /// How the turn ended.
        /// Null when the server still says `inProgress`, or an unknown word. Source: `turn.status`.
        status: Option<TurnStatus>,
        /// The kind of failure, in the protocol's own words.
        /// Null without an error, and for an unknown kind. Source: `turn.error.codexErrorInfo`.
        turn_error: Known<CodexErrorInfo>,
        /// Number of accepted steers of the turn. Source: responses of `turn/steer`.
        steer_count: u64,
        /// The turn's tool items, by kind.
        #[serde(flatten)]
        tools: ToolCounts,
        /// What the turn used.
        #[serde(flatten)]
        tokens: Tokens,
        /// How long the turn took. Milliseconds.
        /// Null when the server does not say, or says a negative one. Source: `turn.durationMs`.
        duration_ms: Option<u64>,
        /// When the turn began. Unix seconds.
        /// Null when its `turn/started` was not seen, or has no time. Source: `turn.startedAt`.
        started_at: Option<u64>,
        /// When the turn ended; 0 when the server does not say. Unix seconds. Source: `turn.completedAt`.
        completed_at: u64,
    }
}
