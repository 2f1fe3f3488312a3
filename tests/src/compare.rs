//! Our events beside those that the real binary uploaded for the same session.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// Fields that `docs/contract/derived.md` says cannot be known from traffic.
const UNKNOWABLE: &[(&str, &[&str])] = &[
    (
        "codex_turn_event",
        &[
            // Defaults that were never set on the wire, and the tier after the model's support is known.
            "personality",
            "reasoning_summary",
            "service_tier",
            // What only the server measures.
            "after_last_sampling_ms",
            "before_first_sampling_ms",
            "between_sampling_overhead_ms",
            "critical_path_status",
            "guardian_v2_enabled",
            "image_preparations",
            "sampling_ms",
            "tools_change_count",
            // Requests that failed or were interrupted say nothing of their use.
            "sampling_request_count",
        ],
    ),
    (
        "codex_guardian_review",
        &[
            "guardian_thread_id",
            "guardian_session_kind",
            "guardian_model",
            "guardian_reasoning_effort",
            "had_prior_review_context",
            "attempt_count",
            "cache_write_input_tokens",
            "guardian_catalog_contains_auto_review",
            "guardian_context_mode",
            "guardian_default_review_model_id",
            "guardian_review_model_overridden",
            "time_to_first_token_ms",
            "failure_reason",
            "reviewed_action.sandbox_permissions",
            "input_tokens",
            "cached_input_tokens",
            "output_tokens",
            "reasoning_output_tokens",
            "total_tokens",
        ],
    ),
    // The server's own id.
    ("codex_goal_event", &["goal_id"]),
    // Where the working directory is, is asked of nobody yet.
    ("codex_thread_initialized", &["is_worktree"]),
    // The model's default is in `model/list`, which the recordings lack.
    ("codex_command_execution_event", &["reasoning_effort"]),
    // What 0.131 and later upload is empty; ours is not.
    ("codex_accepted_line_fingerprints", &["line_fingerprints"]),
    // The recording's paths were replaced, so a skill outside the repository has another id.
    ("skill_invocation", &["skill_id"]),
    (
        "codex_compaction_event",
        &[
            "implementation",
            // Its own request is not on the wire.
            "cache_write_input_tokens",
            "cached_input_tokens",
            "compaction_summary_tokens",
            "retained_image_count",
        ],
    ),
];

/// What only the model's responses tell: of any tool.
const UNKNOWABLE_OF_TOOLS: [&str; 4] =
    ["cell_id", "originating_response_id", "parent_call_id", "subsequent_response_id"];

/// Fields that are stamped by a clock, or estimated from what the wire shows: how far they may be off.
const APPROXIMATE: &[(&str, &str, u64)] = &[
    ("codex_review_event", "completed_at_ms", 2000),
    ("codex_review_event", "duration_ms", 2000),
    ("codex_turn_steer_event", "created_at", 2),
    // Measured inside the server.
    ("codex_control_tool_call_event", "started_at_ms", 10),
    ("codex_control_tool_call_event", "completed_at_ms", 10),
    ("codex_control_tool_call_event", "duration_ms", 10),
    ("codex_control_tool_call_event", "execution_duration_ms", 10),
    ("codex_thread_archive_event", "occurred_at_ms", 10),
    ("codex_accepted_line_fingerprints", "completed_at", 2),
    ("codex_guardian_review", "completion_latency_ms", 2000),
    ("codex_compaction_event", "duration_ms", 2000),
    // Measured inside the server, where waiting for approval counts more.
    ("codex_turn_event", "compaction_ms", 2000),
    ("codex_turn_event", "explicit_client_interrupt_requested_at_ms", 5),
    ("codex_turn_event", "tool_blocking_ms", 2000),
    ("codex_compaction_event", "started_at", 2),
    ("codex_compaction_event", "completed_at", 2),
    // The server adds an estimate for what is newer than the latest usage update.
    ("codex_compaction_event", "active_context_tokens_before", 300),
    ("codex_compaction_event", "active_context_tokens_after", 300),
];

/// Events of a session that was played again, without what only the clock knows, and without the remote that
/// nobody told.
pub fn without_clocks(mut events: Vec<Value>) -> Vec<Value> {
    for event in &mut events {
        let is_review = event["event_type"] == "codex_review_event";
        let clocks = ["completed_at", "created_at", "repo_hash"].into_iter();
        for clock in clocks.chain(["completed_at_ms", "duration_ms"].into_iter().filter(|_| is_review)) {
            if let Some(value) = event["event_params"].get_mut(clock) {
                *value = Value::Null;
            }
        }
    }
    events
}

/// What a comparison counted for one type of event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Events that the real binary uploaded about threads that are in the traffic.
    pub real: u64,
    /// Of these, events that we made, too.
    pub matched: u64,
    /// Events that only we made.
    pub extra: u64,
    /// Fields that were compared for equality.
    pub compared: u64,
    /// Of these, fields that are equal.
    pub equal: u64,
    /// Fields that were compared with a tolerance.
    pub approximate: u64,
}

/// The comparison of many sessions.
#[derive(Debug, Default)]
pub struct Comparison {
    /// By type of event.
    pub rows: BTreeMap<String, Row>,
    /// Every difference, for a person to read.
    pub differences: Vec<String>,
    /// Real events of threads that are nowhere in the traffic.
    pub invisible: Vec<String>,
    /// Members that only the real events have, and that only ours have, each with its type of event.
    pub members: [BTreeSet<(String, String)>; 2],
}

impl Comparison {
    /// All types of events together.
    pub fn total(&self) -> Row {
        self.rows.values().fold(Row::default(), |sum, row| Row {
            real: sum.real + row.real,
            matched: sum.matched + row.matched,
            extra: sum.extra + row.extra,
            compared: sum.compared + row.compared,
            equal: sum.equal + row.equal,
            approximate: sum.approximate + row.approximate,
        })
    }

    /// Compares one session's events.
    pub fn add(&mut self, session: &str, traffic: &str, ours: &[Value], real: &[Value]) {
        let mut ours: Vec<Option<&Value>> = ours.iter().map(Some).collect();
        for event in real {
            let name = event["event_type"].as_str().unwrap_or_default();
            let thread = event["event_params"]["thread_id"].as_str();
            if thread.is_some_and(|thread| !traffic.contains(thread)) {
                self.invisible.push(format!("{session}: {name}"));
                continue;
            }
            self.rows.entry(name.into()).or_default().real += 1;
            let counterpart =
                ours.iter_mut().find(|candidate| candidate.is_some_and(|ours| identity(ours) == identity(event)));
            match counterpart.and_then(Option::take) {
                Some(ours) => {
                    self.rows.entry(name.into()).or_default().matched += 1;
                    self.compare(session, name, ours, event);
                }
                None => self.differences.push(format!("{session}: no counterpart of {name} {}", identity(event))),
            }
        }
        for extra in ours.into_iter().flatten() {
            let name = extra["event_type"].as_str().unwrap_or_default();
            self.rows.entry(name.into()).or_default().extra += 1;
            self.differences.push(format!("{session}: not in the recording: {name} {}", identity(extra)));
        }
    }

    fn compare(&mut self, session: &str, name: &str, ours: &Value, real: &Value) {
        let (ours, real) = (fields(ours), fields(real));
        let unknowable = |field: &str| {
            UNKNOWABLE_OF_TOOLS.contains(&field)
                || UNKNOWABLE.iter().any(|(of, fields)| *of == name && fields.contains(&field))
        };
        for (only, of, other) in [(0, &real, &ours), (1, &ours, &real)] {
            let members = of.keys().filter(|field| !other.contains_key(*field));
            self.members[only].extend(members.map(|field| (name.to_owned(), field.clone())));
        }
        let row = self.rows.entry(name.into()).or_default();
        for (field, ours) in &ours {
            // A field that this version of the server does not have cannot be compared.
            let Some(real) = real.get(field) else { continue };
            // A kind of error that the wire shares with others is null.
            if unknowable(field) || field == "codex_error_kind" && ours.is_null() {
                continue;
            }
            let tolerance = APPROXIMATE.iter().find(|(of, approximate, _)| *of == name && approximate == field);
            let agrees =
                if let (Some((.., tolerance)), Some(ours), Some(real)) = (tolerance, ours.as_u64(), real.as_u64()) {
                    row.approximate += 1;
                    ours.abs_diff(real) <= *tolerance
                } else {
                    row.compared += 1;
                    let equal = ours == real;
                    row.equal += u64::from(equal);
                    equal
                };
            if !agrees {
                self.differences.push(format!("{session}: {name} {field}: ours {ours}, real {real}"));
            }
        }
    }
}

/// The fields of an event's parameters, nested ones by their path, and those beside them.
pub(crate) fn fields(event: &Value) -> BTreeMap<String, Value> {
    fn collect(prefix: &str, value: &Value, fields: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(members) if prefix != "turn_error" => {
                for (name, member) in members {
                    let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                    collect(&path, member, fields);
                }
            }
            value => {
                fields.insert(prefix.into(), value.clone());
            }
        }
    }
    let mut collected = BTreeMap::new();
    collect("", &event["event_params"], &mut collected);
    for beside in ["skill_id", "skill_name"] {
        if let Some(value) = event.get(beside) {
            collected.insert(beside.into(), value.clone());
        }
    }
    collected
}

/// The fields that tell which event of a session it is.
pub(crate) fn identity(event: &Value) -> Value {
    let names: &[&str] = match event["event_type"].as_str().unwrap_or_default() {
        "codex_thread_initialized" => &["thread_id", "initialization_mode"],
        "codex_turn_steer_event" => &["thread_id", "expected_turn_id", "result", "rejection_reason"],
        "codex_review_event" | "codex_guardian_review" => &["thread_id", "turn_id", "review_id"],
        "codex_hook_run" => &["thread_id", "turn_id", "hook_name"],
        "skill_invocation" => &["thread_id", "turn_id", "skill_name"],
        // The item of a goal's tool is not on the wire.
        "codex_control_tool_call_event" => &["thread_id", "turn_id", "tool_name"],
        "codex_goal_event" => &["thread_id", "turn_id", "event_kind", "goal_status", "cumulative_tokens_accounted"],
        "codex_thread_archive_event" => &["thread_id", "action"],
        "codex_onboarding_external_agent_import_complete" => &["import_id", "type"],
        "codex_plugin_install_failed" => &["plugin_id"],
        _ => &["thread_id", "turn_id", "item_id"],
    };
    let fields = fields(event);
    let mut identity = vec![event["event_type"].clone()];
    identity.extend(names.iter().map(|name| fields.get(*name).cloned().unwrap_or_default()));
    Value::Array(identity)
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<42} {:>13} {:>6} {:>13} {:>12}",
            "event type", "matched/real", "extra", "equal/fields", "within limit"
        )?;
        for (name, row) in &self.rows {
            let events = format!("{}/{}", row.matched, row.real);
            let equal = format!("{}/{}", row.equal, row.compared);
            writeln!(formatter, "{name:<42} {events:>13} {:>6} {equal:>13} {:>12}", row.extra, row.approximate)?;
        }
        for invisible in &self.invisible {
            writeln!(formatter, "not in the traffic: {invisible}")?;
        }
        for difference in &self.differences {
            writeln!(formatter, "{difference}")?;
        }
        Ok(())
    }
}
