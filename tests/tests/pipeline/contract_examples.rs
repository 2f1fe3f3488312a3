//! The complete examples of `docs/contract/events.md`, letter by letter: the order of the fields,
//! the nulls and the spelling count.

use crate::support::{
    Session, answer, approval, ask, completed, config, error, example, item_completed, item_started, notification,
    response, started, steer, steer_response, tokens, turn_start, turn_start_response, with,
};
use serde_json::{Value, json};

/// Runs facts after the session's start; the last line must be the contract's example.
fn expect(session: &mut Session, event_type: &str, facts: Vec<Value>) {
    let lines = session.lines(facts);
    assert_eq!(lines.last().map(String::as_str), Some(example(event_type)), "{event_type}");
}

/// Runs an item of the examples' turn from its start to its end.
fn expect_item(session: &mut Session, event_type: &str, (start, end): (i64, i64), item: Value) {
    let base = 1_771_000_300_000;
    let facts =
        vec![item_started("T1", "turn-77", base + start, &item), item_completed("T1", "turn-77", base + end, &item)];
    expect(session, event_type, facts);
}

#[test]
fn thread_initialized() {
    let thread = json!({ "id": "0199aa10-0000-7000-8000-000000000001", "ephemeral": false, "createdAt": 1_771_000_000,
        "source": "vscode", "threadSource": "user" });
    let started = response(1, 3, "thread/start", json!({ "thread": thread, "model": "gpt-5.1-codex" }));
    expect(&mut Session::new(), "codex_thread_initialized", vec![started]);
}

/// A whole turn: an image, a steer, a command, a patch, a tool call, tokens, and an error at its end.
#[test]
fn turn() {
    let mut session = Session::new();
    let mut facts = vec![
        turn_start(1, 4, "T1", json!([{ "type": "text", "text": "hello" }, { "type": "image", "url": "u" }])),
        started("T1", "turn-77"),
        turn_start_response(1, 4, "turn-77"),
        config("T1", "turn-77"),
        steer(1, 5, "T1", json!([])),
        steer_response(1, 5, "turn-77"),
    ];
    for kind in ["commandExecution", "fileChange", "mcpToolCall"] {
        facts.push(item_completed("T1", "turn-77", 1, &crate::support::item(kind)));
    }
    facts.extend([tokens("T1", "turn-77"), completed("T1", "turn-77")]);
    expect(&mut session, "codex_turn_event", facts);
}

#[test]
fn turn_steer() {
    let mut session = Session::new();
    let text = json!([{ "type": "text", "text": "hello" }]);
    expect(
        session.at(1_771_000_320),
        "codex_turn_steer_event",
        vec![steer(1, 5, "T1", text), error(1, 5, json!("non_steerable_review"))],
    );
}

#[test]
fn tool_items() {
    let mut session = Session::running();
    session.lines(vec![
        ask(41, "commandExecution", approval("call_1", json!({}))),
        answer(41, json!({ "command_approval": "accept" })),
        ask(42, "fileChange", approval("call_2", json!({ "grantRoot": "/w" }))),
        answer(42, json!({ "file_change_approval": "acceptForSession" })),
    ]);
    expect_item(
        &mut session,
        "codex_command_execution_event",
        (2000, 2090),
        json!({ "type": "commandExecution", "id": "call_1", "command": "ls", "cwd": "/w", "source": "agent", "status": "completed",
            "commandActions": [{ "type": "listFiles", "command": "ls", "path": null }], "exitCode": 0, "durationMs": 41 }),
    );
    expect_item(
        &mut session,
        "codex_file_change_event",
        (2800, 3000),
        json!({ "type": "fileChange", "id": "call_2", "status": "completed", "changes": [
            { "path": "a", "kind": { "type": "update", "move_path": null }, "diff": "" },
            { "path": "b", "kind": { "type": "update", "move_path": "c" }, "diff": "" } ] }),
    );
    expect_item(
        &mut session,
        "codex_mcp_tool_call_event",
        (3985, 4000),
        json!({ "type": "mcpToolCall", "id": "call_3", "server": "docs", "tool": "lookup", "status": "failed",
            "error": { "message": "x" }, "durationMs": 12 }),
    );
    expect_item(
        &mut session,
        "codex_dynamic_tool_call_event",
        (4990, 5000),
        json!({ "type": "dynamicToolCall", "id": "call_4", "namespace": "desk", "tool": "open_ticket", "status": "completed",
            "contentItems": [{ "type": "inputText", "text": "x" }, { "type": "inputImage", "imageUrl": "u" }], "success": true, "durationMs": 7 }),
    );
    expect_item(
        &mut session,
        "codex_collab_agent_tool_call_event",
        (5000, 6000),
        json!({ "type": "collabAgentToolCall", "id": "call_5", "tool": "wait", "status": "completed", "senderThreadId": "T1",
            "receiverThreadIds": ["T2", "T3"], "prompt": null, "model": null, "reasoningEffort": null,
            "agentsStates": { "T2": { "status": "completed", "message": "x" }, "T3": { "status": "errored", "message": null } } }),
    );
    expect_item(
        &mut session,
        "codex_web_search_event",
        (6400, 7000),
        json!({ "type": "webSearch", "id": "ws_1", "query": "x", "action": { "type": "search", "query": null, "queries": ["x", "y"] } }),
    );
    expect_item(
        &mut session,
        "codex_image_generation_event",
        (7000, 8000),
        json!({ "type": "imageGeneration", "id": "ig_1", "status": "completed", "revisedPrompt": "x", "result": "", "savedPath": "/w/x" }),
    );
}

#[test]
fn review() {
    let amendment = json!({ "acceptWithExecpolicyAmendment": { "execpolicy_amendment": ["ls"] } });
    let facts = vec![
        ask(41, "commandExecution", approval("call_1", json!({}))),
        answer(41, json!({ "command_approval": amendment })),
    ];
    expect(&mut Session::new(), "codex_review_event", facts);
}

/// The fact has the fields of its event, without the client and the runtime.
#[test]
fn guardian_review() {
    let mut params: Value = serde_json::from_str(example("codex_guardian_review")).expect("an example");
    let mut params = params["event_params"].take();
    let members = params.as_object_mut().expect("an object");
    members.remove("app_server_client");
    members.remove("runtime");
    expect(&mut Session::new(), "codex_guardian_review", vec![json!({ "guardian_review": params })]);
}

#[test]
fn compaction() {
    let fact = json!({ "thread_id": "T1", "turn_id": "turn-77", "trigger": "auto", "reason": "context_limit",
        "implementation": "responses_compact", "phase": "mid_turn", "strategy": "memento", "status": "completed", "error": null,
        "active_context_tokens_before": 250_000, "active_context_tokens_after": 21_000, "started_at": 1_771_000_308,
        "completed_at": 1_771_000_316, "duration_ms": 7710 });
    expect(&mut Session::new(), "codex_compaction_event", vec![json!({ "compaction": fact })]);
}

/// The time is the clock's, not the turn's; the first question is about the turn's repository.
#[test]
fn accepted_line_fingerprints() {
    let mut session = Session::new();
    let diff = "diff --git a/src/lib.rs b/src/lib.rs\n--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,1 +1,3 @@\n-old line\n+fn useful() {\n+    return  user.id;\n+}\n";
    let lines = session.at(1_771_000_331).lines(vec![
        config("T1", "turn-77"),
        json!({ "repository_answered": { "question": 0, "remote_url": "git@github.com:Acme/Widget.git" } }),
        notification("turn/diff/updated", json!({ "threadId": "T1", "turnId": "turn-77", "diff": "+former" })),
        notification("turn/diff/updated", json!({ "threadId": "T1", "turnId": "turn-77", "diff": diff })),
        completed("T1", "turn-77"),
    ]);
    // The one field beyond the contract stands last.
    let example = example("codex_accepted_line_fingerprints");
    let example = example.strip_suffix("}}").expect("the end of the parameters");
    let expected = format!(r#"{example},"fingerprint_scheme":"sha256"}}}}"#);
    assert_eq!(lines.last(), Some(&expected));
}

#[test]
fn skill_invocation() {
    let tracking = json!({ "model_slug": "gpt-5.1-codex", "thread_id": "T1", "turn_id": "turn-77" });
    let skill = json!({ "skill_name": "doc", "skill_scope": "repo", "skill_path": "/w/.codex/skills/doc/SKILL.md", "invocation_type": "explicit" });
    let facts = vec![
        json!({ "skill_invoked": { "tracking": tracking, "invocations": [skill] } }),
        json!({ "skill_answered": { "question": 0, "skill_path": "/w/.codex/skills/doc/SKILL.md", "repository_root": "/w",
            "remote_url": "https://github.com/acme/widget.git" } }),
    ];
    expect(&mut Session::new(), "skill_invocation", facts);
}

#[test]
fn apps_plugins_and_hooks() {
    let mut session = Session::new();
    let tracked = |more: Value| {
        with(json!({ "tracking": { "model_slug": "gpt-5.1-codex", "thread_id": "T1", "turn_id": "turn-77" } }), more)
    };
    let app =
        |id: &str, name: &str, kind: &str| json!({ "connector_id": id, "app_name": name, "invocation_type": kind });
    let mentions = json!([app("calendar", "Calendar", "explicit")]);
    expect(
        &mut session,
        "codex_app_mentioned",
        vec![json!({ "app_mentioned": tracked(json!({ "mentions": mentions })) })],
    );
    let used = tracked(json!({ "app": app("drive", "Drive", "implicit") }));
    expect(&mut session, "codex_app_used", vec![json!({ "app_used": used })]);

    let summary = json!({ "has_skills": true, "mcp_server_names": ["x"], "app_connector_ids": ["linear"] });
    let nothing = json!({ "has_skills": false, "mcp_server_names": [], "app_connector_ids": [] });
    let plugin = |remote: Value, summary: &Value| json!({ "plugin_name": "linear", "marketplace_name": "acme-market", "remote_plugin_id": remote, "capability_summary": summary });
    let used = tracked(json!({ "plugin": plugin(Value::Null, &summary) }));
    expect(&mut session, "codex_plugin_used", vec![json!({ "plugin_used": used })]);
    for (state, remote, summary) in [
        ("installed", json!("rp_123"), &summary),
        ("uninstalled", Value::Null, &nothing),
        ("enabled", Value::Null, &Value::Null),
        ("disabled", Value::Null, &summary),
    ] {
        let fact = json!({ "plugin_state_changed": { "plugin": plugin(remote, summary), "state": state } });
        expect(&mut session, &format!("codex_plugin_{state}"), vec![fact]);
    }

    let run = tracked(json!({ "event_name": "preToolUse", "hook_source": "user", "status": "blocked" }));
    expect(&mut session, "codex_hook_run", vec![json!({ "hook_run": run })]);
}
