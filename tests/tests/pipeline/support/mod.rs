//! Facts in a line, and the contract's own examples as the events to expect.

#![allow(unreachable_pub, reason = "the module is private to this program")]

use std::sync::LazyLock;

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::reducer::Limits;
use turnledger_core::{Event, Fact, Output, Reducer, UnixMillis};
pub use turnledger_tests::server::{item, with};

/// The examples of `docs/contract/events.md`, one a line.
const EXAMPLES: &str = include_str!("events.jsonl");

/// The contract's example of an event, as it is uploaded.
pub fn example(event_type: &str) -> &'static str {
    let start = format!(r#"{{"event_type":"{event_type}","#);
    EXAMPLES.lines().find(|line| line.starts_with(&start)).expect("an example of each event")
}

/// All examples of the contract.
pub fn examples() -> impl Iterator<Item = Value> {
    EXAMPLES.lines().map(|line| serde_json::from_str(line).expect("an example"))
}

/// The contract's example of an event with other parameters.
pub fn changed(event_type: &str, more: Value) -> Value {
    let mut event: Value = serde_json::from_str(example(event_type)).expect("an example");
    let params = event["event_params"].take();
    for name in more.as_object().expect("an object").keys() {
        assert!(params.get(name).is_some(), "{event_type} has no {name}");
    }
    event["event_params"] = with(params, more);
    event
}

/// What a step yields: whole events, and discards.
pub type Yield = (Vec<Value>, Vec<(Subject, Reason)>);

pub fn nothing() -> Yield {
    (vec![], vec![])
}

pub fn discarded(subject: Subject, reason: Reason) -> Yield {
    (vec![], vec![(subject, reason)])
}

/// A reducer and its clock.
pub struct Session {
    reducer: Reducer<Sha2>,
    now: UnixMillis,
}

/// The schema of facts.
pub static FACTS: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&turnledger_core::schemas::of_facts()).expect("a schema"));

impl Session {
    /// A reducer that has seen nothing.
    pub fn empty() -> Self {
        Self { reducer: Reducer::new(Sha2::default(), Limits::default()), now: UnixMillis(1_771_000_000_000) }
    }

    /// Connection 1 and its thread `T1`, as in the contract's examples.
    pub fn new() -> Self {
        let mut session = Self::empty();
        session.fact(initialize(1));
        session.fact(thread(1, "start", "T1"));
        session
    }

    /// The same with the running turn `turn-77`.
    pub fn running() -> Self {
        let mut session = Self::new();
        assert_eq!(session.fact(started("T1", "turn-77")), nothing());
        session
    }

    /// Sets the clock.
    pub fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = UnixMillis(seconds * 1000);
        self
    }

    fn apply(&mut self, fact: Value) -> Output {
        let text = fact.to_string();
        let fact: Fact = serde_json::from_value(fact).unwrap_or_else(|error| panic!("{error}: {text}"));
        // Words that this version does not know are taken, and are `unknown` from there on.
        let known = serde_json::from_str(fact.to_private_json().expose()).expect("a fact as JSON");
        assert!(FACTS.is_valid(&known), "not by the schema of facts: {known}");
        let mut output = Output::default();
        self.reducer.apply(self.now, fact, &mut output);
        output
    }

    /// Takes a fact in its recorded form.
    pub fn fact(&mut self, fact: Value) -> Yield {
        yielded(&self.apply(fact))
    }

    /// Ends the session.
    pub fn finish(&mut self) -> Yield {
        let mut output = Output::default();
        self.reducer.finish(self.now, &mut output);
        yielded(&output)
    }

    /// Takes facts and returns the lines that are uploaded.
    pub fn lines(&mut self, facts: Vec<Value>) -> Vec<String> {
        facts.into_iter().flat_map(|fact| self.apply(fact).events).map(|event: Event| event.to_string()).collect()
    }

    /// Takes a fact that yields one event and no discard.
    pub fn one(&mut self, fact: Value) -> Value {
        let (mut events, discards) = self.fact(fact);
        assert_eq!((events.len(), discards), (1, vec![]), "{events:?}");
        events.remove(0)
    }
}

fn yielded(output: &Output) -> Yield {
    let events = output.events.iter().map(|event| serde_json::to_value(event).expect("an event as JSON")).collect();
    (events, output.discards.iter().map(|discard| (discard.subject, discard.reason)).collect())
}

/// The client of a connection: the first one is that of the examples.
pub fn client(connection: u64) -> Value {
    match connection {
        1 => json!({ "product_client_id": "demo_editor", "client_name": "demo_editor", "client_version": "3.1.4",
            "rpc_transport": "stdio", "experimental_api_enabled": true }),
        _ => json!({ "product_client_id": "other", "client_name": "other", "client_version": "9",
            "rpc_transport": "websocket", "experimental_api_enabled": null }),
    }
}

pub fn runtime() -> Value {
    json!({ "codex_rs_version": "0.131.0", "runtime_os": "linux", "runtime_os_version": "24.04", "runtime_arch": "x86_64" })
}

/// A connection's start, which yields [`client`].
pub fn initialize(connection: u64) -> Value {
    let client = client(connection);
    let capabilities = match &client["experimental_api_enabled"] {
        Value::Null => Value::Null,
        enabled => json!({ "experimentalApi": enabled }),
    };
    json!({ "initialize": { "connection_id": connection,
        "params": { "clientInfo": { "name": client["client_name"], "version": client["client_version"] }, "capabilities": capabilities },
        "product_client_id": client["product_client_id"], "runtime": runtime(), "rpc_transport": client["rpc_transport"] } })
}

/// An `initialize` of a server of 0.171.
pub fn newer_initialize(connection: u64) -> Value {
    let mut fact = initialize(connection);
    fact["initialize"]["runtime"]["codex_rs_version"] = "0.171.0".into();
    fact
}

pub fn request(connection: u64, id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "client_request": { "connection_id": connection, "request_id": id.into(), "request": { "method": method, "params": params } } })
}

pub fn response(connection: u64, id: impl Into<Value>, method: &str, result: Value) -> Value {
    json!({ "client_response": { "connection_id": connection, "request_id": id.into(), "response": { "method": method, "result": result } } })
}

pub fn error(connection: u64, id: impl Into<Value>, error_type: Value) -> Value {
    json!({ "error_response": { "connection_id": connection, "request_id": id.into(), "error_type": error_type } })
}

/// The response of `thread/start`, `thread/resume` or `thread/fork`.
pub fn thread(connection: u64, verb: &str, id: &str) -> Value {
    let thread =
        json!({ "id": id, "ephemeral": false, "createdAt": 1_771_000_000, "source": "vscode", "threadSource": "user" });
    response(connection, 0, &format!("thread/{verb}"), json!({ "thread": thread, "model": "gpt-5.1-codex" }))
}

pub fn subagent(thread: &str, parent: Value, source: Value) -> Value {
    json!({ "sub_agent_thread_started": { "thread_id": thread, "parent_thread_id": parent, "product_client_id": "parent",
        "client_name": "parent", "client_version": "2", "model": "small", "ephemeral": true, "subagent_source": source, "created_at": 7 } })
}

pub fn notification(method: &str, params: Value) -> Value {
    json!({ "notification": { "method": method, "params": params } })
}

pub fn started(thread: &str, turn: &str) -> Value {
    let turn = json!({ "id": turn, "status": "inProgress", "startedAt": 1_771_000_301 });
    notification("turn/started", json!({ "threadId": thread, "turn": turn }))
}

/// The end of a turn, as in the example.
pub fn completed(thread: &str, turn: &str) -> Value {
    let error =
        json!({ "message": "x", "codexErrorInfo": { "responseStreamDisconnected": { "httpStatusCode": 502 } } });
    let turn =
        json!({ "id": turn, "status": "failed", "error": error, "completedAt": 1_771_000_330, "durationMs": 29_250 });
    notification("turn/completed", json!({ "threadId": thread, "turn": turn }))
}

/// The settings of a turn, as in the example.
pub fn config(thread: &str, turn: &str) -> Value {
    let workspace = json!({ "managed": { "file_system": { "restricted": { "entries": [
        { "path": "root", "access": "read" }, { "path": { "project_roots": { "subpath": null } }, "access": "write" } ] } },
        "network_enabled": false } });
    json!({ "turn_resolved_config": { "turn_id": turn, "thread_id": thread, "num_input_images": 1, "submission_type": null,
        "ephemeral": false, "model": "gpt-5.1-codex", "model_provider": "openai", "permission_profile": workspace,
        "permission_profile_cwd": "/w", "reasoning_effort": "high", "reasoning_summary": "auto", "service_tier": null,
        "approval_policy": "on-request", "approvals_reviewer": "user", "sandbox_network_access": false,
        "collaboration_mode": "default", "personality": null, "is_first_turn": true } })
}

pub fn tokens(thread: &str, turn: &str) -> Value {
    json!({ "turn_token_usage": { "turn_id": turn, "thread_id": thread, "input_tokens": 1200, "cached_input_tokens": 800,
        "output_tokens": 300, "reasoning_output_tokens": 120, "total_tokens": 1500 } })
}

pub fn turn_start(connection: u64, id: u64, thread: &str, input: Value) -> Value {
    request(connection, id, "turn/start", json!({ "threadId": thread, "input": input }))
}

pub fn turn_start_response(connection: u64, id: u64, turn: &str) -> Value {
    response(connection, id, "turn/start", json!({ "turn": { "id": turn } }))
}

pub fn steer(connection: u64, id: u64, thread: &str, input: Value) -> Value {
    let params = json!({ "threadId": thread, "expectedTurnId": "turn-77", "input": input });
    request(connection, id, "turn/steer", params)
}

pub fn steer_response(connection: u64, id: u64, turn: &str) -> Value {
    response(connection, id, "turn/steer", json!({ "turnId": turn }))
}

pub fn item_started(thread: &str, turn: &str, at: i64, item: &Value) -> Value {
    notification("item/started", json!({ "threadId": thread, "turnId": turn, "startedAtMs": at, "item": item }))
}

pub fn item_completed(thread: &str, turn: &str, at: i64, item: &Value) -> Value {
    notification("item/completed", json!({ "threadId": thread, "turnId": turn, "completedAtMs": at, "item": item }))
}

/// Members of an approval request in `T1` and `turn-77`.
pub fn approval(item: &str, more: Value) -> Value {
    with(json!({ "threadId": "T1", "turnId": "turn-77", "itemId": item, "startedAtMs": 1_771_000_302_005_u64 }), more)
}

/// The server asks connection 1; `kind` is `commandExecution`, `fileChange` or `permissions`.
pub fn ask(id: impl Into<Value>, kind: &str, params: Value) -> Value {
    let method = format!("item/{kind}/requestApproval");
    json!({ "server_request": { "connection_id": 1, "request_id": id.into(), "request": { "method": method, "params": params } } })
}

/// An answer in its recorded form, such as `{"command_approval": "accept"}`.
pub fn answer(id: impl Into<Value>, response: Value) -> Value {
    json!({ "server_response": { "completed_at_ms": 1_771_000_306_005_u64, "connection_id": 1, "request_id": id.into(), "response": response } })
}

/// The details of an automatic review, as in the example.
pub fn guardian_review(thread: &str) -> Value {
    let mut event: Value = serde_json::from_str(example("codex_guardian_review")).expect("an example");
    let mut fact = event["event_params"].take();
    fact["thread_id"] = json!(thread);
    json!({ "guardian_review": fact })
}

/// The end of an automatic review of `item`.
pub fn verdict(item: Value, action: Value, more: Value) -> Value {
    let params = json!({ "threadId": "T1", "turnId": "turn-77", "startedAtMs": 1000, "completedAtMs": 1250, "reviewId": "r",
        "targetItemId": item, "review": { "status": "approved" }, "action": action });
    notification("item/autoApprovalReview/completed", with(params, more))
}
