//! Compactions: told once it is clear where in its turn one was made.

use alloc::boxed::Box;

use super::line::{Compacted, UsageRecord};
use super::{Rollout, Step};
use crate::codex::catalog::TokenBreakdown;
use crate::event::compaction::{
    CompactionImplementation, CompactionPhase, CompactionReason, CompactionStatus, CompactionStrategy,
    CompactionTrigger,
};
use crate::fact::compaction::{Compaction, CompactionDetails};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::time::{UnixMillis, to_u64};

/// The compaction of which more may follow.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Compactions {
    #[json(skip)]
    open: Option<Open>,
    /// The latest response of the model, and what it used.
    latest: Option<(Id, TokenBreakdown)>,
}

#[derive(Clone, Debug)]
struct Open {
    turn_id: Id,
    /// Whether the turn was past what precedes its first model request.
    was_underway: bool,
    implementation: Option<CompactionImplementation>,
    /// Unix milliseconds.
    started: Option<u64>,
    completed: UnixMillis,
    before: Option<i64>,
    after: Option<i64>,
    /// What its own request used.
    used: Option<TokenBreakdown>,
}

impl Compactions {
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

impl Rollout {
    /// `compacted`: what the history became. A summary in words is one that the model was asked for.
    pub(super) fn compacted(&mut self, compacted: &Compacted) {
        let remote = self.meta.as_ref().map(|meta| meta.dialect.remote_compaction());
        let of_words = compacted.message.0.then_some(CompactionImplementation::Responses);
        self.open_compaction(of_words.or(remote));
        let own = compacted.compaction_response_id.as_ref();
        if let (Some(open), Some((id, used))) = (&mut self.compactions.open, &self.compactions.latest)
            && own == Some(id)
        {
            // Its request is the context, with nothing added.
            (open.before, open.used) = (Some(used.input_tokens), Some(*used));
        }
    }

    /// `token_usage_record`: what a response of the model used.
    pub(super) fn response_used(&mut self, record: UsageRecord) {
        if let Some(id) = record.response_id {
            self.compactions.latest = Some((id, record.usage.into()));
        }
    }

    /// `context_compacted`: repeats it, but for older files.
    pub(super) fn context_compacted(&mut self) {
        self.open_compaction(None);
    }

    fn open_compaction(&mut self, implementation: Option<CompactionImplementation>) {
        if self.compactions.open.is_some() {
            return;
        }
        let Some(turn) = &mut self.turn else { return };
        turn.had_compaction = true;
        self.compactions.open = Some(Open {
            turn_id: turn.id.clone(),
            was_underway: turn.is_underway(),
            implementation,
            started: None,
            completed: self.at,
            before: self.context_tokens,
            after: None,
            used: None,
        });
    }

    /// A compaction's item: it has times.
    pub(super) fn compaction_completed(&mut self, started_at_ms: Option<i64>, completed_at_ms: Option<i64>) {
        self.open_compaction(None);
        let Some(open) = &mut self.compactions.open else { return };
        open.started = started_at_ms.and_then(to_u64);
        if let Some(completed) = completed_at_ms.and_then(to_u64) {
            open.completed = UnixMillis(completed);
        }
    }

    /// The context has a size again.
    pub(super) fn context_counted(&mut self, tokens: i64) {
        if let Some(open) = &mut self.compactions.open {
            open.after.get_or_insert(tokens);
        }
    }

    /// Tells an open compaction, before a turn goes on or when it is over.
    pub(super) fn settle_compaction(&mut self, is_over: bool, step: &mut Step<'_>) {
        let Some(open) = self.compactions.open.take() else { return };
        self.open(step);
        let (trigger, reason, phase) = self.place(open.was_underway, is_over);
        let details = CompactionDetails {
            active_context_tokens_before: open.before,
            active_context_tokens_after: open.after,
            started_at: open.started.map(|at| at / 1000),
            completed_at: open.completed.as_secs(),
            duration_ms: open.started.and_then(|started| open.completed.0.checked_sub(started)),
            compaction_summary_tokens: open.used.map(|used| used.output_tokens),
            cached_input_tokens: open.used.map(|used| used.cached_input_tokens),
            cache_write_input_tokens: open.used.map(|used| used.cache_write_input_tokens),
            ..CompactionDetails::new(
                trigger,
                reason,
                open.implementation,
                phase,
                CompactionStrategy::Memento,
                CompactionStatus::Completed,
            )
        };
        let (thread_id, turn_id) = (self.thread(), open.turn_id);
        step.fact(crate::fact::Fact::Compaction(Box::new(Compaction { thread_id, turn_id, details })));
    }

    /// A turn that ends with a failed compaction: only its error says so.
    pub(super) fn compaction_failed(&mut self, step: &mut Step<'_>) {
        let Some(turn) = &mut self.turn else { return };
        turn.had_compaction = true;
        let (turn_id, worked, is_over) = (turn.id.clone(), turn.worked, turn.user_messages == 0);
        let (trigger, reason, phase) = self.place(worked, is_over);
        let implementation = self.meta.as_ref().map(|meta| meta.dialect.remote_compaction());
        let details = CompactionDetails {
            active_context_tokens_before: self.context_tokens,
            active_context_tokens_after: self.context_tokens,
            started_at: None,
            completed_at: self.at.as_secs(),
            ..CompactionDetails::new(
                trigger,
                reason,
                implementation,
                phase,
                CompactionStrategy::Memento,
                CompactionStatus::Failed,
            )
        };
        let thread_id = self.thread();
        step.fact(crate::fact::Fact::Compaction(Box::new(Compaction { thread_id, turn_id, details })));
    }

    /// Where in its turn a compaction was made, and so why. One that is all of its turn was asked for.
    fn place(&self, was_underway: bool, is_over: bool) -> (CompactionTrigger, CompactionReason, CompactionPhase) {
        if was_underway {
            (CompactionTrigger::Auto, CompactionReason::ContextLimit, CompactionPhase::MidTurn)
        } else if is_over {
            (CompactionTrigger::Manual, CompactionReason::UserRequested, CompactionPhase::StandaloneTurn)
        } else {
            let of_turn = self.turn.as_ref().and_then(|turn| turn.context.as_ref()?.model.as_ref());
            let model = of_turn.or_else(|| self.settings.as_ref()?.model.as_ref());
            let is_other = model.is_some() && self.last_model.is_some() && self.last_model.as_ref() != model;
            let changed = self.meta.as_ref().map(|meta| meta.dialect.model_changed()).filter(|_| is_other);
            let reason = changed.unwrap_or(CompactionReason::ContextLimit);
            (CompactionTrigger::Auto, reason, CompactionPhase::PreTurn)
        }
    }
}
