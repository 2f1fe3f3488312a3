//! Compactions, derived from their items (`docs/contract/derived.md` 5).
//!
//! Real recordings differ from that page in two points, and win: a compaction whose turn was interrupted has no event,
//! and one that a hook stopped has one.

use alloc::boxed::Box;

use super::{Observer, Step};
use crate::codex::catalog::{ErrorNotification, HookRun, ThreadCompacted};
use crate::discard::{Ids, Reason, Subject};
use crate::fact::Fact;
use crate::fact::compaction::{
    Compaction, CompactionDetails, CompactionImplementation, CompactionPhase, CompactionReason, CompactionStatus,
    CompactionStrategy, CompactionTrigger,
};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::enums::{HookEventName, HookRunStatus, TurnStatus};
use crate::protocol::error::{ErrorText, TurnError};
use crate::time::{UnixMillis, to_u64};

/// A compaction that has not completed.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct OpenCompaction {
    started_at_ms: i64,
    trigger: CompactionTrigger,
    reason: CompactionReason,
    phase: CompactionPhase,
    tokens_before: i64,
    pub(super) tokens_after: Option<i64>,
    /// Why and when it failed, if an error was reported.
    error: Option<(Option<ErrorText>, UnixMillis)>,
}

impl Observer {
    pub(super) fn compaction_started(&mut self, thread_id: &Id, turn_id: &Id, started_at_ms: i64, step: &mut Step<'_>) {
        // An attempt that is still open when the next one starts has failed.
        self.compaction_unfinished(thread_id, turn_id, None, TurnStatus::Failed, step);
        let open = self.open_compaction(thread_id, turn_id, started_at_ms);
        let turn = self.state.turn_or_new(thread_id, turn_id);
        turn.compaction = Some(open);
        turn.had_compaction = true;
    }

    fn open_compaction(&mut self, thread_id: &Id, turn_id: &Id, started_at_ms: i64) -> OpenCompaction {
        let dialect = self.state.dialect(thread_id);
        let turn = self.state.turn_or_new(thread_id, turn_id);
        let of_client = turn.accepted.as_ref().map(|(settings, _)| settings.model.clone());
        let pre_turn = !turn.is_underway();
        let thread = self.state.thread_or_new(thread_id);
        let model = of_client.clone().flatten().or_else(|| thread.settings.model.clone());
        let model_changed = thread.last_model.is_some() && thread.last_model != model;
        let manual = &mut thread.open().manual_compactions;
        let (trigger, reason, phase) = if of_client.is_none() && *manual > 0 {
            *manual -= 1;
            (CompactionTrigger::Manual, CompactionReason::UserRequested, CompactionPhase::StandaloneTurn)
        } else if pre_turn {
            let reason = if model_changed { dialect.model_changed() } else { CompactionReason::ContextLimit };
            (CompactionTrigger::Auto, reason, CompactionPhase::PreTurn)
        } else {
            (CompactionTrigger::Auto, CompactionReason::ContextLimit, CompactionPhase::MidTurn)
        };
        let tokens_before = thread.context_tokens;
        OpenCompaction { started_at_ms, trigger, reason, phase, tokens_before, tokens_after: None, error: None }
    }

    pub(super) fn compaction_completed(
        &mut self,
        thread_id: &Id,
        turn_id: &Id,
        completed_at_ms: i64,
        step: &mut Step<'_>,
    ) {
        let open = self.state.turn(thread_id, turn_id).and_then(|turn| turn.compaction.take());
        match open {
            Some(mut open) => {
                let latest = self.state.thread(thread_id).map_or(0, |thread| thread.context_tokens);
                open.tokens_after.get_or_insert(latest);
                self.compacted(thread_id, turn_id, open, completed_at_ms, CompactionStatus::Completed, step);
            }
            None => step.discard(Subject::Compaction, Reason::NeverStarted, Ids::turn(thread_id, turn_id)),
        }
    }

    /// The turn ends while a compaction is open.
    pub(super) fn compaction_unfinished(
        &mut self,
        thread_id: &Id,
        turn_id: &Id,
        error: Option<&TurnError>,
        status: TurnStatus,
        step: &mut Step<'_>,
    ) {
        let Some(turn) = self.state.turn(thread_id, turn_id) else { return };
        let Some(mut open) = turn.compaction.take() else { return };
        // The turn's own settings are not resolved if the model was never asked.
        turn.blocked |= !turn.is_underway();
        if status == TurnStatus::Interrupted {
            step.discard(Subject::Compaction, Reason::Interrupted, Ids::turn(thread_id, turn_id));
            return;
        }
        if open.error.is_none() {
            open.error = error.map(|error| (error.text(), step.at));
        }
        let ended_at = open.error.as_ref().map_or(step.at, |(_, at)| *at);
        let completed_at_ms = i64::try_from(ended_at.0).unwrap_or(i64::MAX);
        self.compacted(thread_id, turn_id, open, completed_at_ms, CompactionStatus::Failed, step);
    }

    /// `error`: remembered if a compaction is open.
    pub(super) fn error_reported(&mut self, error: &ErrorNotification, step: &mut Step<'_>) {
        if error.will_retry {
            let is_repeated = self.is_duplicate(step.connection, &["retry", &error.thread_id, &error.turn_id]);
            if let Some(turn) = self.state.turn(&error.thread_id, &error.turn_id).filter(|_| !is_repeated) {
                turn.times.retries();
            }
            return;
        }
        if self.is_duplicate(step.connection, &["error", &error.thread_id, &error.turn_id]) {
            return;
        }
        let turn = self.state.turn(&error.thread_id, &error.turn_id);
        if let Some(open) = turn.and_then(|turn| turn.compaction.as_mut()) {
            open.error = Some((error.error.text(), step.at));
        }
    }

    /// `thread/compacted`: older servers show no item.
    pub(super) fn thread_compacted(&mut self, compacted: &ThreadCompacted, step: &mut Step<'_>) {
        let ThreadCompacted { thread_id, turn_id } = compacted;
        let turn = self.state.turn_or_new(thread_id, turn_id);
        if core::mem::replace(&mut turn.had_compaction, true) {
            step.out.irrelevant = true;
            return;
        }
        let now = i64::try_from(step.at.0).unwrap_or(i64::MAX);
        let open = self.open_compaction(thread_id, turn_id, now);
        self.compacted(thread_id, turn_id, open, now, CompactionStatus::Completed, step);
    }

    /// A hook that stops a compaction before it starts leaves no item.
    pub(super) fn hook_stopped_compaction(&mut self, thread_id: &Id, turn_id: &Id, run: &HookRun, step: &mut Step<'_>) {
        let stopped = matches!(run.status, HookRunStatus::Stopped | HookRunStatus::Blocked);
        if run.event_name != HookEventName::PreCompact || !stopped {
            return;
        }
        let now = i64::try_from(step.at.0).unwrap_or(i64::MAX);
        let started = now.saturating_sub(run.duration_ms.unwrap_or(0).max(0)).max(0);
        let open = self.open_compaction(thread_id, turn_id, started);
        self.compacted(thread_id, turn_id, open, now, CompactionStatus::Interrupted, step);
    }

    fn compacted(
        &mut self,
        thread_id: &Id,
        turn_id: &Id,
        open: OpenCompaction,
        completed_at_ms: i64,
        status: CompactionStatus,
        step: &mut Step<'_>,
    ) {
        let Some((started, completed)) = to_u64(open.started_at_ms).zip(to_u64(completed_at_ms)) else {
            step.discard(Subject::Compaction, Reason::NegativeTime, Ids::turn(thread_id, turn_id));
            return;
        };
        let implementation = if self.state.uses_api_key {
            CompactionImplementation::Responses
        } else {
            self.state.dialect(thread_id).remote_compaction()
        };
        let details = CompactionDetails {
            error: open.error.and_then(|(text, _)| text),
            active_context_tokens_before: Some(open.tokens_before),
            active_context_tokens_after: Some(open.tokens_after.unwrap_or(open.tokens_before)),
            started_at: Some(started / 1000),
            completed_at: completed / 1000,
            duration_ms: completed.checked_sub(started),
            ..CompactionDetails::new(
                open.trigger,
                open.reason,
                implementation,
                open.phase,
                CompactionStrategy::Memento,
                status,
            )
        };
        let (thread_id, turn_id) = (thread_id.clone(), turn_id.clone());
        step.fact(Fact::Compaction(Box::new(Compaction { thread_id, turn_id, details })));
    }
}
