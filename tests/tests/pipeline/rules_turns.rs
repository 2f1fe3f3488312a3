//! The mapping tables of `docs/contract/rules.md`, row by row: threads, turns, steers, hooks and the rest.

use serde_json::{Value, json};
use turnledger_core::Direction;
use turnledger_core::discard::{Reason, Subject};
use turnledger_tests::server::{Server, pick, with};

fn config(thread: &str, turn: &str) -> Value {
    json!({ "turn_id": turn, "thread_id": thread, "num_input_images": 2, "submission_type": null, "ephemeral": false, "model": "m", "model_provider": "p",
        "permission_profile": "disabled", "reasoning_effort": null, "reasoning_summary": null, "service_tier": null, "approval_policy": "never",
        "approvals_reviewer": "user", "sandbox_network_access": true, "collaboration_mode": "default", "personality": null, "is_first_turn": true })
}

fn completed(server: &mut Server, thread: &str, turn: Value) {
    server.fact(
        json!({ "notification": { "method": "turn/completed", "params": { "threadId": thread, "turn": turn } } }),
    );
}

/// `docs/contract/rules.md` 9.3 and 4.1: each setting as the event says it.
#[test]
fn settings_and_endings_of_turns() {
    let turn = |more: Value, end: Value| {
        let mut server = Server::new();
        server.fact(json!({ "turn_resolved_config": with(config("T", "U"), more) }));
        completed(&mut server, "T", with(json!({ "id": "U", "status": "completed" }), end));
        server.one()
    };
    let setting =
        |name: &str, value: Value, event_name: &str| turn(json!({ name: value }), json!({}))[event_name].clone();
    for (name, value, event_name, expected) in [
        ("reasoning_effort", json!("none"), "reasoning_effort", json!("none")),
        ("reasoning_effort", json!("xhigh"), "reasoning_effort", json!("xhigh")),
        ("reasoning_effort", Value::Null, "reasoning_effort", Value::Null),
        ("reasoning_summary", json!("none"), "reasoning_summary", Value::Null),
        ("reasoning_summary", json!("detailed"), "reasoning_summary", json!("detailed")),
        ("personality", json!("none"), "personality", Value::Null),
        ("personality", json!("friendly"), "personality", json!("friendly")),
        ("service_tier", json!("fast"), "service_tier", json!("fast")),
        ("service_tier", json!("flex"), "service_tier", json!("flex")),
        ("service_tier", Value::Null, "service_tier", json!("default")),
        ("approval_policy", json!("untrusted"), "approval_policy", json!("untrusted")),
        ("approval_policy", json!("on-failure"), "approval_policy", json!("on-failure")),
        ("approval_policy", json!("on-request"), "approval_policy", json!("on-request")),
        ("approval_policy", json!({ "granular": { "rules": true } }), "approval_policy", json!("granular")),
        ("approval_policy", json!("never"), "approval_policy", json!("never")),
        ("approvals_reviewer", json!("user"), "approvals_reviewer", json!("user")),
        ("approvals_reviewer", json!("auto_review"), "approvals_reviewer", json!("guardian_subagent")),
        ("collaboration_mode", json!("plan"), "collaboration_mode", json!("plan")),
        ("collaboration_mode", json!("pair_programming"), "collaboration_mode", json!("default")),
        ("submission_type", json!("queued"), "submission_type", json!("queued")),
        (
            "permission_profile",
            json!({ "external": { "network_enabled": true } }),
            "sandbox_policy",
            json!("external_sandbox"),
        ),
        ("permission_profile", json!("disabled"), "sandbox_policy", json!("full_access")),
        ("permission_profile", Value::Null, "sandbox_policy", Value::Null),
    ] {
        assert_eq!(setting(name, value.clone(), event_name), expected, "{name} {value}");
    }
    let end = |end: Value, name: &str| turn(json!({}), end)[name].clone();
    for (status, expected) in [
        ("completed", json!("completed")),
        ("failed", json!("failed")),
        ("interrupted", json!("interrupted")),
        ("inProgress", Value::Null),
    ] {
        assert_eq!(end(json!({ "status": status }), "status"), expected);
    }
    assert_eq!(end(json!({}), "completed_at"), 0);
    assert_eq!(end(json!({ "completedAt": -1 }), "completed_at"), 0);
    assert_eq!(end(json!({ "completedAt": 9 }), "completed_at"), 9);
    assert_eq!(end(json!({ "durationMs": -1 }), "duration_ms"), Value::Null);
    assert_eq!(end(json!({ "error": { "message": "m", "codexErrorInfo": "badRequest" } }), "turn_error"), "badRequest");
    assert_eq!(end(json!({}), "started_at"), 5);
}

/// `docs/contract/rules.md` 4.2 and 4.3: what a turn's event waits for, and that it comes once.
#[test]
fn a_turn_waits_for_what_it_needs() {
    let request = |method: &str, params: Value| json!({ "client_request": { "connection_id": 1, "request_id": 5, "request": { "method": method, "params": params } } });
    let response = |method: &str, result: Value| json!({ "client_response": { "connection_id": 1, "request_id": 5, "response": { "method": method, "result": result } } });
    let accepted = response("turn/start", json!({ "turn": { "id": "U" } }));
    let mut server = Server::new();
    server.fact(request("turn/start", json!({ "threadId": "T", "input": [{ "type": "image" }] })));
    server.fact(json!({ "turn_resolved_config": config("T", "U") }));
    completed(&mut server, "T", json!({ "id": "U", "status": "completed" }));
    assert_eq!(server.take(), (vec![], vec![]), "the response may say which connection started it");
    server.fact(accepted.clone());
    assert_eq!(server.one()["num_input_images"], 1, "the last writer wins");
    completed(&mut server, "T", json!({ "id": "U", "status": "completed" }));
    assert_eq!(server.take(), (vec![], vec![]), "a turn has one event");

    // A turn without a request, as a subagent's, is its thread's.
    server.fact(json!({ "sub_agent_thread_started": { "thread_id": "S", "product_client_id": "c", "client_name": "c", "client_version": "1", "model": "m",
        "ephemeral": false, "subagent_source": { "thread_spawn": { "parent_thread_id": "T" } }, "created_at": 3 } }));
    let thread = server.one();
    assert_eq!(thread["app_server_client"]["rpc_transport"], "in_process");
    assert_eq!(
        pick(&thread, &["thread_source", "subagent_source", "parent_thread_id", "initialization_mode", "created_at"]),
        [json!("subagent"), json!("thread_spawn"), json!("T"), json!("new"), json!(3)]
    );
    server.fact(json!({ "turn_resolved_config": config("S", "U") }));
    completed(&mut server, "S", json!({ "id": "U", "status": "completed" }));
    let turn = server.one();
    assert_eq!(
        pick(&turn, &["thread_id", "subagent_source", "num_input_images"]),
        [json!("S"), json!("thread_spawn"), json!(2)]
    );
    assert_eq!(turn["app_server_client"]["rpc_transport"], "stdio", "the parent's connection");

    // A response of the other kind uses the request up.
    server.fact(request("turn/steer", json!({ "threadId": "T", "expectedTurnId": "U", "input": [] })));
    server.fact(accepted.clone());
    server.fact(response("turn/steer", json!({ "turnId": "U" })));
    assert_eq!(server.take().1, [(Subject::Turn, Reason::UnknownRequest), (Subject::Steer, Reason::UnknownRequest)]);
}

/// `docs/contract/rules.md` 7 and `docs/contract/wire.md` 4.3
#[test]
fn steers() {
    let refused = |error: Value| {
        let mut server = Server::new();
        let params = json!({ "threadId": "T", "expectedTurnId": "U", "input": [{ "type": "image", "url": "u" }] });
        server.send(Direction::ClientToServer, &json!({ "id": 5, "method": "turn/steer", "params": params }));
        server.send(Direction::ServerToClient, &json!({ "id": 5, "error": error }));
        let event = server.one();
        assert_eq!(
            pick(&event, &["result", "accepted_turn_id", "num_input_images", "created_at"]),
            [json!("rejected"), Value::Null, json!(1), json!(9)]
        );
        event["rejection_reason"].clone()
    };
    let plain = |message: &str| refused(json!({ "code": -32600, "message": message }));
    let running = |kind: &str| {
        refused(
            json!({ "code": -32600, "message": "x", "data": { "codexErrorInfo": { "activeTurnNotSteerable": { "turnKind": kind } } } }),
        )
    };
    assert_eq!(plain("no active turn to steer"), "no_active_turn");
    assert_eq!(plain("expected active turn id `a` but found `b`"), "expected_turn_mismatch");
    assert_eq!(running("review"), "non_steerable_review");
    assert_eq!(running("compact"), "non_steerable_compact");
    assert_eq!(plain("input must not be empty"), "empty_input");
    assert_eq!(
        refused(json!({ "code": -32602, "message": "x", "data": { "input_error_code": "input_too_large" } })),
        "input_too_large"
    );
    assert_eq!(plain("thread not found"), Value::Null);
}

/// `docs/contract/rules.md` 9.1 and 9.2
#[test]
fn lineage_of_threads() {
    let thread = |method: &str, more: Value| {
        let mut server = Server::new();
        server.call(
            method,
            json!({}),
            json!({ "thread": with(json!({ "id": "N", "createdAt": -5 }), more), "model": "m" }),
        );
        pick(
            &server.one(),
            &["initialization_mode", "thread_source", "subagent_source", "parent_thread_id", "created_at"],
        )
    };
    for (method, mode) in [("thread/start", "new"), ("thread/resume", "resumed"), ("thread/fork", "forked")] {
        assert_eq!(
            thread(method, json!({ "source": "cli" })),
            [json!(mode), Value::Null, Value::Null, Value::Null, json!(0)]
        );
    }
    for (source, name, parent) in [
        (json!("review"), "review", Value::Null),
        (json!("compact"), "compact", Value::Null),
        (json!("memory_consolidation"), "memory_consolidation", Value::Null),
        (json!({ "other": "guardian" }), "guardian", Value::Null),
        (json!({ "thread_spawn": { "parent_thread_id": "P", "depth": 1 } }), "thread_spawn", json!("P")),
    ] {
        let lineage = thread("thread/resume", json!({ "source": { "subAgent": source }, "threadSource": "subagent" }));
        assert_eq!(lineage, [json!("resumed"), json!("subagent"), json!(name), parent, json!(0)]);
    }
}

/// `docs/contract/rules.md` 9.5 and `docs/contract/events.md`
#[test]
fn hooks() {
    let hook = |name: &str, source: &str, status: &str| {
        let mut server = Server::new();
        server.note("hook/completed", json!({ "threadId": "T", "turnId": null, "run": { "id": "h", "eventName": name, "source": source, "status": status } }));
        pick(&server.one(), &["hook_name", "hook_source", "status", "turn_id", "model_slug"])
    };
    for (wire, event) in [
        ("preToolUse", "PreToolUse"),
        ("permissionRequest", "PermissionRequest"),
        ("postToolUse", "PostToolUse"),
        ("preCompact", "PreCompact"),
        ("postCompact", "PostCompact"),
        ("sessionStart", "SessionStart"),
        ("userPromptSubmit", "UserPromptSubmit"),
        ("stop", "Stop"),
    ] {
        assert_eq!(hook(wire, "user", "completed"), [event, "user", "completed", "U", "m"]);
    }
    for (wire, event) in [
        ("system", "system"),
        ("user", "user"),
        ("project", "project"),
        ("mdm", "mdm"),
        ("sessionFlags", "session_flags"),
        ("plugin", "plugin"),
        ("cloudRequirements", "cloud_requirements"),
        ("legacyManagedConfigFile", "legacy_managed_config_file"),
        ("legacyManagedConfigMdm", "legacy_managed_config_mdm"),
        ("unknown", "unknown"),
        ("newer", "unknown"),
    ] {
        assert_eq!(hook("stop", wire, "completed")[1], event);
    }
    for (wire, event) in [
        ("completed", "completed"),
        ("failed", "failed"),
        ("blocked", "blocked"),
        ("stopped", "stopped"),
        ("running", "failed"),
    ] {
        assert_eq!(hook("stop", "user", wire)[2], event);
    }
}

/// `docs/contract/rules.md` 1.1: what each event needs.
#[test]
fn events_without_their_context() {
    let tracking = json!({ "model_slug": "m", "thread_id": "X", "turn_id": "U" });
    let mut server = Server::empty();
    server.call("thread/start", json!({}), json!({ "thread": { "id": "T" }, "model": "m" }));
    assert_eq!(server.take(), (vec![], vec![(Subject::Thread, Reason::UnknownConnection)]));
    let details = json!({ "trigger": "auto", "reason": "context_limit", "implementation": "responses", "phase": "pre_turn", "strategy": "memento", "status": "completed",
        "error": null, "active_context_tokens_before": 1, "active_context_tokens_after": 1, "started_at": 1, "completed_at": 1, "duration_ms": 1 });
    server.fact(json!({ "compaction": with(json!({ "thread_id": "X", "turn_id": "U" }), details) }));
    assert_eq!(server.take(), (vec![], vec![(Subject::Compaction, Reason::UnknownThread)]));

    // Skills, apps, plugins and hooks need nothing.
    server.fact(json!({ "skill_invoked": { "tracking": tracking, "invocations": [{ "skill_name": "s", "skill_scope": "user", "invocation_type": "implicit" }] } }));
    server.fact(json!({ "app_mentioned": { "tracking": tracking, "mentions": [{ "connector_id": "a", "app_name": "A", "invocation_type": "explicit" }, { "connector_id": null, "app_name": null, "invocation_type": null }] } }));
    server.fact(json!({ "app_used": { "tracking": tracking, "app": { "connector_id": "a", "app_name": "A", "invocation_type": "implicit" } } }));
    let plugin = json!({ "plugin_name": "p", "marketplace_name": "k", "capability_summary": { "has_skills": true, "mcp_server_names": ["x", "y"], "app_connector_ids": ["a"] } });
    server.fact(json!({ "plugin_used": { "tracking": tracking, "plugin": plugin } }));
    for state in ["installed", "uninstalled", "enabled", "disabled"] {
        server.fact(json!({ "plugin_state_changed": { "plugin": { "plugin_name": "p", "marketplace_name": "k", "remote_plugin_id": "rp" }, "state": state } }));
    }
    let types: Vec<_> = server.output.events.iter().map(turnledger_core::Event::event_type).collect();
    assert_eq!(
        types,
        [
            "skill_invocation",
            "codex_app_mentioned",
            "codex_app_mentioned",
            "codex_app_used",
            "codex_plugin_used",
            "codex_plugin_installed",
            "codex_plugin_uninstalled",
            "codex_plugin_enabled",
            "codex_plugin_disabled"
        ]
    );
    let (events, discards) = server.take();
    assert_eq!(discards, []);
    assert!(events.iter().all(|event| event["product_client_id"] == "codex_cli_rs"), "no client has set an originator");
    assert_eq!(
        pick(&events[4], &["plugin_id", "has_skills", "mcp_server_count", "connector_ids"]),
        [json!("p@k"), json!(true), json!(2), json!(["a"])]
    );
    assert_eq!(
        pick(&events[5], &["plugin_id", "has_skills", "mcp_server_count", "connector_ids"]),
        [json!("rp"), Value::Null, Value::Null, Value::Null]
    );
}
