//! What came after the contract: goals, archives, queues, plans, agents of the second version, plugins, imports.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::scenario::{
    Scenario, ask, begin, compact, ended, interrupt, keep, pause, say, say_with, thread, thread_with, trust_hooks,
    until,
};
use super::tools::{hooks, skill, with_tools};
use super::verdict;
use crate::codex::script::{Escalates, call_in, custom, run, search};
use crate::codex::{Step, call, message, turn};

/// An image of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\xdacd\xf8\xcfP\x0f\x00\x03\x86\x01\x80Z4}k\x00\x00\x00\x00IEND\xaeB`\x82";

fn says(text: &str) -> Step {
    turn([message(text)])
}

/// What newer versions want for an answer to a compaction.
fn compaction() -> Step {
    Step::using((900, 50), [json!({ "type": "compaction", "encrypted_content": "c3VtbWFyeSBvZiB0aGUgd29yaw==" })])
}

fn mode(name: &str, effort: &str) -> Value {
    let settings = json!({ "model": "$model", "reasoning_effort": effort, "developer_instructions": null });
    json!({ "collaborationMode": { "mode": name, "settings": settings } })
}

/// The agents of the first version, whose tools are looked for.
fn agents_v1() -> Scenario {
    let agents = |name: &str, arguments: Value| turn([call_in("multi_agent_v1", name, &arguments)]);
    Scenario::new(
        "x_subagents_v1",
        [
            turn([search("spawn an agent")]),
            agents("spawn_agent", json!({ "message": "please" })),
            agents("wait_agent", json!({ "targets": ["$agent"], "timeout_ms": 1000 })),
            says("parent done"),
        ],
        [thread(), say("go"), pause(3000)],
    )
    .children([turn([run("ls", Escalates::Never)]), says("child done")])
}

fn agents_v2() -> Scenario {
    let agents = |name: &str, arguments: Value| turn([call_in("collaboration", name, &arguments)]);
    let alpha = |message: &str| json!({ "target": "alpha", "message": message });
    Scenario::new(
        "x_subagents_v2",
        [
            agents("spawn_agent", json!({ "message": "please", "task_name": "alpha" })),
            agents("list_agents", json!({})),
            agents("wait_agent", json!({ "timeout_ms": 3000 })),
            agents("send_message", alpha("note")),
            agents("followup_task", alpha("more")),
            agents("interrupt_agent", json!({ "target": "alpha" })),
            says("parent done"),
        ],
        [thread(), say("go"), pause(3000)],
    )
    .children([turn([run("ls", Escalates::Never)]), says("child says hi"), says("child done")])
    .set("features.multi_agent_v2", true)
}

fn plan() -> Scenario {
    let options = json!([{ "label": "A", "description": "a" }, { "label": "B", "description": "b" }]);
    let questions = json!([{ "id": "db", "header": "DB", "question": "Which?", "options": options }]);
    Scenario::new(
        "x_plan_mode",
        [
            turn([call("request_user_input", &json!({ "questions": questions }))]),
            says("<proposed_plan>\n# Plan\n- do it\n</proposed_plan>"),
            says("implemented"),
        ],
        [thread(), say_with("plan it", mode("plan", "medium")), say_with("go", mode("default", "high"))],
    )
    .answer("item/tool/requestUserInput", [json!({ "result": { "answers": { "db": { "answers": ["A"] } } } })])
}

fn archive() -> Scenario {
    let on_thread = |method| ask(method, json!({ "threadId": "$thread" }));
    Scenario::new(
        "x_archive",
        [says("x"), says("y")],
        [
            thread(),
            say("one"),
            ask("thread/name/set", json!({ "threadId": "$thread", "name": "My thread" })),
            on_thread("thread/archive"),
            pause(500),
            on_thread("thread/unarchive"),
            pause(500),
            on_thread("thread/resume"),
            say("two"),
            on_thread("thread/archive"),
            on_thread("thread/delete"),
        ],
    )
}

fn turn_metadata() -> Scenario {
    let metadata = json!({
        "workspace_kind": "project", "codex_turn_source": "composer", "turn_trigger": "x",
        "codex_app_used_dictation": "true", "used_dictation": "true", "codex_voice_session_id": "v1", "voice_session_id": "v1",
    });
    Scenario::new(
        "x_turn_meta",
        [says("a"), says("b"), says("c")],
        [
            thread_with(json!({ "threadSource": "user" })),
            say_with(
                "one",
                json!({
                    "turnTrigger": "automation", "responsesapiClientMetadata": metadata,
                    "rootTurnId": "aaaaaaaa-0000-7000-8000-000000000001", "parentTurnId": "aaaaaaaa-0000-7000-8000-000000000002",
                }),
            ),
            say_with(
                "two",
                json!({ "serviceTierForTurn": "priority", "summary": "detailed", "personality": "friendly" }),
            ),
            ask(
                "thread/settings/update",
                json!({ "threadId": "$thread", "effort": "high", "summary": "concise", "personality": "pragmatic" }),
            ),
            say("three"),
        ],
    )
}

fn plugins() -> Scenario {
    let market = json!({ "name": "acme-market", "plugins": [
        { "name": "linear", "source": { "source": "local", "path": "./plugins/linear" },
          "policy": { "installation": "AVAILABLE", "authentication": "ON_USE" } },
        { "name": "broken", "source": { "source": "local", "path": "./plugins/none" } },
    ] });
    let plugin = json!({ "name": "linear", "version": "1.0.0", "description": "d", "skills": "./skills" });
    let of = |method, name: &str| {
        let path = "$root/market/.agents/plugins/marketplace.json";
        ask(method, json!({ "marketplacePath": path, "pluginName": name }))
    };
    let folders = json!({ "cwds": ["$workspace"] });
    let set = |enabled: bool| json!({ "keyPath": "plugins.linear@acme-market.enabled", "value": enabled, "mergeStrategy": "replace" });
    let triage = |result: &Value| {
        let folders = result["data"].as_array().into_iter().flatten();
        let mut skills = folders.flat_map(|folder| folder["skills"].as_array().into_iter().flatten());
        let found = skills.find(|skill| skill["name"].as_str().is_some_and(|name| name.contains("triage")));
        found.cloned().unwrap_or_default()
    };
    Scenario::new(
        "x_plugins",
        [turn([run("ls", Escalates::Never)]), says("done"), says("again")],
        [
            of("plugin/install", "linear"),
            of("plugin/install", "broken"),
            ask("plugin/list", folders.clone()),
            of("plugin/read", "linear"),
            thread(),
            say_with(
                "",
                json!({ "input": [
            { "type": "text", "text": "use @linear now" },
            { "type": "mention", "name": "linear", "path": "plugin://linear@acme-market" },
        ] }),
            ),
            keep("skill", triage, "skills/list", folders),
            say_with(
                "",
                json!({ "input": [
            { "type": "text", "text": "use it" },
            { "type": "skill", "name": "$skill/name", "path": "$skill/path" },
        ] }),
            ),
            ask("config/value/write", set(false)),
            ask("config/batchWrite", json!({ "edits": [set(true)] })),
            ask("plugin/uninstall", json!({ "pluginId": "linear@acme-market" })),
        ],
    )
    .set("features.plugins", true)
    .file("$root/market/.agents/plugins/marketplace.json", market.to_string())
    .file("$root/market/plugins/linear/.codex-plugin/plugin.json", plugin.to_string())
    .file("$root/market/plugins/linear/skills/triage/SKILL.md", skill("triage", "triage issues"))
}

fn import() -> Scenario {
    let detect = json!({ "includeHome": true, "cwds": ["$workspace"] });
    Scenario::new(
        "x_import",
        [says("x")],
        [
            keep("items", |result| result["items"].clone(), "externalAgentConfig/detect", detect),
            ask("externalAgentConfig/import", json!({ "migrationItems": "$items", "source": "settings" })),
            until("externalAgentConfig/import/completed", 8),
        ],
    )
    .file("$root/.claude/CLAUDE.md", "# hi\nbe nice\n")
    .file("$root/.claude/settings.json", r#"{"env":{"A":"1"}}"#)
    .file("$root/.claude/skills/foo/SKILL.md", skill("foo", "x"))
    .file("$workspace/CLAUDE.md", "# repo\n")
}

fn more_hooks() -> Scenario {
    let events = [
        "PermissionRequest",
        "PreCompact",
        "PostCompact",
        "SessionEnd",
        "Interrupt",
        "SubagentStart",
        "SubagentStop",
        "PreModelRequest",
        "PostModelRequest",
    ];
    let file =
        hooks(events.map(|event| (event, None, "true")).into_iter().chain([("PreToolUse", Some(".*"), "exit 2")]));
    Scenario::new(
        "x_hooks_more",
        [
            turn([run("touch one.txt", Escalates::Always)]),
            says("done"),
            compaction(),
            Step::after(Duration::from_secs(4), [message("z")]),
        ],
        [trust_hooks(), thread(), say("go"), compact(), begin("x"), pause(800), interrupt()],
    )
    .set("approval_policy", "on-request")
    .set("sandbox_mode", "workspace-write")
    .set("features.hooks", true)
    .answer("item/commandExecution/requestApproval", [json!({ "result": { "decision": "accept" } })])
    .file("$home/hooks.json", file)
}

pub(super) fn all() -> Vec<Scenario> {
    let goal = json!({ "objective": "finish it", "token_budget": 50000 });
    let any_end = || until("turn/completed", 6);
    let nested = "const r = await tools.exec_command({cmd:\"echo nested\"});\ntext(r.output ?? JSON.stringify(r));\nawait tools.apply_patch(\"*** Begin Patch\\n*** Add File: src/nested.py\\n+value = 12345\\n*** End Patch\\n\");\ntext(\"ok\");";
    let png = json!({ "path": "shot.png" });
    let queued = json!({
        "threadId": "$thread", "clientUserMessageId": "11111111-2222-4333-8444-555555555555",
        "input": [{ "type": "text", "text": "queued" }],
    });
    let detached = json!({ "threadId": "$thread", "delivery": "detached", "target": { "type": "custom", "instructions": "look" } });
    let direct = json!({ "threadId": "$thread", "server": "demo", "tool": "echo", "arguments": { "text": "direct" } });
    vec![
        with_tools(Scenario::new(
            "x_mcp",
            [
                turn([search("echo fail demo")]),
                turn([call_in("mcp__demo", "echo", &json!({ "text": "x" }))]),
                turn([call_in("mcp__demo", "fail", &json!({}))]),
                says("done"),
            ],
            [thread(), say("go"), ask("mcpServer/tool/call", direct)],
        )),
        Scenario::new(
            "x_goals",
            [
                turn([call("create_goal", &goal)]),
                says("working"),
                turn([run("ls", Escalates::Never)]),
                says("more"),
                turn([call("update_goal", &json!({ "status": "complete" }))]),
                says("all done"),
            ],
            [thread(), say("please make a goal"), any_end(), any_end()],
        ),
        archive(),
        plan(),
        agents_v1(),
        agents_v2(),
        Scenario::new(
            "x_imagegen",
            [
                turn([call_in("image_gen", "imagegen", &json!({ "prompt": "a cat", "transparent_background": true }))]),
                says("done"),
            ],
            [thread(), say("go")],
        ),
        Scenario::new("x_view_image", [turn([call("view_image", &png)]), says("done")], [thread(), say("go")])
            .file("$workspace/shot.png", PNG),
        Scenario::new("x_code_mode", [turn([custom("exec", nested)]), says("done")], [thread(), say("go")])
            .set("features.code_mode", true)
            .set("features.code_mode_host", true),
        Scenario::new(
            "x_compact_ok",
            [
                says("one"),
                compaction(),
                says("two"),
                Step::using((250_000, 80), [message("big")]),
                compaction(),
                says("three"),
            ],
            [thread(), say("one"), compact(), say("two"), say("big"), say("after big")],
        ),
        Scenario::new(
            "x_queue",
            [Step::after(Duration::from_millis(1500), [message("first")]), says("queued one")],
            [thread(), begin("go"), pause(300), ask("thread/queue/add", queued), ended(), any_end()],
        ),
        turn_metadata(),
        plugins(),
        import(),
        more_hooks(),
        Scenario::new(
            "x_review_detached",
            [says("hi"), verdict(), verdict()],
            [thread(), say("one"), ask("review/start", detached), any_end()],
        ),
    ]
}
