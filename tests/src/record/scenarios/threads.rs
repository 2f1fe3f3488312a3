//! Threads and turns, and what happens to them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{super::scenario::*, ADDS};
use crate::codex::script::{Escalates, run};
use crate::codex::{PIXEL, Step, message, patch, turn};

fn messages<const N: usize>(texts: [&str; N]) -> [Step; N] {
    texts.map(|text| turn([message(text)]))
}

/// What a reviewer says.
pub(super) fn verdict() -> Step {
    let verdict = json!({
        "findings": [], "overall_correctness": "good", "overall_explanation": "fine", "overall_confidence_score": 0.9,
    });
    turn([message(&verdict.to_string())])
}

fn image() -> Value {
    json!({ "type": "image", "url": format!("data:image/png;base64,{PIXEL}") })
}

fn review(params: Value) -> Vec<Do> {
    keep("turn", |result| result["turn"]["id"].clone(), "review/start", params)
}

pub(super) fn all() -> Vec<Scenario> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let slow = |text: &str| Step::after(Duration::from_millis(1500), [message(text)]);
    let overrides = json!({
        "effort": "low", "summary": "concise", "model": "$other_model", "personality": "pragmatic",
        "sandboxPolicy": { "type": "workspaceWrite", "writableRoots": [], "networkAccess": true },
    });
    let mut refusing =
        Scenario::new("compact_failed", messages(["one", "two"]), [thread(), say("one"), compact(), say("two")]);
    refusing.script.refuses_compaction = true;
    let mut editor =
        Scenario::new("ephemeral_thread", messages(["x"]), [thread_with(json!({ "ephemeral": true })), say("one")]);
    editor.client = ("codex_vscode", "Codex VS Code");
    let long = (0..6).flat_map(|n| {
        let file = format!("*** Begin Patch\n*** Add File: src/gen_{n}.py\n+def function_{n}(argument):\n+    return argument * {n}\n*** End Patch\n");
        let search = json!({ "type": "web_search_call", "id": format!("ws-{n}"), "status": "completed", "action": { "type": "search", "query": "q" } });
        let echo = format!("echo {n}");
        [
            turn([run(&echo, Escalates::Never), run("ls src", Escalates::Never)]),
            turn([patch(&file)]),
            Step::using((1000 + n, 80), [search, message("ok")]),
        ]
    });
    let failures = [
        Step::Fail(500, json!({ "error": { "message": "boom" } })),
        Step::Fail(400, json!({ "error": { "message": "bad", "type": "invalid_request_error" } })),
        Step::Fail(
            429,
            json!({ "error": { "type": "usage_limit_reached", "message": "limit", "plan_type": "pro", "resets_at": 4_000_000_000_u64 } }),
        ),
        failed("context_length_exceeded"),
        failed("insufficient_quota"),
        Step::broken(&Value::Null),
    ];
    vec![
        Scenario::new("plain_turn", messages(["hello there"]), [thread(), say("hi")]),
        Scenario::new(
            "config_overrides",
            messages(["one", "two", "three"]),
            [
                thread_with(
                    json!({ "approvalPolicy": "on-request", "sandbox": "workspace-write", "serviceTier": "fast" }),
                ),
                say("one"),
                say_with("two", overrides),
                say_with("three", json!({ "approvalPolicy": "never", "sandboxPolicy": { "type": "readOnly" } })),
            ],
        )
        .set("model_reasoning_effort", "high")
        .set("model_reasoning_summary", "detailed")
        .set("personality", "friendly"),
        Scenario::new(
            "images",
            messages(["a picture"]),
            [thread(), say_with("", json!({ "input": [text("look"), image(), image()] }))],
        ),
        Scenario::new(
            "resume_fork",
            messages(["0", "1", "2"]),
            [
                thread(),
                say("one"),
                fork("fork"),
                say_with("two", json!({ "threadId": "$fork" })),
                ask("thread/unsubscribe", json!({ "threadId": "$thread" })),
                pause(500),
                ask("thread/resume", json!({ "threadId": "$thread" })),
                say("three"),
            ],
        ),
        editor,
        Scenario::new(
            "two_threads",
            [
                turn([message("a")]),
                turn([message("b")]),
                turn([run("echo 1", Escalates::Never)]),
                turn([message("c")]),
                turn([patch(ADDS)]),
                turn([message("d")]),
            ],
            [
                thread(),
                thread_as("second", json!({})),
                say("a"),
                say_with("b", json!({ "threadId": "$second" })),
                say("c"),
                say_with("d", json!({ "threadId": "$second" })),
            ],
        ),
        Scenario::new("mixed_long", long, [thread()].into_iter().chain((0..6).map(|n| say(&format!("turn {n}"))))),
        Scenario::new(
            "steer",
            [slow("first"), turn([message("second")])],
            [
                thread(),
                begin("go"),
                pause(300),
                steer("$turn", json!([text("also this"), image()])),
                steer("wrong-turn", json!([text("x")])),
                steer("$turn", json!([])),
                steer("$turn", json!([text(&"y".repeat(1_100_000))])),
                ended(),
                steer("$turn", json!([text("late")])),
            ],
        ),
        Scenario::new(
            "interrupt_stream",
            [Step::after(Duration::from_secs(8), [message("late")])],
            [thread(), begin("go"), pause(600), interrupt()],
        ),
        Scenario::new(
            "interrupt_command",
            [turn([run("sleep 20", Escalates::Never)]), turn([message("late")])],
            [
                thread(),
                begin("go"),
                until_it_says("item/started", "/item/type", "commandExecution"),
                pause(500),
                interrupt(),
            ],
        ),
        Scenario::new("fail_http", failures, [thread()].into_iter().chain((0..6).map(|_| say("go")))),
        Scenario::new(
            "compact_manual",
            messages(["one", "two", "three"]),
            [thread(), say("one"), compact(), say("two")],
        ),
        Scenario::new(
            "compact_auto",
            [
                Step::using((250_000, 1000), [message("one")]),
                turn([message("two")]),
                Step::using((260_000, 100), [run("echo hi", Escalates::Never)]),
                turn([message("three")]),
            ],
            [thread(), say("one"), say("two"), say("three")],
        )
        .set("model_auto_compact_token_limit", 200_000),
        refusing,
        Scenario::new(
            "review_mode",
            [turn([message("one")]), verdict(), turn([message("x")])],
            [
                thread(),
                say("one"),
                review(
                    json!({ "threadId": "$thread", "target": { "type": "uncommittedChanges" }, "delivery": "inline" }),
                ),
                ended(),
                steer("x", json!([text("z")])),
            ],
        ),
        Scenario::new(
            "steer_review",
            [turn([message("one")]), slow("{}"), turn([message("x")])],
            [
                thread(),
                say("one"),
                review(
                    json!({ "threadId": "$thread", "target": { "type": "custom", "instructions": "look" }, "delivery": "inline" }),
                ),
                pause(500),
                steer("$turn", json!([text("z")])),
                ended(),
            ],
        ),
    ]
}

/// A response that fails with a code after it began.
pub(super) fn failed(code: &str) -> Step {
    let error = json!({ "code": code, "message": "no" });
    Step::broken(&json!({ "type": "response.failed", "response": { "id": "r", "error": error } }))
}
