//! What the versions of Codex do differently. No other file compares a version.
//!
//! A rule asks its connection's dialect, and never a version. A new version is another [`NEWEST`], a row for each member
//! that is new, and a method for each rule that is.

use crate::event::compaction::{CompactionImplementation, CompactionReason};
use crate::event::turn::ApprovalsReviewer;
use crate::event::{Group, Versioned};

/// The newest version that was looked at, all of it.
pub(crate) const NEWEST: (u64, u64) = (0, 171);

/// The contract's own version.
const OLDEST: u64 = 131;

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
    // Threads that are archived say it from their first event on.
    ("ConnectionContext", "app_server_client", 0),
    ("ConnectionContext", "runtime", 0),
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

/// A version of Codex, as far as it matters: the second number, from 131 to the newest known one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dialect(u16);

static DIALECTS: [Dialect; (NEWEST.1 - OLDEST + 1) as usize] = {
    let mut dialects = [const { Dialect(0) }; (NEWEST.1 - OLDEST + 1) as usize];
    let mut at = 0;
    while at < dialects.len() {
        dialects[at] = Dialect(OLDEST as u16 + at as u16);
        at += 1;
    }
    dialects
};

impl Dialect {
    /// The dialect of a version of Codex; the contract's where the version is not known.
    pub(crate) fn of(version: &str) -> &'static Self {
        let [major, minor, _] = numbers(version);
        let minor = if major > 0 { NEWEST.1 } else { minor.clamp(OLDEST, NEWEST.1) };
        &DIALECTS[usize::try_from(minor - OLDEST).unwrap_or_default()]
    }

    /// The numbers of a version that is newer than [`NEWEST`]. It is taken for that one. What only begins like a version is
    /// none.
    pub(crate) fn newer_than_known(version: &str) -> Option<[u64; 3]> {
        let release = version.split('-').next().unwrap_or_default();
        let is_release = release.split('.').count() == 3
            && release
                .split('.')
                .all(|part| matches!(part.len(), 1..=4) && part.bytes().all(|byte| byte.is_ascii_digit()));
        let numbers @ [major, minor, _] = numbers(release);
        (is_release && (major, minor) > NEWEST).then_some(numbers)
    }

    /// Whether events have members that those of 0.131 lack, so that they are looked for.
    pub(crate) fn reports_more(&self) -> bool {
        self.0 >= 135
    }

    /// The members of a group that events of this version have.
    pub(crate) fn members<G: Group>(&self, members: impl FnOnce() -> G) -> Versioned<G> {
        Versioned::of(self.0, members)
    }

    /// The same, of an event that has the group later than others.
    pub(crate) fn members_since<G: Group>(&self, since: u16, members: impl FnOnce() -> G) -> Versioned<G> {
        if self.0 >= since { Versioned::of(self.0, members) } else { Versioned::ABSENT }
    }

    /// The text of a compaction's error, which later versions no longer have.
    pub(crate) fn compaction_error<G: Group>(&self, members: impl FnOnce() -> G) -> Versioned<G> {
        if self.0 < ERROR_KIND_OF_COMPACTIONS { Versioned::of(self.0, members) } else { Versioned::ABSENT }
    }

    /// A skill's repository, which later versions no longer have.
    pub(crate) fn skill_repository<G: Group>(&self, members: impl FnOnce() -> G) -> Versioned<G> {
        if self.0 < 155 { Versioned::of(self.0, members) } else { Versioned::ABSENT }
    }

    /// What `guardian_subagent` is called in events.
    pub(crate) fn guardian(&self) -> ApprovalsReviewer {
        if self.0 >= 139 { ApprovalsReviewer::AutoReview } else { ApprovalsReviewer::GuardianSubagent }
    }

    /// How a server compacts for a user who is signed in without an API key.
    pub(crate) fn remote_compaction(&self) -> CompactionImplementation {
        if self.0 >= 140 {
            CompactionImplementation::ResponsesCompactionV2
        } else {
            CompactionImplementation::ResponsesCompact
        }
    }

    /// Why a context is compacted before a turn of another model.
    pub(crate) fn model_changed(&self) -> CompactionReason {
        if self.0 >= 144 { CompactionReason::CompHashChanged } else { CompactionReason::ModelDownshift }
    }

    /// Whether turns that no client asked for have events: of spawned threads, of goals, of the queue.
    pub(crate) fn reports_turns_of_nobody(&self) -> bool {
        self.0 >= 140
    }

    /// Whether goals have events.
    pub(crate) fn reports_goals(&self) -> bool {
        self.0 >= 140
    }

    /// Whether imports from other agents and plugins that could not be installed have events.
    pub(crate) fn reports_imports(&self) -> bool {
        self.0 >= 142
    }

    /// Whether an agent of the second version is known to have its parent's history, and threads have an originator.
    pub(crate) fn knows_forks_of_agents(&self) -> bool {
        self.0 >= 143
    }

    /// Whether an item that ends after its turn has an event, and a thread that is archived.
    pub(crate) fn reports_late_items(&self) -> bool {
        self.0 >= 148
    }

    /// Whether control tools have events, and count.
    pub(crate) fn reports_control_tools(&self) -> bool {
        self.0 >= 149
    }

    /// Whether a tool of collaboration ran for as long as its item was open, and the news of an agent has an event.
    pub(crate) fn reports_news_of_agents(&self) -> bool {
        self.0 >= 150
    }

    /// Whether `turn/start` has a tier for its turn alone.
    pub(crate) fn has_tiers_of_turns(&self) -> bool {
        self.0 >= 151
    }

    /// Whether a thread's parent is named beside its source, and a child without a client has no event.
    pub(crate) fn names_parents(&self) -> bool {
        self.0 >= 159
    }

    /// Whether the events of tools say what began their turn.
    pub(crate) fn says_triggers_of_tools(&self) -> bool {
        self.0 >= 169
    }

    /// Whether turns say that their input was dictated.
    pub(crate) fn reports_dictation(&self) -> bool {
        self.0 >= 171
    }

    /// The dialect where no connection says one.
    pub(crate) fn unknown() -> &'static Self {
        &DIALECTS[0]
    }
}

/// The numbers that a version begins with; 0 for what is no number.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn versions() {
        for (version, minor) in [
            ("0.131.0", 131),
            ("0.131.9-alpha.1", 131),
            ("0.104.0", 131),
            ("0.132.0", 132),
            ("0.168.9", 168),
            ("0.171.0", 171),
            ("0.180.0", 171),
            ("1.0.0", 171),
            ("unknown", 131),
        ] {
            assert_eq!(Dialect::of(version), &Dialect(minor), "{version}");
        }
    }

    #[test]
    fn versions_that_nobody_looked_at() {
        for (version, newer) in [
            ("unknown", None),
            ("0.131.0", None),
            ("0.171.9", None),
            ("0.172.0-alpha.3", Some([0, 172, 0])),
            ("0.180.2", Some([0, 180, 2])),
            ("1.0.0", Some([1, 0, 0])),
            ("1.0", None),
            ("1.0.0.1", None),
            ("1.x.0", None),
            ("1.0.12345", None),
            ("1a-2000-3", None),
        ] {
            assert_eq!(Dialect::newer_than_known(version), newer, "{version}");
        }
    }
}
