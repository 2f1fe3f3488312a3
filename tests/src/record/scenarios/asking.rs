//! What a user, or a reviewer in his place, is asked.

use serde_json::{Value, json};

use super::super::scenario::{Scenario, begin, interrupt, pause, say, thread, until};
use super::{ADDS, DELETES, MOVES};
use crate::codex::script::{Escalates, run};
use crate::codex::{Step, call, message, patch, turn};

const COMMAND: &str = "item/commandExecution/requestApproval";
const CHANGE: &str = "item/fileChange/requestApproval";

/// A turn of steps and an end, whose questions get these decisions.
fn asks(
    name: &'static str,
    steps: impl IntoIterator<Item = Value>,
    method: &'static str,
    decisions: Vec<Value>,
) -> Scenario {
    let script = steps.into_iter().map(|item| turn([item])).chain([turn([message("done")])]);
    let results = decisions.into_iter().map(|decision| json!({ "result": { "decision": decision } }));
    Scenario::new(name, script, [thread(), say("go")])
        .set("approval_policy", "$asks")
        .set("sandbox_mode", "workspace-write")
        .answer(method, results)
}

fn commands<const N: usize>(names: [&str; N]) -> [Value; N] {
    names.map(|name| run(&format!("touch {name}.txt"), Escalates::ToBeAsked))
}

pub(super) fn all() -> Vec<Scenario> {
    let amend = json!({ "acceptWithExecpolicyAmendment": { "execpolicy_amendment": ["touch"] } });
    let network = json!({ "permissions": { "network": { "enabled": true } }, "reason": "fetch" });
    let files = json!({ "permissions": { "file_system": { "write": ["/var/demo"] } }, "reason": "write" });
    let permissions = [&network, &files, &network].map(|asked| turn([call("request_permissions", asked)]));
    let granted = |scope: &str| json!({ "result": { "permissions": "$asked/permissions", "scope": scope } });
    let verdict = |risk: &str, outcome: &str, score: u64| {
        let verdict = json!({
            "risk_level": risk, "user_authorization": "high", "outcome": outcome, "rationale": "because",
            "risk_score": score, "evidence": [],
        });
        turn([message(&verdict.to_string())])
    };
    let escalated = |name: &str| turn([run(&format!("touch {name}.txt"), Escalates::Always)]);
    let guarded: Vec<Step> = vec![
        escalated("one"),
        verdict("low", "allow", 5),
        escalated("two"),
        verdict("high", "deny", 95),
        escalated("three"),
        turn([message("not json")]),
        turn([message("done")]),
        turn([message("done")]),
    ];
    let error = json!({ "error": { "code": -32000, "message": "client cannot ask" } });
    let mut interrupted = asks("approval_interrupted", commands(["one"]), COMMAND, vec![]);
    interrupted.answers.clear();
    interrupted.steps = [thread(), begin("go"), until(COMMAND, 25), pause(300), interrupt()].concat();
    vec![
        asks(
            "approve_command",
            commands(["one", "two", "three"]),
            COMMAND,
            vec!["accept".into(), "acceptForSession".into(), "decline".into()],
        ),
        asks("approve_command_cancel", commands(["one"]), COMMAND, vec!["cancel".into()]),
        asks("approve_command_amend", commands(["one", "two"]), COMMAND, vec![amend, "accept".into()]),
        asks("approve_command_malformed", commands(["one"]), COMMAND, vec!["nonsense".into()]),
        asks(
            "approve_escalated",
            ["one", "two"].map(|name| run(&format!("touch {name}.txt"), Escalates::Always)),
            COMMAND,
            vec!["accept".into(), "decline".into()],
        )
        .set("approval_policy", "on-request"),
        asks("approve_error_reply", commands(["one"]), COMMAND, vec![]).answer(COMMAND, [error]),
        asks(
            "approve_patch",
            [ADDS, DELETES, MOVES].map(patch),
            CHANGE,
            vec!["accept".into(), "acceptForSession".into(), "decline".into()],
        ),
        asks("approve_patch_decline", [patch(ADDS)], CHANGE, vec!["decline".into()]),
        asks("approve_patch_cancel", [patch(ADDS)], CHANGE, vec!["cancel".into()]),
        interrupted,
        Scenario::new(
            "request_permissions",
            permissions.into_iter().chain([turn([message("done")])]),
            [thread(), say("go")],
        )
        .set("approval_policy", "on-request")
        .set("sandbox_mode", "workspace-write")
        .set("features.request_permissions_tool", true)
        .set("features.exec_permission_approvals", true)
        .answer(
            "item/permissions/requestApproval",
            [granted("turn"), granted("session"), json!({ "result": { "permissions": {}, "scope": "turn" } })],
        ),
        Scenario::new("guardian", guarded, [thread(), say("go")])
            .set("approval_policy", "on-request")
            .set("sandbox_mode", "workspace-write")
            .set("approvals_reviewer", "auto_review")
            .set("features.guardian_approval", true),
    ]
}
