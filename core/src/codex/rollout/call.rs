//! Calls of tools by the model, and what they gave back: what older files say of items, and newer ones of those that were
//! refused.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::edit;
use super::item::millis;
use super::output::{FunctionCall, FunctionOutput, Outcome, Output};
use super::tool::Tool;
use super::{Rollout, Step};
use crate::id::Id;
use crate::json::read::{Raw, Read, Text};
use crate::json::write::Write;
use crate::private::Presence;
use crate::protocol::enums::{CollabAgentStatus, CollabTool, CommandSource, ItemStatus};
use crate::protocol::item::{
    AgentState, CollabAgentToolCall, CommandExecution, DynamicToolCall, FileChange, Item, McpToolCall, WebSearch,
};
use crate::time::UnixMillis;

/// No file has more open calls than this.
const MAX_CALLS: usize = 1024;
/// The most bytes that the patches of open calls hold.
const MAX_PATCH_BYTES: usize = 16 << 20;

/// Calls that have not returned, and commands that go on.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Calls {
    open: Vec<Call>,
    running: Vec<(u64, Call)>,
}

#[derive(Clone, Debug, Write, Read)]
pub(super) struct Call {
    id: Id,
    at: UnixMillis,
    pub(super) tool: Tool,
}

impl Calls {
    fn add(&mut self, call: Call) {
        let held = |calls: &[Call]| calls.iter().map(Call::held_bytes).sum::<usize>();
        if self.open.len() == MAX_CALLS || held(&self.open) + call.held_bytes() > MAX_PATCH_BYTES {
            self.open.clear();
        }
        self.open.push(call);
    }

    /// Whether a patch waits for its result.
    pub(super) fn has_patch(&self) -> bool {
        self.open.iter().any(|call| matches!(call.tool, Tool::Patch(_)))
    }

    fn take(&mut self, id: &Id) -> Option<Call> {
        let place = self.open.iter().position(|call| call.id == *id)?;
        Some(self.open.swap_remove(place))
    }

    /// A line of its own tells how the call ended.
    pub(super) fn forget(&mut self, id: &Id) -> Option<Call> {
        self.running.retain(|(_, call)| call.id != *id);
        self.take(id)
    }
}

impl Call {
    /// When it was made, in Unix milliseconds.
    pub(super) fn made_at(&self) -> i64 {
        millis(self.at)
    }

    fn held_bytes(&self) -> usize {
        match &self.tool {
            Tool::Patch(text) => text.len(),
            _ => 0,
        }
    }
}

/// A message of the conversation.
#[derive(Read)]
pub(super) struct Message<'t> {
    role: Option<Text<'t>>,
    content: Option<Vec<Piece<'t>>>,
}

#[derive(Read)]
struct Piece<'t> {
    #[serde(rename = "type")]
    kind: Option<Text<'t>>,
}

/// `local_shell_call`
#[derive(Read)]
pub(super) struct LocalShellCall {
    #[serde(alias = "id")]
    call_id: Option<Id>,
}

/// `web_search_call`
#[derive(Read)]
pub(super) struct SearchCall {
    #[serde(default)]
    id: Id,
}

impl Rollout {
    /// Only files before 0.32 have no other line for a message of the user.
    pub(super) fn message(&mut self, message: &Message<'_>, step: &mut Step<'_>) {
        match message.role.as_ref().map(|role| &*role.0) {
            Some("assistant") => self.worked(step),
            Some("user") if self.is_bare() => {
                let pieces = message.content.as_deref().unwrap_or_default();
                let is_image = |piece: &&Piece<'_>| piece.kind.as_ref().is_some_and(|kind| kind.0 == "input_image");
                let images = pieces.iter().filter(is_image).count() as u64;
                self.begin_without_id(self.at, step);
                self.user_wrote(images, step);
            }
            _ => step.out.irrelevant = true,
        }
    }

    fn called(&mut self, id: Id, tool: Tool) {
        self.responses.called(&id);
        self.calls.add(Call { id, at: self.at, tool });
    }

    pub(super) fn function_called(&mut self, call: &FunctionCall<'_>, step: &mut Step<'_>) {
        self.worked(step);
        let (Some(id), Some(name)) = (call.call_id.clone(), call.name.as_ref()) else { return };
        let arguments = call.arguments.as_ref().map_or("", |text| &text.0);
        let namespace = call.namespace.as_ref().map(|text| &*text.0);
        let tool = self.tool(&name.0, namespace, arguments);
        self.called(id, tool);
    }

    pub(super) fn custom_tool_called(&mut self, call: FunctionCall<'_>, step: &mut Step<'_>) {
        self.worked(step);
        let (Some(id), Some(name)) = (call.call_id, call.name) else { return };
        let tool = match (&*name.0, call.arguments) {
            ("apply_patch", Some(input)) => Tool::Patch(input.0.into_owned()),
            ("exec", _) => Tool::Script,
            _ => Tool::Other,
        };
        self.called(id, tool);
    }

    pub(super) fn shell_called(&mut self, call: &LocalShellCall, step: &mut Step<'_>) {
        self.worked(step);
        if let Some(id) = call.call_id.clone() {
            self.called(id, Tool::Shell { is_unified: false });
        }
    }

    /// A search of the provider: without a line for its end, its time is not known, and perhaps not its id.
    pub(super) fn search_called(&mut self, call: &SearchCall, step: &mut Step<'_>) {
        self.worked(step);
        let tells_ends = self.meta.as_ref().is_some_and(|meta| meta.is_paginated || meta.dialect.files_tell_searches());
        if tells_ends {
            step.out.irrelevant = true;
            return;
        }
        let search = WebSearch { id: call.id.clone(), ..WebSearch::default() };
        self.item(None, Item::WebSearch(search), None, millis(self.at), step);
    }

    /// What a call gave back tells how its item ended, unless a line of its own did.
    pub(super) fn call_returned(&mut self, returned: FunctionOutput<'_>, step: &mut Step<'_>) {
        let call = returned.call_id.and_then(|id| self.calls.take(&id));
        let Some(Call { id, at, tool }) = call else {
            step.out.irrelevant = true;
            return;
        };
        let output = &*returned.output.text;
        let is_paginated = self.meta.as_ref().is_some_and(|meta| meta.is_paginated);
        let outcome = Outcome::of(output);
        let item = match tool {
            Tool::Shell { is_unified } => {
                if let Outcome::Running(Some(number)) = outcome {
                    let tool = Tool::Shell { is_unified };
                    if self.calls.running.len() < MAX_CALLS && !is_paginated {
                        self.calls.running.push((number, Call { id, at, tool }));
                    }
                    return;
                }
                // A command that ran has a line of its own, in files that have such lines.
                if is_paginated && matches!(outcome, Outcome::Exited(_)) {
                    return;
                }
                command(id, is_unified, outcome)
            }
            Tool::Input(number) => return self.input_returned(number, outcome, step),
            Tool::Script => script(id, output),
            Tool::Control(tool) => self.control_returned(id, tool, &returned.output, step),
            // No item tells of it.
            Tool::Agents { tool: CollabTool::ListAgents, .. } => {
                agents_called(id, CollabTool::ListAgents, Vec::new(), output).map(Item::CollabAgentToolCall)
            }
            _ if is_paginated => return,
            Tool::Patch(text) => self.patch_returned(id, &text, outcome),
            Tool::Mcp { server, tool } => mcp_call(id, server, tool, &returned.output),
            // Whether it succeeded is not in what it gave back.
            Tool::Client(tool) => (!is_unsupported(output))
                .then(|| Item::DynamicToolCall(DynamicToolCall { id, tool, ..DynamicToolCall::default() })),
            Tool::Agents { tool, receivers, model, effort } => {
                agents_called(id, tool, receivers, output).map(|mut call| {
                    (call.model, call.reasoning_effort) = (model, effort);
                    Item::CollabAgentToolCall(call)
                })
            }
            Tool::Other => None,
        };
        match item {
            Some(item) => {
                let started = (!self.is_bare()).then(|| millis(at));
                let is_refused = matches!(&item, Item::CommandExecution(command) if command.exit_code.is_none());
                if is_refused && self.meta.as_ref().is_some_and(|meta| meta.dialect.refused_commands_end_twice()) {
                    let completed_at = millis(self.at);
                    self.item(None, item.clone(), started, completed_at, step);
                    self.item_again(item, completed_at, step);
                    return;
                }
                self.item(None, item, started, millis(self.at), step);
            }
            None => step.out.irrelevant = true,
        }
    }

    /// A command that went on has ended.
    fn input_returned(&mut self, number: Option<u64>, outcome: Outcome, step: &mut Step<'_>) {
        let place = self.calls.running.iter().position(|(running, _)| Some(*running) == number);
        let (Some(place), Outcome::Exited(_)) = (place, outcome) else { return };
        let (_, Call { id, at, .. }) = self.calls.running.swap_remove(place);
        if let Some(item) = command(id, true, outcome) {
            self.item(None, item, Some(millis(at)), millis(self.at), step);
        }
    }

    /// A patch in the model's own words, which was applied, or not.
    fn patch_returned(&mut self, id: Id, text: &str, outcome: Outcome) -> Option<Item> {
        let (status, _) = outcome.ended()?;
        let files = edit::written(text);
        let changes = edit::changes(&files);
        if status == ItemStatus::Completed
            && let Some(turn) = &mut self.turn
        {
            let mut bytes = text.len();
            for (path, edit) in files {
                turn.patches.add(path, edit, core::mem::take(&mut bytes));
            }
        }
        Some(Item::FileChange(FileChange { id, changes, status }))
    }
}

fn is_unsupported(output: &str) -> bool {
    output.starts_with("unsupported call") || output.starts_with("failed to parse function arguments")
}

fn command(id: Id, is_unified: bool, outcome: Outcome) -> Option<Item> {
    let (status, exit_code) = outcome.ended()?;
    // What was refused never came to a tool of its own.
    let ran = exit_code.is_some();
    let source = if is_unified && ran { CommandSource::UnifiedExecStartup } else { CommandSource::Agent };
    let actions_unknown = true;
    let command = CommandExecution { id, source, status, exit_code, actions_unknown, ..CommandExecution::default() };
    Some(Item::CommandExecution(command))
}

/// Code that called tools: its output begins with how it ended.
fn script(id: Id, output: &str) -> Option<Item> {
    let success = match output.split(['\n', ':']).next()? {
        "Script completed" => true,
        "Script failed" => false,
        _ => return None,
    };
    let status = if success { ItemStatus::Completed } else { ItemStatus::Failed };
    let call =
        DynamicToolCall { id, tool: "exec".into(), status, success: Some(success), ..DynamicToolCall::default() };
    Some(Item::DynamicToolCall(call))
}

/// A call of a server's tool. Its output is a list of content, or a text if it failed.
fn mcp_call(id: Id, server: Id, tool: Id, output: &Output<'_>) -> Option<Item> {
    let Output { text: output, is_list } = output;
    if is_unsupported(output) {
        return None;
    }
    let has_failed = output.starts_with("tool call error") || output.starts_with("tool call failed");
    let has_result = *is_list || output.trim_start().starts_with(['[', '{']);
    let status = match (has_failed, has_result) {
        (true, _) => ItemStatus::Failed,
        (_, true) => ItemStatus::Completed,
        _ => ItemStatus::Unknown,
    };
    let error = Presence(has_failed);
    Some(Item::McpToolCall(McpToolCall { id, server, tool, status, error, ..McpToolCall::default() }))
}

/// A call of a tool for agents that was heard. A spawned agent is named in what it gave back.
fn agents_called(id: Id, tool: CollabTool, receivers: Vec<Id>, output: &str) -> Option<CollabAgentToolCall> {
    #[derive(Read)]
    struct Spawned {
        agent_id: Option<Id>,
    }
    let is_object = output.starts_with('{');
    let spawned: Option<Spawned> = is_object.then(|| Raw(output).get()).flatten();
    let receiver_thread_ids = match spawned.and_then(|spawned| spawned.agent_id) {
        Some(agent) => alloc::vec![agent],
        None if tool == CollabTool::SpawnAgent || !is_object => return None,
        None => receivers,
    };
    let mut agents_states = BTreeMap::new();
    if let (CollabTool::SpawnAgent, [agent]) = (tool, &receiver_thread_ids[..]) {
        agents_states.insert(agent.clone(), AgentState { status: CollabAgentStatus::PendingInit });
    }
    let (status, sender_thread_id) = (ItemStatus::Completed, Id::default());
    let (model, reasoning_effort) = (None, None);
    Some(CollabAgentToolCall {
        id,
        tool,
        status,
        sender_thread_id,
        receiver_thread_ids,
        model,
        reasoning_effort,
        agents_states,
    })
}
