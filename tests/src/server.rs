//! A made-up server and its one client, for tests that say in a line what passes between them.

#![allow(clippy::needless_pass_by_value, reason = "`json!` values read best where they are used")]

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::{Discard, Reason, Stats, Subject};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Direction, Fact, Limits, Output, Pipeline, UnixMillis};

use crate::golden::{reasons, values};

/// A server with one client, thread `T` and turn `U`.
#[derive(Debug)]
pub struct Server {
    pipeline: Pipeline<Sha2>,
    /// What came out since the last time.
    pub output: Output,
    /// The clock.
    pub now: UnixMillis,
    next_id: u64,
}

impl Server {
    /// A server without clients.
    pub fn empty() -> Self {
        Self::limited(Limits::default())
    }

    /// A server without clients, whose observer and reducer have these limits.
    pub fn limited(limits: Limits) -> Self {
        let pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, limits);
        Self { pipeline, output: Output::default(), now: UnixMillis(9_000), next_id: 100 }
    }

    /// One client, the thread `T`, and the running turn `U`; their events are taken.
    #[allow(clippy::new_without_default, reason = "a default server would be an empty one")]
    pub fn new() -> Self {
        let mut server = Self::empty();
        server.begin();
        server
    }

    /// One client, the thread `T`, and the running turn `U`; their events are taken.
    pub fn begin(&mut self) {
        self.connect("0.131.0", json!({ "threadSource": "user" }));
        self.note(
            "turn/started",
            json!({ "threadId": "T", "turn": { "id": "U", "status": "inProgress", "startedAt": 5 } }),
        );
        self.take();
    }

    /// One client of a server of some version, and the thread `T` with more members; their events are taken.
    pub fn connect(&mut self, version: &str, thread: Value) {
        self.call(
            "initialize",
            json!({ "clientInfo": { "name": "c", "version": "1" } }),
            json!({ "userAgent": format!("c/{version} (L 1; x86_64)"), "platformOs": "linux" }),
        );
        let thread = with(json!({ "id": "T" }), thread);
        self.call("thread/start", json!({}), json!({ "thread": thread, "model": "m" }));
        self.take();
    }

    /// Passes a message; where it is malformed, if it is.
    pub fn send(&mut self, direction: Direction, message: &Value) -> Option<usize> {
        self.send_text(direction, &message.to_string())
    }

    /// Passes a text that may be no message; where it is malformed, if it is.
    pub fn send_text(&mut self, direction: Direction, text: &str) -> Option<usize> {
        let read = self.pipeline.observe(self.now, 1, direction, text.as_bytes(), &mut self.output);
        read.err().map(|bad| bad.column)
    }

    /// Passes a client's message.
    pub fn ask(&mut self, message: Value) {
        self.send(Direction::ClientToServer, &message);
    }

    /// Passes a message of the server.
    pub fn answer(&mut self, message: Value) {
        self.send(Direction::ServerToClient, &message);
    }

    /// What went through so far.
    pub fn stats(&self) -> &Stats {
        self.pipeline.stats()
    }

    /// The state as it would be saved.
    pub fn snapshot(&self) -> String {
        self.pipeline.snapshot()
    }

    /// Nothing came until now.
    pub fn tick(&mut self) {
        self.pipeline.tick(self.now, &mut self.output);
    }

    /// The session is over.
    pub fn finish(&mut self) {
        self.pipeline.finish(self.now, &mut self.output);
    }

    /// Passes a client's request and its response.
    pub fn call(&mut self, method: &str, params: Value, result: Value) {
        self.next_id += 1;
        self.ask(json!({ "id": self.next_id, "method": method, "params": params }));
        self.answer(json!({ "id": self.next_id, "result": result }));
    }

    /// Passes a notification.
    pub fn note(&mut self, method: &str, params: Value) {
        self.answer(json!({ "method": method, "params": params }));
    }

    /// Takes a fact in its recorded form.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn fact(&mut self, fact: Value) {
        let fact: Fact = serde_json::from_value(fact).expect("a fact");
        self.pipeline.ingest(self.now, fact, &mut self.output);
    }

    /// What came out since the last time: each event's parameters, and the discards.
    pub fn take(&mut self) -> (Vec<Value>, Vec<(Subject, Reason)>) {
        let output = std::mem::take(&mut self.output);
        let events = values(&output.events).into_iter().map(|mut event| event["event_params"].take()).collect();
        (events, reasons(&output))
    }

    /// What yielded no event since the last time: the subject, the reason, and the ids that are known.
    ///
    /// # Panics
    ///
    /// If a discard is no JSON.
    pub fn discards(&mut self) -> Vec<(Subject, Reason, Value)> {
        let form = |discard: &Discard| {
            let mut form: Value = serde_json::from_str(&discard.to_json()).expect("JSON");
            for name in ["at", "subject", "reason", "text"] {
                form.as_object_mut().expect("an object").remove(name);
            }
            (discard.subject, discard.reason, form)
        };
        std::mem::take(&mut self.output).discards.iter().map(form).collect()
    }

    /// The one event that came out.
    ///
    /// # Panics
    ///
    /// If there is not exactly one, or there are discards.
    pub fn one(&mut self) -> Value {
        let (mut events, discards) = self.take();
        assert_eq!((events.len(), discards), (1, vec![]), "{events:?}");
        events.remove(0)
    }

    /// The event of an item that starts and completes.
    pub fn item(&mut self, item: Value) -> Value {
        self.note("item/started", json!({ "threadId": "T", "turnId": "U", "startedAtMs": 10, "item": item }));
        self.note("item/completed", json!({ "threadId": "T", "turnId": "U", "completedAtMs": 30, "item": item }));
        self.one()
    }
}

/// Some members of an object, in this order.
pub fn pick(value: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| value[name].clone()).collect()
}

/// An object with more members.
///
/// # Panics
///
/// If one of them is no object.
pub fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    base
}

const ITEM: &[(&str, &str)] = &[
    ("commandExecution", r#"{"type":"commandExecution","id":"i","commandActions":[],"status":"completed"}"#),
    ("fileChange", r#"{"type":"fileChange","id":"i","changes":[],"status":"completed"}"#),
    ("mcpToolCall", r#"{"type":"mcpToolCall","id":"i","server":"s","tool":"mcp tool","status":"completed"}"#),
    ("dynamicToolCall", r#"{"type":"dynamicToolCall","id":"i","tool":"dynamic tool","status":"completed"}"#),
    (
        "collabAgentToolCall",
        r#"{"type":"collabAgentToolCall","id":"i","tool":"wait","status":"completed","senderThreadId":"T","receiverThreadIds":[]}"#,
    ),
    ("webSearch", r#"{"type":"webSearch","id":"i","query":"q"}"#),
    ("imageGeneration", r#"{"type":"imageGeneration","id":"i","status":"completed"}"#),
];

/// A completed item of a kind.
///
/// # Panics
///
/// If there is no such kind.
pub fn item(kind: &str) -> Value {
    let (_, text) = ITEM.iter().find(|(name, _)| *name == kind).expect("a kind");
    serde_json::from_str(text).expect("an item")
}
