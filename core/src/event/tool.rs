//! The seven events of tool items (contract `events.md` 5).

use alloc::vec::Vec;

use super::Shared;
use super::common::{ConnectionContext, Lineage, event_enums, event_structs};
use crate::id::Id;
use crate::protocol::enums::{CommandSource, ReasoningEffort};

event_enums! {
    /// What the last review of an item said.
    FinalApprovalOutcome {
        Unknown, GuardianApproved, GuardianDenied, GuardianAborted,
        UserApproved, UserApprovedForSession, UserDenied, UserAborted,
    }

    /// How an item ended.
    TerminalStatus { Completed, Failed, Rejected }

    /// Why it did not complete.
    FailureKind { ToolError, ApprovalDenied }

    /// What a web search did.
    WebSearchAction { Search, OpenPage, FindInPage, Other }
}

event_structs! {
    /// What the reviews of an item amount to.
    #[derive(Copy, Eq)]
    ReviewSummary {
        review_count: u64,
        guardian_review_count: u64,
        user_review_count: u64,
        final_approval_outcome: FinalApprovalOutcome,
    }

    /// What every tool item's event begins with.
    ToolBase {
        thread_id: Id,
        turn_id: Id,
        item_id: Id,
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        tool_name: Id,
        started_at_ms: u64,
        completed_at_ms: u64,
        /// Null when negative.
        duration_ms: Option<u64>,
        execution_duration_ms: Option<u64>,
        #[serde(flatten)]
        reviews: ReviewSummary,
        terminal_status: TerminalStatus,
        failure_kind: Option<FailureKind>,
        requested_additional_permissions: bool,
        requested_network_access: bool,
    }

    /// A command ended.
    CommandExecutionEvent {
        #[serde(flatten)]
        base: ToolBase,
        command_execution_source: CommandSource,
        exit_code: Option<i32>,
        command_total_action_count: u64,
        command_read_action_count: u64,
        command_list_files_action_count: u64,
        command_search_action_count: u64,
        command_unknown_action_count: u64,
    }

    /// A patch ended.
    FileChangeEvent {
        #[serde(flatten)]
        base: ToolBase,
        file_change_count: u64,
        file_add_count: u64,
        file_update_count: u64,
        file_delete_count: u64,
        file_move_count: u64,
    }

    /// A call of an MCP tool ended.
    McpToolCallEvent {
        #[serde(flatten)]
        base: ToolBase,
        mcp_server_name: Id,
        mcp_tool_name: Id,
        mcp_error_present: bool,
    }

    /// A call of a client's tool ended.
    DynamicToolCallEvent {
        #[serde(flatten)]
        base: ToolBase,
        dynamic_tool_name: Id,
        success: Option<bool>,
        output_content_item_count: Option<u64>,
        output_text_item_count: Option<u64>,
        output_image_item_count: Option<u64>,
    }

    /// A call of a collaboration tool ended.
    CollabAgentToolCallEvent {
        #[serde(flatten)]
        base: ToolBase,
        sender_thread_id: Id,
        receiver_thread_count: u64,
        receiver_thread_ids: Vec<Id>,
        requested_model: Option<Id>,
        requested_reasoning_effort: Option<ReasoningEffort>,
        agent_state_count: u64,
        completed_agent_count: u64,
        failed_agent_count: u64,
    }

    /// A web search ended.
    WebSearchEvent {
        #[serde(flatten)]
        base: ToolBase,
        web_search_action: Option<WebSearchAction>,
        query_present: bool,
        query_count: Option<u64>,
    }

    /// An image was generated.
    ImageGenerationEvent {
        #[serde(flatten)]
        base: ToolBase,
        revised_prompt_present: bool,
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
