//! Tools that act on the session, goals that they set, and which response asked for a call.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::line::UsageRecord;
use super::output::Output;
use super::{Rollout, Step};
use crate::codex::goals::{Goal, KnownGoal};
use crate::fact::calls::ModelResponded;
use crate::fact::goal::GoalChanged;
use crate::id::Id;
use crate::json::read::{Raw, Read};
use crate::json::write::Write;
use crate::protocol::enums::ItemStatus;
use crate::protocol::item::{ControlToolCall, Item};

/// No response asks for more calls than this.
const MAX_CALLS: usize = 256;

/// What the model's responses asked for.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Responses {
    /// The calls since the latest response.
    called: Vec<Id>,
    /// The latest response, until the next line says that it was no compaction.
    completed: Option<(Id, Vec<Id>)>,
}

impl Responses {
    pub(super) fn called(&mut self, id: &Id) {
        if self.called.len() < MAX_CALLS {
            self.called.push(id.clone());
        }
    }

    /// The calls of a response stand before its record.
    pub(super) fn completed(&mut self, record: &UsageRecord) {
        self.completed = record.response_id.clone().map(|id| (id, core::mem::take(&mut self.called)));
    }

    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Rollout {
    /// Tells the response that the line before recorded.
    pub(super) fn responded(&mut self, step: &mut Step<'_>) {
        let Some((response_id, call_ids)) = self.responses.completed.take() else { return };
        let Some(turn) = &self.turn else { return };
        step.fact(ModelResponded { thread_id: self.thread(), turn_id: turn.id.clone(), response_id, call_ids });
    }

    /// A tool that acts on the session gave something back: what it says if it did so, else why not.
    pub(super) fn control_returned(
        &mut self,
        id: Id,
        tool: Id,
        output: &Output<'_>,
        step: &mut Step<'_>,
    ) -> Option<Item> {
        #[derive(Read)]
        struct OfGoal {
            goal: Goal,
        }
        if output.text.starts_with("aborted") {
            return None;
        }
        let has_worked = output.is_list || output.text.starts_with('{');
        if let Some(OfGoal { goal }) = has_worked.then(|| Raw(&output.text).get()).flatten() {
            self.goal_set(&goal, step);
        }
        let status = if has_worked { ItemStatus::Completed } else { ItemStatus::Failed };
        Some(Item::ControlToolCall(ControlToolCall { id, tool, status, is_untimed: false }))
    }

    /// Tells what changed. A call about a goal has the total alone: it tells all use since the call before as one event.
    fn goal_set(&mut self, goal: &Goal, step: &mut Step<'_>) {
        let Some(meta) = self.meta.as_ref().filter(|meta| meta.dialect.reports_goals()) else { return };
        let (thread_id, turn_id) = (meta.id.clone(), self.turn.as_ref().map(|turn| turn.id.clone()));
        let (now, changes, _) = KnownGoal::told(self.goal.as_ref(), goal, &thread_id);
        self.goal = Some(now);
        for goal in changes {
            let (thread_id, turn_id) = (thread_id.clone(), turn_id.clone());
            step.fact(crate::fact::Fact::GoalChanged(Box::new(GoalChanged { thread_id, turn_id, goal })));
        }
    }
}
