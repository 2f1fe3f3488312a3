//! What messages about goals, questions to the user and imports from other agents say (0.169 and later).

use alloc::vec::Vec;

use crate::event::goal::GoalStatus;
use crate::id::Id;
use crate::json::read::Read;
use crate::private::Presence;

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GoalUpdated {
    pub(crate) thread_id: Id,
    #[serde(default)]
    pub(crate) turn_id: Option<Id>,
    pub(crate) goal: Goal,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Goal {
    pub(crate) status: WireGoalStatus,
    #[serde(default)]
    pub(crate) token_budget: Presence,
    #[serde(default)]
    pub(crate) tokens_used: i64,
    #[serde(default)]
    pub(crate) time_used_seconds: i64,
    pub(crate) created_at: i64,
    #[serde(default)]
    pub(crate) updated_at: i64,
}

#[derive(Clone, Copy, Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) enum WireGoalStatus {
    Active,
    Paused,
    Blocked,
    UsageLimited,
    BudgetLimited,
    Complete,
    #[serde(other)]
    Unknown,
}

impl WireGoalStatus {
    pub(crate) fn known(self) -> Option<GoalStatus> {
        Some(match self {
            Self::Active => GoalStatus::Active,
            Self::Paused => GoalStatus::Paused,
            Self::Blocked => GoalStatus::Blocked,
            Self::UsageLimited => GoalStatus::UsageLimited,
            Self::BudgetLimited => GoalStatus::BudgetLimited,
            Self::Complete => GoalStatus::Complete,
            Self::Unknown => return None,
        })
    }
}

/// What the server asks the user in the course of a tool's call.
#[derive(Debug)]
pub(crate) enum Inquiry {
    UserInput(UserInputRequest),
    Elicitation(Elicitation),
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserInputRequest {
    pub(crate) thread_id: Id,
    pub(crate) turn_id: Id,
    pub(crate) item_id: Id,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Elicitation {
    pub(crate) thread_id: Id,
    #[serde(default)]
    pub(crate) turn_id: Option<Id>,
    pub(crate) server_name: Id,
    #[serde(default, rename = "_meta")]
    pub(crate) meta: Option<ElicitationMeta>,
}

#[derive(Debug, Read)]
pub(crate) struct ElicitationMeta {
    #[serde(default)]
    codex_approval_kind: Option<ApprovalKind>,
}

#[derive(Debug, PartialEq, Eq, Read)]
#[serde(rename_all = "snake_case")]
enum ApprovalKind {
    McpToolCall,
    #[serde(other)]
    Other,
}

impl ElicitationMeta {
    /// Whether an MCP call waits for the user's approval.
    pub(crate) fn asks_for_mcp_call(&self) -> bool {
        self.codex_approval_kind == Some(ApprovalKind::McpToolCall)
    }
}

/// The answer to an elicitation.
#[derive(Debug, Read)]
pub(crate) struct InquiryAnswer {
    action: InquiryAction,
}

#[derive(Debug, PartialEq, Eq, Read)]
#[serde(rename_all = "camelCase")]
enum InquiryAction {
    Accept,
    Decline,
    Cancel,
    #[serde(other)]
    Other,
}

impl InquiryAnswer {
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.action, InquiryAction::Decline | InquiryAction::Cancel)
    }
}

#[derive(Debug, Default, Read)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AgentImportParams {
    pub(crate) source: Option<Id>,
    pub(crate) provider_id: Option<Id>,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentImportResult {
    pub(crate) import_id: Id,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentImportCompleted {
    pub(crate) import_id: Id,
    #[serde(default)]
    pub(crate) item_type_results: Vec<ItemTypeResult>,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemTypeResult {
    pub(crate) item_type: Id,
    #[serde(default)]
    pub(crate) successes: Vec<Presence>,
    #[serde(default)]
    pub(crate) failures: Vec<Presence>,
}
