//! Whether the core does what the [model](crate::model) says, and the same after a break.

use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::question::QuestionKind;
use turnledger_core::{Event, Output};

use crate::golden::{Message, answer, observe, pipeline, values};
use crate::model::Model;

/// The first message whose events are not those that the model predicts.
pub fn difference(messages: &[Message]) -> Option<String> {
    let (mut session, mut model, mut output) = (pipeline(Sha2::default()), Model::default(), Output::default());
    for (index, message) in messages.iter().enumerate() {
        output.clear();
        observe(&mut session, message, &mut output);
        // The model's lines belong to no repository: what is asked of one stays unanswered.
        output.questions.retain(|question| matches!(question.kind, QuestionKind::Skill { .. }));
        answer(&mut session, message.at, &mut output);
        let (mut actual, mut expected) = (values(&output.events), model.observe(message));
        actual.retain(|event| !NEWER_EVENTS.iter().any(|newer| event["event_type"] == *newer));
        actual.iter_mut().chain(&mut expected).for_each(as_the_model_knows);
        if actual != expected {
            let list =
                |events: &[Value]| events.iter().map(|event| format!("    {event}")).collect::<Vec<_>>().join("\n");
            return Some(format!("message {index}:\n  expected\n{}\n  actual\n{}", list(&expected), list(&actual)));
        }
    }
    None
}

/// Events that the model does not make yet: those that only servers after 0.131 have.
pub const NEWER_EVENTS: [&str; 12] = [
    "codex_control_tool_call_event",
    "codex_goal_event",
    "codex_thread_archive_event",
    "codex_thread_hint_status",
    "codex_plugin_install_failed",
    "codex_plugin_install_requested",
    "codex_plugin_measurement_event",
    "codex_artifact_operation",
    "codex_guardian_v2_classification",
    "codex_guardian_v2_fast_decision",
    "codex_onboarding_external_agent_import_complete",
    "codex_onboarding_external_agent_import_failure",
];

/// What the model does not know yet: the members of 0.169 that came, and those that went. The recordings of 0.169 and 0.171
/// hold them.
fn as_the_model_knows(event: &mut Value) {
    const UNKNOWN: [&str; 54] = [
        "active_plugin_ids_at_turn_start",
        "after_last_sampling_ms",
        "attempt_count",
        "before_first_sampling_ms",
        "between_sampling_overhead_ms",
        "cache_write_input_tokens",
        "cell_id",
        "codex_error_http_status_code",
        "codex_error_kind",
        "codex_turn_source",
        "compaction_ms",
        "compaction_summary_tokens",
        "elicitation_type",
        "error",
        "execution_mode",
        "explicit_client_interrupt_requested_at_ms",
        "forked_from_thread_id",
        "generation_id",
        "guardian_catalog_contains_auto_review",
        "guardian_context_mode",
        "guardian_default_review_model_id",
        "guardian_model_provider_id",
        "guardian_review_model_overridden",
        "guardian_review_model_override",
        "guardian_v2_enabled",
        "handler_type",
        "image_preparations",
        "imagegen_request_id",
        "is_worktree",
        "mcp_server_names",
        "multi_agent_version",
        "originating_response_id",
        "output_audio_item_count",
        "parent_call_id",
        "remote_plugin_id",
        "repo_url",
        "retained_image_count",
        "root_turn_id",
        "sampling_ms",
        "sampling_request_count",
        "sampling_retry_count",
        "sandbox_backend",
        "script_path",
        "session_id",
        "subsequent_response_id",
        "tool_blocking_ms",
        "tool_event_type",
        "tools_change_count",
        "transparent_background",
        "turn_trigger",
        "usage_limit_window_minutes",
        "used_dictation",
        "voice_session_id",
        "workspace_kind",
    ];
    let is_newer = event["event_params"].get("runtime").is_none_or(|runtime| runtime["codex_rs_version"] != "0.131.0");
    let event_type = event["event_type"].clone();
    let Some(members) = event["event_params"].as_object_mut().filter(|_| is_newer) else { return };
    members.retain(|name, _| !UNKNOWN.contains(&&**name) && !name.starts_with("critical_path_"));
    // Members that other events have in all versions.
    let own: &[&str] = match event_type.as_str().unwrap_or_default() {
        "codex_command_execution_event" => &["model_slug", "reasoning_effort", "plugin_id"],
        "codex_mcp_tool_call_event" => &["plugin_id", "connector_id"],
        "codex_compaction_event" => &["cached_input_tokens"],
        "codex_hook_run" => &["product_client_id"],
        "skill_invocation" => &["plugin_id"],
        _ => &[],
    };
    members.retain(|name, _| !own.contains(&&**name));
}

/// Events as they are written, for comparison with those of a session that was suspended: all but the skills', in their
/// order, and the skills'. What a snapshot does not hold is the path of a skill that a request names: nobody is asked where
/// it lies, and its event comes sooner, perhaps before the first client is known.
pub fn apart(events: &[Event]) -> [Vec<String>; 2] {
    let (skills, others): (Vec<_>, Vec<_>) =
        events.iter().partition(|event| matches!(event, Event::SkillInvocation(_)));
    let mut skills = values(&skills);
    for skill in &mut skills {
        skill["event_params"]["product_client_id"] = Value::Null;
    }
    let mut skills: Vec<_> = skills.iter().map(Value::to_string).collect();
    skills.sort();
    [others.into_iter().map(Event::to_json).collect(), skills]
}
