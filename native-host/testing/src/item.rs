//! The items of a turn that are tool calls, and the approvals that they wait for.

use serde_json::{Value, json};
use turnledger_core::Presence;
use turnledger_core::UnixMillis;
use turnledger_core::fact::protocol::{ServerRequestSent, ServerResponseReceived};
use turnledger_core::protocol::approval::{
    CommandApprovalParams, CommandDecision, FileChangeApprovalParams, FileChangeDecision, ServerRequest, ServerResponse,
};
use turnledger_core::protocol::enums::{CommandSource, ItemStatus, PatchKind};
use turnledger_core::protocol::item::{self, Change, ChangeKind, CommandAction, Item};
use turnledger_core::protocol::notification::{Notification, TurnDiffUpdated};

use crate::diff;
use crate::session::{CONNECTION, CWD, File, Place, Session, State, signed};

/// Where an item stands, and since when.
#[derive(Debug)]
struct Open {
    session: Session,
    place: Place,
    id: String,
    started_at: UnixMillis,
}

impl Open {
    fn new(session: &Session, place: &Place) -> Self {
        let mut state = session.state();
        state.turn(place);
        let id = state.new_item_id();
        Self { session: session.clone(), place: place.clone(), id, started_at: state.now }
    }

    fn started(&self, wire: &Value, item: Item) {
        let mut state = self.session.state();
        state.item_started(&self.place, wire, item);
        state.end_step();
    }

    /// The item ends, and the model is asked again.
    fn completed(&self, wire: &Value, item: Item, and_then: impl FnOnce(&mut State)) {
        let mut state = self.session.state();
        state.turn(&self.place);
        state.item_completed(&self.place, wire, item);
        and_then(&mut state);
        state.model_answered(&self.place);
        state.end_step();
    }

    /// How long it has been open, in milliseconds.
    fn duration_ms(&self) -> i64 {
        signed(self.session.state().now.0.saturating_sub(self.started_at.0))
    }

    /// The server asks whether it may go on; the id of its request.
    fn ask(&self, method: &str, mut params: Value, request: impl FnOnce(i64) -> ServerRequest) -> i64 {
        let mut state = self.session.state();
        state.turn(&self.place);
        let at = state.millis();
        let Place { thread_id, turn_id, .. } = &self.place;
        for (name, value) in [("threadId", thread_id), ("turnId", turn_id), ("itemId", &self.id)] {
            params[name] = json!(value);
        }
        params["startedAtMs"] = json!(at);
        params["reason"] = Value::Null;
        let id = state.ask(method, &params);
        state.turn(&self.place).approvals.push(id);
        state.fact(ServerRequestSent::new(CONNECTION, id, request(at)));
        state.end_step();
        id
    }

    /// The user answers.
    fn answer(&self, request: i64, decision: &str, response: ServerResponse) {
        let mut state = self.session.state();
        state.turn(&self.place).approvals.retain(|open| *open != request);
        state.answer(request, &json!({ "decision": decision }));
        state.notify("serverRequest/resolved", &json!({ "threadId": self.place.thread_id, "requestId": request }));
        let at = state.now.0;
        state.fact(ServerResponseReceived::new(at, request, response));
        state.end_step();
    }
}

/// A `commandExecution` that has begun. The calls that end it take it away.
///
/// Every call on it panics if its turn is over.
#[derive(Debug)]
pub struct CommandExecution {
    open: Open,
    command: String,
}

impl CommandExecution {
    pub(crate) fn start(session: &Session, place: &Place, command: &str) -> Self {
        let this = Self { open: Open::new(session, place), command: command.into() };
        let (wire, item) = this.show(ItemStatus::InProgress, None);
        this.open.started(&wire, item);
        this
    }

    /// The item's id.
    pub fn id(&self) -> &str {
        &self.open.id
    }

    /// `item/commandExecution/requestApproval`: the server asks whether the command may run.
    pub fn request_approval(self) -> Approval<Self> {
        let params = json!({ "command": self.command, "cwd": CWD, "commandActions": self.actions() });
        let request = self.open.ask("item/commandExecution/requestApproval", params, |started_at_ms| {
            let Place { thread_id, turn_id, .. } = &self.open.place;
            ServerRequest::CommandApproval(CommandApprovalParams {
                thread_id: thread_id.as_str().into(),
                turn_id: turn_id.as_str().into(),
                item_id: self.open.id.as_str().into(),
                started_at_ms,
                ..CommandApprovalParams::default()
            })
        });
        Approval { item: self, request }
    }

    /// The command ends with exit code 0.
    pub fn complete(self) {
        self.end(ItemStatus::Completed, Some(0));
    }

    /// The command ends with another exit code, and has failed.
    pub fn fail(self, exit_code: i32) {
        self.end(ItemStatus::Failed, Some(exit_code));
    }

    fn end(&self, status: ItemStatus, exit_code: Option<i32>) {
        let (wire, item) = self.show(status, exit_code);
        self.open.completed(&wire, item, |_| {});
    }

    fn actions(&self) -> Value {
        json!([{ "type": "unknown", "command": self.command }])
    }

    /// The item as messages show it, and as facts do.
    fn show(&self, status: ItemStatus, exit_code: Option<i32>) -> (Value, Item) {
        let duration_ms = exit_code.map(|_| self.open.duration_ms());
        let wire = json!({
            "type": "commandExecution",
            "id": self.open.id,
            "command": self.command,
            "cwd": CWD,
            "processId": null,
            "source": "agent",
            "status": word(status),
            "commandActions": self.actions(),
            "aggregatedOutput": null,
            "exitCode": exit_code,
            "durationMs": duration_ms,
        });
        let item = Item::CommandExecution(item::CommandExecution {
            id: self.open.id.as_str().into(),
            source: CommandSource::Agent,
            status,
            command_actions: vec![CommandAction::new("unknown".into())],
            exit_code,
            duration_ms,
            ..item::CommandExecution::default()
        });
        (wire, item)
    }
}

/// A `fileChange` that has begun. The calls that end it take it away.
///
/// Every call on it panics if its turn is over.
#[derive(Debug)]
pub struct FileChange {
    open: Open,
    file: File,
}

impl FileChange {
    pub(crate) fn start(session: &Session, place: &Place, path: &str, before: &str, after: &str) -> Self {
        assert_ne!(before, after, "a change of {path} changes something");
        let file = File { path: path.into(), before: before.into(), after: after.into() };
        let this = Self { open: Open::new(session, place), file };
        let (wire, item) = this.show(ItemStatus::InProgress);
        this.open.started(&wire, item);
        this
    }

    /// The item's id.
    pub fn id(&self) -> &str {
        &self.open.id
    }

    /// `item/fileChange/requestApproval`: the server asks whether the patch may be applied.
    pub fn request_approval(self) -> Approval<Self> {
        let params = json!({ "grantRoot": null });
        let request = self.open.ask("item/fileChange/requestApproval", params, |started_at_ms| {
            let Place { thread_id, turn_id, .. } = &self.open.place;
            ServerRequest::FileChangeApproval(FileChangeApprovalParams {
                thread_id: thread_id.as_str().into(),
                turn_id: turn_id.as_str().into(),
                item_id: self.open.id.as_str().into(),
                started_at_ms,
                ..FileChangeApprovalParams::default()
            })
        });
        Approval { item: self, request }
    }

    /// The patch is applied: `turn/diff/updated` shows what the turn has changed so far.
    pub fn complete(self) {
        let (wire, item) = self.show(ItemStatus::Completed);
        self.open.completed(&wire, item, |state| {
            let Place { thread_id, turn_id, .. } = &self.open.place;
            let files = &mut state.turn(&self.open.place).files;
            match files.iter_mut().find(|file| file.path == self.file.path) {
                Some(file) => file.after.clone_from(&self.file.after),
                None => files.push(self.file.clone()),
            }
            let changed = files.iter().filter(|file| file.before != file.after);
            let diff: String = changed.map(|file| diff::of_file(&file.path, &file.before, &file.after)).collect();
            let params = json!({ "threadId": thread_id, "turnId": turn_id, "diff": diff });
            state.notify("turn/diff/updated", &params);
            let updated = TurnDiffUpdated {
                thread_id: thread_id.as_str().into(),
                turn_id: turn_id.as_str().into(),
                diff: diff.into(),
            };
            state.fact(Notification::TurnDiffUpdated(updated));
        });
    }

    /// The patch does not apply.
    pub fn fail(self) {
        let (wire, item) = self.show(ItemStatus::Failed);
        self.open.completed(&wire, item, |_| {});
    }

    /// The item as messages show it, and as facts do.
    fn show(&self, status: ItemStatus) -> (Value, Item) {
        let File { path, before, after } = &self.file;
        let (kind, wire_kind, diff) = if before.is_empty() {
            (PatchKind::Add, json!({ "type": "add" }), after.clone())
        } else if after.is_empty() {
            (PatchKind::Delete, json!({ "type": "delete" }), before.clone())
        } else {
            (PatchKind::Update, json!({ "type": "update", "move_path": null }), diff::hunk(before, after))
        };
        let wire = json!({
            "type": "fileChange",
            "id": self.open.id,
            "changes": [{ "path": format!("{CWD}/{path}"), "kind": wire_kind, "diff": diff }],
            "status": word(status),
        });
        let changes = vec![Change { kind: ChangeKind { kind, move_path: Presence(false) } }];
        let id = self.open.id.as_str().into();
        (wire, Item::FileChange(item::FileChange { id, changes, status }))
    }
}

/// An `mcpToolCall` that has begun. The calls that end it take it away.
///
/// Every call on it panics if its turn is over.
#[derive(Debug)]
pub struct McpToolCall {
    open: Open,
    server: String,
    tool: String,
}

impl McpToolCall {
    pub(crate) fn start(session: &Session, place: &Place, server: &str, tool: &str) -> Self {
        let this = Self { open: Open::new(session, place), server: server.into(), tool: tool.into() };
        let (wire, item) = this.show(ItemStatus::InProgress);
        this.open.started(&wire, item);
        this
    }

    /// The item's id.
    pub fn id(&self) -> &str {
        &self.open.id
    }

    /// The tool has answered.
    pub fn complete(self) {
        let (wire, item) = self.show(ItemStatus::Completed);
        self.open.completed(&wire, item, |_| {});
    }

    /// The tool, or its server, has failed.
    pub fn fail(self) {
        let (wire, item) = self.show(ItemStatus::Failed);
        self.open.completed(&wire, item, |_| {});
    }

    /// The item as messages show it, and as facts do.
    fn show(&self, status: ItemStatus) -> (Value, Item) {
        let duration_ms = (status != ItemStatus::InProgress).then(|| self.open.duration_ms());
        let content = || json!({ "content": [], "structuredContent": null, "_meta": null });
        let wire = json!({
            "type": "mcpToolCall",
            "id": self.open.id,
            "server": self.server,
            "tool": self.tool,
            "status": word(status),
            "arguments": {},
            "result": (status == ItemStatus::Completed).then(content),
            "error": (status == ItemStatus::Failed).then(|| json!({ "message": "The tool failed." })),
            "durationMs": duration_ms,
        });
        let item = Item::McpToolCall(item::McpToolCall {
            id: self.open.id.as_str().into(),
            server: self.server.as_str().into(),
            tool: self.tool.as_str().into(),
            status,
            error: Presence(status == ItemStatus::Failed),
            duration_ms,
            ..item::McpToolCall::default()
        });
        (wire, item)
    }
}

/// A request of the server that waits for the user's decision on an item. If its turn ends first, it is aborted.
///
/// Every call on it panics if its turn is over.
#[derive(Debug)]
pub struct Approval<T> {
    item: T,
    request: i64,
}

impl Approval<CommandExecution> {
    /// `accept`: the command runs.
    pub fn accept(self) -> CommandExecution {
        self.answer("accept", CommandDecision::Accept)
    }

    /// `acceptForSession`: the command runs, and its like in this session.
    pub fn accept_for_session(self) -> CommandExecution {
        self.answer("acceptForSession", CommandDecision::AcceptForSession)
    }

    /// `decline`: the command does not run, and its item ends.
    pub fn decline(self) {
        self.answer("decline", CommandDecision::Decline).end(ItemStatus::Declined, None);
    }

    fn answer(self, word: &str, decision: CommandDecision) -> CommandExecution {
        self.item.open.answer(self.request, word, ServerResponse::CommandApproval(decision));
        self.item
    }
}

impl Approval<FileChange> {
    /// `accept`: the patch is about to be applied.
    pub fn accept(self) -> FileChange {
        self.answer("accept", FileChangeDecision::Accept)
    }

    /// `acceptForSession`: the patch is about to be applied, and its like in this session.
    pub fn accept_for_session(self) -> FileChange {
        self.answer("acceptForSession", FileChangeDecision::AcceptForSession)
    }

    /// `decline`: the patch is not applied, and its item ends.
    pub fn decline(self) {
        let change = self.answer("decline", FileChangeDecision::Decline);
        let (wire, item) = change.show(ItemStatus::Declined);
        change.open.completed(&wire, item, |_| {});
    }

    fn answer(self, word: &str, decision: FileChangeDecision) -> FileChange {
        self.item.open.answer(self.request, word, ServerResponse::FileChangeApproval(decision));
        self.item
    }
}

/// The word of the wire.
fn word(status: ItemStatus) -> &'static str {
    match status {
        ItemStatus::Completed => "completed",
        ItemStatus::Failed => "failed",
        ItemStatus::Declined => "declined",
        _ => "inProgress",
    }
}
