//! The mapping tables of `docs/contract/rules.md`, row by row: tool items.

use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};
use turnledger_tests::server::{Server, item, pick, with};

/// `docs/contract/rules.md` 6.3
#[test]
fn tool_names() {
    for (kind, more, name) in [
        ("commandExecution", json!({}), "shell"),
        ("commandExecution", json!({ "source": "agent" }), "shell"),
        ("commandExecution", json!({ "source": "userShell" }), "user_shell"),
        ("commandExecution", json!({ "source": "unifiedExecStartup" }), "unified_exec"),
        ("commandExecution", json!({ "source": "unifiedExecInteraction" }), "unified_exec"),
        ("fileChange", json!({}), "apply_patch"),
        ("mcpToolCall", json!({}), "mcp tool"),
        ("dynamicToolCall", json!({}), "dynamic tool"),
        ("collabAgentToolCall", json!({ "tool": "spawnAgent" }), "spawn_agent"),
        ("collabAgentToolCall", json!({ "tool": "sendInput" }), "send_input"),
        ("collabAgentToolCall", json!({ "tool": "resumeAgent" }), "resume_agent"),
        ("collabAgentToolCall", json!({ "tool": "wait" }), "wait_agent"),
        ("collabAgentToolCall", json!({ "tool": "closeAgent" }), "close_agent"),
        ("webSearch", json!({}), "web_search"),
        ("imageGeneration", json!({}), "image_generation"),
    ] {
        assert_eq!(Server::new().item(with(item(kind), more))["tool_name"], name);
    }
}

/// `docs/contract/rules.md` 6.4
#[test]
fn item_outcomes() {
    let outcome = |kind: &str, status: Value| {
        let mut server = Server::new();
        let item = with(item(kind), json!({ "status": status }));
        server.note("item/started", json!({ "threadId": "T", "turnId": "U", "startedAtMs": 10, "item": item }));
        server.note("item/completed", json!({ "threadId": "T", "turnId": "U", "completedAtMs": 30, "item": item }));
        let (events, discards) = server.take();
        (events.first().map(|event| pick(event, &["terminal_status", "failure_kind"])), discards)
    };
    let completed = (Some(vec![json!("completed"), Value::Null]), vec![]);
    let failed = (Some(vec![json!("failed"), json!("tool_error")]), vec![]);
    let rejected = (Some(vec![json!("rejected"), json!("approval_denied")]), vec![]);
    let none = (None, vec![(Subject::Item, Reason::NotFinal)]);
    for kind in ["commandExecution", "fileChange", "mcpToolCall", "dynamicToolCall", "collabAgentToolCall"] {
        assert_eq!(outcome(kind, json!("inProgress")), none, "{kind}");
        assert_eq!(outcome(kind, json!("completed")), completed, "{kind}");
        assert_eq!(outcome(kind, json!("failed")), failed, "{kind}");
    }
    for kind in ["commandExecution", "fileChange"] {
        assert_eq!(outcome(kind, json!("declined")), rejected, "{kind}");
    }
    assert_eq!(outcome("webSearch", Value::Null), completed);
    for (status, expected) in [
        ("failed", &failed),
        ("error", &failed),
        ("completed", &completed),
        ("in_progress", &completed),
        ("Failed", &completed),
    ] {
        assert_eq!(outcome("imageGeneration", json!(status)), *expected, "{status}");
    }
}

/// `docs/contract/rules.md` 6.5
#[test]
fn item_counts() {
    let event = |kind: &str, more: Value| Server::new().item(with(item(kind), more));
    let actions = json!([{ "type": "read" }, { "type": "read" }, { "type": "listFiles" }, { "type": "search" }, { "type": "unknown" }, { "type": "newer" }]);
    let names = ["total", "read", "list_files", "search", "unknown"].map(|name| format!("command_{name}_action_count"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(
        pick(&event("commandExecution", json!({ "commandActions": actions })), &names),
        [6, 2, 1, 1, 2].map(Value::from)
    );

    let change = |kind: Value| json!({ "path": "p", "kind": kind, "diff": "" });
    let changes = json!([
        change(json!({ "type": "add" })),
        change(json!({ "type": "delete" })),
        change(json!({ "type": "update", "move_path": "q" })),
        change(json!({ "type": "update", "move_path": null })),
        change(json!({ "type": "update" }))
    ]);
    let names = ["change", "add", "update", "delete", "move"].map(|name| format!("file_{name}_count"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(pick(&event("fileChange", json!({ "changes": changes })), &names), [5, 1, 2, 1, 1].map(Value::from));

    let names = ["content", "text", "image"].map(|name| format!("output_{name}_item_count"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let content = json!([{ "type": "inputText", "text": "" }, { "type": "inputImage", "imageUrl": "" }, { "type": "inputText", "text": "" }]);
    for (items, expected) in [
        (Value::Null, [Value::Null, Value::Null, Value::Null]),
        (json!([]), [0, 0, 0].map(Value::from)),
        (content, [3, 2, 1].map(Value::from)),
    ] {
        assert_eq!(pick(&event("dynamicToolCall", json!({ "contentItems": items })), &names), expected);
    }

    let states = json!({ "a": { "status": "completed" }, "b": { "status": "errored" }, "c": { "status": "shutdown" }, "d": { "status": "notFound" },
        "e": { "status": "running" }, "f": { "status": "pendingInit" }, "g": { "status": "interrupted" } });
    let collab = event("collabAgentToolCall", json!({ "agentsStates": states, "receiverThreadIds": ["x", "y"] }));
    assert_eq!(
        pick(
            &collab,
            &[
                "agent_state_count",
                "completed_agent_count",
                "failed_agent_count",
                "receiver_thread_count",
                "receiver_thread_ids"
            ]
        ),
        [json!(7), json!(1), json!(3), json!(2), json!(["x", "y"])]
    );

    for (query, action, expected) in [
        ("q", json!({ "type": "search", "query": "q", "queries": ["a", "b"] }), (json!("search"), true, json!(2))),
        ("", json!({ "type": "search", "query": "q", "queries": [] }), (json!("search"), false, json!(0))),
        ("", json!({ "type": "search", "query": "" }), (json!("search"), false, json!(1))),
        ("q", json!({ "type": "search" }), (json!("search"), true, Value::Null)),
        ("q", json!({ "type": "openPage" }), (json!("open_page"), true, Value::Null)),
        ("q", json!({ "type": "openPage", "query": "q", "queries": ["a"] }), (json!("open_page"), true, Value::Null)),
        ("q", json!({ "type": "findInPage" }), (json!("find_in_page"), true, Value::Null)),
        ("q", json!({ "type": "newer" }), (json!("other"), true, Value::Null)),
        (" q", Value::Null, (Value::Null, true, json!(1))),
        (" \t", Value::Null, (Value::Null, false, Value::Null)),
    ] {
        let event = event("webSearch", json!({ "query": query, "action": action }));
        let expected = [expected.0, json!(expected.1), expected.2];
        assert_eq!(
            pick(&event, &["web_search_action", "query_present", "query_count"]),
            expected,
            "{query:?} {action}"
        );
    }
    for (kind, execution) in [("commandExecution", 7), ("mcpToolCall", 7), ("dynamicToolCall", 7)] {
        assert_eq!(event(kind, json!({ "durationMs": 7 }))["execution_duration_ms"], execution);
        assert_eq!(event(kind, json!({ "durationMs": -1 }))["execution_duration_ms"], Value::Null);
    }
    assert_eq!(event("webSearch", json!({ "durationMs": 7 }))["execution_duration_ms"], Value::Null);
    assert_eq!(
        pick(&event("webSearch", json!({})), &["started_at_ms", "completed_at_ms", "duration_ms"]),
        [10, 30, 20].map(Value::from)
    );
}

/// `docs/contract/rules.md` 6.1, 6.2: what is missing, in the order in which it is looked for.
#[test]
fn items_without_an_event() {
    let complete = |server: &mut Server, thread: &str, turn: &str, at: i64| {
        server.note(
            "item/completed",
            json!({ "threadId": thread, "turnId": turn, "completedAtMs": at, "item": item("webSearch") }),
        );
        server.take()
    };
    let start = |server: &mut Server, thread: &str, turn: &str, at: i64| {
        server.note(
            "item/started",
            json!({ "threadId": thread, "turnId": turn, "startedAtMs": at, "item": item("webSearch") }),
        );
        server.take()
    };
    let mut server = Server::new();
    start(&mut server, "T", "other", 10);
    assert_eq!(complete(&mut server, "T", "other", 30).1, [(Subject::Item, Reason::UnknownTurn)]);
    server.note("turn/started", json!({ "threadId": "T", "turn": { "id": "other", "status": "inProgress" } }));
    assert_eq!(complete(&mut server, "T", "other", 30).0.len(), 1, "its start was kept");
    assert_eq!(complete(&mut server, "T", "U", 30).1, [(Subject::Item, Reason::NeverStarted)]);
    assert_eq!(start(&mut server, "T", "U", -1).1, [(Subject::Item, Reason::NegativeTime)]);
    start(&mut server, "T", "U", 10);
    assert_eq!(complete(&mut server, "T", "U", -1).1, [(Subject::Item, Reason::NegativeTime)]);
    start(&mut server, "T", "U", 50);
    assert_eq!(complete(&mut server, "T", "U", 30).0[0]["duration_ms"], Value::Null, "a negative duration is none");
    server.note("turn/started", json!({ "threadId": "X", "turn": { "id": "U", "status": "inProgress" } }));
    start(&mut server, "X", "U", 10);
    assert_eq!(complete(&mut server, "X", "U", 30).1, [(Subject::Item, Reason::UnknownThread)]);
}
