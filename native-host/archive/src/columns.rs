//! What a report asks of an event, as columns: texts and numbers that need no JSON.

use serde_json::{Map, Value};

use crate::content::Content;

/// An event's row, but for its key and its thread.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    /// The event's own time: Unix milliseconds. `None` if the event says none.
    pub(crate) at_ms: Option<i64>,
    pub(crate) turn_id: Option<String>,
    pub(crate) item_id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) input_tokens: Option<i64>,
    pub(crate) cached_input_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    pub(crate) reasoning_output_tokens: Option<i64>,
    pub(crate) added_lines: Option<i64>,
    pub(crate) deleted_lines: Option<i64>,
    pub(crate) reviewer: Option<String>,
}

/// What an event says of its thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThreadSays {
    pub(crate) thread_id: String,
    pub(crate) parent_thread_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) repo_hash: Option<String>,
}

/// The members that may hold when an event ended or happened, best first, each with its milliseconds.
const TIMES: [(&str, i64); 6] = [
    ("completed_at_ms", 1),
    ("occurred_at_ms", 1),
    ("completed_at", 1000),
    ("created_at", 1000),
    ("started_at_ms", 1),
    ("started_at", 1000),
];

/// What an event's name is in, by its type; null for others.
fn name_member(event_type: &str) -> &'static str {
    match event_type {
        "codex_thread_initialized" => "initialization_mode",
        "codex_turn_steer_event" => "rejection_reason",
        "codex_review_event" => "subject_kind",
        "codex_compaction_event" => "trigger",
        "codex_app_mentioned" | "codex_app_used" => "app_name",
        "codex_plugin_used"
        | "codex_plugin_installed"
        | "codex_plugin_uninstalled"
        | "codex_plugin_enabled"
        | "codex_plugin_disabled"
        | "codex_plugin_install_failed" => "plugin_name",
        "codex_hook_run" => "hook_name",
        "codex_goal_event" => "event_kind",
        "codex_thread_archive_event" => "action",
        "codex_plugin_measurement_event" => "measurement_name",
        "codex_artifact_operation" => "operation_kind",
        "codex_onboarding_external_agent_import_complete" | "codex_onboarding_external_agent_import_failure" => "type",
        "skill_invocation" => "skill_name",
        _ => "tool_name",
    }
}

/// What says how an event ended, by its type.
fn status_member(event_type: &str) -> &'static str {
    match event_type {
        "codex_turn_event"
        | "codex_review_event"
        | "codex_compaction_event"
        | "codex_hook_run"
        | "codex_thread_hint_status" => "status",
        "codex_turn_steer_event" => "result",
        "codex_goal_event" => "goal_status",
        "codex_guardian_v2_classification" => "outcome",
        "codex_guardian_v2_fast_decision" => "decision",
        _ => "terminal_status",
    }
}

impl Columns {
    /// The columns of an event. Of one that this version cannot read only what it is about.
    pub(crate) fn of(content: &Content) -> Self {
        let none = Map::new();
        let params = content.params().unwrap_or(&none);
        let event_type = content.event_type();
        let [_, turn_id, item_id] = content.ids().map(|id| id.map(ToOwned::to_owned));
        if content.event.is_none() {
            return Self { at_ms: own_time(event_type, params), turn_id, item_id, ..Self::default() };
        }
        let text = |name: &str| Some(params.get(name)?.as_str()?.to_owned());
        let number = |name: &str| params.get(name)?.as_i64();
        let client = params.get("app_server_client").and_then(|client| client.get("product_client_id"));
        let name = match event_type {
            "codex_guardian_review" => {
                params.get("reviewed_action").and_then(|action| action.get("type")).and_then(Value::as_str)
            }
            "skill_invocation" => content.json.get("skill_name").and_then(Value::as_str),
            _ => params.get(name_member(event_type)).and_then(Value::as_str),
        };
        Self {
            at_ms: own_time(event_type, params),
            turn_id,
            item_id,
            model: text("model").or_else(|| text("model_slug")),
            client: client.and_then(Value::as_str).map(ToOwned::to_owned).or_else(|| text("product_client_id")),
            name: name.map(ToOwned::to_owned),
            status: text(status_member(event_type)),
            duration_ms: number("duration_ms").or_else(|| number("completion_latency_ms")),
            input_tokens: number("input_tokens"),
            cached_input_tokens: number("cached_input_tokens"),
            output_tokens: number("output_tokens"),
            reasoning_output_tokens: number("reasoning_output_tokens"),
            added_lines: number("accepted_added_lines"),
            deleted_lines: number("accepted_deleted_lines"),
            reviewer: text("reviewer"),
        }
    }
}

impl ThreadSays {
    /// What an event says of its thread; `None` for an event without one.
    pub(crate) fn of(content: &Content) -> Option<Self> {
        let [thread_id, ..] = content.ids();
        let thread_id = thread_id?.to_owned();
        let params = content.params()?;
        let text = |name: &str| Some(params.get(name)?.as_str()?.to_owned());
        Some(Self {
            thread_id,
            parent_thread_id: text("parent_thread_id"),
            session_id: text("session_id"),
            repo_hash: text("repo_hash"),
        })
    }
}

/// When the event ended or happened. A 0 says that the server gave no time, and a resumed thread tells when it was made.
fn own_time(event_type: &str, params: &Map<String, Value>) -> Option<i64> {
    let is_resumed = event_type == "codex_thread_initialized"
        && params.get("initialization_mode").is_some_and(|mode| mode == "resumed");
    if is_resumed {
        return None;
    }
    TIMES.iter().find_map(|(name, milliseconds)| {
        let time = params.get(*name)?.as_i64().filter(|time| *time > 0)?;
        time.checked_mul(*milliseconds)
    })
}
