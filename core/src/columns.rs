//! What is asked of events most often, as columns: the same words for the store, Parquet files and OpenTelemetry.
//!
//! They are made of an event's JSON, so that a policy that was applied to it holds for them, too.

use alloc::borrow::ToOwned;
use alloc::string::String;

use serde_json::{Map, Value};

use crate::event::id_members;

/// An event's columns. What the event does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Columns {
    /// When it ended or happened, by its own word. Unix milliseconds. `None` also for a 0, and for a thread that was
    /// resumed, which says when it was made.
    pub at_ms: Option<i64>,
    /// The thread.
    pub thread_id: Option<String>,
    /// The turn; of a steer the one it was meant for.
    pub turn_id: Option<String>,
    /// The item.
    pub item_id: Option<String>,
    /// The review.
    pub review_id: Option<String>,
    /// `model` or `model_slug`.
    pub model: Option<String>,
    /// `product_client_id`.
    pub client: Option<String>,
    /// What the event's name is in, by its type: a tool, a hook, a skill, a trigger.
    pub name: Option<String>,
    /// How it ended.
    pub status: Option<String>,
    /// How long it took; of a review the wait for it. Milliseconds.
    pub duration_ms: Option<i64>,
    /// What the model read, with what was cached. Tokens.
    pub input_tokens: Option<i64>,
    /// The part of the input that was cached. Tokens.
    pub cached_input_tokens: Option<i64>,
    /// What the model wrote, with its reasoning. Tokens.
    pub output_tokens: Option<i64>,
    /// The part of the output that is reasoning. Tokens.
    pub reasoning_output_tokens: Option<i64>,
    /// Accepted lines that were added. Lines.
    pub added_lines: Option<i64>,
    /// Accepted lines that were deleted. Lines.
    pub deleted_lines: Option<i64>,
    /// `user` or `guardian`.
    pub reviewer: Option<String>,
    /// Whether nothing but a file told the event.
    pub is_read: bool,
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
    /// The columns of an event, which is JSON as [`Event::to_json`](crate::Event::to_json) writes it. Members may be
    /// missing, as a [`Policy`](crate::Policy) leaves them out. Other JSON has no columns.
    pub fn of(event: &Value) -> Self {
        let none = Map::new();
        let params = params(event).unwrap_or(&none);
        let event_type = event.get("event_type").and_then(Value::as_str).unwrap_or_default();
        let text = |name: &str| Some(params.get(name)?.as_str()?.to_owned());
        let number = |name: &str| params.get(name)?.as_i64();
        let id =
            |id: &str| id_members(event_type).iter().find(|(name, _)| *name == id).and_then(|(_, name)| text(name));
        let client = params.get("app_server_client").and_then(|client| client.get("product_client_id"));
        let name = match event_type {
            "codex_guardian_review" => {
                params.get("reviewed_action").and_then(|action| action.get("type")).and_then(Value::as_str)
            }
            "skill_invocation" => event.get("skill_name").and_then(Value::as_str),
            _ => params.get(name_member(event_type)).and_then(Value::as_str),
        };
        let thread_id = id("thread_id");
        Self {
            at_ms: own_time(event_type, params),
            turn_id: id("turn_id"),
            item_id: id("item_id"),
            review_id: id("review_id"),
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
            // An import of settings and a plugin that was not installed have a `source` of another meaning.
            is_read: thread_id.is_some() && params.get("source").is_some_and(|source| source == "rollout"),
            thread_id,
        }
    }
}

/// An event's parameters.
pub fn params(event: &Value) -> Option<&Map<String, Value>> {
    event.get("event_params")?.as_object()
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
