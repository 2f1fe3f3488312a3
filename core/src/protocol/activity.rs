//! The news of agents (`docs/contract/wire.md` 1.15), made calls of collaboration tools.

use alloc::collections::BTreeMap;
use alloc::vec;

use super::enums::{CollabAgentStatus, CollabTool, ItemStatus, ReasoningEffort};
use super::item::{AgentState, CollabAgentToolCall, Item};
use crate::id::Id;
use crate::json::read::Read;

/// The news of an agent (`subAgentActivity`), which newer versions show instead of a spawn call. Made an [`Item`], it is
/// that call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Read)]
#[serde(rename_all = "camelCase")]
pub struct SubAgentActivity {
    /// The item's id.
    pub id: Id,
    /// What the agent did.
    pub kind: ActivityKind,
    /// The agent's thread.
    pub agent_thread_id: Option<Id>,
    /// The model that was asked for.
    pub model: Option<Id>,
    /// The reasoning effort that was asked for.
    pub reasoning_effort: Option<ReasoningEffort>,
}

/// What an agent did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Read)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ActivityKind {
    /// It started.
    Started,
    /// It was sent a message.
    Interacted,
    /// It was interrupted.
    Interrupted,
    /// Anything else; it has no event.
    #[default]
    #[serde(other)]
    Other,
}

impl From<SubAgentActivity> for Item {
    fn from(activity: SubAgentActivity) -> Self {
        let tool = match activity.kind {
            ActivityKind::Started => CollabTool::SpawnAgent,
            ActivityKind::Interacted => CollabTool::SendMessage,
            ActivityKind::Interrupted => CollabTool::InterruptAgent,
            ActivityKind::Other => return Self::Other,
        };
        let Some(agent) = activity.agent_thread_id else { return Self::Other };
        let mut agents_states = BTreeMap::new();
        if tool == CollabTool::SpawnAgent {
            agents_states.insert(agent.clone(), AgentState { status: CollabAgentStatus::Running });
        }
        Self::CollabAgentToolCall(CollabAgentToolCall {
            id: activity.id,
            tool,
            status: ItemStatus::Completed,
            sender_thread_id: Id::default(),
            receiver_thread_ids: vec![agent],
            model: activity.model,
            reasoning_effort: activity.reasoning_effort,
            agents_states,
        })
    }
}
