//! Compactions and hooks (`docs/contract/derived.md` 5, 9).

use serde_json::{Value, json};

use super::threads::extend;
use super::{Model, passed, text, unsigned};

/// A compaction that has begun.
#[derive(Clone, Debug)]
pub(super) struct Compaction {
    is_manual: bool,
    /// Whether the turn's message came first.
    is_mid_turn: bool,
    reason: &'static str,
    before: Value,
    started_at: Value,
    /// The latest error that was not tried again: its text, and when it was.
    error: Option<(Value, u64)>,
}

/// A number, or 0.
fn or_zero(value: &Value) -> Value {
    if value.is_null() { json!(0) } else { value.clone() }
}

/// A name with capitals in another case: `preToolUse` is `PreToolUse` or `pre_tool_use`.
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |mut snake, letter| {
        if letter.is_uppercase() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
        snake
    })
}

impl Model {
    pub(super) fn compaction_requested(&mut self, params: &Value) {
        self.threads.entry(text(&params["threadId"])).or_default().compaction_requested = true;
    }

    pub(super) fn compaction_started(&mut self, params: &Value) {
        let key = (text(&params["threadId"]), text(&params["turnId"]));
        // One that did not complete before the next one starts has failed.
        self.end_compaction(&key.0, &key.1, &Value::Null);
        let compaction = self.compaction(&key, &params["startedAtMs"]);
        self.compactions.insert(key, compaction);
    }

    fn compaction(&mut self, key: &(String, String), started_at: &Value) -> Compaction {
        let model = self.model_of(&key.0, &key.1);
        let (is_asked_for, server) = (self.is_asked_for(&key.0, &key.1), self.server(&key.0));
        let thread = self.threads.entry(key.0.clone()).or_default();
        let turn = self.turns.entry(key.clone()).or_default();
        let changed = if server.is_since(144) { "comp_hash_changed" } else { "model_downshift" };
        let is_manual = thread.compaction_requested && !is_asked_for;
        thread.compaction_requested = false;
        let is_mid_turn = turn.is_underway;
        let is_downshift = !is_mid_turn && !thread.previous_model.is_null() && thread.previous_model != model;
        let reason = match (is_manual, is_downshift) {
            (true, _) => "user_requested",
            (false, true) => changed,
            (false, false) => "context_limit",
        };
        Compaction {
            is_manual,
            is_mid_turn,
            reason,
            before: or_zero(&thread.context),
            started_at: started_at.clone(),
            error: None,
        }
    }

    pub(super) fn compaction_completed(&mut self, params: &Value) {
        let key = (text(&params["threadId"]), text(&params["turnId"]));
        if let Some(compaction) = self.compactions.remove(&key) {
            self.compacted(&key, &compaction, "completed", &Value::Null, &params["completedAtMs"]);
        }
    }

    pub(super) fn error_reported(&mut self, params: &Value) {
        let key = (text(&params["threadId"]), text(&params["turnId"]));
        if params["willRetry"] == true
            && let Some(turn) = self.turns.get_mut(&key)
        {
            turn.spent.retries += 1;
        }
        let compaction = self.compactions.get_mut(&key);
        if let Some(compaction) = compaction.filter(|_| params["willRetry"] != true) {
            compaction.error = Some((what_is_said(&params["error"]), self.at));
        }
    }

    /// A turn ends, and a compaction with it that has not.
    pub(super) fn end_compaction(&mut self, thread: &str, turn: &str, ended: &Value) {
        let key = (thread.to_owned(), turn.to_owned());
        let Some(compaction) = self.compactions.remove(&key) else { return };
        if let Some(turn) = self.turns.get_mut(&key) {
            turn.is_blocked |= !turn.is_underway;
        }
        if ended["status"] != "interrupted" {
            let (error, at) = compaction.error.clone().unwrap_or((what_is_said(&ended["error"]), self.at));
            self.compacted(&key, &compaction, "failed", &error, &json!(at));
        }
    }

    fn compacted(
        &mut self,
        (thread, turn): &(String, String),
        compaction: &Compaction,
        status: &str,
        error: &Value,
        at: &Value,
    ) {
        let Some(mut event) = self.context(thread) else { return };
        let implementation = match (self.uses_api_key, self.server(thread).is_since(140)) {
            (true, _) => "responses",
            (false, true) => "responses_compaction_v2",
            (false, false) => "responses_compact",
        };
        let phase = match (compaction.is_manual, compaction.is_mid_turn) {
            (true, _) => "standalone_turn",
            (false, true) => "mid_turn",
            (false, false) => "pre_turn",
        };
        let seconds = |at: &Value| json!(at.as_i64().unwrap_or_default() / 1000);
        let (kind, code) = of_words(error);
        extend(
            &mut event,
            json!({ "thread_id": thread, "turn_id": turn, "trigger": if compaction.is_manual { "manual" } else { "auto" },
                "reason": compaction.reason, "implementation": implementation, "phase": phase, "strategy": "memento",
                "status": status, "error": error, "codex_error_kind": kind, "codex_error_http_status_code": code,
                "usage_limit_window_minutes": null, "voice_session_id": null, "retained_image_count": null,
                "compaction_summary_tokens": null, "cached_input_tokens": null, "cache_write_input_tokens": null, "active_context_tokens_before": compaction.before,
                "active_context_tokens_after": or_zero(&self.threads[thread].context),
                "started_at": seconds(&compaction.started_at), "completed_at": seconds(at),
                "duration_ms": passed(&compaction.started_at, at) }),
        );
        self.emit("codex_compaction_event", event);
    }

    pub(super) fn hook_ran(&mut self, params: &Value) {
        let run = &params["run"];
        // One that stops a compaction leaves no other sign of it.
        if run["eventName"] == "preCompact" && (run["status"] == "stopped" || run["status"] == "blocked") {
            let key = (text(&params["threadId"]), text(&params["turnId"]));
            let started_at = self.at - unsigned(&run["durationMs"]).unwrap_or(0);
            let compaction = self.compaction(&key, &json!(started_at));
            self.compacted(&key, &compaction, "interrupted", &Value::Null, &json!(self.at));
        }
        let status = if run["status"] == "running" { json!("failed") } else { run["status"].clone() };
        let model = self.model_of(&text(&params["threadId"]), &text(&params["turnId"]));
        self.emit(
            "codex_hook_run",
            json!({ "thread_id": params["threadId"], "turn_id": params["turnId"], "model_slug": model,
                "product_client_id": self.product_of(&text(&params["threadId"])),
                "handler_type": run["handlerType"], "execution_mode": run["executionMode"], "hook_name": capitalised(&text(&run["eventName"])), "hook_source": snake_case(&text(&run["source"])),
                "status": status }),
        );
    }
}

/// The kind that the protocol's word for an error stands for, and its HTTP status.
fn of_info(info: &Value) -> (Value, Value) {
    let (word, status) = match info.as_object().and_then(|kinds| kinds.iter().next()) {
        Some((word, details)) => (word.clone(), details["httpStatusCode"].clone()),
        None => (text(info), Value::Null),
    };
    let kind = match word.as_str() {
        "contextWindowExceeded" => "context_window_exceeded",
        "usageLimitExceeded" => "usage_limit_reached",
        "internalServerError" => "internal_server_error",
        "serverOverloaded" => "server_overloaded",
        "modelNotFound" => return (json!("model_not_found"), json!(404)),
        "cyberPolicy" => "cyber_policy",
        "responseTooManyFailedAttempts" => "retry_limit",
        "sessionBudgetExceeded" => "session_budget_exceeded",
        _ => return (Value::Null, status),
    };
    (json!(kind), status)
}

/// The kind that a sentence or a word stands for, and its HTTP status.
fn of_words(words: &Value) -> (Value, Value) {
    let words = text(words);
    let sentences = [
        ("We", "internal_server_error"),
        ("Codex ran out of room", "context_window_exceeded"),
        ("Quota exceeded", "quota_exceeded"),
        ("Fatal error", "fatal"),
        ("stream disconnected before completion", "stream"),
    ];
    if let Some(status) = words.strip_prefix("exceeded retry limit, last status: ") {
        return (
            json!("retry_limit"),
            status.get(..3).and_then(|code| code.parse().ok()).map_or(Value::Null, |code: u16| json!(code)),
        );
    }
    let known = sentences.iter().find(|(start, _)| words.starts_with(start));
    known.map_or_else(|| of_info(&json!(words)), |(_, kind)| (json!(kind), Value::Null))
}

/// The kind of a turn's error, and its HTTP status: the protocol's word tells it, or else a known sentence.
pub(super) fn kind_of(error: &Value) -> (Value, Value) {
    let (kind, status) = of_info(&error["codexErrorInfo"]);
    let said = known_sentence(&error["message"]);
    if kind.is_null() && said.is_some() {
        said.map_or((kind, status), |said| of_words(&json!(said)))
    } else {
        (kind, status)
    }
}

/// What an event may say of an error: a sentence that histories and recordings have and that is nobody's own, or else the
/// word for its kind.
fn what_is_said(error: &Value) -> Value {
    let info = &error["codexErrorInfo"];
    let kind = info.as_object().and_then(|kinds| kinds.keys().next()).map_or(info.clone(), |kind| json!(kind));
    known_sentence(&error["message"]).map_or(kind, |sentence| json!(sentence))
}

fn known_sentence(message: &Value) -> Option<&'static str> {
    const OPEN: [&str; 2] =
        ["exceeded retry limit, last status: 429 Too Many Requests", "exceeded retry limit, last status: 503"];
    const WHOLE: [&str; 6] = [
        "Quota exceeded. Check your plan and billing details.",
        "We're currently experiencing high demand, which may cause temporary errors.",
        "We’re currently experiencing high demand, which may cause temporary errors.",
        "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
        "stream disconnected before completion: stream closed before response.completed",
        "Fatal error: remote compaction v2 expected exactly one compaction output item, got 0 from 1 output items",
    ];
    let message = text(message);
    let message = message.trim_start_matches("Error running remote compact task: ");
    OPEN.iter().find(|open| message.starts_with(**open)).or(WHOLE.iter().find(|whole| **whole == message)).copied()
}
