//! The seven events of tool items (`docs/contract/events.md`).

use alloc::vec::Vec;

use super::Shared;
use super::common::{ConnectionContext, Lineage, event_enums, event_structs};
use crate::id::Id;
use crate::protocol::Known;
use crate::protocol::enums::{CommandSource, ReasoningEffort};

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
    }

    /// Why it did not complete.
    FailureKind {
        /// The tool failed.
        ToolError,
        /// The approval was refused, or cancelled.
        ApprovalDenied,
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
        /// Number of decisions on the item so far, by anyone. Source: the reviews that name the item.
        review_count: u64,
        /// Number of these by the automatic reviewer. Source: the reviews that name the item.
        guardian_review_count: u64,
        /// Number of these by the user. Source: the reviews that name the item.
        user_review_count: u64,
        /// What the last review said; `unknown` without one. Source: the reviews that name the item.
        final_approval_outcome: FinalApprovalOutcome,
    }

    /// What every tool item's event begins with.
    #[non_exhaustive]
    ToolBase {
        /// The item's thread. Source: `item/completed` `threadId`.
        thread_id: Id,
        /// The item's turn. Source: `item/completed` `turnId`.
        turn_id: Id,
        /// The item. Source: `item.id`.
        item_id: Id,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// The tool: `shell`, `unified_exec`, `user_shell`, `apply_patch`, `web_search`, `image_generation`,
        /// `spawn_agent`, …, or the MCP or client tool's own name. Source: the item's kind, or `item.tool`.
        tool_name: Id,
        /// When the item began. Unix milliseconds. Source: `item/started` `startedAtMs`.
        started_at_ms: u64,
        /// When the item ended. Unix milliseconds. Source: `item/completed` `completedAtMs`.
        completed_at_ms: u64,
        /// The end less the beginning: waiting for approval counts. Milliseconds.
        /// Null when negative. Source: the two times.
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
        /// Whether any of its reviews was about more permissions. Source: the requests for approval.
        requested_additional_permissions: bool,
        /// Whether any of its reviews was about the network. Source: the requests for approval.
        requested_network_access: bool,
    }

    /// A command ended.
    #[non_exhaustive]
    CommandExecutionEvent {
        /// What every tool item's event begins with.
        #[serde(flatten)]
        base: ToolBase,
        /// What started the command. Source: `item.source`.
        command_execution_source: CommandSource,
        /// The command's exit code. Null when the command did not run, or was ended. Source: `item.exitCode`.
        exit_code: Option<i32>,
        /// Number of parts of the command, as far as the server could tell. Source: `item.commandActions`.
        command_total_action_count: u64,
        /// Number of these that read a file. Source: `item.commandActions`.
        command_read_action_count: u64,
        /// Number of these that list files. Source: `item.commandActions`.
        command_list_files_action_count: u64,
        /// Number of these that search. Source: `item.commandActions`.
        command_search_action_count: u64,
        /// Number of these that do something else. Source: `item.commandActions`.
        command_unknown_action_count: u64,
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
    }
}

impl Default for ReviewSummary {
    fn default() -> Self {
        Self {
            review_count: 0,
            guardian_review_count: 0,
            user_review_count: 0,
            final_approval_outcome: FinalApprovalOutcome::Unknown,
        }
    }
}
