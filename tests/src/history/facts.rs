//! What a host says beside the messages: facts that are on no wire, of the threads, turns and items that it has shown.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Choices;
use crate::golden::Message;

/// A message, or a fact as JSON that comes right behind one.
#[derive(Clone, Debug)]
pub enum Input {
    /// A message.
    Message(Message),
    /// A fact, at this time.
    Fact(u64, Value),
}

/// What the messages so far have shown.
#[derive(Debug, Default)]
struct Shown {
    threads: Vec<String>,
    /// Running turns, by thread.
    turns: BTreeMap<String, String>,
    /// Items that have begun and not ended, with their threads and turns.
    items: Vec<[String; 3]>,
    responses: u64,
}

/// The messages with facts between them: as many as there are words.
///
/// # Panics
///
/// If a message is not JSON.
pub fn with_facts(messages: Vec<Message>, words: &[u64]) -> Vec<Input> {
    let (mut inputs, mut shown) = (Vec::new(), Shown::default());
    let every = (messages.len() / words.len().max(1)).max(1);
    let mut words = words.iter();
    for (index, message) in messages.into_iter().enumerate() {
        let at = message.at.0;
        shown.see(&serde_json::from_str(&message.text).expect("a message is JSON"));
        inputs.push(Input::Message(message));
        if index % every == every - 1
            && let Some(word) = words.next()
        {
            inputs.extend(shown.fact(Choices(*word), at).map(|fact| Input::Fact(at, fact)));
        }
    }
    inputs
}

impl Shown {
    fn see(&mut self, message: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let params = &message["params"];
        let thread = text(&params["threadId"]);
        let opened = &message["result"]["thread"]["id"];
        if opened.is_string() && !self.threads.contains(&text(opened)) {
            self.threads.push(text(opened));
        }
        let of_item = || [thread.clone(), text(&params["turnId"]), text(&params["item"]["id"])];
        match message["method"].as_str().unwrap_or_default() {
            "turn/started" => {
                self.turns.insert(thread.clone(), text(&params["turn"]["id"]));
            }
            "turn/completed" => {
                self.turns.remove(&thread);
                self.items.retain(|[of, ..]| *of != thread);
            }
            "item/started" => {
                let item = of_item();
                if self.turns.get(&thread) == Some(&item[1]) && !self.items.contains(&item) {
                    self.items.push(item);
                }
            }
            "item/completed" => {
                let item = of_item();
                self.items.retain(|other| *other != item);
            }
            _ => {}
        }
    }

    #[expect(clippy::too_many_lines, reason = "a list of the kinds of facts")]
    /// Some fact; none if it would be of a turn and none runs.
    fn fact(&mut self, mut choices: Choices, at: u64) -> Option<Value> {
        let choices = &mut choices;
        let kind = choices.below(14);
        let nobody = "nobody".to_owned();
        let thread = if choices.once_in(8) {
            &nobody
        } else {
            self.threads.get(choices.below(self.threads.len())).unwrap_or(&nobody)
        };
        let optional = |choices: &mut Choices, text: &str| if choices.once_in(2) { json!(text) } else { Value::Null };
        let tracking = |choices: &mut Choices| {
            let mut tracking = json!({ "thread_id": thread, "turn_id": optional(choices, "turn-f"), "model_slug": optional(choices, "gpt-f") });
            if choices.once_in(3) {
                tracking["product_client_id"] = json!("product-f");
            }
            tracking
        };
        let subject = |choices: &mut Choices| {
            json!({ "thread_id": thread, "turn_id": "turn-f", "item_id": optional(choices, "item-f"),
                "model": optional(choices, "reviewer"), "occurred_at_ms": at })
        };
        Some(match kind {
            0 => {
                json!({ "thread_hinted": { "thread_id": thread, "status": choices.of(&["succeeded", "failed"]), "occurred_at_ms": at } })
            }
            1 => {
                let plugin = json!({ "plugin_id": "a@m", "remote_plugin_id": optional(choices, "r"), "plugin_name": "a", "connector_ids": ["c"] });
                json!({ "plugin_install_requested": { "tracking": tracking(choices), "suggestion_id": "s",
                    "source": choices.of(&["endpoint_recommendation", "legacy_discovery"]), "plugins": vec![plugin; choices.below(3)] } })
            }
            2 => {
                let row = |choices: &mut Choices| {
                    let dimensions = choices.of(&[0, 1, 2, 8, 9]);
                    let dimensions: BTreeMap<_, _> =
                        (0..dimensions).map(|number| (format!("kind_{number}"), "a")).collect();
                    json!({ "measurement_name": choices.of(&["tokens", "bytes_2", "Bad", "", "a-b"]), "number_value": choices.of(&[0.5, 7.0]),
                        "dimensions": if choices.once_in(3) { Value::Null } else { json!(dimensions) } })
                };
                let rows: Vec<_> = (0..choices.of(&[0, 1, 2, 100, 101])).map(|_| row(choices)).collect();
                json!({ "plugin_measured": { "thread_id": thread, "turn_id": "turn-f", "item_id": "item-f", "originator": "o",
                    "model_slug": optional(choices, "gpt-f"), "reasoning_effort": optional(choices, "low"), "plugin_id": "a@m",
                    "execution_id": "e", "operation": choices.of(&["render", "render", "A path"]), "rows": rows } })
            }
            3 => {
                json!({ "artifact_operated": { "tracking": tracking(choices), "item_id": "item-f", "lifecycle": "started",
                "occurred_at_ms": at, "plugin_id": "a@m", "skill": "slides", "artifact_type": "presentation",
                "operation_kind": "create", "expected_output_count": choices.below(3), "output_format": "pptx",
                "execution_backend": "local" } })
            }
            4 => {
                let mut fact = subject(choices);
                fact["guardian_context_mode"] = json!("thread_owned");
                fact["outcome"] = ([json!("allow"), json!("deny"), Value::Null])[choices.below(3)].clone();
                fact["risk_level"] = optional(choices, "high");
                fact["duration_ms"] = json!(choices.below(900));
                json!({ "guardian_v2_classified": fact })
            }
            5 => {
                let mut fact = subject(choices);
                fact["decision"] = json!(choices.of(&["approved", "denied", "aborted"]));
                json!({ "guardian_v2_decided": fact })
            }
            6 => json!({ "agent_import_failed": { "import_id": "i", "source": optional(choices, "settings"),
                "provider_id": optional(choices, "claude-code"), "type": optional(choices, "HOOKS"), "failure_stage": "copy",
                "error_type": "io", "sub_error_type": optional(choices, "missing") } }),
            7 => {
                let mut fact = json!({ "tracking": tracking(choices), "app": { "connector_id": optional(choices, "c"),
                    "app_name": optional(choices, "Calendar"), "invocation_type": choices.of(&["explicit", "implicit"]) } });
                if choices.once_in(2) {
                    fact["elicitation_type"] = json!(choices.of(&["auth_or_link", "approval"]));
                }
                json!({ "app_used": fact })
            }
            8 => {
                let [thread, turn, item] = self.items.get(choices.below(self.items.len()))?;
                let kind = choices.of(&["auth_or_link", "approval"]);
                json!({ "mcp_elicited": { "thread_id": thread, "turn_id": turn, "item_id": item, "elicitation_type": kind } })
            }
            9 | 10 => {
                let (thread, turn) = self.turns.iter().nth(choices.below(self.turns.len()))?;
                let of_turn = self.items.iter().filter(|[of, _, _]| of == thread);
                let calls: Vec<_> = of_turn.map(|[_, _, item]| item).filter(|_| choices.once_in(2)).collect();
                // A response may be told of again.
                self.responses += u64::from(!choices.once_in(6));
                json!({ "model_responded": { "thread_id": thread, "turn_id": turn, "response_id": format!("response-{}", self.responses),
                    "call_ids": calls } })
            }
            11 => {
                let [thread, turn, item] = self.items.get(choices.below(self.items.len()))?;
                json!({ "code_call": { "thread_id": thread, "turn_id": turn, "call_id": item,
                    "cell_id": choices.of(&["cell-1", "cell-2"]), "role": choices.of(&["runs_cell", "made_by_cell"]) } })
            }
            12 => {
                let (thread, turn) = self.turns.iter().nth(choices.below(self.turns.len()))?;
                json!({ "turn_interrupted": { "thread_id": thread, "turn_id": turn, "requested_at_ms": at - choices.below(50) as u64 } })
            }
            _ => {
                let (thread, turn) = self.turns.iter().nth(choices.below(self.turns.len()))?;
                let code = if choices.once_in(2) { json!(429) } else { Value::Null };
                json!({ "turn_error_kind": { "thread_id": thread, "turn_id": turn,
                    "codex_error_kind": choices.of(&["usage_limit_reached", "quota_exceeded"]),
                    "codex_error_http_status_code": code, "usage_limit_window_minutes": optional_number(choices, 300) } })
            }
        })
    }
}

fn optional_number(choices: &mut Choices, number: u64) -> Value {
    if choices.once_in(2) { json!(number) } else { Value::Null }
}
