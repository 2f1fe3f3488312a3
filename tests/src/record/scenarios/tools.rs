//! Tools of all kinds, and what stands around them: hooks, skills.

use serde_json::{Value, json};

use super::super::scenario::{Do, Scenario, ask, pause, say, say_with, thread, thread_with, trust_hooks};
use super::{ADDS, DELETES, MOVES, TOOLS};
use crate::codex::script::{Escalates, call_in, run};
use crate::codex::{PIXEL, call, message, patch, turn};

/// One turn, in which the model does one thing at a time.
fn does(name: &'static str, items: impl IntoIterator<Item = Value>) -> Scenario {
    let script = items.into_iter().map(|item| turn([item])).chain([turn([message("done")])]);
    Scenario::new(name, script, [thread(), say("go")])
}

pub(super) fn with_tools(mut scenario: Scenario) -> Scenario {
    // The server's tools have been listed.
    scenario.steps.insert(1, Do::Pause(2000));
    scenario
        .file("$home/tools.sh", TOOLS)
        .set("mcp_servers.demo.command", "sh")
        .set("mcp_servers.demo.args", json!(["$home/tools.sh"]))
}

/// Hooks by their events: each runs a command.
pub(super) fn hooks<'h>(hooks: impl IntoIterator<Item = (&'h str, Option<&'h str>, &'h str)>) -> String {
    let hooks = hooks.into_iter().map(|(event, matcher, command)| {
        let mut hook = json!({ "hooks": [{ "type": "command", "command": command }] });
        if let Some(matcher) = matcher {
            hook["matcher"] = matcher.into();
        }
        (event.to_owned(), json!([hook]))
    });
    json!({ "hooks": Value::Object(hooks.collect()) }).to_string()
}

pub(super) fn skill(name: &str, description: &str) -> String {
    format!("---\nname: {name}\ndescription: {description}\n---\n\nDo it.\n")
}

pub(super) fn all() -> Vec<Scenario> {
    [commands(), files(), others(), vec![hooked(), skilled()]].concat()
}

fn commands() -> Vec<Scenario> {
    let exec = |command: &str, wait: u64| call("exec_command", &json!({ "cmd": command, "yield_time_ms": wait }));
    let by_user = json!({ "threadId": "$thread", "command": "echo from-user" });
    vec![
        does(
            "shell_ok_fail",
            ["cat README.md && ls src", "grep -n hello -r src", "exit 3"].map(|command| run(command, Escalates::Never)),
        ),
        does("unified_exec", ["echo one", "sleep 0.4; exit 7"].map(|command| exec(command, 2000)))
            .set("features.unified_exec", true),
        Scenario::new(
            "late_exec",
            [turn([exec("sleep 1.5; echo late", 250)]), turn([message("done")]), turn([message("second")])],
            [thread(), say("go"), pause(2000), say("two")],
        ),
        Scenario::new(
            "user_shell",
            [turn([message("x")])],
            [thread(), say("one"), ask("thread/shellCommand", by_user), pause(1500)],
        ),
    ]
}

fn files() -> Vec<Scenario> {
    let missing = "*** Begin Patch\n*** Update File: src/none.py\n@@\n-a\n+b\n*** End Patch\n";
    let different = "*** Begin Patch\n*** Update File: src/main.py\n@@\n-not there at all\n+b\n*** End Patch\n";
    let heredoc = format!("apply_patch <<'EOF'\n{ADDS}EOF\n");
    vec![
        does("patch_files", [ADDS, DELETES, MOVES].map(patch)),
        does("patch_shell_heredoc", [run(&heredoc, Escalates::Never)]),
        does("patch_failed", [missing, different].map(patch)),
    ]
}

fn others() -> Vec<Scenario> {
    let echo = json!({ "text": "x" });
    let mut agents = does(
        "subagents",
        [
            call("spawn_agent", &json!({ "message": "please", "task_name": "alpha" })),
            call("wait_agent", &json!({ "timeout_ms": 3000 })),
        ],
    );
    agents.steps.push(Do::Pause(2000));
    vec![
        with_tools(does(
            "mcp_tools",
            [
                call_in("mcp__demo__", "echo", &echo),
                call("mcp__demo__echo", &echo),
                call_in("mcp__demo__", "fail", &json!({})),
            ],
        )),
        dynamic(),
        found(),
        agents.set("features.multi_agent", true).set("features.collab", true),
    ]
}

/// A tool of the client's.
fn dynamic() -> Scenario {
    let mut scenario = does("dynamic_tools", ["A1", "A2", "A3"].map(|id| call("lookup_ticket", &json!({ "id": id }))));
    let schema = json!({ "type": "object", "properties": { "id": { "type": "string" } } });
    let tool = json!({ "name": "lookup_ticket", "description": "look up", "inputSchema": schema });
    scenario.steps = [thread_with(json!({ "dynamicTools": [tool] })), say("go")].concat();
    let text = |text: &str| json!({ "type": "inputText", "text": text });
    let picture = json!({ "type": "inputImage", "imageUrl": "data:image/png;base64,AAAA" });
    scenario.answer(
        "item/tool/call",
        [
            json!({ "result": { "contentItems": [text("ok"), picture], "success": true } }),
            json!({ "result": { "contentItems": [text("bad")], "success": false } }),
            json!({ "error": { "code": -1, "message": "x" } }),
        ],
    )
}

/// What the model's own host looks up and paints.
fn found() -> Scenario {
    let web = |id: &str, status: &str, action: Value| json!({ "type": "web_search_call", "id": id, "status": status, "action": action });
    let image = |id: &str, status: &str, result: &str| json!({ "type": "image_generation_call", "id": id, "status": status, "revised_prompt": "a cat", "result": result });
    let page = "https://example.com/a";
    let items = [
        json!({ "type": "response.output_item.added", "item": web("ws-1", "in_progress", Value::Null) }),
        web("ws-1", "completed", json!({ "type": "search", "query": "rust wasm" })),
        web("ws-2", "completed", json!({ "type": "open_page", "url": page })),
        web("ws-3", "completed", json!({ "type": "find_in_page", "url": page, "pattern": "x" })),
        web("ws-4", "completed", json!({ "type": "search", "query": "a", "queries": ["a", "b", "c"] })),
        image("ig-1", "completed", PIXEL),
        image("ig-2", "failed", ""),
        message("done"),
    ];
    Scenario::new("web_and_image", [turn(items)], [thread(), say("go")]).set("web_search", "live")
}

fn hooked() -> Scenario {
    let mut scenario = does("hooks", [run("echo x", Escalates::Never)]);
    scenario.steps.splice(0..0, trust_hooks());
    let file = hooks([
        ("PreToolUse", Some(".*"), "true"),
        ("PostToolUse", Some(".*"), "exit 1"),
        ("SessionStart", None, "true"),
        ("UserPromptSubmit", None, "true"),
        ("Stop", None, "true"),
    ]);
    scenario.set("features.hooks", true).set("features.codex_hooks", true).file("$home/hooks.json", file)
}

fn skilled() -> Scenario {
    let uses = |text: &str, name: &str, path: &str| {
        let skill = json!({ "type": "skill", "name": name, "path": path });
        say_with("", json!({ "input": [{ "type": "text", "text": text }, skill] }))
    };
    let ours = "$workspace/.codex/skills/release-notes/SKILL.md";
    let own = "$home/skills/personal-style/SKILL.md";
    Scenario::new(
        "skills",
        [turn([message("used")]), turn([message("b")])],
        [
            thread(),
            uses("use $release-notes now", "release-notes", ours),
            uses("$personal-style", "personal-style", own),
        ],
    )
    .file(ours, skill("release-notes", "write notes"))
    .file(own, skill("personal-style", "my style"))
}
