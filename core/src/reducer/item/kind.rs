//! What an item says of itself: which tool it is, how it counts, how it ended.

use crate::dialect::Dialect;
use crate::event::tool::{FailureKind, TerminalStatus, ToolEventType};
use crate::event::turn::ToolCounts;
use crate::id::Id;
use crate::protocol::enums::{CollabTool, CommandSource, ItemStatus};
use crate::protocol::item::Item;
use crate::time::to_u64;

/// Whether it acts on the session. Earlier servers neither count nor report it.
pub(super) fn is_control_tool(item: &Item) -> bool {
    matches!(item, Item::ControlToolCall(_))
}

/// Whether only its end is known.
pub(super) fn is_untimed(item: &Item) -> bool {
    matches!(item, Item::ControlToolCall(call) if call.is_untimed)
}

/// Whether a request to a provider makes it: a file that has one time for it knows its end alone.
pub(super) fn takes_time(item: &Item) -> bool {
    matches!(item, Item::WebSearch(_) | Item::ImageGeneration(_))
}

/// Whether its event waits for the model's next response, where a host tells of responses, whatever made it.
pub(super) fn always_waits(item: &Item) -> bool {
    matches!(item, Item::ControlToolCall(_) | Item::CollabAgentToolCall(_))
}

/// Whether it is a call of an agent that only its news shows.
pub(super) fn is_news_of_an_agent(item: &Item) -> bool {
    matches!(item, Item::CollabAgentToolCall(call)
        if matches!(call.tool, CollabTool::SendMessage | CollabTool::FollowupTask | CollabTool::InterruptAgent))
}

/// Whether the user ran it, and no model.
pub(super) fn is_users_own(item: &Item) -> bool {
    matches!(item, Item::CommandExecution(command) if command.source == CommandSource::UserShell)
}

/// Whose call an item is; a user's own command and a hosted search are nobody's.
pub(super) fn tool_event_type(item: &Item, id: &Id) -> Option<ToolEventType> {
    match item {
        item if is_users_own(item) => None,
        Item::WebSearch(_) => None,
        // So the server calls the tools that code calls.
        _ if id.starts_with("exec-") && id.len() > "exec-".len() + 30 => Some(ToolEventType::InnerToolCall),
        _ => Some(ToolEventType::ModelToolCall),
    }
}

/// Counts a completed item on its turn, whatever its status, and again when it is repeated.
pub(super) fn count(tools: &mut ToolCounts, item: &Item) {
    let counter = match item {
        Item::CommandExecution(_) => &mut tools.shell_command_count,
        Item::FileChange(_) => &mut tools.file_change_count,
        Item::McpToolCall(_) => &mut tools.mcp_tool_call_count,
        Item::DynamicToolCall(_) => &mut tools.dynamic_tool_call_count,
        Item::CollabAgentToolCall(_) => &mut tools.subagent_tool_call_count,
        Item::WebSearch(_) => &mut tools.web_search_count,
        Item::ImageGeneration(_) => &mut tools.image_generation_count,
        Item::ControlToolCall(_) => {
            tools.total_tool_call_count += 1;
            return;
        }
        Item::ContextCompaction(_) | Item::UserMessage | Item::ModelOutput | Item::Other => return,
    };
    *counter += 1;
    tools.total_tool_call_count += 1;
}

/// The tool's name (`docs/contract/rules.md` 6.3).
pub(super) fn tool_name(item: &Item) -> Id {
    match item {
        Item::CommandExecution(command) => match command.source {
            CommandSource::Agent | CommandSource::Unknown => "shell".into(),
            CommandSource::UserShell => "user_shell".into(),
            CommandSource::UnifiedExecStartup | CommandSource::UnifiedExecInteraction => "unified_exec".into(),
        },
        Item::FileChange(_) => "apply_patch".into(),
        Item::McpToolCall(call) => call.tool.clone(),
        Item::DynamicToolCall(call) => call.tool.clone(),
        Item::CollabAgentToolCall(call) => match call.tool {
            CollabTool::SpawnAgent => "spawn_agent".into(),
            CollabTool::SendInput => "send_input".into(),
            CollabTool::ResumeAgent => "resume_agent".into(),
            CollabTool::Wait => "wait_agent".into(),
            CollabTool::CloseAgent => "close_agent".into(),
            CollabTool::SendMessage => "send_message".into(),
            CollabTool::FollowupTask => "followup_task".into(),
            CollabTool::InterruptAgent => "interrupt_agent".into(),
            CollabTool::ListAgents => "list_agents".into(),
            CollabTool::Unknown => "unknown".into(),
        },
        Item::WebSearch(_) => "web_search".into(),
        Item::ControlToolCall(call) => call.tool.clone(),
        Item::ImageGeneration(_) => "image_generation".into(),
        Item::ContextCompaction(_) | Item::UserMessage | Item::ModelOutput | Item::Other => Id::default(),
    }
}

/// How the item ended (`docs/contract/rules.md` 6.4); `None` if it has not.
pub(super) fn outcome(item: &Item) -> Option<(TerminalStatus, Option<FailureKind>)> {
    let completed = Some((TerminalStatus::Completed, None));
    let failed = Some((TerminalStatus::Failed, Some(FailureKind::ToolError)));
    let status = match item {
        Item::WebSearch(_) => return completed,
        Item::ImageGeneration(image) => {
            return match image.status {
                ItemStatus::Failed | ItemStatus::Error => failed,
                _ => completed,
            };
        }
        Item::CommandExecution(command) => command.status,
        Item::FileChange(change) => change.status,
        Item::McpToolCall(call) => call.status,
        Item::DynamicToolCall(call) => call.status,
        Item::CollabAgentToolCall(call) => call.status,
        Item::ControlToolCall(call) => {
            return match call.status {
                ItemStatus::Interrupted => Some((TerminalStatus::Interrupted, None)),
                ItemStatus::Declined => Some((TerminalStatus::Rejected, Some(FailureKind::PolicyForbidden))),
                ItemStatus::Failed => failed,
                ItemStatus::Completed => completed,
                _ => None,
            };
        }
        Item::ContextCompaction(_) | Item::UserMessage | Item::ModelOutput | Item::Other => return None,
    };
    match status {
        ItemStatus::Completed => completed,
        ItemStatus::Failed => failed,
        ItemStatus::Declined => Some((TerminalStatus::Rejected, Some(FailureKind::ApprovalDenied))),
        ItemStatus::InProgress | ItemStatus::Interrupted | ItemStatus::Error | ItemStatus::Unknown => None,
    }
}

/// How long the item itself ran.
pub(super) fn execution_duration_ms(item: &Item, dialect: &Dialect, duration_ms: Option<u64>) -> Option<u64> {
    match item {
        Item::CommandExecution(command) => command.duration_ms.and_then(to_u64),
        Item::McpToolCall(call) => call.duration_ms.and_then(to_u64),
        Item::DynamicToolCall(call) => call.duration_ms.and_then(to_u64),
        Item::ControlToolCall(_) => duration_ms,
        Item::CollabAgentToolCall(_) if dialect.reports_news_of_agents() => duration_ms,
        _ => None,
    }
}
