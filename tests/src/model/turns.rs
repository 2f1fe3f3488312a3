//! Turns: what they were started with, what they used, how they ended (`docs/contract/rules.md` 3, 4, 7,
//! `docs/contract/derived.md` 3, 4).

use serde_json::{Value, json};

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
    sum: [i64; 5],
    diff: String,
    steers: u64,
    /// How it ended, while the answer to the request that started it has not come.
    ended: Option<Value>,
    /// Tool items that ended, by the name of the counter.
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
const TOKENS: [(&str, &str); 5] = [
    ("input_tokens", "inputTokens"),
    ("cached_input_tokens", "cachedInputTokens"),
    ("output_tokens", "outputTokens"),
    ("reasoning_output_tokens", "reasoningOutputTokens"),
    ("total_tokens", "totalTokens"),
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
        let ended = turn.ended.take();
        // At the earliest moment at which the turn has an id.
        self.skills_named(&request.named, &tracking);
        self.mentioned(&request.named, &tracking);
        if let Some(ended) = ended {
            self.turn_ended(text(&params["threadId"]), &ended);
        }
    }

    pub(super) fn turn_started(&mut self, params: &Value) {
        let (thread_id, turn_id) = (text(&params["threadId"]), text(&params["turn"]["id"]));
        self.clear(&thread_id);
        let baseline = self.threads.get(&thread_id).and_then(|thread| thread.total.clone());
        let turn = self.turns.entry((thread_id, turn_id)).or_default();
        turn.started_at = unsigned(&params["turn"]["startedAt"]);
        (turn.is_known, turn.is_started) = (true, true);
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
        let is_unchanged = thread.total.as_ref() == Some(total);
        thread.total = Some(total.clone());
        thread.context = last["totalTokens"].clone();
        if let Some(turn) = self.turns.get_mut(&(thread_id, turn_id)) {
            turn.end = Some(total.clone());
            if !is_unchanged {
                for (sum, (_, name)) in turn.sum.iter_mut().zip(TOKENS) {
                    *sum += last[name].as_i64().unwrap_or_default();
                }
            }
        }
    }

    pub(super) fn turn_completed(&mut self, params: &Value) {
        let (thread_id, turn_id) = (text(&params["threadId"]), text(&params["turn"]["id"]));
        self.clear(&thread_id);
        self.end_compaction(&thread_id, &turn_id, &params["turn"]);
        self.report_skills(params);
        // Whether a client asked for it shows when all that was asked is answered.
        let is_asked = self.is_turn_asked_for(&params["threadId"]);
        let turn = self.turns.entry((thread_id.clone(), turn_id)).or_default();
        turn.is_known = true;
        if turn.connection.is_none() && is_asked {
            turn.ended = Some(params["turn"].clone());
            return;
        }
        self.turn_ended(thread_id, &params["turn"]);
    }

    /// A turn is over, and whether a client started it is known.
    fn turn_ended(&mut self, thread_id: String, ended: &Value) {
        let turn_id = text(&ended["id"]);
        let is_newer = self.is_newer(&thread_id);
        let Some(turn) = self.turns.get_mut(&(thread_id.clone(), turn_id.clone())) else { return };
        // What still comes of it comes without its settings.
        let (settings, mut turn) = (std::mem::take(&mut turn.settings), turn.clone());
        turn.settings = settings;
        let Some(context) = self.threads.get_mut(&thread_id).filter(|thread| thread.is_known) else { return };
        // Newer servers report the turns of agents, too.
        // From 0.169 on also those that nobody asked for: of a goal, of a queue.
        if turn.connection.is_none() && is_newer && (context.is_spawned || turn.is_started) {
            turn.connection = context.connection;
            turn.settings = context.settings.clone();
            turn.is_first = context.is_first;
        }
        // A turn that no client asked for, or whose work never began, has no settings.
        // What is told to an agent that makes news is no message of a user.
        let is_told = is_newer && context.is_spawned && context.has_news && turn.is_started;
        let is_reported = (turn.is_underway || is_told) && !turn.is_blocked;
        let Some(connection) = turn.connection.filter(|_| is_reported) else { return };
        context.is_first = false;
        context.previous_model = turn.settings["model"].clone();
        let (mode, lineage) = (context.mode.clone(), context.lineage.clone());
        if mode.is_empty() {
            return;
        }
        let Some(connection) = self.connections.get(&connection).cloned() else { return };
        let mut event = json!({ "thread_id": thread_id, "turn_id": turn_id, "submission_type": null,
            "app_server_client": connection.client, "runtime": connection.runtime, "initialization_mode": mode,
            "num_input_images": turn.images, "is_first_turn": turn.is_first, "status": ended["status"],
            "turn_error": ended["error"]["codexErrorInfo"], "steer_count": turn.steers,
            "total_tool_call_count": turn.counts.values().sum::<u64>(), "duration_ms": unsigned(&ended["durationMs"]),
            "started_at": turn.started_at, "completed_at": unsigned(&ended["completedAt"]).unwrap_or(0) });
        extend(&mut event, lineage);
        extend(&mut event, unknown_settings());
        extend(&mut event, turn.settings.clone());
        if is_newer && event["approvals_reviewer"] == "guardian_subagent" {
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
        let mut event = json!({ "thread_id": thread_id, "expected_turn_id": params["expectedTurnId"], "accepted_turn_id": accepted,
            "app_server_client": client.client, "runtime": client.runtime, "num_input_images": images(params),
            "result": if accepted.is_null() { "rejected" } else { "accepted" }, "rejection_reason": reason,
            "created_at": request.at / 1000 });
        extend(&mut event, thread.lineage.clone());
        self.emit("codex_turn_steer_event", event);
    }
}
