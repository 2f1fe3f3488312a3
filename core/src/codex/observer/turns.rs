//! Turns and their items (`docs/contract/derived.md` 0, 3, 4).

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::{Observer, Step};
use crate::codex::catalog::{HookCompleted, SettingsUpdated, TokenUsageUpdated};
use crate::codex::settings::Settings;
use crate::fact::Fact;
use crate::id::{Id, TurnRef};
use crate::protocol::enums::{CommandSource, TurnStatus};
use crate::protocol::item::Item;
use crate::protocol::notification::{ItemCompleted, ItemStarted, Notification, TurnNotification};
use crate::protocol::turn::Turn;

impl Observer {
    pub(super) fn turn_started(&mut self, started: Box<TurnNotification>, step: &mut Step<'_>) {
        self.abort_approvals(&started.thread_id, step);
        self.agent_began(&started.thread_id, step);
        let thread = self.state.thread_or_new(&started.thread_id);
        let is_spawned = thread.is_spawned;
        let open = thread.open();
        let was_asked_for = open.turn_starts > 0 || open.starting_turn.is_some();
        let is_of_queue = core::mem::take(&mut open.queue_moved);
        open.running_turn = Some(started.turn.id.clone());
        open.starting_turn = None;
        let turn = self.state.turn_or_new(&started.thread_id, &started.turn.id);
        turn.is_started = true;
        if !was_asked_for && !is_spawned && turn.accepted.is_none() {
            let goes_on = started.turn.root_turn_id.as_ref().is_some_and(|root| *root != started.turn.id);
            turn.trigger_by(if goes_on { Some("goal") } else { is_of_queue.then_some("queue") });
        }
        step.notification(Notification::TurnStarted(started));
    }

    /// A turn that was running when the client joined; its start is in the thread's history.
    pub(super) fn turn_start_missed(&mut self, thread_id: Id, id: Id, started_at: Option<i64>, step: &mut Step<'_>) {
        self.state.thread_or_new(&thread_id).open().running_turn = Some(id.clone());
        self.state.turn_or_new(&thread_id, &id);
        let turn = Turn { id, status: TurnStatus::InProgress, started_at, ..Turn::default() };
        step.notification(Notification::TurnStarted(Box::new(TurnNotification { thread_id, turn })));
    }

    pub(super) fn item_started(&mut self, mut started: Box<ItemStarted>, step: &mut Step<'_>) {
        let ItemStarted { thread_id, turn_id, item, .. } = &*started;
        self.agent_not_begun(thread_id, turn_id, step);
        self.began(thread_id, turn_id, item, started.started_at_ms);
        match item {
            Item::ContextCompaction(_) => self.compaction_started(thread_id, turn_id, started.started_at_ms, step),
            Item::UserMessage => {
                let turn = self.state.turn_or_new(thread_id, turn_id);
                turn.blocked |= !turn.is_underway() && turn.compaction.is_some();
                turn.user_message = true;
            }
            Item::Other => {}
            // The user's own command is no work of the model.
            Item::CommandExecution(command) if command.source == CommandSource::UserShell => {}
            item => {
                self.state.turn_or_new(thread_id, turn_id).model_phase = true;
                self.app_call_started(thread_id, turn_id, item, step);
            }
        }
        if item.tool_id().is_some() {
            started.context = self.context_of_item(&started.thread_id, &started.turn_id);
            started.item.forget_origin();
            step.notification(Notification::ItemStarted(started));
        }
    }

    pub(super) fn item_completed(&mut self, mut completed: Box<ItemCompleted>, step: &mut Step<'_>) {
        self.agent_not_begun(&completed.thread_id, &completed.turn_id, step);
        self.confine(&mut completed);
        if let Some(emitted) = step.out.emitted_at.filter(|_| ends_when_told(&completed.item)) {
            completed.completed_at_ms = i64::try_from(emitted.0).unwrap_or(i64::MAX);
        }
        let ItemCompleted { thread_id, turn_id, completed_at_ms, item } = &mut *completed;
        self.ended(thread_id, turn_id, item, *completed_at_ms);
        match item {
            Item::ContextCompaction(_) => self.compaction_completed(thread_id, turn_id, *completed_at_ms, step),
            Item::CollabAgentToolCall(call) => self.agents_called(thread_id, call, *completed_at_ms, step),
            Item::CommandExecution(command) => self.skills_read(thread_id, turn_id, &mut command.command_actions, step),
            _ => {}
        }
        if item.tool_id().is_some()
            && let Some(completed) = self.agent_told(completed)
        {
            step.notification(Notification::ItemCompleted(completed));
        }
    }

    pub(super) fn turn_completed(&mut self, completed: Box<TurnNotification>, step: &mut Step<'_>) {
        let (thread_id, turn_id) = (completed.thread_id.clone(), completed.turn.id.clone());
        let status = completed.turn.status;
        self.abort_approvals(&thread_id, step);
        self.agent_not_begun(&thread_id, &turn_id, step);
        self.compaction_unfinished(&thread_id, &turn_id, completed.turn.error.as_ref(), status, step);

        let thread = self.state.thread_or_new(&thread_id);
        let open = thread.open();
        open.running_turn.take_if(|running| *running == turn_id);
        let may_be_accepted_yet = open.turn_starts > 0 && !thread.is_spawned;
        thread.settle();
        let keep = match self.state.turn(&thread_id, &turn_id) {
            Some(turn) if turn.accepted.is_none() && may_be_accepted_yet => {
                turn.completed = Some(status);
                true
            }
            _ => false,
        };
        if !keep {
            self.resolve_turn(&thread_id, &turn_id, status, step);
            self.state.turns.remove(&TurnRef { thread: &thread_id, turn: &turn_id });
        }
        step.notification(Notification::TurnCompleted(completed));
    }

    /// Derives the settings and the tokens of a turn that is over, if it is one that the server
    /// reports: a client or another thread started it, and the model came to work.
    pub(super) fn resolve_turn(&mut self, thread_id: &Id, turn_id: &Id, status: TurnStatus, step: &mut Step<'_>) {
        let dialect = self.state.dialect(thread_id);
        let Some(turn) = self.state.turn(thread_id, turn_id) else { return };
        let (is_underway, is_blocked) = (turn.is_underway(), turn.blocked);
        let (accepted, tokens, is_started) = (turn.accepted.take(), turn.tokens, turn.is_started);
        let thread = self.state.thread_or_new(thread_id);
        // What an agent of the second version is told is not shown as a user's message.
        let is_told = thread.is_spawned && thread.has_agents_v2 && dialect.reports_news_of_agents();
        let reported = is_underway || is_told && is_started;
        if is_blocked || !reported || !thread.is_known {
            return;
        }
        let spawned = thread.is_spawned && dialect.reports_turns_of_nobody();
        // Something else than a request began it.
        let is_of_nobody = spawned || dialect.reports_turns_of_nobody() && is_started;
        let Some((settings, images)) = accepted.or_else(|| is_of_nobody.then(|| (thread.settings.clone(), 0))) else {
            return;
        };
        let is_first_turn = core::mem::replace(&mut thread.first_turn, false);
        thread.last_model.clone_from(&settings.model);
        // Before the settings, because the turn's event may be waiting only for them.
        if status != TurnStatus::Interrupted {
            let used = tokens.used(thread_id.clone(), turn_id.clone(), dialect.reports_more());
            step.fact(Fact::TurnTokenUsage(used));
        }
        let mut config = settings.resolved(thread_id.clone(), turn_id.clone(), images, is_first_turn);
        self.report_more(&mut config, step);
        step.fact(Fact::TurnResolvedConfig(Box::new(config)));
    }

    /// `thread/tokenUsage/updated`. For a turn that is not running, it repeats the past.
    pub(super) fn token_usage_updated(&mut self, updated: &TokenUsageUpdated) {
        let TokenUsageUpdated { thread_id, turn_id, token_usage } = updated;
        let thread = self.state.thread_or_new(thread_id);
        let before = thread.last_total.replace(token_usage.total);
        thread.context_tokens = token_usage.last.total_tokens;
        if let Some(turn) = self.state.turn(thread_id, turn_id) {
            if turn.tokens.update(before, token_usage.total, token_usage.last) {
                turn.times.used_tokens();
            }
            if let Some(compaction) = &mut turn.compaction {
                compaction.tokens_after.get_or_insert(token_usage.last.total_tokens);
            }
        }
    }

    /// `thread/queue/changed`: the turn that starts next without a request is the queue's.
    pub(super) fn queue_changed(&mut self, thread_id: &Id) {
        if let Some(open) = &mut self.state.thread_or_new(thread_id).open {
            open.queue_moved = true;
        }
    }

    /// `thread/settings/updated`: a turn that was accepted but has not started runs with the new ones.
    pub(super) fn settings_updated(&mut self, updated: SettingsUpdated) {
        let SettingsUpdated { thread_id, thread_settings } = updated;
        let settings = self.state.change_settings(&thread_id, |settings| settings.replace(thread_settings));
        // Where nothing is open, no request waits for it.
        let Some(open) = &mut self.state.thread_or_new(&thread_id).open else { return };
        open.settings_shown = true;
        let starting = open.starting_turn.clone();
        let turn = starting.and_then(|turn_id| self.state.turn(&thread_id, &turn_id));
        if let Some((current, _)) = turn.and_then(|turn| turn.accepted.as_mut()) {
            *current = settings;
        }
    }

    pub(super) fn hook_completed(&mut self, completed: HookCompleted, step: &mut Step<'_>) {
        let HookCompleted { thread_id, turn_id, run } = completed;
        let turn_id = turn_id.or_else(|| self.state.thread(&thread_id)?.open.as_ref()?.running_turn.clone());
        let key = alloc::format!("{:?}", run.id);
        if self.is_duplicate(step.connection, &["hook", &thread_id, turn_id.as_deref().unwrap_or_default(), &key]) {
            return;
        }
        let model_slug = self.model_of(&thread_id, turn_id.as_ref());
        if let Some(turn_id) = &turn_id {
            self.hook_stopped_compaction(&thread_id, turn_id, &run, step);
        }
        step.fact(Fact::HookRun(crate::fact::hook::HookRun {
            tracking: crate::fact::Tracking { model_slug, thread_id, turn_id, product_client_id: None },
            event_name: run.event_name,
            hook_source: run.source,
            status: run.status,
            handler_type: run.handler_type,
            execution_mode: run.execution_mode,
        }));
    }

    /// The settings of a turn: its own, or else its thread's.
    pub(super) fn settings_of(&mut self, thread_id: &Id, turn_id: &Id) -> Option<Arc<Settings>> {
        let turn = self.state.turn(thread_id, turn_id);
        let own = turn.and_then(|turn| turn.accepted.as_ref().map(|(settings, _)| settings.clone()));
        own.or_else(|| self.state.thread(thread_id).map(|thread| thread.settings.clone()))
    }

    /// The model of a turn: its own settings', or else its thread's.
    pub(super) fn model_of(&mut self, thread_id: &Id, turn_id: Option<&Id>) -> Option<Id> {
        let of_turn =
            turn_id.and_then(|turn_id| self.state.turn(thread_id, turn_id)?.accepted.as_ref()?.0.model.clone());
        of_turn.or_else(|| self.state.thread(thread_id)?.settings.model.clone())
    }
}

/// Whether the item's own end is its beginning.
fn ends_when_told(item: &Item) -> bool {
    match item {
        Item::ControlToolCall(_) => true,
        // A call that only its news shows.
        Item::CollabAgentToolCall(call) => call.sender_thread_id.is_empty(),
        _ => false,
    }
}

impl Step<'_> {
    pub(super) fn notification(&mut self, notification: Notification) {
        self.fact(Fact::Notification(notification));
    }
}
