//! Goals, archives and imports (`docs/contract/derived.md` 14, `docs/contract/rules.md` 9.6).

use serde_json::{Value, json};

use super::threads::extend;
use super::{Model, text, unsigned};

/// A thread's goal, as it was told last.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    created_at: i64,
    status: Value,
    has_budget: bool,
    used: i64,
}

/// A status as events name it.
fn status(word: &Value) -> Value {
    json!(match word.as_str().unwrap_or_default() {
        "usageLimited" => "usage_limited",
        "budgetLimited" => "budget_limited",
        known @ ("active" | "paused" | "blocked" | "complete") => known,
        _ => return Value::Null,
    })
}

/// The kinds of what is imported.
const KNOWN: [&str; 10] = [
    "AGENTS_MD",
    "CONFIG",
    "SKILLS",
    "PLUGINS",
    "MCP_SERVER_CONFIG",
    "SUBAGENTS",
    "HOOKS",
    "COMMANDS",
    "MEMORY",
    "SESSIONS",
];

impl Model {
    /// A goal is told of: what changed since it was told last is what happened.
    pub(super) fn goal_updated(&mut self, params: &Value) {
        let thread = text(&params["threadId"]);
        if !self.server(&thread).is_since(140) {
            return;
        }
        let shown = &params["goal"];
        let number = |name: &str| shown[name].as_i64().unwrap_or_default();
        let goal = Goal {
            created_at: number("createdAt"),
            status: status(&shown["status"]),
            has_budget: !shown["tokenBudget"].is_null(),
            used: number("tokensUsed"),
        };
        let before = self.goals.insert(thread.clone(), goal.clone());
        let turn = &params["turnId"];
        let mut tool = None;
        match before.filter(|before| before.created_at == goal.created_at) {
            // One that is older than this telling is not new.
            None if goal.used > 0 || number("updatedAt") != goal.created_at => {}
            None => {
                self.goal_event(&thread, turn, &goal, "created", json!({}));
                tool = Some("create_goal");
            }
            Some(before) => {
                if goal.used > before.used {
                    // Accounted before the status changed.
                    let totals = json!({ "goal_status": before.status, "cumulative_tokens_accounted": goal.used,
                        "cumulative_time_accounted_seconds": number("timeUsedSeconds") });
                    self.goal_event(&thread, turn, &goal, "usage_accounted", totals);
                }
                if goal.status != before.status {
                    self.goal_event(&thread, turn, &goal, "status_changed", json!({}));
                    tool = (goal.status == "complete" || goal.status == "blocked").then_some("update_goal");
                }
            }
        }
        if let (Some(tool), Some(turn)) = (tool, turn.as_str()) {
            self.goal_set_by_tool(&thread, turn, tool, &goal);
        }
    }

    fn goal_event(&mut self, thread: &str, turn: &Value, goal: &Goal, kind: &str, totals: Value) {
        let Some(mut event) = self.context(thread) else { return };
        extend(
            &mut event,
            json!({ "thread_id": thread, "turn_id": turn, "goal_id": format!("{thread}-{}", goal.created_at),
                "event_kind": kind, "goal_status": goal.status, "has_token_budget": goal.has_budget,
                "cumulative_tokens_accounted": null, "cumulative_time_accounted_seconds": null }),
        );
        extend(&mut event, totals);
        self.emit("codex_goal_event", event);
    }

    /// The agent did it by a tool, of which nothing else is told.
    fn goal_set_by_tool(&mut self, thread: &str, turn: &str, tool: &str, goal: &Goal) {
        let id = format!("{thread}-{}-{}", goal.created_at, self.at);
        let item =
            json!({ "type": "controlToolCall", "id": id, "tool": tool, "status": "completed", "isUntimed": true });
        self.control_tool(thread, turn, &item, "item/started");
        self.control_tool(thread, turn, &item, "item/completed");
    }

    pub(super) fn goal_cleared(&mut self, params: &Value) {
        let thread = text(&params["threadId"]);
        if let Some(goal) = self.goals.remove(&thread) {
            self.goal_event(&thread, &params["turnId"], &goal, "cleared", json!({}));
        }
    }

    /// Of any thread; what is not known of it is left out.
    pub(super) fn archived(&mut self, params: &Value, action: &str) {
        let thread = text(&params["threadId"]);
        let mut event = json!({ "thread_id": thread, "action": action, "occurred_at_ms": self.at });
        let known = self.context(&thread).unwrap_or_default();
        for name in ["app_server_client", "runtime", "thread_source", "parent_thread_id"] {
            if !known[name].is_null() {
                event[name] = known[name].clone();
            }
        }
        self.emit_of(self.latest, "codex_thread_archive_event", event);
    }

    pub(super) fn import_began(&mut self, params: &Value, result: &Value) {
        let provider = Some(params["providerId"].clone()).filter(|id| !id.is_null()).unwrap_or(json!(""));
        let asked = json!({ "source": params["source"], "provider_id": provider });
        self.imports.insert(text(&result["importId"]), asked);
    }

    /// Each kind of what was imported has an event.
    pub(super) fn import_completed(&mut self, params: &Value) {
        if !self.latest.is_since(142) {
            return;
        }
        let id = text(&params["importId"]);
        let asked = self.imports.remove(&id).unwrap_or(json!({ "source": null, "provider_id": null }));
        for result in params["itemTypeResults"].as_array().cloned().unwrap_or_default() {
            let count = |name: &str| unsigned(&json!(result[name].as_array().map_or(0, Vec::len)));
            let kind = result["itemType"].as_str().filter(|kind| KNOWN.contains(kind));
            let mut event = json!({ "import_id": id, "type": kind, "success_count": count("successes"),
                "failed_count": count("failures"), "product_client_id": self.originator() });
            extend(&mut event, asked.clone());
            self.emit("codex_onboarding_external_agent_import_complete", event);
        }
    }
}
