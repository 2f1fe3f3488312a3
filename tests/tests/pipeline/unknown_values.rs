//! What becomes of texts that this version does not know: words of enums, and sentences about errors.

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::{Direction, UnixMillis, schemas as schema};
use turnledger_tests::golden::{Message, replay, values};

/// A thread and a turn, with what comes before and after them.
#[derive(Default)]
struct Session {
    thread: Value,
    turn_start: Value,
    within: Vec<Value>,
    turn: Value,
}

impl Session {
    /// The events of a type, as far as their parameters go.
    fn events(&self, event_type: &str) -> Vec<Value> {
        let merged = |mut value: Value, more: &Value| {
            for (name, member) in more.as_object().into_iter().flatten() {
                value[name] = member.clone();
            }
            value
        };
        let opened = json!({ "thread": { "id": "T" }, "model": "m", "modelProvider": "p" });
        let start = merged(json!({ "threadId": "T", "input": [] }), &self.turn_start);
        let ended = merged(json!({ "id": "U", "status": "completed", "completedAt": 2 }), &self.turn);
        let mut messages = vec![
            json!({ "id": 1, "method": "initialize", "params": { "clientInfo": { "name": "c", "version": "1" } } }),
            json!({ "id": 1, "result": { "userAgent": "c/0.131.0 (Linux 1; x86_64)" } }),
            json!({ "id": 2, "method": "thread/start", "params": {} }),
            json!({ "id": 2, "result": merged(opened, &self.thread) }),
            json!({ "id": 3, "method": "turn/start", "params": start }),
            json!({ "id": 3, "result": { "turn": { "id": "U" } } }),
            json!({ "method": "turn/started", "params": { "threadId": "T", "turn": { "id": "U", "status": "inProgress" } } }),
            item("started", json!({ "type": "userMessage", "id": "u" })),
            item("started", json!({ "type": "agentMessage", "id": "a" })),
        ];
        messages.extend(self.within.iter().cloned());
        messages.push(json!({ "method": "turn/completed", "params": { "threadId": "T", "turn": ended } }));
        let messages: Vec<_> = messages
            .iter()
            .map(|message| {
                let is_clients = message.get("id").is_some() && message.get("method").is_some();
                let direction = if is_clients { Direction::ClientToServer } else { Direction::ServerToClient };
                Message { at: UnixMillis(1_000), connection_id: 1.into(), direction, text: message.to_string() }
            })
            .collect();
        let events = values(&replay(Sha2::default(), &messages).events);
        let of_type = events.into_iter().filter(|event| event["event_type"] == event_type);
        of_type.map(|event| event["event_params"].clone()).collect()
    }

    fn event(&self, event_type: &str) -> Value {
        let mut events = self.events(event_type);
        assert_eq!(events.len(), 1, "{event_type}: {events:?}");
        events.remove(0)
    }
}

fn item(what: &str, item: Value) -> Value {
    let params = json!({ "threadId": "T", "turnId": "U", "startedAtMs": 1, "completedAtMs": 2, "item": item });
    json!({ "method": format!("item/{what}"), "params": params })
}

fn tool(item_value: Value) -> Session {
    let within = ["started", "completed"].map(|what| item(what, item_value.clone())).into();
    Session { within, ..Session::default() }
}

fn picked<const N: usize>(event: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| event[name].clone())
}

const NEW: &str = "of_a_newer_version";

#[test]
fn of_a_turn() {
    let session = Session {
        thread: json!({ "thread": { "id": "T", "threadSource": "two words" }, "sandbox": { "type": NEW } }),
        turn_start: json!({ "effort": NEW, "summary": NEW, "personality": NEW, "approvalPolicy": NEW, "approvalsReviewer": NEW,
            "serviceTier": NEW, "collaborationMode": { "mode": NEW } }),
        turn: json!({ "status": NEW, "error": { "message": "m", "codexErrorInfo": NEW } }),
        ..Session::default()
    };
    let turn = session.event("codex_turn_event");
    let can_be_null = [
        "thread_source",
        "sandbox_policy",
        "reasoning_effort",
        "reasoning_summary",
        "personality",
        "approval_policy",
        "status",
        "turn_error",
    ];
    assert_eq!(picked(&turn, can_be_null), [const { Value::Null }; 8]);
    let cannot = ["approvals_reviewer", "service_tier", "collaboration_mode"];
    assert_eq!(picked(&turn, cannot), [json!("user"), json!("default"), json!("default")]);
    assert_eq!(session.event("codex_thread_initialized")["thread_source"], Value::Null);
}

#[test]
fn of_what_turns_said_before() {
    // The unknown value is what the turn has; the earlier one is not.
    let thread = json!({ "reasoningEffort": "high" });
    let session = |effort: Value| Session {
        thread: thread.clone(),
        turn_start: json!({ "effort": effort }),
        ..Session::default()
    };
    for (effort, reported) in [(json!(NEW), Value::Null), (Value::Null, json!("high")), (json!("low"), json!("low"))] {
        assert_eq!(session(effort.clone()).event("codex_turn_event")["reasoning_effort"], reported, "{effort}");
    }
}

#[test]
fn of_an_error() {
    for (info, reported) in [
        (json!("modelNotFound"), json!("modelNotFound")),
        (json!("hunter2"), Value::Null),
        (json!({ "hunter2": { "httpStatusCode": 500 } }), Value::Null),
        (
            json!({ "responseStreamDisconnected": { "httpStatusCode": 502, "hunter2": "x" } }),
            json!({ "responseStreamDisconnected": { "httpStatusCode": 502 } }),
        ),
        (
            json!({ "activeTurnNotSteerable": { "turnKind": "hunter2" } }),
            json!({ "activeTurnNotSteerable": { "turnKind": "unknown" } }),
        ),
    ] {
        let turn = json!({ "status": "failed", "error": { "message": "hunter2", "codexErrorInfo": info } });
        let session = Session { turn, ..Session::default() };
        assert_eq!(session.event("codex_turn_event")["turn_error"], reported, "{info}");
    }
}

#[test]
fn of_items() {
    let spawn = json!({ "type": "collabAgentToolCall", "id": "i", "tool": NEW, "status": "completed", "senderThreadId": "T",
        "receiverThreadIds": [], "reasoningEffort": NEW, "agentsStates": { "A": { "status": NEW } } });
    let spawn = tool(spawn).event("codex_collab_agent_tool_call_event");
    let members =
        ["requested_reasoning_effort", "tool_name", "agent_state_count", "completed_agent_count", "failed_agent_count"];
    assert_eq!(picked(&spawn, members), [Value::Null, json!("unknown"), json!(1), json!(0), json!(0)]);

    let command = json!({ "type": "commandExecution", "id": "i", "source": NEW, "status": "completed", "commandActions": [{ "type": NEW }] });
    let command = tool(command).event("codex_command_execution_event");
    let members = ["command_execution_source", "command_unknown_action_count"];
    assert_eq!(picked(&command, members), [json!("unknown"), json!(1)]);

    let search = json!({ "type": "webSearch", "id": "i", "query": "", "action": { "type": NEW } });
    assert_eq!(tool(search).event("codex_web_search_event")["web_search_action"], "other");
}

#[test]
fn of_reviews() {
    let review = |risk: &str, asked: &str, protocol: &str| {
        let params = json!({ "threadId": "T", "turnId": "U", "startedAtMs": 1, "completedAtMs": 2, "reviewId": "r", "targetItemId": null,
            "review": { "status": "denied", "riskLevel": risk, "userAuthorization": asked },
            "action": { "type": "networkAccess", "protocol": protocol, "port": 1, "host": "h", "target": "t" } });
        let within = vec![json!({ "method": "item/autoApprovalReview/completed", "params": params })];
        let event = Session { within, ..Session::default() }.event("codex_guardian_review");
        [event["risk_level"].clone(), event["user_authorization"].clone(), event["reviewed_action"]["protocol"].clone()]
    };
    assert_eq!(review("high", "low", "https"), [json!("high"), json!("low"), json!("https")]);
    // `unknown` is the reviewer's own word for one of them.
    assert_eq!(review("unknown", "unknown", "unknown"), [Value::Null, json!("unknown"), json!("unknown")]);
    assert_eq!(review(NEW, NEW, NEW), [Value::Null, Value::Null, json!("unknown")]);
}

#[test]
fn of_programs_and_agents() {
    for (program, reported) in [
        ("/usr/bin/rm", "rm"),
        ("C:\\Tools\\g++.exe", "g++.exe"),
        ("rm -rf hunter2", "unknown"),
        ("/bin/sh -c 'echo hunter2'", "unknown"),
        ("/usr/bin/", "unknown"),
    ] {
        let params = json!({ "threadId": "T", "turnId": "U", "startedAtMs": 1, "completedAtMs": 2, "reviewId": "r", "targetItemId": "i",
            "review": { "status": "approved" }, "action": { "type": "execve", "source": "shell", "program": program, "argv": [], "cwd": "/" } });
        let within = vec![json!({ "method": "item/autoApprovalReview/completed", "params": params })];
        let event = Session { within, ..Session::default() }.event("codex_guardian_review");
        assert_eq!(event["reviewed_action"]["program"], reported, "{program}");
    }
    for (source, reported) in [
        (json!({ "subAgent": { "other": "guardian" } }), json!("guardian")),
        (json!({ "subAgent": { "other": "agent_job:01a2-7" } }), json!("agent_job:01a2-7")),
        (json!({ "subAgent": { "other": "told to fire Bob" } }), json!("other")),
        (json!({ "subAgent": "told to fire Bob" }), json!("other")),
        (json!({ "subAgent": { "told to fire Bob": 1 } }), json!("other")),
        (json!("told to fire Bob"), Value::Null),
    ] {
        let thread = json!({ "thread": { "id": "T", "source": source } });
        let event = Session { thread, ..Session::default() }.event("codex_thread_initialized");
        assert_eq!(event["subagent_source"], reported, "{source}");
    }
}

#[test]
fn of_hooks() {
    let params =
        json!({ "threadId": "T", "turnId": "U", "run": { "id": "h", "eventName": NEW, "source": NEW, "status": NEW } });
    let within = vec![json!({ "method": "hook/completed", "params": params })];
    let hook = Session { within, ..Session::default() }.event("codex_hook_run");
    let members = ["hook_name", "hook_source", "status"];
    assert_eq!(picked(&hook, members), [json!("Unknown"), json!("unknown"), Value::Null]);
}

/// Free text never passes: a known sentence does, with its numbers, or the word for the error's kind.
#[test]
fn of_a_compactions_error() {
    let free = "compaction failed because the user asked to fire Bob, password hunter2";
    let demand = "We're currently experiencing high demand, which may cause temporary errors.";
    for (message, info, reported) in [
        (free, Value::Null, Value::Null),
        (free, json!("other"), json!("other")),
        (free, json!({ "httpConnectionFailed": { "httpStatusCode": 503 } }), json!("httpConnectionFailed")),
        (free, json!("hunter2"), Value::Null),
        ("hunter2", Value::Null, Value::Null),
        (demand, json!("internalServerError"), json!(demand)),
        (
            "unexpected status 503 Service Unavailable: hunter2",
            Value::Null,
            json!("unexpected status 503 Service Unavailable"),
        ),
    ] {
        for prefix in ["", "Error running remote compact task: "] {
            let error =
                json!({ "message": format!("{prefix}{message}"), "codexErrorInfo": info, "additionalDetails": free });
            let compaction = item("started", json!({ "type": "contextCompaction", "id": "k" }));
            let notified = json!({ "method": "error", "params": { "threadId": "T", "turnId": "U", "willRetry": false, "error": error } });
            let turn = json!({ "status": "failed", "error": error });
            for within in [vec![compaction.clone(), notified], vec![compaction]] {
                let session = Session { within, turn: turn.clone(), ..Session::default() };
                assert_eq!(session.event("codex_compaction_event")["error"], reported, "{prefix}{message} {info}");
            }
        }
    }
}

/// By the fields' types: where null can be, there is no word for what is not known.
#[test]
fn what_can_be_null_has_no_word_for_the_unknown() {
    fn can_be(root: &Value, schema: &Value, wanted: &Value) -> bool {
        if let Some(place) = schema["$ref"].as_str() {
            return can_be(root, root.pointer(place.trim_start_matches('#')).expect("a definition"), wanted);
        }
        let is_null = wanted.is_null();
        let types = schema["type"].as_array().into_iter().flatten().chain([&schema["type"]]);
        let has_word =
            schema["enum"].as_array().is_some_and(|words| words.contains(wanted)) || schema["const"] == *wanted;
        (is_null && types.into_iter().any(|name| name == "null"))
            || (!is_null && has_word)
            || ["oneOf", "anyOf"]
                .iter()
                .any(|union| schema[union].as_array().into_iter().flatten().any(|part| can_be(root, part, wanted)))
    }
    fn look(root: &Value, schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(keywords) => {
                for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                    if can_be(root, member, &Value::Null) && can_be(root, member, &json!("unknown")) {
                        found.push(name.clone());
                    }
                }
                keywords.values().for_each(|value| look(root, value, found));
            }
            Value::Array(schemas) => schemas.iter().for_each(|schema| look(root, schema, found)),
            _ => {}
        }
    }
    let schema = schema::of_events();
    let mut found = Vec::new();
    look(&schema, &schema, &mut found);
    // The reviewer's own word.
    assert_eq!(found, ["user_authorization"]);
}
