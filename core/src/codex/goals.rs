//! A thread's goal, and what changed of it (`docs/contract/derived.md` 14).

use alloc::vec::Vec;

pub(super) use super::newer::Goal;
use crate::event::goal::{GoalChange, GoalEventKind, GoalStatus};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A thread's goal, as it was told last.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
pub(super) struct KnownGoal {
    /// Unix seconds: what tells it from other goals of its thread.
    pub(super) created_at: i64,
    status: Option<GoalStatus>,
    has_token_budget: bool,
    tokens_used: i64,
}

impl KnownGoal {
    pub(super) fn change(&self, thread_id: &Id, event_kind: GoalEventKind) -> GoalChange {
        GoalChange {
            goal_id: alloc::format!("{thread_id}-{}", self.created_at).into(),
            event_kind,
            goal_status: self.status,
            has_token_budget: self.has_token_budget,
            cumulative_tokens_accounted: None,
            cumulative_time_accounted_seconds: None,
        }
    }

    /// The goal as it is known from now on, what changed since `before`, and the agent's tool that changed it, if one did.
    pub(super) fn told(
        before: Option<&Self>,
        goal: &Goal,
        thread_id: &Id,
    ) -> (Self, Vec<GoalChange>, Option<&'static str>) {
        let now = Self {
            created_at: goal.created_at,
            status: goal.status.known(),
            has_token_budget: goal.token_budget.0,
            tokens_used: goal.tokens_used,
        };
        let change = |kind| now.change(thread_id, kind);
        let (mut changes, mut tool) = (Vec::new(), None);
        match before.filter(|before| before.created_at == now.created_at) {
            None => {
                // A goal of before, of which a client is told that joins later, is not new.
                if goal.tokens_used == 0 && goal.updated_at == goal.created_at {
                    changes.push(change(GoalEventKind::Created));
                    tool = Some("create_goal");
                }
            }
            Some(before) => {
                if now.tokens_used > before.tokens_used {
                    // What was used was accounted before the status changed.
                    changes.push(GoalChange {
                        goal_status: before.status,
                        cumulative_tokens_accounted: Some(goal.tokens_used),
                        cumulative_time_accounted_seconds: Some(goal.time_used_seconds),
                        ..change(GoalEventKind::UsageAccounted)
                    });
                }
                if now.status != before.status {
                    changes.push(change(GoalEventKind::StatusChanged));
                    // The others are the server's to say.
                    let is_agents = matches!(now.status, Some(GoalStatus::Complete | GoalStatus::Blocked));
                    tool = is_agents.then_some("update_goal");
                }
            }
        }
        (now, changes, tool)
    }
}
