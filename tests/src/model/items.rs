//! Tool items (`docs/contract/rules.md` 6).

use serde_json::{Value, json};

use super::threads::extend;
use super::{Model, passed, text, unsigned};

/// Of a kind of tool item: the type of its event, and its counter on the turn.
fn tool(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "commandExecution" => ("codex_command_execution_event", "shell_command_count"),
        "fileChange" => ("codex_file_change_event", "file_change_count"),
        "mcpToolCall" => ("codex_mcp_tool_call_event", "mcp_tool_call_count"),
        "dynamicToolCall" => ("codex_dynamic_tool_call_event", "dynamic_tool_call_count"),
        "collabAgentToolCall" => ("codex_collab_agent_tool_call_event", "subagent_tool_call_count"),
        "webSearch" => ("codex_web_search_event", "web_search_count"),
        "imageGeneration" => ("codex_image_generation_event", "image_generation_count"),
        _ => return None,
    })
}

fn source(item: &Value) -> &str {
    item["source"].as_str().unwrap_or("agent")
}

fn tool_name(item: &Value) -> Value {
    json!(match item["type"].as_str().unwrap_or_default() {
        "commandExecution" => match source(item) {
            "agent" => "shell",
            "userShell" => "user_shell",
            _ => "unified_exec",
        },
        "fileChange" => "apply_patch",
        "collabAgentToolCall" => match item["tool"].as_str().unwrap_or_default() {
            "spawnAgent" => "spawn_agent",
            "sendInput" => "send_input",
            "resumeAgent" => "resume_agent",
            "wait" => "wait_agent",
            _ => "close_agent",
        },
        "webSearch" => "web_search",
        "imageGeneration" => "image_generation",
        _ => return item["tool"].clone(),
    })
}

/// How an item ended, and how it failed if it did; nothing if it has not ended.
fn ending(item: &Value) -> Option<(&'static str, Option<&'static str>)> {
    let status = item["status"].as_str().unwrap_or_default();
    match (item["type"].as_str().unwrap_or_default(), status) {
        ("webSearch", _) => Some(("completed", None)),
        ("imageGeneration", "failed" | "error") | (_, "failed") => Some(("failed", Some("tool_error"))),
        ("imageGeneration", _) | (_, "completed") => Some(("completed", None)),
        (_, "declined") => Some(("rejected", Some("approval_denied"))),
        _ => None,
    }
}

/// How many elements of a list are as wanted.
fn count(list: &Value, wanted: impl Fn(&Value) -> bool) -> usize {
    list.as_array().map_or(0, |list| list.iter().filter(|element| wanted(element)).count())
}

fn is_blank(value: &Value) -> bool {
    text(value).trim().is_empty()
}

/// What an event says beside what all items have.
fn details(item: &Value) -> Value {
    match item["type"].as_str().unwrap_or_default() {
        "commandExecution" => {
            let actions = |kind: &str| count(&item["commandActions"], |action| action["type"] == kind);
            json!({ "command_execution_source": source(item), "exit_code": item["exitCode"],
                "command_total_action_count": count(&item["commandActions"], |_| true),
                "command_read_action_count": actions("read"), "command_list_files_action_count": actions("listFiles"),
                "command_search_action_count": actions("search"), "command_unknown_action_count": actions("unknown") })
        }
        "fileChange" => {
            let changes = |kind: &str, moved: bool| {
                count(&item["changes"], |change| {
                    change["kind"]["type"] == kind && change["kind"]["move_path"].is_null() != moved
                })
            };
            json!({ "file_change_count": count(&item["changes"], |_| true), "file_add_count": changes("add", false),
                "file_update_count": changes("update", false), "file_delete_count": changes("delete", false),
                "file_move_count": changes("update", true) })
        }
        "mcpToolCall" => json!({ "mcp_server_name": item["server"], "mcp_tool_name": item["tool"],
            "mcp_error_present": !item["error"].is_null() }),
        "dynamicToolCall" => {
            let content = |wanted: &dyn Fn(&Value) -> bool| {
                (!item["contentItems"].is_null()).then(|| count(&item["contentItems"], wanted))
            };
            json!({ "dynamic_tool_name": item["tool"], "success": item["success"], "output_content_item_count": content(&|_| true),
                "output_text_item_count": content(&|item| item["type"] == "inputText"),
                "output_image_item_count": content(&|item| item["type"] == "inputImage") })
        }
        "collabAgentToolCall" => {
            let states = item["agentsStates"].as_object().cloned().unwrap_or_default();
            let agents = |names: &[&str]| {
                states.values().filter(|state| names.iter().any(|name| state["status"] == *name)).count()
            };
            json!({ "sender_thread_id": item["senderThreadId"], "receiver_thread_count": count(&item["receiverThreadIds"], |_| true),
                "receiver_thread_ids": item["receiverThreadIds"], "requested_model": item["model"],
                "requested_reasoning_effort": item["reasoningEffort"], "agent_state_count": states.len(),
                "completed_agent_count": agents(&["completed"]),
                "failed_agent_count": agents(&["errored", "shutdown", "notFound"]) })
        }
        "webSearch" => {
            let action = &item["action"];
            let (name, queries) = match action["type"].as_str() {
                Some("search") => {
                    let queries = match (action["queries"].as_array(), action["query"].as_str()) {
                        (Some(queries), _) => json!(queries.len()),
                        (None, Some(_)) => json!(1),
                        (None, None) => Value::Null,
                    };
                    (json!("search"), queries)
                }
                Some("openPage") => (json!("open_page"), Value::Null),
                Some("findInPage") => (json!("find_in_page"), Value::Null),
                Some(_) => (json!("other"), Value::Null),
                None if is_blank(&item["query"]) => (Value::Null, Value::Null),
                None => (Value::Null, json!(1)),
            };
            json!({ "web_search_action": name, "query_present": !is_blank(&item["query"]), "query_count": queries })
        }
        _ => json!({ "revised_prompt_present": !item["revisedPrompt"].is_null(),
            "saved_path_present": !item["savedPath"].is_null() }),
    }
}

/// Newer servers tell of an agent that has started instead of the call that spawned it: news of an item, with the call.
pub(super) fn with_spawn_call(params: &Value) -> Value {
    let (mut params, item) = (params.clone(), &params["item"]);
    if item["type"] == "subAgentActivity" {
        let agent = item["agentThreadId"].as_str().filter(|_| item["kind"] == "started");
        params["item"] = agent.map_or(Value::Null, |agent| {
            json!({ "type": "collabAgentToolCall", "isNews": true, "id": item["id"], "tool": "spawnAgent", "status": "completed",
                "senderThreadId": params["threadId"], "receiverThreadIds": [agent], "model": item["model"],
                "reasoningEffort": item["reasoningEffort"], "agentsStates": { agent: { "status": "running" } } })
        });
    }
    params
}

impl Model {
    pub(super) fn item_started(&mut self, params: &Value) {
        let (thread, turn, item) = (text(&params["threadId"]), text(&params["turnId"]), &params["item"]);
        // A message of the user, or if there is none the model's first sign, begins a turn's work.
        // A user's own command is none of it.
        if !item.is_null() && item["type"] != "contextCompaction" && item["source"] != "userShell" {
            let key = (thread.clone(), turn.clone());
            let is_blocked = item["type"] == "userMessage" && self.compactions.contains_key(&key);
            let turn = self.turns.entry(key).or_default();
            turn.is_blocked |= is_blocked && !turn.is_underway;
            turn.is_underway = true;
        }
        match item["type"].as_str().unwrap_or_default() {
            "contextCompaction" => self.compaction_started(params),
            kind if tool(kind).is_some() => {
                if item["server"] == "codex_apps" {
                    self.app_called(params);
                }
                if let Some(at) = params["startedAtMs"].as_i64().filter(|at| *at >= 0) {
                    self.starts.insert((thread, turn, text(&item["id"])), at);
                }
            }
            _ => {}
        }
    }

    pub(super) fn item_completed(&mut self, params: &Value) {
        let item = &params["item"];
        if item["type"] == "contextCompaction" {
            return self.compaction_completed(params);
        }
        self.skill_files_read(params);
        let Some((event_type, counter)) = tool(item["type"].as_str().unwrap_or_default()) else { return };
        let mut params = params.clone();
        let is_news = item["isNews"] == true;
        if let Some(emitted) = self.emitted.filter(|_| is_news) {
            // Such an item ends when it is told.
            params["completedAtMs"] = json!(emitted);
        }
        if is_news {
            self.threads.entry(text(&params["threadId"])).or_default().has_news = true;
        }
        if item["tool"] == "spawnAgent" && item["status"] == "completed" {
            self.agent_spawned(item, &params["completedAtMs"]);
        }
        let key = (text(&params["threadId"]), text(&params["turnId"]), text(&item["id"]));
        let is_newer = self.is_newer(&key.0);
        match self.turns.get_mut(&(key.0.clone(), key.1.clone())).filter(|turn| turn.is_known) {
            Some(turn) => *turn.counts.entry(counter).or_default() += 1,
            // Newer servers report what ends after its turn.
            None if is_newer => {}
            None => return,
        }
        let Some(started_at) = self.starts.remove(&key) else { return };
        let completed_at = &params["completedAtMs"];
        if completed_at.as_i64().is_none_or(|at| at < 0) {
            return;
        }
        let Some(mut event) = self.context(&key.0) else { return };
        let reviews = self.item_reviews.remove(&key).unwrap_or_default();
        let Some((status, failure)) = ending(item) else { return };
        let duration = passed(&json!(started_at), completed_at);
        let execution = match item["type"].as_str() {
            Some("commandExecution" | "mcpToolCall" | "dynamicToolCall") => json!(unsigned(&item["durationMs"])),
            Some("collabAgentToolCall") if is_newer => duration.clone(),
            _ => Value::Null,
        };
        extend(
            &mut event,
            json!({ "thread_id": key.0, "turn_id": key.1, "item_id": key.2, "tool_name": tool_name(item),
                "started_at_ms": started_at, "completed_at_ms": completed_at, "duration_ms": duration,
                "execution_duration_ms": execution, "review_count": reviews.guardian + reviews.user,
                "guardian_review_count": reviews.guardian, "user_review_count": reviews.user,
                "final_approval_outcome": reviews.outcome.as_deref().unwrap_or("unknown"), "terminal_status": status,
                "failure_kind": failure, "requested_additional_permissions": reviews.additional,
                "requested_network_access": reviews.network }),
        );
        extend(&mut event, details(item));
        self.emit(event_type, event);
    }
}
