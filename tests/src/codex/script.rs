//! What a scripted model replies.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::Version;

/// What the model does with the next request.
#[derive(Clone, Debug)]
pub enum Step {
    /// It streams these, one after another.
    Stream(Vec<Piece>),
    /// It fails with a status and a body.
    Fail(u16, Value),
}

/// A piece of a stream.
#[derive(Clone, Debug)]
pub enum Piece {
    /// An event.
    Event(Value),
    /// Nothing, for a time.
    Pause(Duration),
}

/// All that a model replies in a session.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// To the requests, one each.
    pub replies: VecDeque<Step>,
    /// To those of agents that the session's own agent made; `None` if these are answered from `replies`, too.
    pub children: Option<VecDeque<Step>>,
    /// Whether compactions fail.
    pub refuses_compaction: bool,
    /// Whether a command must ask to leave the sandbox so that the user is asked.
    pub asks_by_escalation: bool,
}

impl<T: IntoIterator<Item = Step>> From<T> for Script {
    fn from(replies: T) -> Self {
        Self { replies: replies.into_iter().collect(), ..Self::default() }
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

fn fresh(what: &str) -> String {
    format!("{what}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A whole answer: it begins, has items, and ends with a use of tokens.
pub fn turn(items: impl IntoIterator<Item = Value>) -> Step {
    Step::after(Duration::ZERO, items)
}

impl Step {
    /// An answer whose first item comes after a time.
    pub fn after(pause: Duration, items: impl IntoIterator<Item = Value>) -> Self {
        Self::Stream(pieces(pause, (1200, 80), items))
    }

    /// An answer with a use of tokens, of the input and of the output.
    pub fn using(tokens: (u64, u64), items: impl IntoIterator<Item = Value>) -> Self {
        Self::Stream(pieces(Duration::ZERO, tokens, items))
    }

    /// An answer that fails after its beginning.
    pub fn broken(response: &Value) -> Self {
        let begin = json!({ "type": "response.created", "response": { "id": fresh("resp") } });
        let end = response.is_object().then(|| Piece::Event(response.clone()));
        Self::Stream([Piece::Event(begin)].into_iter().chain(end).collect())
    }
}

/// The pieces of an answer. An item that is an event already stays as it is.
fn pieces(pause: Duration, (input, output): (u64, u64), items: impl IntoIterator<Item = Value>) -> Vec<Piece> {
    let id = fresh("resp");
    let usage = json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": 400 },
        "output_tokens": output, "output_tokens_details": { "reasoning_tokens": 20 }, "total_tokens": input + output,
    });
    let begin = json!({ "type": "response.created", "response": { "id": id } });
    let end = json!({ "type": "response.completed", "response": { "id": id, "usage": usage } });
    let items = items.into_iter().map(|item| {
        let is_event = item["type"].as_str().is_some_and(|name| name.starts_with("response."));
        Piece::Event(if is_event { item } else { json!({ "type": "response.output_item.done", "item": item }) })
    });
    [Piece::Event(begin), Piece::Pause(pause)].into_iter().chain(items).chain([Piece::Event(end)]).collect()
}

/// The model says something.
pub fn message(text: &str) -> Value {
    let content = json!([{ "type": "output_text", "text": text }]);
    json!({ "type": "message", "role": "assistant", "id": fresh("msg"), "content": content })
}

/// The model calls a function.
pub fn call(name: &str, arguments: &Value) -> Value {
    json!({ "type": "function_call", "call_id": fresh("call"), "name": name, "arguments": arguments.to_string() })
}

/// The model calls a function of a namespace.
pub fn call_in(namespace: &str, name: &str, arguments: &Value) -> Value {
    let mut item = call(name, arguments);
    item["namespace"] = namespace.into();
    item
}

/// The model runs a command.
pub fn shell(version: Version, command: &str) -> Value {
    let tool = match version {
        Version::Contract => "shell_command",
        Version::Newest => EXEC,
    };
    call(tool, &shell_arguments(tool, command))
}

/// What newer models run commands with.
const EXEC: &str = "exec_command";

fn shell_arguments(tool: &str, command: &str) -> Value {
    if tool == EXEC { json!({ "cmd": command, "yield_time_ms": 5000 }) } else { json!({ "command": command }) }
}

/// When a command asks to leave the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escalates {
    /// Never.
    Never,
    /// Where the user is not asked otherwise.
    ToBeAsked,
    /// Always.
    Always,
}

/// The model runs a command with whichever tool it is offered: `resolve` puts it in.
pub fn run(command: &str, escalates: Escalates) -> Value {
    let escalates = match escalates {
        Escalates::Never => "never",
        Escalates::ToBeAsked => "to be asked",
        Escalates::Always => "always",
    };
    json!({ "type": "response.run", "command": command, "escalates": escalates })
}

/// An event as it is sent, by what the request offers and says.
pub(super) fn resolve(event: &Value, request: &Value, asks_by_escalation: bool) -> Value {
    if event["type"] != "response.run" {
        return with_agent(event, request);
    }
    let mut tools = request["tools"].as_array().into_iter().flatten();
    let tool = if tools.any(|tool| tool["name"] == "shell_command") { "shell_command" } else { EXEC };
    let mut arguments = shell_arguments(tool, event["command"].as_str().unwrap_or_default());
    if event["escalates"] == "always" || event["escalates"] == "to be asked" && asks_by_escalation {
        arguments["sandbox_permissions"] = "require_escalated".into();
        arguments["justification"] = "it is needed".into();
    }
    json!({ "type": "response.output_item.done", "item": call(tool, &arguments) })
}

/// An event whose call names `$agent`: the agent that the request's calls made last.
fn with_agent(event: &Value, request: &Value) -> Value {
    let mut event = event.clone();
    if let Some(Value::String(arguments)) = event.pointer_mut("/item/arguments").filter(|text| text.is_string())
        && arguments.contains("$agent")
    {
        let outputs = request["input"].as_array().into_iter().flatten().filter_map(|item| item["output"].as_str());
        let mut made = outputs.filter_map(|output| {
            serde_json::from_str::<Value>(output).ok()?["agent_id"].as_str().map(ToOwned::to_owned)
        });
        *arguments = arguments.replace("$agent", &made.next_back().unwrap_or_default());
    }
    event
}

/// The model changes files.
pub fn patch(text: &str) -> Value {
    custom("apply_patch", text)
}

/// The model calls a tool that takes a text.
pub fn custom(name: &str, input: &str) -> Value {
    json!({ "type": "custom_tool_call", "name": name, "input": input, "call_id": fresh("call") })
}

/// The model looks for tools.
pub fn search(query: &str) -> Value {
    let arguments = json!({ "query": query });
    json!({ "type": "tool_search_call", "call_id": fresh("search"), "execution": "client", "status": "completed", "arguments": arguments })
}
