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
            "sendMessage" => "send_message",
            "followupTask" => "followup_task",
            "interruptAgent" => "interrupt_agent",
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
                "command_search_action_count": actions("search"), "command_unknown_action_count": actions("unknown"),
                "plugin_id": item["pluginId"], "script_path": null })
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
            "mcp_error_present": !item["error"].is_null(), "plugin_id": item["pluginId"],
            "connector_id": item["appContext"]["connectorId"], "voice_session_id": null }),
        "dynamicToolCall" => {
            let content = |wanted: &dyn Fn(&Value) -> bool| {
                (!item["contentItems"].is_null()).then(|| count(&item["contentItems"], wanted))
            };
            json!({ "dynamic_tool_name": item["tool"], "success": item["success"], "output_content_item_count": content(&|_| true),
                "output_text_item_count": content(&|item| item["type"] == "inputText"),
                "output_image_item_count": content(&|item| item["type"] == "inputImage"),
                "output_audio_item_count": content(&|item| item["type"] == "inputAudio") })
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
        "controlToolCall" => json!({}),
        _ => json!({ "revised_prompt_present": !item["revisedPrompt"].is_null(),
            "saved_path_present": !item["savedPath"].is_null(), "transparent_background": item["transparentBackground"],
            "imagegen_request_id": item["imagegenRequestId"], "generation_id": item["generationId"] }),
    }
}

/// Whose call an item is: nobody's, if the user made it, or a hosted search.
fn caller(item: &Value) -> Value {
    let id = text(&item["id"]);
    if item["source"] == "userShell" || item["type"] == "webSearch" {
        Value::Null
    } else if id.starts_with("exec-") && id.len() == "exec-".len() + 36 {
        json!("inner_tool_call")
    } else {
        json!("model_tool_call")
    }
}

/// Whether it acts on the session.
fn is_control(item: &Value) -> bool {
    item["type"] == "controlToolCall"
}

/// What an item began with.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning {
    model: Value,
    effort: Value,
    trigger: Value,
    root: Value,
}

/// An image that was looked at is a control tool.
pub(super) fn with_control_tool(mut params: Value) -> Value {
    if params["item"]["type"] == "imageView" {
        params["item"] = json!({ "type": "controlToolCall", "id": params["item"]["id"], "tool": "view_image", "status": "completed",
            "isView": true });
    }
    params
}

impl Model {
    pub(super) fn item_started(&mut self, params: &Value) {
        let (thread, turn_id, item) = (text(&params["threadId"]), text(&params["turnId"]), &params["item"]);
        let kind = text(&item["type"]);
        self.agent_not_begun(&thread, &turn_id);
        let key = (thread, turn_id);
        let is_tool = tool(&kind).is_some() || is_control(item);
        if let Some(turn) =
            self.turns.get_mut(&key).filter(|turn| !turn.is_over && (is_tool || kind == "contextCompaction"))
        {
            turn.spent.began(&kind, params["startedAtMs"].as_i64());
            if kind == "mcpToolCall" {
                turn.mcp_calls.push((text(&item["id"]), text(&item["server"])));
            }
        }
        // A message of the user, or if there is none the model's first sign, begins a turn's work.
        // A user's own command is none of it.
        if !item.is_null() && kind != "contextCompaction" && item["source"] != "userShell" {
            let is_blocked = kind == "userMessage" && self.compactions.contains_key(&key);
            let turn = self.turns.entry(key).or_default();
            turn.is_blocked |= is_blocked && !turn.is_underway;
            turn.is_underway = true;
        }
        if kind == "contextCompaction" {
            self.compaction_started(params);
        } else if is_tool {
            if item["server"] == "codex_apps" {
                self.app_called(params);
            }
            self.call_started(params);
        }
    }

    /// A tool's call begins.
    pub(super) fn call_started(&mut self, params: &Value) {
        let (thread, turn, item) = (text(&params["threadId"]), text(&params["turnId"]), &params["item"]);
        let server = self.server(&thread);
        if is_control(item) && !server.is_since(149) {
            return;
        }
        let Some(at) = params["startedAtMs"].as_i64().filter(|at| *at >= 0) else { return };
        let key = (thread.clone(), turn.clone(), text(&item["id"]));
        self.starts.insert(key.clone(), at);
        if server.is_since(135) && !self.beginnings.contains_key(&key) {
            let model = self.setting_of(&thread, &turn, "model");
            let effort = self.setting_of(&thread, &turn, "reasoning_effort");
            let by_default = || self.efforts.get(&text(&model)).cloned().unwrap_or_default();
            let turn = self.turns.get(&(thread, turn));
            let known = turn.cloned().unwrap_or_default();
            let effort = if effort.is_null() { by_default() } else { effort };
            let trigger = if known.is_over { Value::Null } else { known.request["turnTrigger"].clone() };
            self.beginnings.insert(key, Beginning { model, effort, trigger, root: known.root });
        }
    }

    pub(super) fn item_completed(&mut self, params: &Value) {
        let (thread, turn, item) = (text(&params["threadId"]), text(&params["turnId"]), &params["item"]);
        let kind = text(&item["type"]);
        self.agent_not_begun(&thread, &turn);
        let mut params = params.clone();
        // What is known by its news alone ends when it is told, and so does the look at an image.
        if let Some(emitted) = self.emitted.filter(|_| item["isNews"] == true || item["isView"] == true) {
            params["completedAtMs"] = json!(emitted);
        }
        let is_tool = tool(&kind).is_some() || is_control(item);
        if let Some(turn) = self.turns.get_mut(&(thread.clone(), turn.clone())).filter(|turn| !turn.is_over) {
            if is_tool || kind == "contextCompaction" {
                turn.spent.ended(&kind, params["completedAtMs"].as_i64());
            }
            turn.has_images |= kind == "imageGeneration"
                || item["isView"] == true
                || count(&item["contentItems"], |content| content["type"] == "inputImage") > 0;
            turn.mcp_calls.retain(|(id, _)| item["id"] != *id.as_str());
        }
        if kind == "contextCompaction" {
            return self.compaction_completed(&params);
        }
        self.skill_files_read(&params);
        if item["isNews"] == true {
            self.threads.entry(thread).or_default().has_news = true;
        }
        if item["tool"] == "spawnAgent" && item["status"] == "completed" {
            self.agent_spawned(item, &params["completedAtMs"]);
        }
        if is_tool && !self.agent_told(&params) {
            self.call_completed(&params);
        }
    }

    /// A tool's call ends.
    pub(super) fn call_completed(&mut self, params: &Value) {
        let item = &params["item"];
        let key = (text(&params["threadId"]), text(&params["turnId"]), text(&item["id"]));
        let (event_type, counter) =
            tool(item["type"].as_str().unwrap_or_default()).unwrap_or(("codex_control_tool_call_event", "control"));
        let server = self.server(&key.0);
        if is_control(item) && !server.is_since(149) {
            return;
        }
        let of_turn = (key.0.clone(), key.1.clone());
        let (mut is_late, mut root, mut has_responses) = (false, Value::Null, false);
        match self.turns.get_mut(&of_turn).filter(|turn| turn.is_known) {
            Some(turn) => {
                *turn.counts.entry(counter).or_default() += 1;
                root = turn.root.clone();
                has_responses = turn.has_responses;
            }
            // Newer servers report what ends after its turn.
            None if server.is_since(148) => is_late = true,
            None => return,
        }
        if item["isNews"] == true && item["tool"] != "spawnAgent" && !server.is_since(150) {
            self.starts.remove(&key);
            self.beginnings.remove(&key);
            return;
        }
        let Some(started_at) = self.starts.remove(&key) else { return };
        let completed_at = &params["completedAtMs"];
        if completed_at.as_i64().is_none_or(|at| at < 0) {
            return;
        }
        let Some(mut event) = self.context(&key.0) else { return };
        let reviews = self.item_reviews.remove(&key).unwrap_or_default();
        let beginning = self.beginnings.remove(&key);
        let elicitation = self.elicitations.remove(&key);
        let Some((status, failure)) = ending(item) else { return };
        let duration = if item["isUntimed"] == true { Value::Null } else { passed(&json!(started_at), completed_at) };
        let execution = match item["type"].as_str() {
            Some("commandExecution" | "mcpToolCall" | "dynamicToolCall") => json!(unsigned(&item["durationMs"])),
            Some("collabAgentToolCall") if server.is_since(150) => duration.clone(),
            Some("controlToolCall") => duration.clone(),
            _ => Value::Null,
        };
        let beginning_root = beginning.as_ref().map_or(Value::Null, |beginning| beginning.root.clone());
        let root = if root.is_null() { beginning_root } else { root };
        let is_users = item["source"] == "userShell";
        extend(
            &mut event,
            json!({ "thread_id": key.0, "turn_id": key.1, "item_id": key.2, "tool_name": tool_name(item),
                "root_turn_id": if is_users { Value::Null } else { root }, "cell_id": null, "parent_call_id": null,
                "originating_response_id": null, "subsequent_response_id": null,
                "tool_event_type": if is_late { Value::Null } else { caller(item) },
                "started_at_ms": started_at, "completed_at_ms": completed_at, "duration_ms": duration,
                "execution_duration_ms": execution, "review_count": reviews.guardian + reviews.user,
                "guardian_review_count": reviews.guardian, "user_review_count": reviews.user,
                "final_approval_outcome": reviews.outcome.as_deref().unwrap_or("unknown"), "terminal_status": status,
                "failure_kind": failure, "requested_additional_permissions": reviews.additional,
                "requested_network_access": reviews.network }),
        );
        extend(&mut event, details(item));
        let beginning = beginning.unwrap_or_default();
        if is_control(item) {
            event["success"] = json!(status == "completed");
        }
        if (is_control(item) || item["type"] == "commandExecution") && !beginning.trigger.is_null() {
            event["turn_trigger"] = beginning.trigger;
        }
        match item["type"].as_str().unwrap_or_default() {
            "commandExecution" => {
                // What never ran has no exit code. What was approved runs without a sandbox.
                let ran = server.is_since(135) && !item["exitCode"].is_null();
                let is_approved = reviews.outcome.is_some_and(|outcome| outcome.contains("_approved"));
                let is_free = self.setting_of(&key.0, &key.1, "sandbox_policy") == "full_access";
                event["sandbox_backend"] = if ran && (is_approved || is_free) { json!("none") } else { Value::Null };
                event["model_slug"] = if is_users { Value::Null } else { beginning.model };
                event["reasoning_effort"] = if is_users { Value::Null } else { beginning.effort };
            }
            "mcpToolCall" => event["elicitation_type"] = json!(elicitation),
            _ => {}
        }
        let always_waits = is_control(item) || item["type"] == "collabAgentToolCall";
        self.call_told(event_type, event, always_waits, has_responses);
    }
}
