//! What happens to a running turn: it is steered, interrupted, or fails.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::scenario::{Scenario, begin, ended, interrupt, pause, say, say_with, steer, thread, until_it_says};
use super::image;
use crate::codex::script::{Escalates, run};
use crate::codex::{Step, message, patch, turn};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        steered(),
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
        Scenario::new(
            "empty_input",
            ["x", "y"].map(|text| turn([message(text)])),
            [thread(), say_with("", json!({ "input": [] })), say("ok")],
        ),
        failing(),
        errors(),
        long(),
    ]
}

fn steered() -> Scenario {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let slow = Step::after(Duration::from_millis(1500), [message("first")]);
    Scenario::new(
        "steer",
        [slow, turn([message("second")])],
        [
            thread(),
            begin("go"),
            pause(300),
            steer("$turn", &json!([text("also this"), image()])),
            steer("wrong-turn", &json!([text("x")])),
            steer("$turn", &json!([])),
            steer("$turn", &json!([text(&"y".repeat(1_100_000))])),
            ended(),
            steer("$turn", &json!([text("late")])),
        ],
    )
}

/// A response that fails with a code after it began.
fn failed(code: &str) -> Step {
    let error = json!({ "code": code, "message": "no" });
    Step::broken(&json!({ "type": "response.failed", "response": { "id": "r", "error": error } }))
}

/// A request that fails with a status.
fn refused(status: u16, error: &Value) -> Step {
    Step::Fail(status, json!({ "error": error }))
}

/// As many turns as there are replies.
fn fails<const N: usize>(name: &'static str, replies: [Step; N]) -> Scenario {
    Scenario::new(name, replies, [thread()].into_iter().chain([(); N].map(|()| say("go"))))
}

fn failing() -> Scenario {
    let limit =
        json!({ "type": "usage_limit_reached", "message": "no", "plan_type": "pro", "resets_at": 4_000_000_000_u64 });
    fails(
        "fail_http",
        [
            refused(500, &json!({ "message": "boom" })),
            refused(400, &json!({ "message": "bad", "type": "invalid_request_error" })),
            refused(429, &limit),
            failed("context_length_exceeded"),
            failed("insufficient_quota"),
            Step::broken(&Value::Null),
        ],
    )
}

fn errors() -> Scenario {
    let incomplete = json!({ "id": "r", "incomplete_details": { "reason": "max_output_tokens" } });
    fails(
        "x_errors",
        [
            refused(503, &json!({ "code": "server_is_overloaded", "message": "over" })),
            refused(404, &json!({ "code": "model_not_found", "message": "nope" })),
            refused(401, &json!({ "message": "unauth" })),
            refused(429, &json!({ "type": "rate_limit_exceeded", "message": "slow" })),
            failed("cyber_policy"),
            failed("server_is_overloaded"),
            Step::broken(&json!({ "type": "response.incomplete", "response": incomplete })),
        ],
    )
}

/// Six turns with two commands, a patch and a search each.
fn long() -> Scenario {
    let script = (0..6).flat_map(|n| {
        let name = format!("function_{n}");
        let file = format!(
            "*** Begin Patch\n*** Add File: src/gen_{n}.py\n+def {name}(argument):\n+    return argument * {n}\n*** End Patch\n"
        );
        let action = json!({ "type": "search", "query": "q" });
        let id = format!("ws-{n}");
        let search = json!({ "type": "web_search_call", "id": id, "status": "completed", "action": action });
        [
            turn([run(&format!("echo {n}"), Escalates::Never), run("ls src", Escalates::Never)]),
            turn([patch(&file)]),
            Step::using((1000 + n, 80), [search, message("ok")]),
        ]
    });
    Scenario::new("mixed_long", script, [thread()].into_iter().chain((0..6).map(|n| say(&format!("turn {n}")))))
}
