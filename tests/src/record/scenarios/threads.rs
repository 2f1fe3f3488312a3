//! Threads: how they begin, what they are set to, compactions and reviews.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::scenario::{
    Do, Scenario, ask, begin, compact, ended, fork, interrupt, keep, pause, say, say_with, steer, thread, thread_as,
    thread_of, thread_with, until_it_says,
};
use super::{ADDS, image, verdict};
use crate::codex::script::{Escalates, run};
use crate::codex::{Step, message, patch, turn};

fn messages<const N: usize>(texts: [&str; N]) -> [Step; N] {
    texts.map(|text| turn([message(text)]))
}

pub(super) fn all() -> Vec<Scenario> {
    [beginnings(), compactions(), reviews()].concat()
}

fn beginnings() -> Vec<Scenario> {
    let mut editor =
        Scenario::new("ephemeral_thread", messages(["x"]), [thread_with(json!({ "ephemeral": true })), say("one")]);
    editor.client = ("codex_vscode", "Codex VS Code");
    vec![
        Scenario::new("plain_turn", messages(["hello there"]), [thread(), say("hi")]),
        settings(),
        Scenario::new(
            "images",
            messages(["a picture"]),
            [thread(), say_with("", json!({ "input": [{ "type": "text", "text": "look" }, image(), image()] }))],
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
        sources(),
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
    ]
}

fn settings() -> Scenario {
    let overrides = json!({
        "effort": "low", "summary": "concise", "model": "$other_model", "personality": "pragmatic",
        "sandboxPolicy": { "type": "workspaceWrite", "writableRoots": [], "networkAccess": true },
    });
    Scenario::new(
        "config_overrides",
        messages(["one", "two", "three"]),
        [
            thread_with(json!({ "approvalPolicy": "on-request", "sandbox": "workspace-write", "serviceTier": "fast" })),
            say("one"),
            say_with("two", overrides),
            say_with("three", json!({ "approvalPolicy": "never", "sandboxPolicy": { "type": "readOnly" } })),
        ],
    )
    .set("model_reasoning_effort", "high")
    .set("model_reasoning_summary", "detailed")
    .set("personality", "friendly")
}

fn sources() -> Scenario {
    let forked = |name, more: Value| {
        let mut params = json!({ "threadId": "$thread" });
        for (key, value) in more.as_object().into_iter().flatten() {
            params[key] = value.clone();
        }
        keep(name, thread_of, "thread/fork", params)
    };
    let settings = json!({ "model_reasoning_effort": "low" });
    Scenario::new(
        "start_params",
        messages(["0", "1", "2", "3"]),
        [
            thread_with(json!({ "threadSource": "user", "personality": "friendly", "config": settings })),
            say("0"),
            forked("fork", json!({ "threadSource": "user" })),
            say_with("1", json!({ "threadId": "$fork" })),
            forked("brief", json!({ "ephemeral": true, "excludeTurns": true })),
            say_with("2", json!({ "threadId": "$brief" })),
            thread_as("automatic", json!({ "threadSource": "automation" })),
            say_with("3", json!({ "threadId": "$automatic" })),
        ],
    )
}

fn compactions() -> Vec<Scenario> {
    let mut refused =
        Scenario::new("compact_failed", messages(["one", "two"]), [thread(), say("one"), compact(), say("two")]);
    refused.script.refuses_compaction = true;
    let full = || Step::using((250_000, 1000), [message("one")]);
    let limit = 200_000;
    vec![
        Scenario::new(
            "compact_manual",
            messages(["one", "two", "three"]),
            [thread(), say("one"), compact(), say("two")],
        ),
        Scenario::new(
            "compact_auto",
            [
                full(),
                turn([message("two")]),
                Step::using((260_000, 100), [run("echo hi", Escalates::Never)]),
                turn([message("three")]),
            ],
            [thread(), say("one"), say("two"), say("three")],
        )
        .set("model_auto_compact_token_limit", limit),
        refused,
        Scenario::new(
            "compact_interrupt",
            [full(), Step::after(Duration::from_secs(4), [message("late")]), turn([message("two")])],
            [
                thread(),
                say("one"),
                begin("two"),
                until_it_says("item/started", "/item/type", "contextCompaction"),
                pause(300),
                interrupt(),
                say("three"),
            ],
        )
        .set("model_auto_compact_token_limit", limit),
    ]
}

/// Starts a review of `$thread` within it; its turn is `$turn`.
fn review(target: &Value) -> Vec<Do> {
    let params = json!({ "threadId": "$thread", "target": target, "delivery": "inline" });
    keep("turn", |result| result["turn"]["id"].clone(), "review/start", params)
}

fn reviews() -> Vec<Scenario> {
    let steered = |turn| steer(turn, &json!([{ "type": "text", "text": "z" }]));
    vec![
        Scenario::new(
            "review_mode",
            [turn([message("one")]), verdict(), turn([message("x")])],
            [thread(), say("one"), review(&json!({ "type": "uncommittedChanges" })), ended(), steered("x")],
        ),
        Scenario::new(
            "steer_review",
            [turn([message("one")]), Step::after(Duration::from_millis(1500), [message("{}")]), turn([message("x")])],
            [
                thread(),
                say("one"),
                review(&json!({ "type": "custom", "instructions": "look" })),
                pause(500),
                steered("$turn"),
                ended(),
            ],
        ),
    ]
}
