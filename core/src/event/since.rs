//! From which version of Codex on events have the members that those of 0.131 lack.

/// The members that events have from one version on: the group that each is in, and the second number of the version. From
/// recordings of every version (`docs/contract/versions.md`).
const MEMBERS: &[(&str, &str, u16)] = &[
    ("AppElicitation", "elicitation_type", 156),
    ("AppElicitation", "voice_session_id", 156),
    ("AudioOutput", "output_audio_item_count", 145),
    ("CacheWrites", "cache_write_input_tokens", 145),
    ("CommandPlugin", "plugin_id", 146),
    ("CommandPlugin", "script_path", 146),
    ("CommandSetting", "model_slug", 156),
    ("CommandSetting", "reasoning_effort", 156),
    ("CommandSetting", "sandbox_backend", 158),
    // Of these two the version is the one that no longer has them.
    ("CompactionError", "error", 0),
    ("SkillRepository", "repo_url", 0),
    ("CompactionRequest", "cache_write_input_tokens", 145),
    ("CompactionRequest", "cached_input_tokens", 140),
    ("CompactionRequest", "compaction_summary_tokens", 139),
    ("CompactionRequest", "retained_image_count", 139),
    // Of archives, whose first version has neither.
    ("ConnectionContext", "app_server_client", 150),
    ("ConnectionContext", "runtime", 150),
    ("CriticalPath", "critical_path_auto_review_ms", 166),
    ("CriticalPath", "critical_path_auto_review_overhead_ms", 168),
    ("CriticalPath", "critical_path_compaction_ms", 168),
    ("CriticalPath", "critical_path_duration_ms", 166),
    ("CriticalPath", "critical_path_inference_ms", 166),
    ("CriticalPath", "critical_path_overhead_ms", 166),
    ("CriticalPath", "critical_path_sampling_ms", 168),
    ("CriticalPath", "critical_path_status", 166),
    ("CriticalPath", "critical_path_tools_ms", 166),
    ("CriticalPath", "critical_path_unknown_ms", 166),
    ("CriticalPath", "critical_path_user_wait_ms", 166),
    ("ErrorKind", "codex_error_http_status_code", 137),
    ("ErrorKind", "codex_error_kind", 137),
    ("ErrorKind", "usage_limit_window_minutes", 159),
    ("Fork", "forked_from_thread_id", 138),
    ("GuardianAttempts", "attempt_count", 140),
    ("GuardianContext", "guardian_context_mode", 161),
    ("GuardianModelChoice", "guardian_catalog_contains_auto_review", 140),
    ("GuardianModelChoice", "guardian_default_review_model_id", 140),
    ("GuardianModelChoice", "guardian_model_provider_id", 140),
    ("GuardianModelChoice", "guardian_review_model_overridden", 140),
    ("GuardianModelChoice", "guardian_review_model_override", 140),
    ("HookManner", "execution_mode", 149),
    ("HookManner", "handler_type", 149),
    ("HookProduct", "product_client_id", 143),
    ("ImageMaking", "generation_id", 158),
    ("ImageMaking", "imagegen_request_id", 158),
    ("ImageMaking", "transparent_background", 158),
    ("ImportProvider", "provider_id", 146),
    ("InstallAsker", "source", 145),
    ("InstallSubError", "sub_error_type", 145),
    ("McpContext", "connector_id", 145),
    ("McpContext", "elicitation_type", 156),
    ("McpContext", "plugin_id", 140),
    ("McpContext", "voice_session_id", 156),
    ("PluginServers", "mcp_server_names", 138),
    ("RemotePlugin", "remote_plugin_id", 143),
    ("RootTurn", "root_turn_id", 150),
    ("Session", "session_id", 135),
    ("ToolKind", "tool_event_type", 156),
    ("ToolOrigin", "cell_id", 147),
    ("ToolOrigin", "originating_response_id", 147),
    ("ToolOrigin", "parent_call_id", 147),
    ("ToolOrigin", "subsequent_response_id", 147),
    ("TurnAgents", "guardian_v2_enabled", 153),
    ("TurnAgents", "multi_agent_version", 162),
    ("TurnBeginning", "active_plugin_ids_at_turn_start", 156),
    ("TurnBeginning", "codex_turn_source", 153),
    ("TurnBeginning", "root_turn_id", 150),
    ("TurnBeginning", "turn_trigger", 153),
    ("TurnBeginning", "voice_session_id", 156),
    ("TurnImages", "image_preparations", 147),
    ("TurnInterrupt", "explicit_client_interrupt_requested_at_ms", 147),
    ("TurnProfile", "after_last_sampling_ms", 138),
    ("TurnProfile", "before_first_sampling_ms", 138),
    ("TurnProfile", "between_sampling_overhead_ms", 138),
    ("TurnProfile", "compaction_ms", 146),
    ("TurnProfile", "sampling_ms", 138),
    ("TurnProfile", "sampling_request_count", 138),
    ("TurnProfile", "sampling_retry_count", 138),
    ("TurnProfile", "tool_blocking_ms", 138),
    ("TurnProfile", "tools_change_count", 162),
    ("TurnWorkspace", "workspace_kind", 137),
    ("VoiceSession", "voice_session_id", 156),
    ("Worktree", "is_worktree", 155),
];

/// Groups that some events have later than others.
pub(crate) const SESSION_OF_TOOLS: u16 = 145;
pub(crate) const REMOTE_PLUGIN_OF_SKILLS: u16 = 146;
pub(crate) const ERROR_KIND_OF_COMPACTIONS: u16 = 140;
pub(crate) const VOICE_OF_COMPACTIONS: u16 = 163;

/// The version from which on a group has a member. It is looked up while the code is built: a member that the table lacks
/// does not build.
pub(crate) const fn since(group: &str, member: &str) -> u16 {
    let mut at = 0;
    while at < MEMBERS.len() {
        let (of, name, since) = MEMBERS[at];
        if is_equal(of, group) && is_equal(name, member) {
            return since;
        }
        at += 1;
    }
    panic!("a member of a group has no row in the table")
}

const fn is_equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    one.len() == other.len()
}
