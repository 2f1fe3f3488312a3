//! Goals and archives of threads (`docs/contract/derived.md` 14).

use alloc::boxed::Box;

use super::{Observer, Step};
use crate::codex::catalog::OfTurn;
use crate::codex::newer::GoalUpdated;
use crate::event::archive::ArchiveAction;
use crate::event::goal::{GoalChange, GoalEventKind, GoalStatus};
use crate::fact::Fact;
use crate::fact::archive::ThreadArchived;
use crate::fact::goal::GoalChanged;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::enums::ItemStatus;
use crate::protocol::item::{ControlToolCall, Item};
use crate::protocol::notification::{ItemCompleted, ItemStarted, Notification};

/// A thread's goal, as it was told last.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
pub(super) struct KnownGoal {
    /// Unix seconds: what tells it from other goals of its thread.
    created_at: i64,
    status: Option<GoalStatus>,
    has_token_budget: bool,
    tokens_used: i64,
}

impl KnownGoal {
    fn change(&self, thread_id: &Id, event_kind: GoalEventKind) -> GoalChange {
        GoalChange {
            goal_id: alloc::format!("{thread_id}-{}", self.created_at).into(),
            event_kind,
            goal_status: self.status,
            has_token_budget: self.has_token_budget,
            cumulative_tokens_accounted: None,
            cumulative_time_accounted_seconds: None,
        }
    }
}

impl Observer {
    /// `thread/goal/updated`: what it says, compared with what was said before.
    pub(super) fn goal_updated(&mut self, updated: GoalUpdated, step: &mut Step<'_>) {
        let GoalUpdated { thread_id, turn_id, goal } = updated;
        if !self.state.dialect(&thread_id).reports_goals() {
            step.out.irrelevant = true;
            return;
        }
        let known = KnownGoal {
            created_at: goal.created_at,
            status: goal.status.known(),
            has_token_budget: goal.token_budget.0,
            tokens_used: goal.tokens_used,
        };
        let change = |kind| known.change(&thread_id, kind);
        let before = self.state.thread_or_new(&thread_id).goal.replace(Box::new(known.clone()));
        let mut tool = None;
        match before.filter(|before| before.created_at == known.created_at) {
            None => {
                // A goal of before, of which a client is told that joins later, is not new.
                if goal.tokens_used == 0 && goal.updated_at == goal.created_at {
                    step.goal(&thread_id, turn_id.as_ref(), change(GoalEventKind::Created));
                    tool = Some("create_goal");
                }
            }
            Some(before) => {
                if known.tokens_used > before.tokens_used {
                    let usage = GoalChange {
                        cumulative_tokens_accounted: Some(goal.tokens_used),
                        cumulative_time_accounted_seconds: Some(goal.time_used_seconds),
                        ..change(GoalEventKind::UsageAccounted)
                    };
                    step.goal(&thread_id, turn_id.as_ref(), usage);
                }
                if known.status != before.status {
                    step.goal(&thread_id, turn_id.as_ref(), change(GoalEventKind::StatusChanged));
                    // The others are the server's to say.
                    let is_agents = matches!(known.status, Some(GoalStatus::Complete | GoalStatus::Blocked));
                    tool = is_agents.then_some("update_goal");
                }
            }
        }
        if let Some((tool, turn_id)) = tool.zip(turn_id) {
            self.goal_tool_called(thread_id, turn_id, tool, &known, step);
        }
    }

    /// The agent set the goal by a tool, whose call is not on the wire: only when it had done so.
    fn goal_tool_called(&mut self, thread_id: Id, turn_id: Id, tool: &str, goal: &KnownGoal, step: &mut Step<'_>) {
        let at = i64::try_from(step.at.0).unwrap_or(i64::MAX);
        let item = Item::ControlToolCall(ControlToolCall {
            id: alloc::format!("{thread_id}-{}-{at}", goal.created_at).into(),
            tool: tool.into(),
            status: ItemStatus::Completed,
            is_untimed: true,
        });
        let context = self.context_of_item(&thread_id, &turn_id);
        let started = ItemStarted { context, ..ItemStarted::new(thread_id.clone(), turn_id.clone(), at, item.clone()) };
        step.notification(Notification::ItemStarted(Box::new(started)));
        step.notification(Notification::ItemCompleted(Box::new(ItemCompleted::new(thread_id, turn_id, at, item))));
    }

    /// `thread/goal/cleared`: of a goal that was seen.
    pub(super) fn goal_cleared(&mut self, cleared: &OfTurn, step: &mut Step<'_>) {
        let goal = self.state.thread(&cleared.thread_id).and_then(|thread| thread.goal.take());
        match goal {
            Some(goal) => {
                let change = goal.change(&cleared.thread_id, GoalEventKind::Cleared);
                step.goal(&cleared.thread_id, cleared.turn_id.as_ref(), change);
            }
            None => step.out.irrelevant = true,
        }
    }

    /// `thread/archived` and `thread/unarchived`: of any thread, opened or not.
    pub(super) fn thread_archived(&mut self, thread_id: Id, action: ArchiveAction, step: &mut Step<'_>) {
        if self.state.newest().reports_late_items() {
            step.fact(Fact::ThreadArchived(ThreadArchived { thread_id, action, occurred_at_ms: step.at.0 }));
        } else {
            step.out.irrelevant = true;
        }
    }
}

impl Step<'_> {
    fn goal(&mut self, thread_id: &Id, turn_id: Option<&Id>, goal: GoalChange) {
        let (thread_id, turn_id) = (thread_id.clone(), turn_id.cloned());
        self.fact(Fact::GoalChanged(Box::new(GoalChanged { thread_id, turn_id, goal })));
    }
}
