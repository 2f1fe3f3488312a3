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
        let (is_asked_for, is_newer) = (self.is_asked_for(&key.0, &key.1), self.is_newer(&key.0));
        let thread = self.threads.entry(key.0.clone()).or_default();
        let turn = self.turns.entry(key.clone()).or_default();
        let changed = if is_newer { "comp_hash_changed" } else { "model_downshift" };
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
        let compaction = self.compactions.get_mut(&(text(&params["threadId"]), text(&params["turnId"])));
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
        let implementation = match (self.uses_api_key, self.is_newer(thread)) {
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
        extend(
            &mut event,
            json!({ "thread_id": thread, "turn_id": turn, "trigger": if compaction.is_manual { "manual" } else { "auto" },
                "reason": compaction.reason, "implementation": implementation, "phase": phase, "strategy": "memento",
                "status": status, "error": error, "active_context_tokens_before": compaction.before,
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
                "hook_name": capitalised(&text(&run["eventName"])), "hook_source": snake_case(&text(&run["source"])),
                "status": status }),
        );
    }
}

/// What an event may say of an error: a sentence that histories and recordings have and that is nobody's own, or else the
/// word for its kind.
fn what_is_said(error: &Value) -> Value {
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
    let message = text(&error["message"]);
    let message = message.trim_start_matches("Error running remote compact task: ");
    let known = OPEN.iter().find(|open| message.starts_with(**open)).or(WHOLE.iter().find(|whole| **whole == message));
    let info = &error["codexErrorInfo"];
    let kind = info.as_object().and_then(|kinds| kinds.keys().next()).map_or(info.clone(), |kind| json!(kind));
    known.map_or(kind, |sentence| json!(sentence))
}
