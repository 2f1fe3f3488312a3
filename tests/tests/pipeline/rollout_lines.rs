//! Rollouts line by line: what is copied, cut off, repeated or of another age.

use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};
use turnledger_tests::golden::{Sha1, reasons, types, values};
use turnledger_tests::rollouts::import;

/// When the thread of these files was made.
const MADE: u64 = 1_795_852_800_000;

/// A UUID of version 7, of that many milliseconds after the thread.
fn id(after: i64) -> String {
    let millis = MADE.checked_add_signed(after).expect("a time");
    format!("{:08x}-{:04x}-7000-8000-000000000000", millis >> 16, millis & 0xffff)
}

/// The time that many milliseconds after the thread.
fn time(after: i64) -> String {
    let millis = MADE.checked_add_signed(after).expect("a time") - 1_795_824_000_000;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!("2026-11-28T{:02}:{:02}:{:02}.{millis:03}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn line(after: i64, kind: &str, payload: Value) -> String {
    format!("{}\n", json!({ "timestamp": time(after), "type": kind, "payload": payload }))
}

fn event(after: i64, payload: Value) -> String {
    line(after, "event_msg", payload)
}

fn session(more: Value) -> String {
    let mut meta = json!({ "id": id(0), "timestamp": time(0), "cli_version": "0.131.0", "originator": "codex_cli_rs" });
    meta.as_object_mut().expect("a session").extend(more.as_object().expect("members").clone());
    line(0, "session_meta", meta)
}

fn total(tokens: i64) -> Value {
    json!({ "total_tokens": tokens, "input_tokens": tokens })
}

fn count(after: i64, all: i64, last: i64) -> String {
    event(
        after,
        json!({ "type": "token_count", "info": { "total_token_usage": total(all), "last_token_usage": total(last) } }),
    )
}

/// A turn that began at `began` and whose lines are written at `at`, with its count of tokens.
fn turn(began: i64, at: i64, all: i64, last: i64) -> String {
    [
        event(at, json!({ "type": "task_started", "turn_id": id(began) })),
        line(at, "turn_context", json!({ "turn_id": id(began), "model": "gpt-5" })),
        event(at, json!({ "type": "user_message", "message": "x", "images": ["y"] })),
        count(at, all, last),
        // Counts repeat.
        count(at, all, last),
        event(at, json!({ "type": "task_complete", "turn_id": id(began), "last_agent_message": "z" })),
    ]
    .concat()
}

fn turns(file: &str) -> Vec<(String, i64)> {
    let events = values(&import(Sha1, file).events);
    let turns = events.iter().filter(|event| event["event_type"] == "codex_turn_event");
    turns
        .map(|turn| {
            let params = &turn["event_params"];
            (params["turn_id"].as_str().expect("an id").into(), params["input_tokens"].as_i64().unwrap_or(-1))
        })
        .collect()
}

#[test]
fn a_copied_history_counts_for_nobody() {
    // With the parent's times, with those of the copy, and with the parent's own session.
    for (at, parent) in [(-5000, ""), (3, ""), (3, &*line(3, "session_meta", json!({ "id": "parent" })))] {
        let file = [
            &*session(json!({ "forked_from_id": "parent" })),
            parent,
            &turn(-9000, at, 100, 100),
            &turn(-8000, at, 300, 200),
            &turn(4000, 4000, 1300, 1000),
            &turn(5000, 5000, 1400, 100),
        ]
        .concat();
        assert_eq!(turns(&file), [(id(4000), 1000), (id(5000), 100)], "{at}");
        let events = values(&import(Sha1, &file).events);
        assert_eq!(events[0]["event_params"]["initialization_mode"], "forked");
        assert_eq!(events[1]["event_params"]["is_first_turn"], false);
    }
}

#[test]
fn a_history_that_a_session_of_another_thread_begins_is_copied() {
    let parent = line(1, "session_meta", json!({ "id": "parent", "cli_version": "0.120.0" }));
    let file = [&*session(json!({})), &parent, &turn(-9000, 1, 100, 100), &turn(900, 900, 150, 50)].concat();
    assert_eq!(turns(&file), [(id(900), 50)]);
}

#[test]
fn a_session_that_is_resumed_goes_on() {
    let meta = session(json!({}));
    let file = [&*meta, &turn(10, 10, 100, 100), &meta, &turn(90_000_000, 90_000_000, 130, 30)].concat();
    assert_eq!(turns(&file), [(id(10), 100), (id(90_000_000), 30)]);
    // A count that begins anew is no negative use.
    let file = [&*meta, &turn(10, 10, 100, 100), &turn(20_000, 20_000, 40, 40)].concat();
    assert_eq!(turns(&file), [(id(10), 100), (id(20_000), 40)]);
}

#[test]
fn turns_without_ids_run_from_message_to_message() {
    let file = [
        session(json!({ "cli_version": "0.77.0", "model_provider": "openai" })),
        event(10, json!({ "type": "user_message", "message": "one" })),
        line(
            11,
            "turn_context",
            json!({ "model": "gpt-5", "approval_policy": "never", "sandbox_policy": { "mode": "read-only" } }),
        ),
        line(
            12,
            "response_item",
            json!({ "type": "function_call", "name": "shell", "arguments": "{\"command\":[\"ls\"]}", "call_id": "c1" }),
        ),
        line(
            52,
            "response_item",
            json!({ "type": "function_call_output", "call_id": "c1",
            "output": "{\"output\":\"x\",\"metadata\":{\"exit_code\":2,\"duration_seconds\":0.1}}" }),
        ),
        count(60, 100, 100),
        event(2000, json!({ "type": "user_message", "message": "two", "images": ["a", "b"] })),
        line(2010, "turn_context", json!({ "model": "gpt-5-codex" })),
        count(2500, 150, 50),
        event(2600, json!({ "type": "turn_aborted", "reason": "interrupted" })),
    ]
    .concat();
    let events = values(&import(Sha1, &file).events);
    assert_eq!(
        types(&events),
        ["codex_thread_initialized", "codex_command_execution_event", "codex_turn_event", "codex_turn_event"]
    );
    let command = &events[1]["event_params"];
    assert_eq!(
        [&command["exit_code"], &command["terminal_status"], &command["duration_ms"]],
        [&json!(2), &json!("failed"), &json!(40)]
    );
    let shown = |event: &Value| {
        let turn = &event["event_params"];
        [
            "turn_id",
            "model",
            "status",
            "input_tokens",
            "num_input_images",
            "sandbox_policy",
            "shell_command_count",
            "started_at",
            "completed_at",
        ]
        .map(|name| turn[name].clone())
    };
    let (thread, second) = (id(0), MADE / 1000);
    assert_eq!(
        shown(&events[2]),
        [
            json!(format!("{thread}:1")),
            json!("gpt-5"),
            Value::Null,
            json!(100),
            json!(0),
            json!("read_only"),
            json!(1),
            json!(second),
            json!(second)
        ]
    );
    assert_eq!(
        shown(&events[3]),
        [
            json!(format!("{thread}:2")),
            json!("gpt-5-codex"),
            json!("interrupted"),
            Value::Null,
            json!(2),
            Value::Null,
            json!(0),
            json!(second + 2),
            json!(second + 2)
        ]
    );
    for unknown in ["service_tier", "approvals_reviewer", "sandbox_network_access", "collaboration_mode"] {
        assert_eq!(events[3]["event_params"][unknown], Value::Null, "{unknown}");
    }
}

/// Before 0.32, a line is an item, without a time.
#[test]
fn bare_items() {
    let file = [
        format!("{}\n", json!({ "id": "old", "timestamp": "2025-07-01T10:00:00.000Z", "instructions": "secret", "git": { "repository_url": "u" } })),
        "{\"record_type\":\"state\"}\n".into(),
        format!("{}\n", json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "hi" }, { "type": "input_image", "image_url": "x" }] })),
        format!("{}\n", json!({ "type": "function_call", "name": "shell", "arguments": "{}", "call_id": "c1" })),
        format!("{}\n", json!({ "type": "function_call_output", "call_id": "c1", "output": "{\"output\":\"x\",\"metadata\":{\"exit_code\":0}}" })),
        format!("{}\n", json!({ "type": "message", "role": "assistant", "content": [] })),
    ]
    .concat();
    let output = import(Sha1, &file);
    let events = values(&output.events);
    assert_eq!(types(&events), ["codex_thread_initialized", "codex_turn_event"]);
    let turn = &events[1]["event_params"];
    assert_eq!(
        ["turn_id", "model", "num_input_images", "shell_command_count", "status", "started_at", "input_tokens"]
            .map(|name| &turn[name]),
        [&json!("old:1"), &Value::Null, &json!(1), &json!(1), &Value::Null, &Value::Null, &Value::Null]
    );
    assert_eq!(reasons(&output), [(Subject::Item, Reason::NeverStarted)]);
}

#[test]
fn bad_lines_cost_only_themselves() {
    let good = [session(json!({})), turn(10, 10, 100, 100)].concat();
    let bad = good.replace('\n', "\n{\"cut\n{}\n[1]\n{\"type\":\"event_msg\",\"payload\":{\"type\":\"task_started\",\"turn_id\":7}}\n{\"type\":\"newer\",\"payload\":{}}\n\u{0}\n");
    let expected = values(&import(Sha1, &good).events);
    let output = import(Sha1, &bad);
    assert_eq!(values(&output.events), expected);
    let lines = good.lines().count();
    let expected = [(Reason::NotJson, 2 * lines), (Reason::WrongShape, 2 * lines)];
    for (reason, expected) in expected {
        let count = reasons(&output).iter().filter(|discard| **discard == (Subject::Message, reason)).count();
        assert_eq!(count, expected, "{reason}");
    }
}

/// Lines that are cut at any byte panic nowhere, and change nothing of what was whole before.
#[test]
fn a_file_that_is_cut_anywhere() {
    let file = [session(json!({})), turn(10, 10, 100, 100), turn(900, 900, 150, 50)].concat();
    let whole = values(&import(Sha1, &file).events);
    for end in 0..file.len() {
        let events = values(&import(Sha1, &file[..end]).events);
        let is_turn = |event: &&Value| event["event_type"] == "codex_turn_event";
        let turns: Vec<_> = events.iter().filter(is_turn).collect();
        let expected: Vec<_> = whole.iter().filter(is_turn).take(turns.len()).collect();
        assert_eq!(turns, expected, "{end}");
    }
}

fn patch(after: i64, call: &str, changes: Value) -> String {
    event(
        after,
        json!({ "type": "patch_apply_end", "call_id": call, "turn_id": id(10), "success": true, "status": "completed", "changes": changes }),
    )
}

fn accepted(patches: &[String]) -> Vec<(u64, u64)> {
    let begin = [
        session(json!({ "cwd": "/w" })),
        event(10, json!({ "type": "task_started", "turn_id": id(10) })),
        line(10, "turn_context", json!({ "turn_id": id(10), "model": "gpt-5" })),
    ];
    let end = event(90, json!({ "type": "task_complete", "turn_id": id(10), "last_agent_message": "z" }));
    let events = values(&import(Sha1, &[&begin.concat(), &*patches.concat(), &end].concat()).events);
    let lines = events.iter().filter(|event| event["event_type"] == "codex_accepted_line_fingerprints");
    let number = |event: &Value, name: &str| event["event_params"][name].as_u64().expect("a count");
    lines.map(|event| (number(event, "accepted_added_lines"), number(event, "accepted_deleted_lines"))).collect()
}

#[test]
fn the_patches_of_a_turn_are_one_diff() {
    let update = |diff: &str| json!({ "/w/a.rs": { "type": "update", "unified_diff": diff, "move_path": null } });
    // Two patches to the same line, and one that takes it back.
    let one = patch(20, "1", update("@@ -2,1 +2,2 @@\n-old\n+new one\n+new two\n"));
    let two = patch(30, "2", update("@@ -2,2 +2,1 @@\n-new one\n-new two\n+newest\n"));
    let back = patch(40, "3", update("@@ -2,1 +2,1 @@\n-newest\n+old\n"));
    assert_eq!(accepted(std::slice::from_ref(&one)), [(2, 1)]);
    assert_eq!(accepted(&[one.clone(), two.clone()]), [(1, 1)]);
    assert_eq!(accepted(&[one, two, back]), []);
    // Hunks of one patch stand where they stood before it.
    let several = patch(20, "1", update("@@ -1,1 +1,3 @@\n-a\n+a1\n+a2\n+a3\n@@ -9,1 +11,1 @@\n-i\n+j\n"));
    let second = patch(30, "2", update("@@ -11,1 +11,1 @@\n-j\n+k\n"));
    assert_eq!(accepted(&[several, second]), [(4, 2)]);
    // A file that was added and then changed is all new; one that is deleted again never was.
    let add = patch(20, "1", json!({ "/w/b.rs": { "type": "add", "content": "one\ntwo\n" } }));
    let change = patch(
        30,
        "2",
        json!({ "/w/b.rs": { "type": "update", "unified_diff": "@@ -1,2 +1,2 @@\n one\n-two\n+three\n" } }),
    );
    let delete = patch(40, "3", json!({ "/w/b.rs": { "type": "delete", "content": "one\nthree\n" } }));
    assert_eq!(accepted(&[add.clone(), change.clone()]), [(2, 0)]);
    assert_eq!(accepted(&[add, change, delete]), []);
    // A file that was there loses as many lines as it had.
    let change = patch(20, "1", update("@@ -1,1 +1,2 @@\n-a\n+b\n+c\n"));
    let delete = patch(30, "2", json!({ "/w/a.rs": { "type": "delete", "content": "b\nc\nd\ne\n" } }));
    assert_eq!(accepted(&[change, delete]), [(0, 3)]);
}

#[test]
fn what_was_used_in_the_thread_that_a_file_goes_on_from_does_not_count_again() {
    // The file names its history, and first repeats what was used in it.
    let meta = session(json!({ "cli_version": "0.153.0", "forked_from_id": "parent", "history_mode": "paginated",
        "history_base": { "thread_id": "parent", "end_ordinal_exclusive": 9 } }));
    let begun = [
        event(900, json!({ "type": "task_started", "turn_id": id(900) })),
        line(901, "turn_context", json!({ "turn_id": id(900), "model": "gpt-5" })),
        count(902, 500, 80),
        event(903, json!({ "type": "agent_message", "message": "x" })),
        count(904, 530, 30),
        event(905, json!({ "type": "task_complete", "turn_id": id(900), "last_agent_message": "z" })),
    ];
    assert_eq!(turns(&[meta, begun.concat()].concat()), [(id(900), 30)]);
}

#[test]
fn a_copy_has_ended_where_the_message_that_the_model_is_shown_stands_by_itself() {
    let message = |at| line(at, "response_item", json!({ "type": "message", "role": "user", "content": [] }));
    let said = |at| event(at, json!({ "type": "user_message", "message": "x" }));
    let context = |at| line(at, "turn_context", json!({ "model": "gpt-5" }));
    let copied = [message(1), said(1), context(1), count(1, 100, 100)].concat();
    let own = [message(900), said(901), context(960), count(990, 130, 30)].concat();
    let file = [session(json!({ "cli_version": "0.95.0", "forked_from_id": "parent" })), copied, own].concat();
    assert_eq!(turns(&file), [(format!("{}:1", id(0)), 30)]);
}

fn params(events: &[Value], event_type: &str, names: &[&str]) -> Vec<Vec<Value>> {
    let of_type = events.iter().filter(|event| event["event_type"] == event_type);
    of_type.map(|event| names.iter().map(|name| event["event_params"][*name].clone()).collect()).collect()
}

/// A file of 0.131 has one line for a search, written at its end.
#[test]
fn a_search_has_a_time_and_no_duration() {
    let file = [
        session(json!({})),
        event(0, json!({ "type": "task_started", "turn_id": id(0) })),
        line(0, "turn_context", json!({ "turn_id": id(0), "model": "gpt-5" })),
        event(5, json!({ "type": "web_search_end", "call_id": "s", "query": "x" })),
        event(9, json!({ "type": "task_complete", "turn_id": id(0), "last_agent_message": "z" })),
    ];
    let events = values(&import(Sha1, &file.concat()).events);
    assert_eq!(
        params(&events, "codex_web_search_event", &["started_at_ms", "completed_at_ms", "duration_ms"]),
        [[json!(MADE + 5), json!(MADE + 5), Value::Null]]
    );
}

/// A paginated turn that calls tools which act on the session: `(name, arguments, output)` each.
fn control(calls: &[(&str, Value)], between: &[String]) -> Vec<Value> {
    let mut file = vec![
        session(json!({ "cli_version": "0.171.0", "history_mode": "paginated" })),
        event(0, json!({ "type": "task_started", "turn_id": id(0) })),
        line(0, "turn_context", json!({ "turn_id": id(0), "model": "gpt-5" })),
    ];
    let record = |response: String| {
        let usage = total(1);
        line(2, "token_usage_record", json!({ "response_id": response, "usage": usage }))
    };
    for (number, (name, output)) in calls.iter().enumerate() {
        let call = format!("call-{number}");
        let made = json!({ "type": "function_call", "name": name, "arguments": "{}", "call_id": call });
        let returned = json!({ "type": "function_call_output", "call_id": call, "output": output });
        file.extend([line(1, "response_item", made), record(format!("resp-{number}"))]);
        file.push(line(3, "response_item", returned));
        file.extend_from_slice(between);
    }
    file.push(record("last".into()));
    file.push(event(9, json!({ "type": "task_complete", "turn_id": id(0), "last_agent_message": "z" })));
    values(&import(Sha1, &file.concat()).events)
}

#[test]
fn tools_that_act_on_the_session() {
    let goal = |status: &str, used: u64| {
        let goal = json!({ "threadId": id(0), "objective": "secret", "status": status, "tokenBudget": 9, "tokensUsed": used,
            "timeUsedSeconds": 4, "createdAt": 7, "updatedAt": if used == 0 { 7 } else { 8 } });
        Value::from(json!({ "goal": goal, "remainingTokens": 1 }).to_string())
    };
    let events = control(
        &[
            ("create_goal", goal("active", 0)),
            ("request_user_input", json!("request_user_input is unavailable in Default mode")),
            ("view_image", json!([{ "type": "input_image", "image_url": "secret" }])),
            ("update_goal", goal("complete", 30)),
            ("update_goal", json!("aborted by user after 0.1s")),
            ("list_agents", json!("{\"agents\":[]}")),
            ("update_plan", json!("Plan updated")),
        ],
        &[],
    );
    let names = ["tool_name", "terminal_status", "success", "originating_response_id", "subsequent_response_id"];
    let call = |tool: &str, status: &str, response: &str, next: &str| {
        [json!(tool), json!(status), json!(status == "completed"), json!(response), json!(next)].to_vec()
    };
    assert_eq!(
        params(&events, "codex_control_tool_call_event", &names),
        [
            call("create_goal", "completed", "resp-0", "resp-1"),
            call("request_user_input", "failed", "resp-1", "resp-2"),
            call("view_image", "completed", "resp-2", "resp-3"),
            call("update_goal", "completed", "resp-3", "resp-4"),
        ]
    );
    assert_eq!(
        params(&events, "codex_collab_agent_tool_call_event", &["tool_name", "subsequent_response_id"]),
        [[json!("list_agents"), json!("resp-6")]]
    );
    let change = |kind: &str, status: &str, used: Value, time: Value| {
        [json!(format!("{}-7", id(0))), json!(kind), json!(status), json!(true), used, time].to_vec()
    };
    assert_eq!(
        params(
            &events,
            "codex_goal_event",
            &[
                "goal_id",
                "event_kind",
                "goal_status",
                "has_token_budget",
                "cumulative_tokens_accounted",
                "cumulative_time_accounted_seconds"
            ]
        ),
        [
            change("created", "active", Value::Null, Value::Null),
            change("usage_accounted", "active", json!(30), json!(4)),
            change("status_changed", "complete", Value::Null, Value::Null),
        ]
    );
    let counts = ["total_tool_call_count", "subagent_tool_call_count"];
    assert_eq!(params(&events, "codex_turn_event", &counts), [[json!(5), json!(1)]]);
}

/// The response that a compaction was asked for nothing, and follows no call.
#[test]
fn a_compaction_is_no_response_of_the_turn() {
    let compacted = [
        line(4, "token_usage_record", json!({ "response_id": "compaction", "usage": total(1) })),
        line(4, "compacted", json!({ "compaction_response_id": "compaction", "message": "" })),
    ];
    let events = control(&[("view_image", json!([]))], &compacted);
    assert_eq!(
        params(&events, "codex_control_tool_call_event", &["originating_response_id", "subsequent_response_id"]),
        [[json!("resp-0"), json!("last")]]
    );
}
