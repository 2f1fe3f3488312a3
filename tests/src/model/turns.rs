//! Turns: what they were started with, what they used, how they ended (`docs/contract/rules.md` 3, 4, 7,
//! `docs/contract/derived.md` 3, 4).

use serde_json::{Value, json};

use super::others::kind_of;
use super::spent::Spent;
use super::threads::{approval_policy, extend, reviewer, sandbox, service_tier, unknown_settings, unless_none};
use super::{Model, Request, lines, text, unsigned};

/// A turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    /// Whether more of it was seen than items: whoever joins late may have missed the rest.
    pub(super) is_known: bool,
    /// Who started it, if a client did.
    connection: Option<u64>,
    images: usize,
    /// The thread's settings with what the request changed.
    settings: Value,
    is_first: bool,
    /// Whether the model came to work on it.
    pub(super) is_underway: bool,
    /// Whether a compaction was open when its message came.
    pub(super) is_blocked: bool,
    is_started: bool,
    started_at: Option<u64>,
    /// The thread's totals when it started, if they are known.
    baseline: Option<Value>,
    /// The latest totals of this turn, and the sum of what each update said of its request.
    end: Option<Value>,
    sum: [i64; 6],
    diff: String,
    steers: u64,
    /// How it ended, while the answer to the request that started it has not come.
    ended: Option<Value>,
    /// Tool items that ended, by the name of the counter.
    /// The turn with which its chain began, and what its request says of it.
    pub(super) root: Value,
    pub(super) request: Value,
    /// When a client asked for its end.
    interrupted_at: Option<u64>,
    pub(super) spent: Spent,
    /// Whether the model was shown an image.
    pub(super) has_images: bool,
    /// Calls of MCP tools that are open, with their servers.
    pub(super) mcp_calls: Vec<(String, String)>,
    /// The agent that its latest call told something.
    pub(super) agent_told: Option<String>,
    /// What a host says of the error that ended it.
    pub(super) error_told: Value,
    /// Whether a host tells of the model's responses.
    pub(super) has_responses: bool,
    /// Whether it has ended.
    pub(super) is_over: bool,
    pub(super) counts: std::collections::BTreeMap<&'static str, u64>,
}

pub(super) const COUNTERS: [&str; 7] = [
    "shell_command_count",
    "file_change_count",
    "mcp_tool_call_count",
    "dynamic_tool_call_count",
    "subagent_tool_call_count",
    "web_search_count",
    "image_generation_count",
];

/// Kinds of tokens, in events and on the wire.
const TOKENS: [(&str, &str); 6] = [
    ("input_tokens", "inputTokens"),
    ("cached_input_tokens", "cachedInputTokens"),
    ("output_tokens", "outputTokens"),
    ("reasoning_output_tokens", "reasoningOutputTokens"),
    ("total_tokens", "totalTokens"),
    ("cache_write_input_tokens", "cacheWriteInputTokens"),
];

/// What only a host's facts tell of a turn.
const UNTOLD: [&str; 20] = [
    "after_last_sampling_ms",
    "before_first_sampling_ms",
    "between_sampling_overhead_ms",
    "codex_turn_source",
    "critical_path_auto_review_ms",
    "critical_path_auto_review_overhead_ms",
    "critical_path_compaction_ms",
    "critical_path_duration_ms",
    "critical_path_inference_ms",
    "critical_path_overhead_ms",
    "critical_path_sampling_ms",
    "critical_path_status",
    "critical_path_tools_ms",
    "critical_path_unknown_ms",
    "critical_path_user_wait_ms",
    "guardian_v2_enabled",
    "sampling_ms",
    "tools_change_count",
    "usage_limit_window_minutes",
    "voice_session_id",
];

fn images(params: &Value) -> usize {
    let input = params["input"].as_array().cloned().unwrap_or_default();
    input.iter().filter(|item| item["type"] == "image" || item["type"] == "localImage").count()
}

/// What a request changes for its turn and later ones.
fn change(settings: &mut Value, params: &Value) {
    let mut set = |name: &str, value: Value| settings[name] = value;
    let given = |name: &str| params.get(name).filter(|value| !value.is_null());
    if let Some(model) = given("model") {
        set("model", model.clone());
    }
    if let Some(effort) = given("effort") {
        set("reasoning_effort", effort.clone());
    }
    if let Some(mode) = given("collaborationMode") {
        set("model", mode["settings"]["model"].clone());
        set("reasoning_effort", mode["settings"]["reasoning_effort"].clone());
        set("collaboration_mode", json!(if mode["mode"] == "plan" { "plan" } else { "default" }));
    }
    if let Some(summary) = given("summary") {
        set("reasoning_summary", summary.clone());
    }
    if let Some(personality) = given("personality") {
        set("personality", personality.clone());
    }
    if let Some(tier) = params.get("serviceTier") {
        set("service_tier", service_tier(tier));
    }
    if let Some(policy) = given("approvalPolicy") {
        set("approval_policy", approval_policy(policy));
    }
    if let Some(who) = given("approvalsReviewer") {
        set("approvals_reviewer", reviewer(who));
    }
    let profile = match params["permissions"].as_str() {
        Some(":danger-full-access") => Some(json!({ "type": "dangerFullAccess" })),
        Some(":workspace") => Some(json!({ "type": "workspaceWrite" })),
        Some(":read-only") => Some(json!({ "type": "readOnly" })),
        Some(_) => Some(Value::Null),
        None => None,
    };
    if let Some(policy) = given("sandboxPolicy").cloned().or(profile) {
        let (policy, network) = sandbox(&policy);
        set("sandbox_policy", policy);
        set("sandbox_network_access", network);
    }
}

impl Model {
    /// A client asks for a turn.
    pub(super) fn turn_requested(&mut self, params: &Value) {
        let is_first = !self.is_turn_asked_for(&params["threadId"]);
        if let Some(thread) = self.threads.get_mut(&text(&params["threadId"])).filter(|_| is_first) {
            thread.settings_shown = false;
        }
    }

    pub(super) fn steer_requested(&mut self, params: &Value) {
        let key = (text(&params["threadId"]), text(&params["expectedTurnId"]));
        if let Some(turn) = self.turns.get_mut(&key).filter(|turn| !turn.is_over) {
            turn.has_images |= images(params) > 0;
        }
    }

    /// A client has interrupted a turn: its earliest request counts.
    pub(super) fn turn_interrupted(&mut self, request: &Request) {
        let (thread, turn) = (&request.params["threadId"], &request.params["turnId"]);
        if self.server(&text(thread)).is_since(135) {
            self.interrupted(&json!({ "thread_id": thread, "turn_id": turn }), request.at);
        }
    }

    /// A turn that is not known does not begin by it.
    pub(super) fn interrupted(&mut self, of: &Value, requested_at: u64) {
        let turn = self.turns.get_mut(&(text(&of["thread_id"]), text(&of["turn_id"])));
        if let Some(turn) = turn.filter(|turn| turn.is_known) {
            turn.interrupted_at = Some(turn.interrupted_at.map_or(requested_at, |at| at.min(requested_at)));
        }
    }

    pub(super) fn queue_moved(&mut self, params: &Value) {
        let thread = text(&params["threadId"]);
        let is_asked = self.is_turn_asked_for(&params["threadId"]);
        if let Some(thread) = self.threads.get_mut(&thread).filter(|thread| thread.running.is_some() || is_asked) {
            thread.queue_moved = true;
        }
    }

    /// Whether a request for a turn of a thread has no answer.
    fn is_turn_asked_for(&self, thread: &Value) -> bool {
        self.requests.values().any(|request| request.method == "turn/start" && request.params["threadId"] == *thread)
    }

    /// A newer server shows all settings of a thread: what comes of a request that is not answered yet, and what a turn
    /// begins with that has not started.
    pub(super) fn settings_updated(&mut self, params: &Value) {
        let (id, shown) = (text(&params["threadId"]), &params["threadSettings"]);
        let thread = self.threads.entry(id.clone()).or_default();
        thread.settings_shown = true;
        let (policy, network) = sandbox(&shown["sandboxPolicy"]);
        extend(
            &mut thread.settings,
            json!({ "model": shown["model"], "model_provider": shown["modelProvider"], "sandbox_policy": policy,
                "sandbox_network_access": network, "reasoning_effort": shown["effort"], "reasoning_summary": shown["summary"],
                "service_tier": service_tier(&shown["serviceTier"]), "approval_policy": approval_policy(&shown["approvalPolicy"]),
                "approvals_reviewer": reviewer(&shown["approvalsReviewer"]), "personality": shown["personality"],
                "collaboration_mode": if shown["collaborationMode"]["mode"] == "plan" { "plan" } else { "default" } }),
        );
        for ((of, _), turn) in &mut self.turns {
            if *of == id && turn.connection.is_some() && !turn.is_started {
                turn.settings = thread.settings.clone();
            }
        }
    }

    pub(super) fn turn_accepted(&mut self, connection: u64, request: &Request, result: &Value) {
        let params = &request.params;
        let (thread_id, turn_id) = (text(&params["threadId"]), text(&result["turn"]["id"]));
        let thread = self.threads.entry(thread_id.clone()).or_default();
        if !std::mem::take(&mut thread.settings_shown) {
            change(&mut thread.settings, params);
        }
        if params["cwd"].is_string() {
            thread.cwd = params["cwd"].clone();
        }
        let (settings, is_first) = (thread.settings.clone(), thread.is_first);
        let tracking = json!({ "thread_id": thread_id, "turn_id": turn_id, "model_slug": settings["model"] });
        let turn = self.turns.entry((thread_id, turn_id)).or_default();
        turn.is_known = true;
        turn.connection = Some(connection);
        turn.images = images(params);
        turn.settings = settings;
        turn.is_first = is_first;
        turn.request = params.clone();
        let is_started = turn.is_started;
        let ended = turn.ended.take();
        // At the earliest moment at which the turn has an id.
        if let Some(thread) = self.threads.get_mut(&text(&params["threadId"])) {
            thread.starting |= !is_started;
        }
        self.skills_named(&request.named, &tracking);
        self.mentioned(&request.named, &tracking);
        if let Some(ended) = ended {
            self.turn_ended(text(&params["threadId"]), &ended);
        }
    }

    pub(super) fn turn_started(&mut self, params: &Value) {
        let (thread_id, turn_id) = (text(&params["threadId"]), text(&params["turn"]["id"]));
        self.clear(&thread_id);
        self.agent_began(&thread_id);
        let is_asked = self.is_turn_asked_for(&params["threadId"]);
        let thread = self.threads.entry(thread_id.clone()).or_default();
        let is_promised = std::mem::take(&mut thread.starting) || is_asked || thread.is_spawned;
        let is_of_queue = std::mem::take(&mut thread.queue_moved);
        thread.running = Some(turn_id.clone());
        let baseline = self.threads.get(&thread_id).and_then(|thread| thread.total.clone());
        let turn = self.turns.entry((thread_id, turn_id)).or_default();
        turn.started_at = unsigned(&params["turn"]["startedAt"]);
        (turn.is_known, turn.is_started) = (true, true);
        let root = &params["turn"]["rootTurnId"];
        if !root.is_null() {
            turn.root = root.clone();
        }
        // What nobody asked for goes on with a goal, or was in the queue.
        if !is_promised && turn.connection.is_none() {
            let goes_on = !root.is_null() && *root != params["turn"]["id"];
            let trigger = if goes_on { Some("goal") } else { is_of_queue.then_some("queue") };
            turn.request = json!({ "turnTrigger": trigger });
        }
        turn.baseline = baseline;
    }

    pub(super) fn diff_updated(&mut self, params: &Value) {
        let turn = self.turns.entry((text(&params["threadId"]), text(&params["turnId"]))).or_default();
        turn.is_known = true;
        turn.diff = text(&params["diff"]);
    }

    pub(super) fn usage_updated(&mut self, params: &Value) {
        let (thread_id, turn_id) = (text(&params["threadId"]), text(&params["turnId"]));
        let (total, last) = (&params["tokenUsage"]["total"], &params["tokenUsage"]["last"]);
        let thread = self.threads.entry(thread_id.clone()).or_default();
        let is_unchanged = thread.total.as_ref().is_some_and(|before| {
            TOKENS.iter().all(|(_, name)| before[name].as_i64().unwrap_or(0) == total[name].as_i64().unwrap_or(0))
        });
        thread.total = Some(total.clone());
        thread.context = last["totalTokens"].clone();
        if let Some(turn) = self.turns.get_mut(&(thread_id, turn_id)) {
            turn.end = Some(total.clone());
            if !is_unchanged {
                turn.spent.requests += 1;
                for (sum, (_, name)) in turn.sum.iter_mut().zip(TOKENS) {
                    *sum += last[name].as_i64().unwrap_or_default();
                }
            }
        }
    }

    pub(super) fn turn_completed(&mut self, params: &Value) {
        let (thread_id, turn_id) = (text(&params["threadId"]), text(&params["turn"]["id"]));
        self.clear(&thread_id);
        self.agent_not_begun(&thread_id, &turn_id);
        if let Some(thread) = self.threads.get_mut(&thread_id) {
            thread.running.take_if(|running| *running == turn_id);
        }
        self.end_compaction(&thread_id, &turn_id, &params["turn"]);
        self.report_skills(params);
        self.let_go_of_turn(&thread_id, &turn_id);
        // Whether a client asked for it shows when all that was asked is answered.
        let is_asked = self.is_turn_asked_for(&params["threadId"]);
        let turn = self.turns.entry((thread_id.clone(), turn_id)).or_default();
        turn.is_known = true;
        if !params["turn"]["rootTurnId"].is_null() {
            turn.root = params["turn"]["rootTurnId"].clone();
        }
        if turn.connection.is_none() && is_asked {
            turn.ended = Some(params["turn"].clone());
            return;
        }
        self.turn_ended(thread_id, &params["turn"]);
    }

    /// A turn is over, and whether a client started it is known.
    fn turn_ended(&mut self, thread_id: String, ended: &Value) {
        let turn_id = text(&ended["id"]);
        let server = self.server(&thread_id);
        let Some(turn) = self.turns.get_mut(&(thread_id.clone(), turn_id.clone())) else { return };
        // What still comes of it comes without its settings.
        turn.is_over = true;
        turn.mcp_calls.clear();
        let (settings, mut turn) = (std::mem::take(&mut turn.settings), turn.clone());
        turn.settings = settings;
        let Some(context) = self.threads.get_mut(&thread_id).filter(|thread| thread.is_known) else { return };
        // Newer servers also report turns without a request: those of agents, goals and queues.
        if turn.connection.is_none() && server.is_since(140) && (context.is_spawned || turn.is_started) {
            turn.connection = context.connection;
            turn.settings = context.settings.clone();
            turn.is_first = context.is_first;
        }
        // A turn that no client asked for, or whose work never began, has no settings.
        // What is told to an agent that makes news is no message of a user.
        let is_told = server.is_since(150) && context.is_spawned && context.has_news && turn.is_started;
        let is_reported = (turn.is_underway || is_told) && !turn.is_blocked;
        let Some(connection) = turn.connection.filter(|_| is_reported) else { return };
        context.is_first = false;
        context.previous_model = turn.settings["model"].clone();
        let agents = if context.has_news { "v2" } else { "v1" };
        let (mode, lineage) = (context.mode.clone(), context.lineage.clone());
        if mode.is_empty() {
            return;
        }
        let Some(connection) = self.connections.get(&connection).cloned() else { return };
        let client = self.client_of(&thread_id, connection.client);
        let (kind, code) = kind_of(&ended["error"]);
        let now = i64::try_from(self.at).unwrap_or(i64::MAX);
        let preparations = if turn.images == 0 && !turn.has_images { json!([]) } else { Value::Null };
        let said = &turn.request["responsesapiClientMetadata"];
        let mut event = json!({ "thread_id": thread_id, "turn_id": turn_id, "submission_type": null,
            "session_id": self.session_of(&thread_id), "root_turn_id": turn.root,
            "turn_trigger": turn.request["turnTrigger"], "workspace_kind": said["workspace_kind"],
            "active_plugin_ids_at_turn_start": self.active_plugins(&turn.request["disabledPluginIds"]),
            "multi_agent_version": agents, "explicit_client_interrupt_requested_at_ms": turn.interrupted_at,
            "image_preparations": preparations, "codex_error_kind": kind, "codex_error_http_status_code": code,
            "tool_blocking_ms": turn.spent.tools.until(now), "compaction_ms": turn.spent.compactions.until(now),
            "sampling_request_count": turn.spent.requests, "sampling_retry_count": turn.spent.retries,
            "app_server_client": client, "runtime": connection.runtime, "initialization_mode": mode,
            "num_input_images": turn.images, "is_first_turn": turn.is_first, "status": ended["status"],
            "turn_error": ended["error"]["codexErrorInfo"], "steer_count": turn.steers,
            "total_tool_call_count": turn.counts.values().sum::<u64>(), "duration_ms": unsigned(&ended["durationMs"]),
            "started_at": turn.started_at, "completed_at": unsigned(&ended["completedAt"]).unwrap_or(0) });
        extend(&mut event, lineage);
        extend(&mut event, unknown_settings());
        extend(&mut event, turn.settings.clone());
        for untold in UNTOLD {
            event[untold] = Value::Null;
        }
        if turn.error_told.is_object() {
            for name in ["codex_error_kind", "codex_error_http_status_code", "usage_limit_window_minutes"] {
                event[name] = turn.error_told[name].clone();
            }
        }
        if said["codex_app_used_dictation"] == "true" || said["codex_app_used_dictation"] == true {
            event["used_dictation"] = json!(true);
        }
        if server.is_since(151) && turn.request["serviceTierForTurn"].is_string() {
            event["service_tier"] = service_tier(&turn.request["serviceTierForTurn"]);
        }
        if server.is_since(139) && event["approvals_reviewer"] == "guardian_subagent" {
            event["approvals_reviewer"] = json!("auto_review");
        }
        for name in ["reasoning_summary", "personality"] {
            event[name] = unless_none(&turn.settings[name]);
        }
        for counter in COUNTERS {
            event[counter] = json!(turn.counts.get(counter).copied().unwrap_or_default());
        }
        for (index, (name, wire)) in TOKENS.into_iter().enumerate() {
            event[name] = match (&turn.baseline, &turn.end) {
                _ if ended["status"] == "interrupted" => Value::Null,
                (_, None) => json!(0),
                (None, Some(_)) => json!(turn.sum[index]),
                (Some(from), Some(to)) => {
                    json!((to[wire].as_i64().unwrap_or(0) - from[wire].as_i64().unwrap_or(0)).max(0))
                }
            };
        }
        self.emit("codex_turn_event", event);
        if let Some(mut lines) = lines::accepted(&turn.diff) {
            extend(
                &mut lines,
                json!({ "event_type": "codex.accepted_line_fingerprints", "turn_id": turn_id, "thread_id": thread_id,
                    "product_surface": "codex", "model_slug": turn.settings["model"], "completed_at": self.at / 1000,
                    "repo_hash": null, "fingerprint_scheme": "sha256" }),
            );
            self.emit("codex_accepted_line_fingerprints", lines);
        }
        self.turns.remove(&(thread_id, turn_id));
    }

    /// A setting of a turn: the one that it was started with, else its thread's.
    pub(super) fn setting_of(&self, thread: &str, turn: &str, name: &str) -> Value {
        let turn = self.turns.get(&(thread.to_owned(), turn.to_owned()));
        let own = turn.map(|turn| turn.settings.clone()).filter(Value::is_object);
        let settings = own.or_else(|| self.threads.get(thread).map(|thread| thread.settings.clone()));
        settings.unwrap_or_default()[name].clone()
    }

    /// The model of a turn: the one that it was started with, else its thread's.
    pub(super) fn model_of(&self, thread: &str, turn: &str) -> Value {
        let of_thread = self.threads.get(thread).map_or(Value::Null, |thread| thread.settings["model"].clone());
        let turn = self.turns.get(&(thread.to_owned(), turn.to_owned()));
        turn.map(|turn| turn.settings["model"].clone()).filter(|model| !model.is_null()).unwrap_or(of_thread)
    }

    /// Whether a client started the turn.
    pub(super) fn is_asked_for(&self, thread: &str, turn: &str) -> bool {
        self.turns.get(&(thread.to_owned(), turn.to_owned())).is_some_and(|turn| turn.connection.is_some())
    }

    pub(super) fn steered(&mut self, connection: u64, request: &Request, response: &Value) {
        let params = &request.params;
        let thread_id = text(&params["threadId"]);
        let error = &response["error"];
        let (code, message) = (error["code"].as_i64(), text(&error["message"]));
        let kind = &error["data"]["codexErrorInfo"]["activeTurnNotSteerable"]["turnKind"];
        let plain = code == Some(-32600) && error.get("data").is_none();
        if plain && message == "expectedTurnId must not be empty" {
            return;
        }
        let reason = if code == Some(-32602) && error["data"]["input_error_code"] == "input_too_large" {
            json!("input_too_large")
        } else if code == Some(-32600) && kind.is_string() {
            json!(format!("non_steerable_{}", text(kind)))
        } else if plain && message == "no active turn to steer" {
            json!("no_active_turn")
        } else if plain && message.starts_with("expected active turn id `") {
            json!("expected_turn_mismatch")
        } else if plain && message == "input must not be empty" {
            json!("empty_input")
        } else {
            Value::Null
        };
        let accepted = response["result"]["turnId"].clone();
        if let Some(turn) = self.turns.get_mut(&(thread_id.clone(), text(&accepted))) {
            turn.steers += 1;
        }
        let Some(client) = self.connections.get(&connection) else { return };
        let Some(thread) = self.threads.get(&thread_id).filter(|thread| !thread.mode.is_empty()) else { return };
        let shown = self.client_of(&thread_id, client.client.clone());
        let mut event = json!({ "thread_id": thread_id, "session_id": thread.session, "expected_turn_id": params["expectedTurnId"],
            "accepted_turn_id": accepted, "app_server_client": shown, "runtime": client.runtime, "num_input_images": images(params),
            "result": if accepted.is_null() { "rejected" } else { "accepted" }, "rejection_reason": reason,
            "created_at": request.at / 1000 });
        extend(&mut event, thread.lineage.clone());
        self.emit("codex_turn_steer_event", event);
    }
}
