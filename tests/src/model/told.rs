//! Facts that no message tells (`docs/contract/facts.md` 3.14 to 3.19), and calls that wait for a response
//! (`docs/contract/rules.md` 6.6).

use serde_json::{Value, json};

use super::threads::extend;
use super::{Model, text};

/// What is known of who made a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Maker {
    response: Value,
    cell: Value,
    is_made_by_cell: bool,
}

/// A call that ended and waits for the next response of its turn.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    thread: String,
    turn: String,
    response: Value,
    event_type: &'static str,
    event: Value,
}

/// A word by which plugins may measure.
fn is_word(value: &str) -> bool {
    let mut letters = value.chars();
    value.len() <= 64
        && letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

impl Model {
    /// The events that a host's fact must yield.
    ///
    /// # Panics
    ///
    /// If it is of a kind that messages tell.
    pub fn learn(&mut self, at: u64, fact: &Value) -> Vec<Value> {
        self.at = at;
        let (kind, fact) = fact.as_object().and_then(|kinds| kinds.iter().next()).expect("a fact has a kind");
        match kind.as_str() {
            "thread_hinted" => self.of_thread("codex_thread_hint_status", fact),
            "guardian_v2_classified" => self.of_thread("codex_guardian_v2_classification", fact),
            "guardian_v2_decided" => self.of_thread("codex_guardian_v2_fast_decision", fact),
            "agent_import_failed" => {
                let mut event = fact.clone();
                event["product_client_id"] = self.originator().into();
                self.emit("codex_onboarding_external_agent_import_failure", event);
            }
            "plugin_install_requested" => {
                let mut event = of_turn(fact);
                event["product_client_id"] = self.originator().into();
                self.emit("codex_plugin_install_requested", event);
            }
            "artifact_operated" => {
                let mut event = of_turn(fact);
                event["product_client_id"] = self.product_of_fact(fact);
                event["runtime"] = self.runtime.clone();
                if event["runtime"].is_null() {
                    event["runtime"] = json!({ "codex_rs_version": "unknown", "runtime_os": "unknown",
                        "runtime_os_version": "unknown", "runtime_arch": "unknown" });
                }
                event["script_path"] = Value::Null;
                self.emit("codex_artifact_operation", event);
            }
            "app_used" => {
                let mut event = of_turn(fact);
                let app = &fact["app"];
                event["product_client_id"] = self.product_of_fact(fact);
                extend(
                    &mut event,
                    json!({ "app": null, "connector_id": app["connector_id"], "app_name": app["app_name"],
                        "invoke_type": app["invocation_type"], "elicitation_type": fact["elicitation_type"],
                        "voice_session_id": null }),
                );
                event.as_object_mut().and_then(|members| members.remove("app"));
                self.emit("codex_app_used", event);
            }
            "plugin_measured" => self.measured(fact),
            "mcp_elicited" => {
                let kind = if fact["elicitation_type"] == "approval" { "approval" } else { "auth_or_link" };
                let key = (text(&fact["thread_id"]), text(&fact["turn_id"]), text(&fact["item_id"]));
                self.elicitations.entry(key).or_insert(kind);
            }
            "turn_interrupted" => self.interrupted(fact, fact["requested_at_ms"].as_u64().unwrap_or_default()),
            "turn_error_kind" => {
                let turn = self.turns.entry((text(&fact["thread_id"]), text(&fact["turn_id"]))).or_default();
                turn.is_known = true;
                turn.error_told = fact.clone();
            }
            "model_responded" => self.responded_by_model(fact),
            "code_call" => self.code_called(fact),
            kind => panic!("a kind of fact that the model does not know: {kind}"),
        }
        std::mem::take(&mut self.events)
    }

    fn of_thread(&mut self, event_type: &str, fact: &Value) {
        let Some(mut event) = self.context(&text(&fact["thread_id"])) else { return };
        extend(&mut event, fact.clone());
        self.emit(event_type, event);
    }

    fn product_of_fact(&self, fact: &Value) -> Value {
        let own = &fact["tracking"]["product_client_id"];
        if own.is_null() { self.product_of(&text(&fact["tracking"]["thread_id"])) } else { own.clone() }
    }

    fn measured(&mut self, fact: &Value) {
        let rows = fact["rows"].as_array().cloned().unwrap_or_default();
        if rows.is_empty() || rows.len() > 100 || !is_word(&text(&fact["operation"])) {
            return;
        }
        for mut row in rows {
            let dimensions = row["dimensions"].as_object().cloned().unwrap_or_default();
            let are_words = dimensions.iter().all(|(name, value)| is_word(name) && is_word(&text(value)));
            if dimensions.len() > 8 || !are_words || !is_word(&text(&row["measurement_name"])) {
                continue;
            }
            if dimensions.is_empty() {
                row["dimensions"] = Value::Null;
            }
            let mut event = fact.clone();
            event.as_object_mut().and_then(|members| members.remove("rows"));
            extend(&mut event, row);
            self.emit("codex_plugin_measurement_event", event);
        }
    }

    /// A response is complete: what an earlier one asked for waits no longer.
    fn responded_by_model(&mut self, fact: &Value) {
        let (thread, turn, response) = (text(&fact["thread_id"]), text(&fact["turn_id"]), &fact["response_id"]);
        let known = self.turns.entry((thread.clone(), turn.clone())).or_default();
        (known.is_known, known.has_responses) = (true, true);
        self.let_go(|call| call.thread == thread && call.turn == turn && call.response != *response, response);
        for call in fact["call_ids"].as_array().into_iter().flatten() {
            let maker = self.makers.entry((thread.clone(), turn.clone(), text(call))).or_default();
            if maker.response.is_null() {
                maker.response = response.clone();
            }
        }
    }

    fn code_called(&mut self, fact: &Value) {
        let (thread, turn) = (text(&fact["thread_id"]), text(&fact["turn_id"]));
        let maker = self.makers.entry((thread.clone(), turn.clone(), text(&fact["call_id"]))).or_default();
        // The first cell counts.
        if maker.cell.is_null() {
            maker.cell = fact["cell_id"].clone();
            maker.is_made_by_cell = fact["role"] == "made_by_cell";
            if !maker.is_made_by_cell {
                self.cells.insert((thread, turn, text(&fact["cell_id"])), text(&fact["call_id"]));
            }
        }
    }

    /// Events of calls that no longer wait.
    fn let_go(&mut self, is_ready: impl Fn(&Waiting) -> bool, response: &Value) {
        let (ready, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(is_ready);
        self.waiting = waiting;
        let ready: Vec<Waiting> = ready;
        for mut call in ready {
            call.event["subsequent_response_id"] = response.clone();
            self.emit(call.event_type, call.event);
        }
    }

    pub(super) fn let_go_of_turn(&mut self, thread: &str, turn: &str) {
        self.let_go(|call| call.thread == thread && call.turn == turn, &Value::Null);
    }

    /// A call has ended: its event comes now, or after the next response. `always` is whether it waits whatever made it.
    pub(super) fn call_told(&mut self, event_type: &'static str, mut event: Value, always: bool, has_responses: bool) {
        let (thread, turn, item) = (text(&event["thread_id"]), text(&event["turn_id"]), text(&event["item_id"]));
        let key = |item: &str| (thread.clone(), turn.clone(), item.to_owned());
        let mut comes_of = false;
        if let Some(maker) = self.makers.get(&key(&item)).cloned() {
            let runner = maker.cell.as_str().and_then(|cell| self.cells.get(&key(cell)));
            let parent = runner.filter(|runner| **runner != item).cloned();
            let of_parent = parent.as_ref().and_then(|parent| self.makers.get(&key(parent)));
            let of_parent = of_parent.map_or(Value::Null, |maker| maker.response.clone());
            let kind = match (maker.response.is_null(), maker.is_made_by_cell) {
                (false, false) => Some("model_tool_call"),
                (true, true) => Some("inner_tool_call"),
                _ => None,
            };
            event["tool_event_type"] = json!(kind);
            event["cell_id"] = maker.cell;
            event["parent_call_id"] = json!(parent);
            event["originating_response_id"] = if maker.response.is_null() { of_parent } else { maker.response };
            comes_of = !event["cell_id"].is_null() || !event["originating_response_id"].is_null();
        }
        if has_responses && (always || comes_of) {
            // An older server's event names none.
            let is_named = self.server(&thread).is_since(147);
            let response = event["originating_response_id"].clone();
            let response = if is_named { response } else { Value::Null };
            self.waiting.push(Waiting { thread, turn, response, event_type, event });
        } else {
            self.emit(event_type, event);
        }
    }
}

/// The members of a fact, with its turn's in place of `tracking`.
fn of_turn(fact: &Value) -> Value {
    let (mut event, tracking) = (fact.clone(), &fact["tracking"]);
    event.as_object_mut().and_then(|members| members.remove("tracking"));
    event["thread_id"] = tracking["thread_id"].clone();
    event["turn_id"] = Some(tracking["turn_id"].clone()).filter(Value::is_string).unwrap_or(json!(""));
    event["model_slug"] = tracking["model_slug"].clone();
    event
}
