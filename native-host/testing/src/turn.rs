//! Turns, from a user's text to their end.

use serde_json::{Value, json};
use turnledger_core::fact::permission::{
    Access, FileSystemEntry, FileSystemPath, FileSystemProfile, PermissionProfile,
};
use turnledger_core::fact::protocol::{ClientRequestReceived, ClientResponseSent, ServerRequestAborted};
use turnledger_core::fact::turn::{MultiAgentVersion, TurnInterrupted, TurnResolvedConfig, TurnTokenUsage};
use turnledger_core::protocol::error::{ErrorText, TurnError};
use turnledger_core::protocol::input::UserInput;
use turnledger_core::protocol::item::Item;
use turnledger_core::protocol::notification::{Notification, TurnNotification};
use turnledger_core::protocol::request::{
    ClientRequest, ClientResponse, NewTurn, TurnStartResponse, TurnSteerResponse,
};
use turnledger_core::protocol::turn::{self, TurnStartParams, TurnSteerParams};

use crate::item::{CommandExecution, FileChange, McpToolCall};
use crate::session::{CONNECTION, CWD, MODEL, PROVIDER, Place, Session, State, TurnState, signed};

/// A running turn of a [`Thread`](crate::Thread). The calls that end it take it away.
///
/// An item that is open when the turn ends stays open, as with Codex: it has no event.
#[derive(Debug)]
pub struct Turn {
    session: Session,
    place: Place,
}

impl Turn {
    pub(crate) fn start(session: &Session, thread: usize, thread_id: &str, text: &str) -> Self {
        let mut state = session.state();
        let place = state.new_turn(thread, thread_id);
        let turn_id = place.turn_id.as_str();
        let input = json!([{ "type": "text", "text": text }]);
        let request = state.request("turn/start", &json!({ "threadId": thread_id, "input": input }));
        let params = TurnStartParams {
            thread_id: thread_id.into(),
            input: vec![UserInput::text(text)],
            ..TurnStartParams::default()
        };
        let of_client = ClientRequest::TurnStart(Box::new(params));
        state.fact(ClientRequestReceived::new(CONNECTION, request, of_client));
        state.respond(request, &json!({ "turn": wire(turn_id, "inProgress", None, None) }));
        let response = TurnStartResponse { turn: NewTurn { id: turn_id.into() } };
        state.fact(ClientResponseSent::new(CONNECTION, request, ClientResponse::TurnStart(response)));
        started(&mut state, &place);
        let is_first_turn = !std::mem::replace(&mut state.thread(thread).had_turn, true);
        state.fact(resolved_config(&place, is_first_turn));
        user_message(&mut state, &place, text);
        state.end_step();
        drop(state);
        Self { session: session.clone(), place }
    }

    /// The turn's id.
    pub fn id(&self) -> &str {
        &self.place.turn_id
    }

    /// A `commandExecution` begins.
    pub fn command_execution(&self, command: &str) -> CommandExecution {
        CommandExecution::start(&self.session, &self.place, command)
    }

    /// A `fileChange` begins: a file below `/workspace/demo`, its text before and its text after. An empty text is no
    /// file, so that it is added or deleted.
    ///
    /// # Panics
    ///
    /// If the two texts are the same.
    pub fn file_change(&self, path: &str, before: &str, after: &str) -> FileChange {
        FileChange::start(&self.session, &self.place, path, before, after)
    }

    /// An `mcpToolCall` begins.
    pub fn mcp_tool_call(&self, server: &str, tool: &str) -> McpToolCall {
        McpToolCall::start(&self.session, &self.place, server, tool)
    }

    /// `turn/steer`: the user sends another text, which the turn takes.
    pub fn steer(&self, text: &str) {
        let mut state = self.session.state();
        let (thread_id, turn_id) = (self.place.thread_id.as_str(), self.place.turn_id.as_str());
        let input = json!([{ "type": "text", "text": text }]);
        let params = json!({ "threadId": thread_id, "expectedTurnId": turn_id, "input": input });
        let request = state.request("turn/steer", &params);
        let params = TurnSteerParams {
            thread_id: thread_id.into(),
            expected_turn_id: turn_id.into(),
            input: vec![UserInput::text(text)],
        };
        state.fact(ClientRequestReceived::new(CONNECTION, request, ClientRequest::TurnSteer(params)));
        state.respond(request, &json!({ "turnId": turn_id }));
        let response = TurnSteerResponse { turn_id: turn_id.into() };
        state.fact(ClientResponseSent::new(CONNECTION, request, ClientResponse::TurnSteer(response)));
        user_message(&mut state, &self.place, text);
        state.end_step();
    }

    /// The model has the last word, and the turn ends: `turn/completed` with the status `completed`.
    pub fn complete(self) {
        let mut state = self.session.state();
        let id = state.new_item_id();
        let message = json!({ "type": "agentMessage", "id": id, "text": "Done." });
        state.whole_item(&self.place, &message, &Item::ModelOutput);
        state.model_answered(&self.place);
        self.end(&mut state, "completed", None);
    }

    /// The turn fails for a reason of the protocol, such as `usageLimitExceeded`: `error`, and `turn/completed` with the
    /// status `failed`.
    pub fn fail(self, codex_error_info: &str) {
        let mut state = self.session.state();
        let message = "The turn failed.";
        let reason = TurnError { message: ErrorText::of(message), codex_error_info: Some(codex_error_info.into()) };
        // The core writes a kind in its own form; one that it does not know is a word of a newer version.
        let turn = turn::Turn { error: Some(reason.clone()), ..turn::Turn::default() };
        let known = serde_json::to_value(turn).map(|mut turn| turn["error"]["codexErrorInfo"].take());
        let info = known.ok().filter(|info| !info.is_null()).unwrap_or_else(|| json!(codex_error_info));
        let error = json!({ "message": message, "codexErrorInfo": info, "additionalDetails": null });
        let Place { thread_id, turn_id, .. } = &self.place;
        let params = json!({ "threadId": thread_id, "turnId": turn_id, "error": error, "willRetry": false });
        state.notify("error", &params);
        self.end(&mut state, "failed", Some((error, reason)));
    }

    /// `turn/interrupt`: the user stops the turn. What it asked and nobody answered is not asked any more.
    pub fn interrupt(self) {
        let mut state = self.session.state();
        let Place { thread_id, turn_id, .. } = &self.place;
        let request = state.request("turn/interrupt", &json!({ "threadId": thread_id, "turnId": turn_id }));
        state.respond(request, &json!({}));
        let requested_at_ms = state.now.0;
        state.fact(TurnInterrupted {
            turn_id: turn_id.as_str().into(),
            thread_id: thread_id.as_str().into(),
            requested_at_ms,
        });
        self.end(&mut state, "interrupted", None);
    }

    fn end(&self, state: &mut State, status: &str, error: Option<(Value, TurnError)>) {
        let approvals = std::mem::take(&mut state.turn(&self.place).approvals);
        for id in &approvals {
            let at = state.now.0;
            state.fact(ServerRequestAborted::new(at, *id));
        }
        if status != "interrupted" {
            let tokens = state.turn(&self.place).tokens();
            state.fact(token_usage(&self.place, tokens));
        }
        completed(state, &self.place, status, error);
        for id in approvals {
            let params = json!({ "threadId": self.place.thread_id, "requestId": id });
            state.notify("serverRequest/resolved", &params);
        }
        state.end_step();
    }
}

/// `turn/started`.
pub(crate) fn started(state: &mut State, place: &Place) {
    let Place { thread_id, turn_id, .. } = place;
    let started_at = Some(state.seconds());
    let turn = wire(turn_id, "inProgress", started_at, None);
    state.notify("turn/started", &json!({ "threadId": thread_id, "turn": turn }));
    let turn =
        turn::Turn { id: turn_id.as_str().into(), status: "inProgress".into(), started_at, ..turn::Turn::default() };
    let started = TurnNotification { thread_id: thread_id.as_str().into(), turn };
    state.fact(Notification::TurnStarted(Box::new(started)));
}

/// `turn/completed`.
pub(crate) fn completed(state: &mut State, place: &Place, status: &str, error: Option<(Value, TurnError)>) {
    let TurnState { started_at, .. } = state.end_turn(place);
    let (shown, error) = error.unzip();
    let ended = (state.seconds(), signed(state.now.0.saturating_sub(started_at.0)));
    let started_at = Some(signed(started_at.as_secs()));
    let Place { thread_id, turn_id, .. } = place;
    let mut turn = wire(turn_id, status, started_at, Some(ended));
    turn["error"] = shown.unwrap_or_default();
    state.notify("turn/completed", &json!({ "threadId": thread_id, "turn": turn }));
    let turn = turn::Turn {
        id: turn_id.as_str().into(),
        status: status.into(),
        error,
        started_at,
        completed_at: Some(ended.0),
        duration_ms: Some(ended.1),
        ..turn::Turn::default()
    };
    let completed = TurnNotification { thread_id: thread_id.as_str().into(), turn };
    state.fact(Notification::TurnCompleted(Box::new(completed)));
}

/// A turn as messages show it; `ended` is when, in Unix seconds, and after how many milliseconds.
fn wire(id: &str, status: &str, started_at: Option<i64>, ended: Option<(i64, i64)>) -> Value {
    let (completed_at, duration_ms) = ended.unzip();
    json!({
        "id": id,
        "items": [],
        "itemsView": "notLoaded",
        "status": status,
        "error": null,
        "startedAt": started_at,
        "completedAt": completed_at,
        "durationMs": duration_ms,
    })
}

/// The user's text becomes an item.
fn user_message(state: &mut State, place: &Place, text: &str) {
    let content = json!([{ "type": "text", "text": text, "text_elements": [] }]);
    let id = state.new_item_id();
    let message = json!({ "type": "userMessage", "id": id, "content": content });
    state.whole_item(place, &message, &Item::UserMessage);
}

/// What the thread's settings amount to.
fn resolved_config(place: &Place, is_first_turn: bool) -> TurnResolvedConfig {
    let entries = vec![
        FileSystemEntry::new(FileSystemPath::Root, Access::Read),
        FileSystemEntry::new(FileSystemPath::ProjectRoots { subpath: None }, Access::Write),
    ];
    let file_system = FileSystemProfile::Restricted { entries };
    TurnResolvedConfig {
        turn_id: place.turn_id.as_str().into(),
        thread_id: place.thread_id.as_str().into(),
        model: Some(MODEL.into()),
        model_provider: PROVIDER.into(),
        permission_profile: Some(PermissionProfile::Managed { file_system, network_enabled: false }),
        permission_profile_cwd: Some(CWD.into()),
        approval_policy: "on-request".into(),
        approvals_reviewer: "user".into(),
        collaboration_mode: "default".into(),
        is_first_turn,
        active_plugin_ids_at_turn_start: Some(Vec::new()),
        multi_agent_version: Some(MultiAgentVersion::V1),
        ..TurnResolvedConfig::default()
    }
}

fn token_usage(place: &Place, tokens: [i64; 5]) -> TurnTokenUsage {
    let [input_tokens, cached_input_tokens, output_tokens, reasoning_output_tokens, total_tokens] = tokens;
    TurnTokenUsage {
        turn_id: place.turn_id.as_str().into(),
        thread_id: place.thread_id.as_str().into(),
        input_tokens,
        cached_input_tokens,
        output_tokens,
        reasoning_output_tokens,
        total_tokens,
        cache_write_input_tokens: Some(0),
    }
}
