//! A long session made out of golden recordings: many turns over many threads, each with a fixed mix
//! of items, approvals and token updates (30 facts and 13 events a turn without a diff).

use std::fmt::Write as _;

use serde_json::{Value, json};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::{Observation, ObserverLimits};
use turnledger_core::{Direction, Fact, Observer, UnixMillis};

use crate::golden::{Message, Recording, recording};

/// How large a session is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Turns in all.
    pub turns: usize,
    /// Threads that the turns are spread over.
    pub threads: usize,
    /// Added lines in each turn's diff; 0 for no diff.
    pub diff_lines: usize,
}

const VERSION: &str = "0.131.0";
const START: u64 = 1_795_232_000_000;
const TO_SERVER: Direction = Direction::ClientToServer;
const TO_CLIENT: Direction = Direction::ServerToClient;

struct Templates {
    command: (Value, Value),
    patch: (Value, Value),
    mcp: (Value, Value),
    search: (Value, Value),
    approval: Value,
    turn_started: Value,
    turn_completed: Value,
    tokens: Value,
    turn_start: (Value, Value),
    initialize: (Value, Value),
    thread_start: (Value, Value),
}

fn messages(recording: &Recording) -> Vec<Value> {
    recording
        .messages()
        .iter()
        .map(|message| serde_json::from_str(&message.text).expect("a recorded message"))
        .collect()
}

fn first(name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    messages(&recording(VERSION, name)).into_iter().find(wanted).expect("the recording has such a message")
}

fn by_method(name: &str, method: &str) -> Value {
    first(name, |message| message["method"] == method)
}

fn call(name: &str, method: &str) -> (Value, Value) {
    let request = by_method(name, method);
    let response = first(name, |message| message["id"] == request["id"] && message.get("result").is_some());
    (request, response)
}

fn item(name: &str, kind: &str) -> (Value, Value) {
    let started =
        first(name, |message| message["method"] == "item/started" && message["params"]["item"]["type"] == kind);
    let id = &started["params"]["item"]["id"];
    let completed =
        first(name, |message| message["method"] == "item/completed" && message["params"]["item"]["id"] == *id);
    (started, completed)
}

impl Templates {
    fn new() -> Self {
        Self {
            command: item("shell_ok_fail", "commandExecution"),
            patch: item("patch_files", "fileChange"),
            mcp: item("mcp_tools", "mcpToolCall"),
            search: item("web_and_image", "webSearch"),
            approval: by_method("approve_command", "item/commandExecution/requestApproval"),
            turn_started: by_method("plain_turn", "turn/started"),
            turn_completed: by_method("plain_turn", "turn/completed"),
            tokens: by_method("plain_turn", "thread/tokenUsage/updated"),
            turn_start: call("plain_turn", "turn/start"),
            initialize: call("plain_turn", "initialize"),
            thread_start: call("plain_turn", "thread/start"),
        }
    }
}

/// Writes the messages of one session.
struct Writer {
    at: u64,
    messages: Vec<Message>,
}

impl Writer {
    fn put(&mut self, direction: Direction, message: &Value) {
        self.at += 3;
        let text = message.to_string();
        self.messages.push(Message { at: UnixMillis(self.at), connection_id: 1, direction, text });
    }

    fn call(&mut self, id: usize, (request, response): (Value, Value)) {
        for (direction, mut message) in [(TO_SERVER, request), (TO_CLIENT, response)] {
            message["id"] = json!(id);
            self.put(direction, &message);
        }
    }

    fn note(&mut self, template: &Value, thread: &str, turn: &str, item: Option<&str>) {
        let mut message = template.clone();
        let params = &mut message["params"];
        params["threadId"] = json!(thread);
        if params.get("turnId").is_some() {
            params["turnId"] = json!(turn);
        }
        if params.get("turn").is_some() {
            params["turn"]["id"] = json!(turn);
        }
        if let Some(item) = item {
            params["item"]["id"] = json!(item);
        }
        self.put(TO_CLIENT, &message);
    }
}

/// The session's messages.
///
/// # Panics
///
/// If a golden recording lacks a message that the mix is made of.
pub fn session(size: Size) -> Vec<Message> {
    let templates = Templates::new();
    let mut writer = Writer { at: START, messages: Vec::new() };
    writer.call(0, templates.initialize.clone());
    let threads: Vec<String> =
        (0..size.threads).map(|thread| format!("01a1fc2d-0000-7000-8000-{thread:012x}")).collect();
    for (index, thread) in threads.iter().enumerate() {
        let (request, mut response) = templates.thread_start.clone();
        response["result"]["thread"]["id"] = json!(thread);
        response["result"]["thread"]["sessionId"] = json!(thread);
        writer.call(index + 1, (request, response));
    }
    let items = [&templates.command; 5].into_iter().chain([&templates.patch; 2]).chain([&templates.mcp; 2]);
    let items: Vec<_> = items.chain([&templates.search]).collect();
    for number in 0..size.turns {
        let thread = &threads[number % size.threads];
        let turn = format!("01a1fc2e-0000-7000-8000-{number:012x}");
        let (mut request, mut response) = templates.turn_start.clone();
        request["params"]["threadId"] = json!(thread);
        response["result"]["turn"]["id"] = json!(turn);
        writer.call(size.threads + 1 + number, (request, response));
        writer.note(&templates.turn_started, thread, &turn, None);
        for (index, (started, completed)) in items.iter().enumerate() {
            let item = format!("call-{number}-{index}");
            writer.note(started, thread, &turn, Some(&item));
            if index < 2 {
                let id = number * 2 + index;
                let mut approval = templates.approval.clone();
                approval["id"] = json!(id);
                approval["params"]["itemId"] = json!(item);
                writer.note(&approval, thread, &turn, None);
                writer.put(TO_SERVER, &json!({ "id": id, "result": { "decision": "accept" } }));
            }
            writer.note(completed, thread, &turn, Some(&item));
        }
        if size.diff_lines > 0 {
            let diff = diff(size.diff_lines, number);
            writer.note(
                &json!({ "method": "turn/diff/updated", "params": { "turnId": "", "diff": diff } }),
                thread,
                &turn,
                None,
            );
        }
        writer.note(&templates.tokens, thread, &turn, None);
        writer.note(&templates.turn_completed, thread, &turn, None);
    }
    writer.messages
}

/// The facts of a session, each with its time.
pub fn facts(messages: &[Message]) -> Vec<(UnixMillis, Fact)> {
    let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
    let mut observation = Observation::default();
    let mut facts = Vec::new();
    for Message { at, connection_id, direction, text } in messages {
        observer.observe(*at, *connection_id, *direction, text.as_bytes(), &mut observation);
        facts.extend(observation.facts.drain(..).map(|fact| (*at, fact)));
    }
    facts
}

/// A diff of about `bytes` bytes that adds files of source code: lines of 75 bytes on average, some
/// blank, some too short to count, one of ten with other letters than ASCII's.
pub fn source_diff(bytes: usize) -> String {
    let mut diff = String::with_capacity(bytes + 64 * 1024);
    let mut number = 0;
    while diff.len() < bytes {
        let _ = write!(
            diff,
            "diff --git a/src/f{number}.rs b/src/f{number}.rs\n--- /dev/null\n+++ b/src/f{number}.rs\n@@ -0,0 +1,400 @@\n"
        );
        for line in 0..400 {
            number += 1;
            let _ = match line % 10 {
                0 => writeln!(diff, "+"),
                1 => writeln!(diff, "+    }}"),
                2 => writeln!(
                    diff,
                    "+        // Größe und Wert des Eintrags {number}, wie sie zuletzt von allen Lesern gesehen wurden, für später"
                ),
                _ => writeln!(
                    diff,
                    "+        let value_{number} = context.compute_something({line}, &options_{number}, \"label {number}\")?; // see rule {line}"
                ),
            };
        }
    }
    diff
}

/// The added lines of a [`source_diff`] that are long enough to be hashed.
pub fn hashed_lines(diff: &str) -> Vec<&[u8]> {
    let is_hashed = |line: &&str| line.starts_with("+ ") && !line.ends_with("    }");
    diff.lines().filter(is_hashed).map(str::as_bytes).collect()
}

fn diff(lines: usize, turn: usize) -> String {
    let mut diff =
        format!("diff --git a/src/lib.rs b/src/lib.rs\n--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,0 +1,{lines} @@\n");
    for line in 0..lines {
        // Writing to a String does not fail.
        let _ = writeln!(diff, "+    let value_{line} = compute_something({line}, &context)?; // turn {turn}");
    }
    diff
}
