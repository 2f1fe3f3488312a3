//! A long session made out of golden recordings: many turns over many threads, each with a fixed mix
//! of items, approvals and token updates (30 facts and 13 events a turn without a diff).

use std::fmt::Write as _;

use serde_json::{Value, json};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::{Observation, ObserverLimits};
use turnledger_core::{Direction, Fact, Observer, UnixMillis};

use crate::golden::{Message, Recording, recording};
use crate::history::recorded;

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

/// What stands for a thread's number, and its request's, in the text of its messages.
const THREAD: &str = "01a1fc2d-0000-7000-8000-999999999999";
const REQUEST: usize = 999_999_999;
/// The numbers of requests for turns begin here, beyond those for threads.
const TURN_REQUESTS: usize = 1 << 21;

/// Writes a session, message by message.
pub struct Mix {
    at: u64,
    templates: Templates,
    /// A request for a thread, and its response.
    thread: [String; 2],
    messages: Vec<Message>,
}

impl Mix {
    /// A session of one connection that has been initialised.
    ///
    /// # Panics
    ///
    /// If a golden recording lacks a message that the mix is made of.
    #[allow(clippy::new_without_default, reason = "it reads files, and panics if they are not there")]
    pub fn new() -> Self {
        let templates = Templates::new();
        let (mut request, mut response) = templates.thread_start.clone();
        request["id"] = json!(REQUEST);
        response["id"] = json!(REQUEST);
        response["result"]["thread"]["id"] = json!(THREAD);
        response["result"]["thread"]["sessionId"] = json!(THREAD);
        let thread = [request.to_string(), response.to_string()];
        let initialize = templates.initialize.clone();
        let mut mix = Self { at: START, templates, thread, messages: Vec::new() };
        mix.call(0, initialize);
        mix
    }

    /// What has been written since it was last taken.
    pub fn take(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    fn put(&mut self, direction: Direction, text: String) {
        self.at += 3;
        self.messages.push(Message { at: UnixMillis(self.at), connection_id: 1.into(), direction, text });
    }

    fn call(&mut self, id: usize, (request, response): (Value, Value)) {
        for (direction, mut message) in [(TO_SERVER, request), (TO_CLIENT, response)] {
            message["id"] = json!(id);
            self.put(direction, message.to_string());
        }
    }

    fn note(&mut self, mut message: Value, thread: &str, turn: &str, item: Option<&str>) {
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
        self.put(TO_CLIENT, message.to_string());
    }

    /// Starts a thread.
    pub fn thread(&mut self, number: usize) {
        let (id, request) = (thread_id(number), (number + 1).to_string());
        for (direction, template) in [(TO_SERVER, 0), (TO_CLIENT, 1)] {
            let text = self.thread[template].replace(THREAD, &id).replace(&REQUEST.to_string(), &request);
            self.put(direction, text);
        }
    }

    /// Runs a turn of `items` items: of each ten five commands, two of which a person approves, two patches, two calls of
    /// other tools and a search.
    pub fn turn(&mut self, number: usize, thread: usize, items: usize, diff_lines: usize) {
        let thread = &thread_id(thread);
        let turn = &format!("01a1fc2e-0000-7000-8000-{number:012x}");
        let (mut request, mut response) = self.templates.turn_start.clone();
        request["params"]["threadId"] = json!(thread);
        response["result"]["turn"]["id"] = json!(turn);
        self.call(TURN_REQUESTS + number, (request, response));
        self.note(self.templates.turn_started.clone(), thread, turn, None);
        for index in 0..items {
            let item = format!("call-{number}-{index}");
            let (started, completed) = match index % 10 {
                0..5 => &self.templates.command,
                5..7 => &self.templates.patch,
                7..9 => &self.templates.mcp,
                _ => &self.templates.search,
            }
            .clone();
            self.note(started, thread, turn, Some(&item));
            if index % 10 < 2 {
                let id = number * items + index;
                let mut approval = self.templates.approval.clone();
                approval["id"] = json!(id);
                approval["params"]["itemId"] = json!(item);
                self.note(approval, thread, turn, None);
                self.put(TO_SERVER, json!({ "id": id, "result": { "decision": "accept" } }).to_string());
            }
            self.note(completed, thread, turn, Some(&item));
        }
        if diff_lines > 0 {
            let diff = diff(diff_lines, number);
            let updated = json!({ "method": "turn/diff/updated", "params": { "turnId": "", "diff": diff } });
            self.note(updated, thread, turn, None);
        }
        self.note(self.templates.tokens.clone(), thread, turn, None);
        self.note(self.templates.turn_completed.clone(), thread, turn, None);
    }
}

fn thread_id(number: usize) -> String {
    format!("01a1fc2d-0000-7000-8000-{number:012x}")
}

/// The session's messages.
///
/// # Panics
///
/// If a golden recording lacks a message that the mix is made of.
pub fn session(size: Size) -> Vec<Message> {
    let mut mix = Mix::new();
    for thread in 0..size.threads {
        mix.thread(thread);
    }
    for number in 0..size.turns {
        mix.turn(number, number % size.threads, 10, size.diff_lines);
    }
    mix.take()
}

/// The session as a recording.
///
/// # Panics
///
/// If a golden recording lacks a message that the mix is made of.
pub fn recording_of(size: Size) -> String {
    let mut text = String::new();
    for message in session(size) {
        text += &recorded(&message);
        text.push('\n');
    }
    text
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
