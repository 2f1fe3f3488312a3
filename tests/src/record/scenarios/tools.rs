//! Tools of all kinds, and what stands around them: hooks, skills.

use serde_json::{Value, json};

use super::{super::scenario::*, ADDS, DELETES, MOVES, TOOLS};
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
    let runs = |command: &str| run(command, Escalates::Never);
    let exec = |command: &str| call("exec_command", &json!({ "cmd": command, "yield_time_ms": 2000 }));
    let web = |id: &str, action: Value| json!({ "type": "web_search_call", "id": id, "status": "completed", "action": action });
    let found = [
        json!({ "type": "response.output_item.added", "item": { "type": "web_search_call", "id": "ws-1", "status": "in_progress" } }),
        web("ws-1", json!({ "type": "search", "query": "rust wasm" })),
        web("ws-2", json!({ "type": "open_page", "url": "https://example.com/a" })),
        web("ws-3", json!({ "type": "find_in_page", "url": "https://example.com/a", "pattern": "x" })),
        web("ws-4", json!({ "type": "search", "query": "a", "queries": ["a", "b", "c"] })),
        json!({ "type": "image_generation_call", "id": "ig-1", "status": "completed", "revised_prompt": "a cat", "result": PIXEL }),
        json!({ "type": "image_generation_call", "id": "ig-2", "status": "failed", "result": "" }),
        message("done"),
    ];
    let missing = "*** Begin Patch\n*** Update File: src/none.py\n@@\n-a\n+b\n*** End Patch\n";
    let different = "*** Begin Patch\n*** Update File: src/main.py\n@@\n-not there at all\n+b\n*** End Patch\n";
    let shell = Scenario::new(
        "user_shell",
        [turn([message("x")])],
        [
            thread(),
            say("one"),
            ask("thread/shellCommand", json!({ "threadId": "$thread", "command": "echo from-user" })),
            pause(1500),
        ],
    );
    let mut dynamic = does("dynamic_tools", ["A1", "A2", "A3"].map(|id| call("lookup_ticket", &json!({ "id": id }))));
    let schema = json!({ "type": "object", "properties": { "id": { "type": "string" } } });
    let tool = json!({ "name": "lookup_ticket", "description": "look up", "inputSchema": schema });
    dynamic.steps = [thread_with(json!({ "dynamicTools": [tool] })), say("go")].concat();
    let text = |text: &str| json!({ "type": "inputText", "text": text });
    let picture = json!({ "type": "inputImage", "imageUrl": "data:image/png;base64,AAAA" });
    let mut hooked = does("hooks", [runs("echo x")]);
    hooked.steps.splice(0..0, trust_hooks());
    let mut agents = does(
        "subagents",
        [
            call("spawn_agent", &json!({ "message": "please", "task_name": "alpha" })),
            call("wait_agent", &json!({ "timeout_ms": 3000 })),
        ],
    );
    agents.steps.push(Do::Pause(2000));
    vec![
        does("shell_ok_fail", ["cat README.md && ls src", "grep -n hello -r src", "exit 3"].map(runs)),
        does("unified_exec", ["echo one", "sleep 0.4; exit 7"].map(exec)).set("features.unified_exec", true),
        shell,
        does("patch_files", [ADDS, DELETES, MOVES].map(patch)),
        does("patch_shell_heredoc", [runs(&format!("apply_patch <<'EOF'\n{ADDS}EOF\n"))]),
        does("patch_failed", [missing, different].map(patch)),
        with_tools(does(
            "mcp_tools",
            [
                call_in("mcp__demo__", "echo", &json!({ "text": "x" })),
                call("mcp__demo__echo", &json!({ "text": "x" })),
                call_in("mcp__demo__", "fail", &json!({})),
            ],
        )),
        dynamic.answer(
            "item/tool/call",
            [
                json!({ "result": { "contentItems": [text("ok"), picture], "success": true } }),
                json!({ "result": { "contentItems": [text("bad")], "success": false } }),
                json!({ "error": { "code": -1, "message": "x" } }),
            ],
        ),
        Scenario::new("web_and_image", [turn(found)], [thread(), say("go")]).set("web_search", "live"),
        agents.set("features.multi_agent", true).set("features.collab", true),
        hooked.set("features.hooks", true).set("features.codex_hooks", true).file(
            "$home/hooks.json",
            hooks([
                ("PreToolUse", Some(".*"), "true"),
                ("PostToolUse", Some(".*"), "exit 1"),
                ("SessionStart", None, "true"),
                ("UserPromptSubmit", None, "true"),
                ("Stop", None, "true"),
            ]),
        ),
        Scenario::new(
            "skills",
            [turn([message("used")]), turn([message("b")])],
            [
                thread(),
                say_with(
                    "",
                    json!({ "input": [
                { "type": "text", "text": "use $release-notes now" },
                { "type": "skill", "name": "release-notes", "path": "$workspace/.codex/skills/release-notes/SKILL.md" },
            ] }),
                ),
                say_with(
                    "",
                    json!({ "input": [
                { "type": "text", "text": "$personal-style" },
                { "type": "skill", "name": "personal-style", "path": "$home/skills/personal-style/SKILL.md" },
            ] }),
                ),
            ],
        )
        .file("$workspace/.codex/skills/release-notes/SKILL.md", skill("release-notes", "write notes"))
        .file("$home/skills/personal-style/SKILL.md", skill("personal-style", "my style")),
    ]
}
