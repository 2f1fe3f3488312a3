//! Goals and archives of threads (`docs/contract/derived.md` 14).

use alloc::boxed::Box;

use super::{Observer, Step};
use crate::codex::catalog::OfTurn;
use crate::codex::goals::KnownGoal;
use crate::codex::newer::GoalUpdated;
use crate::event::archive::ArchiveAction;
use crate::event::goal::{GoalChange, GoalEventKind};
use crate::fact::Fact;
use crate::fact::archive::ThreadArchived;
use crate::fact::goal::GoalChanged;
use crate::id::Id;
use crate::protocol::enums::ItemStatus;
use crate::protocol::item::{ControlToolCall, Item};
use crate::protocol::notification::{ItemCompleted, ItemStarted, Notification};

impl Observer {
    /// `thread/goal/updated`: what it says, compared with what was said before.
    pub(super) fn goal_updated(&mut self, updated: GoalUpdated, step: &mut Step<'_>) {
        let GoalUpdated { thread_id, turn_id, goal } = updated;
        if !self.state.dialect(&thread_id).reports_goals() {
            step.out.irrelevant = true;
            return;
        }
        let known = &mut self.state.thread_or_new(&thread_id).goal;
        let (now, changes, tool) = KnownGoal::told(known.as_deref(), &goal, &thread_id);
        *known = Some(Box::new(now));
        for change in changes {
            step.goal(&thread_id, turn_id.as_ref(), change);
        }
        if let Some((tool, turn_id)) = tool.zip(turn_id) {
            self.goal_tool_called(thread_id, turn_id, tool, goal.created_at, step);
        }
    }

    /// The agent set the goal by a tool, whose call is not on the wire: only when it had done so.
    fn goal_tool_called(&mut self, thread_id: Id, turn_id: Id, tool: &str, created_at: i64, step: &mut Step<'_>) {
        let at = i64::try_from(step.at.0).unwrap_or(i64::MAX);
        let item = Item::ControlToolCall(ControlToolCall {
            id: alloc::format!("{thread_id}-{created_at}-{at}").into(),
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
