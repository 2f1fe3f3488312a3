//! `codex_turn_event` (`docs/contract/events.md`).

use alloc::vec::Vec;

use super::common::{
    CacheWrites, ConnectionContext, InitializationMode, Session, ThreadSource, event_enums, event_groups, event_structs,
};
use super::error_kind::ErrorKind;
use super::{Shared, Versioned};
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

    /// [`Tokens`] as events show them.
    #[derive(Default)]
    #[non_exhaustive]
    TokenUse {
        /// What the model read, with what was cached. Tokens. Null when the use is unknown, as of an interrupted turn.
        /// Source: `turn_token_usage`, or the reviewer's session.
        input_tokens: Option<i64>,
        /// The cached part of the input. Tokens. Null when the use is unknown, as of an interrupted turn. Source:
        /// `turn_token_usage`, or the reviewer's session.
        cached_input_tokens: Option<i64>,
        /// The cache that was written.
        #[serde(flatten)]
        cache_writes: Versioned<CacheWrites>,
        /// What the model wrote, with its reasoning. Tokens. Null when the use is unknown, as of an interrupted turn.
        /// Source: `turn_token_usage`, or the reviewer's session.
        output_tokens: Option<i64>,
        /// The reasoning in the output. Tokens. Null when the use is unknown, as of an interrupted turn. Source:
        /// `turn_token_usage`, or the reviewer's session.
        reasoning_output_tokens: Option<i64>,
        /// The server's own total: input and output together, but the window's size for a turn that overflowed its
        /// context. Tokens. Null when the use is unknown, as of an interrupted turn. Source: `turn_token_usage`, or the
        /// reviewer's session.
        total_tokens: Option<i64>,
    }

    /// A turn ended.
    #[non_exhaustive]
    TurnEvent {
        /// What the turn waited for.
        #[serde(flatten)]
        critical_path: Versioned<CriticalPath>,
        /// The turn's thread. Source: the notification or the request.
        thread_id: Id,
        /// The thread's session.
        #[serde(flatten)]
        session: Versioned<Session>,
        /// The turn. Source: `turn.id`.
        turn_id: Id,
        /// What began the turn.
        #[serde(flatten)]
        beginning: Versioned<TurnBeginning>,
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
        /// The provider's id in the user's configuration. Null where a rollout does not tell. Source: `modelProvider`.
        model_provider: Option<Id>,
        /// What the turn's commands may do.
        /// Null when the permission profile is unknown. Source: `turn_resolved_config.permission_profile`.
        sandbox_policy: Option<SandboxPolicy>,
        /// How much the model was asked to reason; `none` is an effort.
        /// Null for the model's default, and for an unknown word. Source: `turn_resolved_config.reasoning_effort`.
        reasoning_effort: Known<ReasoningEffort>,
        /// How much the model was asked to say of its reasoning.
        /// Null for `none`, and when it is unknown. Source: `turn_resolved_config.reasoning_summary`.
        reasoning_summary: Known<ReasoningSummary>,
        /// The service tier; `default` for none.
        /// Null where a rollout does not tell. Source: `turn_resolved_config.service_tier`.
        service_tier: Option<ServiceTier>,
        /// When the agent must ask before it acts.
        /// Null when the server names a policy that this version does not know. Source: `approvalPolicy`.
        approval_policy: Option<ApprovalPolicy>,
        /// Who decides on approvals. Null where a rollout does not tell. Source: `approvalsReviewer`.
        approvals_reviewer: Option<ApprovalsReviewer>,
        /// Which agents the turn may use.
        #[serde(flatten)]
        agents: Versioned<TurnAgents>,
        /// Whether the turn's commands reach the network.
        /// Null where a rollout does not tell. Source: `turn_resolved_config.sandbox_network_access`.
        sandbox_network_access: Option<bool>,
        /// The mode that the turn runs in. Null where a rollout does not tell. Source: `collaborationMode.mode`.
        collaboration_mode: Option<CollaborationMode>,
        /// The tone that the model was asked for.
        /// Null for `none`, and when it is unknown. Source: `turn_resolved_config.personality`.
        personality: Known<Personality>,
        /// Where the user works.
        #[serde(flatten)]
        workspace: Versioned<TurnWorkspace>,
        /// Number of images in the turn's input. Source: inputs `image` and `localImage`.
        num_input_images: u64,
        /// What became of the images.
        #[serde(flatten)]
        images: Versioned<TurnImages>,
        /// Whether it is the first turn with input of the user in this session. Source:
        /// `turn_resolved_config.is_first_turn`.
        is_first_turn: bool,
        /// How the turn ended.
        /// Null when the server still says `inProgress`, or an unknown word, and where a rollout does not tell. Source: `turn.status`.
        status: Option<TurnStatus>,
        /// Whether a client interrupted the turn.
        #[serde(flatten)]
        interrupt: Versioned<TurnInterrupt>,
        /// The kind of failure, in the protocol's own words.
        /// Null without an error, and for an unknown kind. Source: `turn.error.codexErrorInfo`.
        turn_error: Known<CodexErrorInfo>,
        /// Why the turn failed.
        #[serde(flatten)]
        error_kind: Versioned<ErrorKind>,
        /// Number of accepted steers of the turn. Source: responses of `turn/steer`.
        steer_count: u64,
        /// Whether the input was dictated.
        /// Null is left out, as when the client does not say. Source: `responsesapiClientMetadata` of `turn/start`.
        #[serde(skip_serializing_if = "Option::is_none")]
        used_dictation: Option<bool>,
        /// The turn's tool items, by kind.
        #[serde(flatten)]
        tools: ToolCounts,
        /// What the turn used.
        #[serde(flatten)]
        tokens: TokenUse,
        /// What the turn's time went into.
        #[serde(flatten)]
        profile: Versioned<TurnProfile>,
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

impl TokenUse {
    pub(crate) fn new(tokens: Tokens, cache_writes: Versioned<CacheWrites>) -> Self {
        let Tokens { input_tokens, cached_input_tokens, output_tokens, reasoning_output_tokens, total_tokens } = tokens;
        Self { input_tokens, cached_input_tokens, cache_writes, output_tokens, reasoning_output_tokens, total_tokens }
    }
}

event_enums! {
    /// Whether the server measured what a turn waited for.
    CriticalPathStatus {
        /// It did not.
        Disabled,
        /// It did.
        Complete,
    }

    /// How a thread's agents work together.
    MultiAgentVersion {
        /// By the tools of the first version.
        V1,
        /// By the tools of the second version.
        V2,
        /// Not at all.
        Disabled,
    }
}

event_groups! {
    /// What a turn waited for (0.169 and later).
    #[derive(Copy, Default)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..Default::default()`")]
    CriticalPath {
        /// Whether the server measured it. Null from traffic. Source: a host's own fact.
        critical_path_status: Option<CriticalPathStatus>,
        /// The whole path. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_duration_ms: Option<u64>,
        /// Requests to the model. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_inference_ms: Option<u64>,
        /// Responses of the model. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_sampling_ms: Option<u64>,
        /// Compactions. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_compaction_ms: Option<u64>,
        /// Automatic reviews. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_auto_review_ms: Option<u64>,
        /// What comes with automatic reviews. Milliseconds.
        /// Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_auto_review_overhead_ms: Option<u64>,
        /// Waiting for the user. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_user_wait_ms: Option<u64>,
        /// Tools. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_tools_ms: Option<u64>,
        /// The server's own work. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_overhead_ms: Option<u64>,
        /// The rest. Milliseconds. Null from traffic, and unless measured. Source: a host's own fact.
        critical_path_unknown_ms: Option<u64>,
    }

    /// What began a turn (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    TurnBeginning {
        /// The plugins that were on. Null when the plugins were not listed. Source: `plugin/list`, or a host's own fact.
        active_plugin_ids_at_turn_start: Option<Vec<Id>>,
        /// The voice session of the turn. Null without one, and from traffic. Source: a host's own fact.
        voice_session_id: Option<Id>,
        /// The turn with which a chain of turns began: a goal's, a queue's, a parent's; else the turn itself.
        /// Null when the server does not say. Source: `turn.rootTurnId`.
        root_turn_id: Option<Id>,
        /// What began the turn, such as `goal` or `queue`. Null for a plain `turn/start`. Source: `turn/start`
        /// `turnTrigger`, or a goal or a queue that began the turn.
        turn_trigger: Option<Id>,
        /// Where the turn was asked for. Null from traffic. Source: a host's own fact.
        codex_turn_source: Option<Id>,
    }

    /// Which agents a turn may use (0.169 and later).
    #[derive(Copy, Default)]
    #[non_exhaustive]
    TurnAgents {
        /// Whether the second version of the automatic reviewer is on. Null from traffic. Source: a host's own fact.
        guardian_v2_enabled: Option<bool>,
        /// How the thread's agents work together. Null when it is unknown. Source: items `subAgentActivity` and
        /// `collabAgentToolCall`, or a host's own fact.
        multi_agent_version: Option<MultiAgentVersion>,
    }

    /// Where the user works (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    TurnWorkspace {
        /// The kind of workspace, such as `project`. Null when the client does not say.
        /// Source: `responsesapiClientMetadata` of `turn/start`.
        workspace_kind: Option<Id>,
    }

    /// What became of a turn's images (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    TurnImages {
        /// One entry for each image that the server prepared; empty without any. Null from traffic of a turn with images.
        /// Source: a host's own fact.
        image_preparations: Option<Vec<ImagePreparation>>,
    }

    /// Whether a client interrupted a turn (0.169 and later).
    #[derive(Copy, Default)]
    #[non_exhaustive]
    TurnInterrupt {
        /// When the first interrupt that succeeded was asked for. Unix milliseconds.
        /// Null when there was none. Source: the time of the `turn/interrupt` request.
        explicit_client_interrupt_requested_at_ms: Option<u64>,
    }

    /// What a turn's time went into (0.169 and later).
    #[derive(Copy, Default)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..Default::default()`")]
    TurnProfile {
        /// From the turn's beginning to its first request to the model. Milliseconds.
        /// Null from traffic. Source: a host's own fact.
        before_first_sampling_ms: Option<u64>,
        /// Responses of the model. Milliseconds. Null from traffic. Source: a host's own fact.
        sampling_ms: Option<u64>,
        /// Compactions. Milliseconds. Null when it is unknown. Source: items `contextCompaction`.
        compaction_ms: Option<u64>,
        /// Between responses, beside tools and compactions. Milliseconds.
        /// Null from traffic. Source: a host's own fact.
        between_sampling_overhead_ms: Option<u64>,
        /// While tools ran and the model waited. Milliseconds. Null when it is unknown. Source: the tools' items.
        tool_blocking_ms: Option<u64>,
        /// From the last response to the turn's end. Milliseconds. Null from traffic. Source: a host's own fact.
        after_last_sampling_ms: Option<u64>,
        /// Number of requests to the model. Null when it is unknown. Source: `thread/tokenUsage/updated` of the turn.
        sampling_request_count: Option<u64>,
        /// Number of requests that were tried again. Null when it is unknown. Source: `error` with `willRetry`.
        sampling_retry_count: Option<u64>,
        /// Number of times that the tools changed. Null from traffic. Source: a host's own fact.
        tools_change_count: Option<u64>,
    }
}

event_structs! {
    /// What became of an image.
    #[derive(Default)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..Default::default()`")]
    ImagePreparation {
        /// Who the message is from. Null for an image of a tool. Source: a host's own fact.
        message_role: Option<Id>,
        /// The item that the image is from. Null for an image of the input. Source: a host's own fact.
        item_id: Option<Id>,
        /// The detail in which the model sees it. Source: a host's own fact.
        effective_detail: Id,
        /// Its width. Pixels. Source: a host's own fact.
        source_width: u32,
        /// Its height. Pixels. Source: a host's own fact.
        source_height: u32,
        /// Its width before the model. Pixels. Source: a host's own fact.
        prepared_width: u32,
        /// Its height before the model. Pixels. Source: a host's own fact.
        prepared_height: u32,
    }
}
