//! The seven events of tool items (`docs/contract/events.md`).

use alloc::vec::Vec;

use super::common::{ConnectionContext, Lineage, RootTurn, Session, event_enums, event_groups, event_structs};
use super::{Shared, Versioned};
use crate::id::Id;
use crate::protocol::Known;
use crate::protocol::enums::{CommandSource, ReasoningEffort};
pub use crate::protocol::item::SandboxBackend;

event_enums! {
    /// What the last review of an item said.
    FinalApprovalOutcome {
        /// No review.
        Unknown,
        /// The automatic reviewer approved.
        GuardianApproved,
        /// The automatic reviewer denied.
        GuardianDenied,
        /// The automatic review was aborted, or took too long.
        GuardianAborted,
        /// The user approved this once, or by a rule.
        UserApproved,
        /// The user approved for the session.
        UserApprovedForSession,
        /// The user denied.
        UserDenied,
        /// The user's review was aborted.
        UserAborted,
    }

    /// How an item ended.
    TerminalStatus {
        /// It did what it was for.
        Completed,
        /// It failed.
        Failed,
        /// It was not allowed.
        Rejected,
        /// It was interrupted.
        Interrupted,
    }

    /// Why it did not complete.
    FailureKind {
        /// The tool failed.
        ToolError,
        /// The approval was refused, or cancelled.
        ApprovalDenied,
        /// A control tool was not allowed.
        PolicyForbidden,
    }

    /// What a web search did.
    WebSearchAction {
        /// It searched.
        Search,
        /// It opened a page.
        OpenPage,
        /// It looked into a page.
        FindInPage,
        /// Something else.
        Other,
    }
}

event_structs! {
    /// What the reviews of an item amount to.
    #[derive(Copy, Eq)]
    #[non_exhaustive]
    ReviewSummary {
        /// Number of decisions on the item so far, by anyone. Null from a rollout. Source: the reviews that name the item.
        review_count: Option<u64>,
        /// Number of these by the automatic reviewer. Null from a rollout. Source: the reviews that name the item.
        guardian_review_count: Option<u64>,
        /// Number of these by the user. Null from a rollout. Source: the reviews that name the item.
        user_review_count: Option<u64>,
        /// What the last review said; `unknown` without one, and from a rollout. Source: the reviews that name the item.
        final_approval_outcome: FinalApprovalOutcome,
    }

    /// What every tool item's event begins with.
    #[non_exhaustive]
    ToolBase {
        /// The item's thread. Source: `item/completed` `threadId`.
        thread_id: Id,
        /// The thread's session.
        #[serde(flatten)]
        session: Versioned<Session>,
        /// The item's turn. Source: `item/completed` `turnId`.
        turn_id: Id,
        /// Where the turn comes from.
        #[serde(flatten)]
        root_turn: Versioned<RootTurn>,
        /// The item. Source: `item.id`.
        item_id: Id,
        /// What made the call.
        #[serde(flatten)]
        origin: Versioned<ToolOrigin>,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// The tool: `shell`, `unified_exec`, `user_shell`, `apply_patch`, `web_search`, `image_generation`,
        /// `spawn_agent`, …, or the MCP or client tool's own name. Source: the item's kind, or `item.tool`.
        tool_name: Id,
        /// Whose call it was.
        #[serde(flatten)]
        kind: Versioned<ToolKind>,
        /// When the item began. Unix milliseconds. Source: `item/started` `startedAtMs`.
        started_at_ms: u64,
        /// When the item ended. Unix milliseconds. Source: `item/completed` `completedAtMs`.
        completed_at_ms: u64,
        /// The end less the beginning: waiting for approval counts. Milliseconds.
        /// Null when negative, and for a tool of goals from traffic. Source: the two times.
        duration_ms: Option<u64>,
        /// How long the tool itself ran. Milliseconds. Null for patches, searches and images, for collaboration
        /// calls of Codex 0.131, and when the server does not say. Source: `item.durationMs`.
        execution_duration_ms: Option<u64>,
        /// What the item's reviews amount to.
        #[serde(flatten)]
        reviews: ReviewSummary,
        /// How the item ended; a review changes nothing of it. Source: `item.status`.
        terminal_status: TerminalStatus,
        /// Why the item did not complete. Null when it did. Source: `item.status`.
        failure_kind: Option<FailureKind>,
        /// Whether any of its reviews was about more permissions.
        /// Null from a rollout. Source: the requests for approval.
        requested_additional_permissions: Option<bool>,
        /// Whether any of its reviews was about the network. Null from a rollout. Source: the requests for approval.
        requested_network_access: Option<bool>,
    }

    /// A command ended.
    #[non_exhaustive]
    CommandExecutionEvent {
        /// How the command ran.
        #[serde(flatten)]
        setting: Versioned<CommandSetting>,
        /// What began the turn, such as `goal` or `queue`.
        /// Null is left out: for a plain `turn/start`, and before 0.169. Source: `turn/start` `turnTrigger`, or a goal or a
        /// queue that began the turn.
        #[serde(skip_serializing_if = "Option::is_none")]
        turn_trigger: Option<Id>,
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// The plugin that the command is from.
        #[serde(flatten)]
        plugin: Versioned<CommandPlugin>,
        /// What started the command. Source: `item.source`.
        command_execution_source: CommandSource,
        /// The command's exit code. Null when the command did not run, or was ended. Source: `item.exitCode`.
        exit_code: Option<i32>,
        /// Number of parts of the command, as far as the server could tell.
        /// Null where a rollout does not tell. Source: `item.commandActions`.
        command_total_action_count: Option<u64>,
        /// Number of these that read a file. Null where a rollout does not tell. Source: `item.commandActions`.
        command_read_action_count: Option<u64>,
        /// Number of these that list files. Null where a rollout does not tell. Source: `item.commandActions`.
        command_list_files_action_count: Option<u64>,
        /// Number of these that search. Null where a rollout does not tell. Source: `item.commandActions`.
        command_search_action_count: Option<u64>,
        /// Number of these that do something else. Null where a rollout does not tell. Source: `item.commandActions`.
        command_unknown_action_count: Option<u64>,
    }

    /// A patch ended.
    #[non_exhaustive]
    FileChangeEvent {
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// Number of files in the patch. Source: `item.changes`.
        file_change_count: u64,
        /// Number of these that are added. Source: `item.changes`.
        file_add_count: u64,
        /// Number of these that are changed where they are. Source: `item.changes`.
        file_update_count: u64,
        /// Number of these that are deleted. Source: `item.changes`.
        file_delete_count: u64,
        /// Number of these that are moved, changed or not. Source: `item.changes`.
        file_move_count: u64,
    }

    /// A call of an MCP tool ended.
    #[non_exhaustive]
    McpToolCallEvent {
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// The MCP server, as the user's configuration calls it. Source: `item.server`.
        mcp_server_name: Id,
        /// The tool's name. Source: `item.tool`.
        mcp_tool_name: Id,
        /// Whether the call has an error. Source: `item.error`.
        mcp_error_present: bool,
        /// What the call belongs to.
        #[serde(flatten)]
        context: Versioned<McpContext>,
    }

    /// A call of a client's tool ended.
    #[non_exhaustive]
    DynamicToolCallEvent {
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// The tool's name, without its namespace. Source: `item.tool`.
        dynamic_tool_name: Id,
        /// Whether the client says that the tool succeeded. Null when it does not say. Source: `item.success`.
        success: Option<bool>,
        /// Number of pieces of the tool's output. Null without an output. Source: `item.contentItems`.
        output_content_item_count: Option<u64>,
        /// Number of these that are text. Null without an output. Source: `item.contentItems`.
        output_text_item_count: Option<u64>,
        /// Number of these that are images. Null without an output. Source: `item.contentItems`.
        output_image_item_count: Option<u64>,
        /// Its sounds.
        #[serde(flatten)]
        audio: Versioned<AudioOutput>,
    }

    /// A call of a collaboration tool ended.
    #[non_exhaustive]
    CollabAgentToolCallEvent {
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// The thread that made the call. Source: `item.senderThreadId`, or the item's thread.
        sender_thread_id: Id,
        /// Number of threads that the call is for. Source: `item.receiverThreadIds`.
        receiver_thread_count: u64,
        /// The first 256 of these threads, in order. Source: `item.receiverThreadIds`.
        receiver_thread_ids: Vec<Id>,
        /// The model that the call asks for. Null when it asks for none. Source: `item.model`.
        requested_model: Option<Id>,
        /// The reasoning effort that the call asks for.
        /// Null when it asks for none, and for an unknown word. Source: `item.reasoningEffort`.
        requested_reasoning_effort: Known<ReasoningEffort>,
        /// Number of agents whose state the call saw. Source: `item.agentsStates`.
        agent_state_count: u64,
        /// Number of these that have completed. Source: `item.agentsStates`.
        completed_agent_count: u64,
        /// Number of these that failed, were shut down or were not found. Source: `item.agentsStates`.
        failed_agent_count: u64,
    }

    /// A web search ended.
    #[non_exhaustive]
    WebSearchEvent {
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// What the search did. Null when the server does not say. Source: `item.action`.
        web_search_action: Option<WebSearchAction>,
        /// Whether the search has a query that is more than white space. Source: `item.query`.
        query_present: bool,
        /// Number of queries. Null for an opened page, a look into a page, and a search without a query.
        /// Source: `item.action.queries`, else `item.action.query`, else `item.query`.
        query_count: Option<u64>,
    }

    /// An image was generated.
    #[non_exhaustive]
    ImageGenerationEvent {
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// Whether the model revised the prompt. Source: `item.revisedPrompt`.
        revised_prompt_present: bool,
        /// Whether the image was saved. Source: `item.savedPath`.
        saved_path_present: bool,
        /// How the image was made.
        #[serde(flatten)]
        generation: Versioned<ImageMaking>,
    }
}

event_enums! {
    /// Whose call a tool's was.
    ToolEventType {
        /// The model's.
        ModelToolCall,
        /// Code's that the model had run.
        InnerToolCall,
    }

    /// What the user was asked in the course of an MCP call.
    ElicitationType {
        /// To approve the call.
        Approval,
        /// To log in, or to follow a link.
        AuthOrLink,
    }
}

event_groups! {
    /// What made a tool call (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    ToolOrigin {
        /// The cell of code that made the call. Null from traffic, and outside code mode. Source: a host's own fact.
        cell_id: Option<Id>,
        /// The call that ran the cell. Null from traffic, and outside code mode. Source: a host's own fact.
        parent_call_id: Option<Id>,
        /// The model's response that asked for the call. Null from traffic. Source: a host's own fact.
        originating_response_id: Option<Id>,
        /// The model's response after the call. Null from traffic, and when there was none. Source: a host's own fact.
        subsequent_response_id: Option<Id>,
    }

    /// Whose call it was (0.169 and later).
    #[derive(Copy)]
    #[non_exhaustive]
    ToolKind {
        /// Whose call it was. Null for a user's own command, a hosted web search and what ends after its turn.
        /// Source: the item's kind and id.
        tool_event_type: Option<ToolEventType>,
    }

    /// How a command ran (0.169 and later).
    #[non_exhaustive]
    CommandSetting {
        /// What confined the command. Null when it did not run, and when traffic does not say. Source: the turn's
        /// sandbox, and the command's approval.
        sandbox_backend: Option<SandboxBackend>,
        /// The turn's model. Null for a user's own command, and when it is unknown. Source: the turn's settings.
        model_slug: Option<Id>,
        /// How much the model was asked to reason, by the turn's settings or else the model's default.
        /// Null for a user's own command, and when both are unknown. Source: the turn's settings, or `model/list`.
        reasoning_effort: Known<ReasoningEffort>,
    }

    /// The plugin that a command is from (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    CommandPlugin {
        /// The plugin that the command is from. Null when it is from none. Source: `item.pluginId`.
        plugin_id: Option<Id>,
        /// The script in the plugin's folder. Null always: no path leaves the machine. Source: nothing.
        script_path: Option<Id>,
    }

    /// What an MCP call belongs to (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    McpContext {
        /// The plugin that the server is from. Null when it is from none. Source: `item.pluginId`.
        plugin_id: Option<Id>,
        /// The connector of the app that was called. Null for a tool of no app. Source: `item.appContext.connectorId`.
        connector_id: Option<Id>,
        /// The voice session of the turn. Null without one, and from traffic. Source: a host's own fact.
        voice_session_id: Option<Id>,
        /// What the user was asked. Null when nothing was, and after an accepted approval.
        /// Source: `mcpServer/elicitation/request` and its answer.
        elicitation_type: Option<ElicitationType>,
    }

    /// The sounds of a tool's output (0.169 and later).
    #[derive(Copy, Default)]
    #[non_exhaustive]
    AudioOutput {
        /// Number of pieces of the output that are sounds. Null without an output. Source: `item.contentItems`.
        output_audio_item_count: Option<u64>,
    }

    /// How an image was made (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    ImageMaking {
        /// Whether the background is transparent. Null when the server does not say. Source:
        /// `item.transparentBackground`.
        transparent_background: Option<bool>,
        /// The request for the image. Null from traffic. Source: a host's own fact.
        imagegen_request_id: Option<Id>,
        /// The image's generation. Null when the server does not say. Source: `item.generationId`.
        generation_id: Option<Id>,
    }
}

impl FinalApprovalOutcome {
    /// Whether somebody approved.
    pub(crate) const fn is_approval(self) -> bool {
        matches!(self, Self::GuardianApproved | Self::UserApproved | Self::UserApprovedForSession)
    }
}

impl ReviewSummary {
    /// Of an item in a file that does not say what was reviewed.
    pub(crate) const UNKNOWN: Self = Self {
        review_count: None,
        guardian_review_count: None,
        user_review_count: None,
        final_approval_outcome: FinalApprovalOutcome::Unknown,
    };
}

impl Default for ReviewSummary {
    fn default() -> Self {
        Self {
            review_count: Some(0),
            guardian_review_count: Some(0),
            user_review_count: Some(0),
            final_approval_outcome: FinalApprovalOutcome::Unknown,
        }
    }
}
