//! Items start and complete, and the turn's diff grows.

use serde_json::{Value, json};

use super::world::World;
use super::{Choices, MARKER};

const KINDS: usize = 9;

/// An item that just started.
fn started(kind: usize, id: &str, thread: &str, choices: &mut Choices) -> Value {
    match kind {
        0 | 1 => {
            let action = |choice| match choice {
                0 => json!({ "type": "read", "command": MARKER, "name": MARKER, "path": MARKER }),
                1 => json!({ "type": "listFiles", "command": MARKER, "path": null }),
                2 => json!({ "type": "search", "command": MARKER, "query": MARKER, "path": null }),
                _ => json!({ "type": "unknown", "command": MARKER }),
            };
            let actions: Vec<_> = (0..choices.below(4)).map(|_| action(choices.below(4))).collect();
            let mut item = json!({ "type": "commandExecution", "id": id, "command": MARKER, "cwd": MARKER,
                "processId": null, "status": "inProgress", "commandActions": actions, "aggregatedOutput": null,
                "exitCode": null, "durationMs": null });
            let source = choices.below(5);
            if source < 4 {
                item["source"] = json!(["agent", "userShell", "unifiedExecStartup", "unifiedExecInteraction"][source]);
            }
            item
        }
        2 => {
            let path = format!("/{MARKER}");
            let kinds = [
                json!({ "type": "add" }),
                json!({ "type": "delete" }),
                json!({ "type": "update", "move_path": null }),
                json!({ "type": "update", "move_path": path }),
            ];
            let changes: Vec<_> = (0..choices.below(4))
                .map(|_| json!({ "path": path, "kind": kinds[choices.below(4)], "diff": MARKER }))
                .collect();
            json!({ "type": "fileChange", "id": id, "changes": changes, "status": "inProgress" })
        }
        3 => json!({ "type": "mcpToolCall", "id": id, "server": choices.of(&["docs", "files", "codex_apps"]),
            "tool": choices.of(&["lookup", "write"]), "status": "inProgress", "arguments": { "q": MARKER },
            "result": null, "error": null, "durationMs": null }),
        4 => json!({ "type": "dynamicToolCall", "id": id, "namespace": null, "tool": "open_ticket",
            "arguments": { "title": MARKER }, "status": "inProgress", "contentItems": null, "success": null,
            "durationMs": null }),
        5 => json!({ "type": "collabAgentToolCall", "id": id,
            "tool": choices.of(&["sendInput", "resumeAgent", "wait", "closeAgent"]), "status": "inProgress",
            "senderThreadId": thread, "receiverThreadIds": (&["a", "b"][..choices.below(3)]), "prompt": MARKER, "model": null,
            "reasoningEffort": choices.of(&[None, Some("high")]), "agentsStates": {} }),
        6 => json!({ "type": "webSearch", "id": id, "query": "", "action": null }),
        7 => {
            json!({ "type": "imageGeneration", "id": id, "status": "in_progress", "revisedPrompt": null, "result": "" })
        }
        _ => json!({ "type": choices.of(&["agentMessage", "reasoning", "plan"]), "id": id, "text": MARKER }),
    }
}

/// What an item becomes when it ends.
fn complete(item: &mut Value, choices: &mut Choices) {
    let duration = [json!(41), Value::Null, json!(0), json!(-3)];
    match item["type"].as_str().unwrap_or_default() {
        "commandExecution" => {
            item["status"] = json!(choices.of(&["completed", "failed", "declined", "inProgress"]));
            item["exitCode"] = ([json!(0), json!(-1), Value::Null, json!(137)])[choices.below(4)].clone();
            item["durationMs"] = duration[choices.below(4)].clone();
            item["aggregatedOutput"] = json!(MARKER);
        }
        "fileChange" => item["status"] = json!(choices.of(&["completed", "failed", "declined", "inProgress"])),
        "mcpToolCall" => {
            item["status"] = json!(choices.of(&["completed", "failed", "completed", "inProgress"]));
            item["durationMs"] = duration[choices.below(4)].clone();
            if item["status"] == "failed" {
                item["error"] = json!({ "message": MARKER });
            } else {
                item["result"] = json!({ "content": [MARKER], "structuredContent": null });
            }
        }
        "dynamicToolCall" => {
            item["status"] = json!(choices.of(&["completed", "failed", "completed", "inProgress"]));
            item["durationMs"] = duration[choices.below(4)].clone();
            item["success"] = ([json!(true), json!(false), Value::Null])[choices.below(3)].clone();
            let (text, image) =
                (json!({ "type": "inputText", "text": MARKER }), json!({ "type": "inputImage", "imageUrl": MARKER }));
            item["contentItems"] =
                [Value::Null, json!([]), json!([text]), json!([text, image, image])][choices.below(4)].clone();
        }
        "collabAgentToolCall" => {
            item["status"] = json!(choices.of(&["completed", "failed", "completed", "inProgress"]));
            let states = ["completed", "errored", "shutdown", "notFound", "running", "interrupted", "pendingInit"];
            for agent in 0..choices.below(4) {
                item["agentsStates"][format!("agent-{agent}")] =
                    json!({ "status": choices.of(&states), "message": MARKER });
            }
        }
        "webSearch" => {
            item["query"] = json!(choices.of(&["", " ", MARKER]));
            item["action"] = match choices.below(8) {
                0 => Value::Null,
                1 => json!({ "type": "search", "query": MARKER, "queries": [MARKER, MARKER] }),
                2 => json!({ "type": "search", "query": MARKER, "queries": [] }),
                3 => json!({ "type": "search", "query": "", "queries": null }),
                4 => json!({ "type": "search", "query": null }),
                5 => json!({ "type": "openPage", "url": MARKER }),
                6 => json!({ "type": "findInPage", "url": MARKER, "pattern": MARKER }),
                _ => json!({ "type": "newer" }),
            };
        }
        "imageGeneration" => {
            item["status"] = json!(choices.of(&["completed", "failed", "error", "in_progress", "other"]));
            item["revisedPrompt"] = ([Value::Null, json!(MARKER)])[choices.below(2)].clone();
            if choices.once_in(2) {
                item["savedPath"] = json!(format!("/{MARKER}.png"));
            }
        }
        _ => {}
    }
}

impl World {
    /// Tells of an item of the thread's turn.
    pub(super) fn item(&mut self, thread: usize, method: &str, time: &str, item: &Value) {
        let now = json!(self.now);
        self.item_at(thread, method, time, item, &now);
    }

    fn item_at(&mut self, thread: usize, method: &str, time: &str, item: &Value, at: &Value) {
        let Some(turn) = &mut self.threads[thread].turn else { return };
        if let Some(id) = item["id"].as_str().filter(|_| method == "item/started") {
            turn.known.push(id.into());
        }
        let turn = turn.id.clone();
        self.item_of(thread, &turn, method, time, item, at);
    }

    fn item_of(&mut self, thread: usize, turn: &str, method: &str, time: &str, item: &Value, at: &Value) {
        let params = json!({ "threadId": self.threads[thread].id, "turnId": turn, "item": item, time: at });
        self.notify(thread, method, params);
    }

    /// A process that outlived its turn ends.
    fn complete_late(&mut self, thread: usize, choices: &mut Choices) {
        let Some(turn) = &mut self.threads[thread].ended else { return };
        let (id, Some(mut item)) = (turn.id.clone(), turn.items.pop()) else { return };
        complete(&mut item, choices);
        let now = json!(self.now);
        self.item_of(thread, &id, "item/completed", "completedAtMs", &item, &now);
    }

    pub(super) fn start_item(&mut self, choices: &mut Choices) {
        let thread = self.running(choices);
        let mut id = self.name("item");
        // So code's own calls are named.
        if self.is_newer() && choices.once_in(6) {
            let number = id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0_u64);
            id = format!("exec-{:08x}-0000-4000-8000-{number:012x}", self.options.number);
        }
        if self.is_newer() && choices.once_in(10) {
            let item = json!({ "type": "imageView", "id": id, "path": format!("/{MARKER}.png") });
            self.item(thread, "item/started", "startedAtMs", &item);
            return self.item(thread, "item/completed", "completedAtMs", &item);
        }
        let mut item = started(choices.below(KINDS), &id, &self.threads[thread].id, choices);
        if let Some(actions) = item.get_mut("commandActions").and_then(Value::as_array_mut)
            && choices.once_in(3)
        {
            let (_, path) = self.skill(choices);
            actions.push(json!({ "type": "read", "command": MARKER, "name": MARKER, "path": path }));
        }
        if item["server"] == "codex_apps" && choices.once_in(2) {
            self.review_call(thread, &id, choices);
        }
        let at = match choices.below(20) {
            19 => json!(-1),
            18 => json!(self.now + 5000),
            _ => json!(self.now),
        };
        // An item whose start is not told still ends.
        if !choices.once_in(12) {
            self.item_at(thread, "item/started", "startedAtMs", &item, &at);
        }
        if let Some(turn) = &mut self.threads[thread].turn {
            turn.items.push(item);
        }
    }

    pub(super) fn complete_item(&mut self, choices: &mut Choices) {
        if choices.once_in(6) {
            let thread = self.thread(choices);
            self.complete_late(thread, choices);
        }
        let thread = self.running(choices);
        let Some(turn) = &mut self.threads[thread].turn else { return };
        if turn.items.is_empty() {
            return self.start_item(choices);
        }
        let open = choices.below(turn.items.len());
        let mut item = turn.items.swap_remove(open);
        complete(&mut item, choices);
        self.newer_item(&mut item, choices);
        let at = if choices.once_in(20) { json!(-1) } else { json!(self.now) };
        self.item_at(thread, "item/completed", "completedAtMs", &item, &at);
        // A declined command is told of twice.
        if choices.once_in(8) {
            self.item_at(thread, "item/completed", "completedAtMs", &item, &at);
        }
    }

    pub(super) fn show_diff(&mut self, choices: &mut Choices) {
        let thread = self.running(choices);
        let file = |name: &str, old: &[&str], new: &[&str]| {
            let lines =
                |mark: &str, lines: &[&str]| lines.iter().flat_map(|line| [mark, line, "\n"]).collect::<String>();
            format!(
                "diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1,{} +1,{} @@\n{}{}",
                old.len(),
                new.len(),
                lines("-", old),
                lines("+", new)
            )
        };
        let line = format!("let x = {MARKER};");
        let diffs = [
            file(MARKER, &[], &[&line]),
            file("src/a.rs", &["old line", "}"], &["    let total  = 1;", "}", "  ----", "éé"]),
            file("src/b.rs", &["gone for good"], &[]),
            String::new(),
            file("src/a.rs", &["-- old"], &["++ new value"])
                + &file("lib/b.rs", &[], &["fn useful() {", "fn useful() {"]),
        ];
        let diff = &diffs[choices.below(diffs.len())];
        let state = &self.threads[thread];
        let turn = state.turn.as_ref().map(|turn| turn.id.clone()).unwrap_or_default();
        let params = json!({ "threadId": state.id, "turnId": turn, "diff": diff });
        self.notify(thread, "turn/diff/updated", params);
    }
}
