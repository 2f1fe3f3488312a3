//! The seven events of tool items (`docs/contract/rules.md` 6).

mod kind;

use alloc::boxed::Box;
use alloc::vec::Vec;

use kind::{
    always_waits, count, execution_duration_ms, is_control_tool, is_news_of_an_agent, is_untimed, is_users_own,
    outcome, takes_time, tool_event_type, tool_name,
};

use super::Reducer;
use super::state::{ItemKey, ItemRef, ItemState, NewerItem, WaitingCall};
use crate::dialect::Dialect;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::common::{RootTurn, ThreadContext};
use crate::event::control_tool::ControlToolCallEvent;
use crate::event::since::SESSION_OF_TOOLS;
use crate::event::tool::{
    AudioOutput, CollabAgentToolCallEvent, CommandExecutionEvent, CommandPlugin, CommandSetting, DynamicToolCallEvent,
    ElicitationType, FileChangeEvent, ImageGenerationEvent, ImageMaking, McpContext, McpToolCallEvent, ReviewSummary,
    SandboxBackend, TerminalStatus, ToolBase, ToolKind, ToolOrigin, WebSearchAction, WebSearchEvent,
};
use crate::id::{Id, TurnRef};
use crate::output::Output;
use crate::protocol::enums::{
    CollabAgentStatus, CommandActionKind, CommandSource, ContentKind, PatchKind, WebSearchActionKind,
};
use crate::protocol::item::{CommandExecution, Item, WebSearch};
use crate::protocol::notification::{ItemCompleted, ItemContext, ItemStarted};
use crate::time::to_u64;

/// The most addressed threads that an event lists. All are counted.
const MAX_RECEIVERS: usize = 256;

impl<D: Digest> Reducer<D> {
    /// `item/started`: only tool items count. It never creates a turn.
    pub(super) fn item_started(&mut self, started: &ItemStarted, output: &mut Output) {
        let Some(id) = started.item.tool_id() else { return };
        if is_control_tool(&started.item) && !self.state.dialect(&started.thread_id).reports_control_tools() {
            return;
        }
        let Some(started_at_ms) = to_u64(started.started_at_ms) else {
            let ids = Ids::item(&started.thread_id, &started.turn_id, id);
            output.discard(self.state.at, Subject::Item, Reason::NegativeTime, ids);
            return;
        };
        let newer = started.context.as_ref().map(|context| {
            let turn = self.state.turns.peek(&TurnRef { thread: &started.thread_id, turn: &started.turn_id });
            let root_turn_id = turn.and_then(|turn| turn.newer.as_ref()?.root_turn_id.clone());
            Box::new(NewerItem { context: ItemContext::clone(context), root_turn_id })
        });
        let state = self.item_or_new(&started.thread_id, &started.turn_id, id, output);
        state.started_at_ms = Some(started_at_ms);
        // A second start changes the time alone.
        if state.newer.is_none() {
            state.newer = newer;
        }
    }

    pub(super) fn item_or_new(&mut self, thread: &Id, turn: &Id, item: &Id, output: &mut Output) -> &mut ItemState {
        let key = ItemRef { thread, turn, item };
        let now = self.state.now;
        if !self.state.items.contains(&key) {
            let owned = ItemKey { thread: thread.clone(), turn: turn.clone(), item: item.clone() };
            if let Some((key, _)) = self.state.items.insert(now, owned, ItemState::default()) {
                let ids = Ids::item(&key.thread, &key.turn, &key.item);
                output.discard(self.state.at, Subject::Item, Reason::Evicted, ids);
            }
        }
        // It was there or was just inserted, and the cap is at least one.
        self.state.items.get_mut(now, &key).unwrap_or_else(|| unreachable!("the item was just inserted"))
    }

    /// `item/completed`, in the exact order of `docs/contract/rules.md` 6.2.
    pub(super) fn item_completed(&mut self, completed: ItemCompleted, output: &mut Output) {
        let ItemCompleted { thread_id, turn_id, completed_at_ms, item } = completed;
        let Some(item_id) = item.tool_id().cloned() else { return };
        let key = ItemRef { thread: &thread_id, turn: &turn_id, item: &item_id };
        let now = self.state.now;
        let at = self.state.at;
        let discard = |output: &mut Output, reason| {
            output.discard(at, Subject::Item, reason, Ids::item(&thread_id, &turn_id, &item_id));
        };

        let dialect = self.state.dialect(&thread_id);
        if is_control_tool(&item) && !dialect.reports_control_tools() {
            return;
        }
        let (mut is_late, mut root_turn_id, mut has_responses) = (false, None, false);
        if let Some(turn) = self.state.turns.get_mut(now, &TurnRef { thread: &thread_id, turn: &turn_id }) {
            count(&mut turn.tools, &item);
            root_turn_id = turn.newer.as_ref().and_then(|newer| newer.root_turn_id.clone());
            has_responses = turn.has_responses;
        } else if dialect.reports_late_items() {
            is_late = true;
        } else {
            return discard(output, Reason::UnknownTurn);
        }
        if is_news_of_an_agent(&item) && !dialect.reports_news_of_agents() {
            // It counts, and has no event.
            self.state.items.remove(&key);
            return;
        }
        let Some(started_at_ms) = self.state.items.get_mut(now, &key).and_then(|state| state.started_at_ms.take())
        else {
            return discard(output, Reason::NeverStarted);
        };
        let Some(completed_at_ms) = to_u64(completed_at_ms) else {
            return discard(output, Reason::NegativeTime);
        };
        let context = match self.state.thread_context(&thread_id) {
            Ok(context) => context,
            Err(reason) => return discard(output, reason),
        };
        let Some((_, state)) = self.state.items.remove(&key) else { return };
        let Some((terminal_status, failure_kind)) = outcome(&item) else {
            return discard(output, Reason::NotFinal);
        };
        let ThreadContext { connection, lineage } = context;
        let is_of_file = connection.source.is_some();
        let has_one_time = is_of_file && started_at_ms == completed_at_ms && takes_time(&item);
        let duration_ms = completed_at_ms.checked_sub(started_at_ms).filter(|_| !is_untimed(&item) && !has_one_time);
        let session = dialect.members_since(SESSION_OF_TOOLS, || self.state.session(&thread_id));
        let (origin, tool_event_type) = self
            .state
            .call_origin(&key)
            .unwrap_or_else(|| (ToolOrigin::default(), tool_event_type(&item, &item_id).filter(|_| !is_late)));
        let comes_of = origin.cell_id.is_some() || origin.originating_response_id.is_some();
        let waits_as = (has_responses && (comes_of || always_waits(&item))).then(|| key.to_owned());
        let newer = state.newer.as_deref();
        let root_turn_id = root_turn_id.or_else(|| newer.and_then(|newer| newer.root_turn_id.clone()));
        let root_turn_id = root_turn_id.filter(|_| !is_users_own(&item));
        let base = ToolBase {
            thread_id,
            session,
            turn_id,
            root_turn: dialect.members(|| RootTurn { root_turn_id }),
            item_id,
            origin: dialect.members(|| origin),
            connection,
            lineage,
            tool_name: tool_name(&item),
            kind: dialect.members(|| ToolKind { tool_event_type }),
            started_at_ms,
            completed_at_ms,
            duration_ms,
            execution_duration_ms: execution_duration_ms(&item, dialect, duration_ms),
            reviews: if is_of_file { ReviewSummary::UNKNOWN } else { state.reviews },
            terminal_status,
            failure_kind,
            requested_additional_permissions: (!is_of_file).then_some(state.requested_additional_permissions),
            requested_network_access: (!is_of_file).then_some(state.requested_network_access),
        };
        let elicitation_type = state.elicitation_type;
        let settings = newer.map(|newer| &newer.context);
        if let Some(key) = waits_as {
            let call = WaitingCall { base, item, settings: settings.cloned(), elicitation_type };
            self.wait_for_response(key, call, output);
        } else {
            output.events.extend(tool_event(base, item, &Context { dialect, settings, elicitation_type }));
        }
    }

    /// A call that waited has its event.
    pub(super) fn call_ended(&self, call: WaitingCall, output: &mut Output) {
        let WaitingCall { base, item, settings, elicitation_type } = call;
        let dialect = self.state.dialect(&base.thread_id);
        let context = Context { dialect, settings: settings.as_ref(), elicitation_type };
        output.events.extend(tool_event(base, item, &context));
    }
}

/// What an item's event says beside the item.
struct Context<'i> {
    dialect: &'static Dialect,
    settings: Option<&'i ItemContext>,
    elicitation_type: Option<ElicitationType>,
}

impl Context<'_> {
    fn turn_trigger(&self) -> Option<Id> {
        self.settings
            .and_then(|settings| settings.turn_trigger.clone())
            .filter(|_| self.dialect.says_triggers_of_tools())
    }
}

fn tally<T>(list: &[T], matches: impl Fn(&T) -> bool) -> u64 {
    list.iter().filter(|element| matches(element)).count() as u64
}

/// The event of a command, with its counts.
fn command_event(base: ToolBase, command: CommandExecution, context: &Context<'_>) -> Event {
    let dialect = context.dialect;
    let known = |count| (!command.actions_unknown).then_some(count);
    let count = |kind| known(tally(&command.command_actions, |action| action.kind == kind));
    let settings = context.settings.filter(|_| command.source != CommandSource::UserShell);
    // What was approved runs without a sandbox.
    let runs_outside = command.exit_code.is_some() && base.reviews.final_approval_outcome.is_approval();
    Event::CommandExecution(Box::new(CommandExecutionEvent {
        setting: dialect.members(|| CommandSetting {
            sandbox_backend: command.sandbox_backend.or(runs_outside.then_some(SandboxBackend::None)),
            model_slug: settings.and_then(|settings| settings.model_slug.clone()),
            reasoning_effort: settings.and_then(|settings| settings.reasoning_effort).into(),
        }),
        turn_trigger: context.turn_trigger(),
        base,
        plugin: dialect.members(|| CommandPlugin { plugin_id: command.plugin_id, script_path: None }),
        command_execution_source: command.source,
        exit_code: command.exit_code,
        command_total_action_count: known(command.command_actions.len() as u64),
        command_read_action_count: count(CommandActionKind::Read),
        command_list_files_action_count: count(CommandActionKind::ListFiles),
        command_search_action_count: count(CommandActionKind::Search),
        command_unknown_action_count: count(CommandActionKind::Unknown),
    }))
}

/// The event of an item's kind, with its counts (`docs/contract/rules.md` 6.5).
fn tool_event(base: ToolBase, item: Item, context: &Context<'_>) -> Option<Event> {
    let dialect = context.dialect;
    Some(match item {
        Item::CommandExecution(command) => command_event(base, command, context),
        Item::FileChange(patch) => {
            let count = |kind, moves| {
                tally(&patch.changes, |change| {
                    change.kind.kind == kind && (change.kind.move_path.0 == moves || kind != PatchKind::Update)
                })
            };
            Event::FileChange(Box::new(FileChangeEvent {
                base,
                file_change_count: patch.changes.len() as u64,
                file_add_count: count(PatchKind::Add, false),
                file_update_count: count(PatchKind::Update, false),
                file_delete_count: count(PatchKind::Delete, false),
                file_move_count: count(PatchKind::Update, true),
            }))
        }
        Item::McpToolCall(call) => Event::McpToolCall(Box::new(McpToolCallEvent {
            base,
            mcp_server_name: call.server,
            mcp_tool_name: call.tool,
            mcp_error_present: call.error.0,
            context: dialect.members(|| McpContext {
                plugin_id: call.plugin_id,
                connector_id: call.app_context.and_then(|app| app.connector_id),
                voice_session_id: None,
                elicitation_type: context.elicitation_type,
            }),
        })),
        Item::DynamicToolCall(call) => {
            let items = call.content_items.as_deref();
            let count = |kind| items.map(|items| tally(items, |item| item.kind == kind));
            Event::DynamicToolCall(Box::new(DynamicToolCallEvent {
                base,
                dynamic_tool_name: call.tool,
                success: call.success,
                output_content_item_count: items.map(|items| items.len() as u64),
                output_text_item_count: count(ContentKind::InputText),
                output_image_item_count: count(ContentKind::InputImage),
                audio: dialect.members(|| AudioOutput { output_audio_item_count: count(ContentKind::InputAudio) }),
            }))
        }
        Item::CollabAgentToolCall(mut call) => {
            let states: Vec<_> = call.agents_states.values().map(|state| state.status).collect();
            let sender = if call.sender_thread_id.is_empty() { base.thread_id.clone() } else { call.sender_thread_id };
            Event::CollabAgentToolCall(Box::new(CollabAgentToolCallEvent {
                base,
                sender_thread_id: sender,
                receiver_thread_count: call.receiver_thread_ids.len() as u64,
                receiver_thread_ids: {
                    call.receiver_thread_ids.truncate(MAX_RECEIVERS);
                    call.receiver_thread_ids
                },
                requested_model: call.model,
                requested_reasoning_effort: call.reasoning_effort.into(),
                agent_state_count: states.len() as u64,
                completed_agent_count: tally(&states, |status| *status == CollabAgentStatus::Completed),
                failed_agent_count: tally(&states, |status| {
                    matches!(
                        status,
                        CollabAgentStatus::Errored | CollabAgentStatus::Shutdown | CollabAgentStatus::NotFound
                    )
                }),
            }))
        }
        Item::WebSearch(search) => Event::WebSearch(Box::new(WebSearchEvent {
            base,
            web_search_action: search.action.as_ref().map(|action| match action.kind {
                WebSearchActionKind::Search => WebSearchAction::Search,
                WebSearchActionKind::OpenPage => WebSearchAction::OpenPage,
                WebSearchActionKind::FindInPage => WebSearchAction::FindInPage,
                WebSearchActionKind::Unknown => WebSearchAction::Other,
            }),
            query_present: search.query.0,
            query_count: query_count(&search),
        })),
        Item::ImageGeneration(image) => Event::ImageGeneration(Box::new(ImageGenerationEvent {
            base,
            revised_prompt_present: image.revised_prompt.0,
            saved_path_present: image.saved_path.0,
            generation: dialect.members(|| ImageMaking {
                transparent_background: image.transparent_background,
                imagegen_request_id: image.imagegen_request_id,
                generation_id: image.generation_id,
            }),
        })),
        Item::ControlToolCall(_) => Event::ControlToolCall(Box::new(ControlToolCallEvent {
            turn_trigger: context.turn_trigger(),
            success: base.terminal_status == TerminalStatus::Completed,
            base,
        })),
        Item::ContextCompaction(_) | Item::UserMessage | Item::ModelOutput | Item::Other => return None,
    })
}

fn query_count(search: &WebSearch) -> Option<u64> {
    match &search.action {
        None => search.query.0.then_some(1),
        Some(action) if action.kind == WebSearchActionKind::Search => match &action.queries {
            Some(queries) => Some(queries.len() as u64),
            None => action.query.0.then_some(1),
        },
        Some(_) => None,
    }
}
