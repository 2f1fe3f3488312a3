//! The numbers of a report once more, from the events' JSON alone: as short as a script, and with nothing of the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

/// The numbers of one thing, by their ids. Null is unknown.
pub(crate) type Numbers = BTreeMap<&'static str, Value>;

const CALLS: [&str; 8] = [
    "codex_command_execution_event",
    "codex_file_change_event",
    "codex_mcp_tool_call_event",
    "codex_dynamic_tool_call_event",
    "codex_collab_agent_tool_call_event",
    "codex_web_search_event",
    "codex_image_generation_event",
    "codex_control_tool_call_event",
];

pub(crate) fn kind(event: &Value) -> &str {
    event["event_type"].as_str().unwrap_or_default()
}

pub(crate) fn is_call(event: &Value) -> bool {
    CALLS.contains(&kind(event))
}

fn params(event: &Value) -> &Value {
    &event["event_params"]
}

fn text<'a>(event: &'a Value, member: &str) -> Option<&'a str> {
    params(event)[member].as_str()
}

fn number(event: &Value, member: &str) -> Option<u64> {
    params(event)[member].as_u64()
}

fn is_read(event: &Value) -> bool {
    text(event, "source") == Some("rollout")
}

/// The session of each thread.
pub(crate) fn sessions<'a>(events: &'a [Value]) -> HashMap<&'a str, &'a str> {
    let (mut parents, mut named): (HashMap<&str, &str>, HashMap<&str, &str>) = Default::default();
    for event in events {
        let Some(thread) = text(event, "thread_id") else { continue };
        parents.extend(text(event, "parent_thread_id").map(|parent| (thread, parent)));
        named.extend(text(event, "session_id").map(|session| (thread, session)));
    }
    let root = |thread: &'a str| {
        let mut at = thread;
        loop {
            match (named.get(at), parents.get(at)) {
                (Some(session), _) => return *session,
                (None, Some(parent)) => at = parent,
                (None, None) => return at,
            }
        }
    };
    let threads = events.iter().filter_map(|event| text(event, "thread_id"));
    threads.map(|thread| (thread, root(thread))).collect()
}

/// The events of several readings, each once: an event that is told is the better one, and one that is read fills it.
pub(crate) fn union(readings: &[Vec<Value>]) -> Vec<Value> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    let (read, told): (Vec<_>, Vec<_>) = readings.iter().partition(|reading| reading.iter().all(is_read));
    for reading in told.into_iter().chain(read) {
        let mut ordinals: HashMap<String, u32> = HashMap::new();
        for event in reading {
            let members = match kind(event) {
                "codex_thread_initialized" => vec!["thread_id", "initialization_mode"],
                "codex_turn_event" => vec!["thread_id", "turn_id"],
                "codex_review_event" | "codex_guardian_review" => vec!["thread_id", "turn_id", "review_id"],
                "codex_turn_steer_event" if text(event, "result") == Some("accepted") => {
                    vec!["thread_id", "accepted_turn_id"]
                }
                "codex_turn_steer_event" => vec!["thread_id", "expected_turn_id", "rejection_reason", "created_at"],
                // Traffic does not say the item of a goal's tool.
                "codex_control_tool_call_event" => vec!["thread_id", "turn_id", "tool_name"],
                // Nor do all say a goal's id.
                "codex_goal_event" => {
                    vec!["thread_id", "turn_id", "event_kind", "goal_status", "cumulative_tokens_accounted"]
                }
                _ if is_call(event) => vec!["thread_id", "turn_id", "item_id"],
                _ => vec!["thread_id", "turn_id", "status", "hook_name", "hook_source"],
            };
            let values = members.iter().map(|member| params(event)[*member].to_string());
            let key = [kind(event).to_owned(), event["skill_name"].to_string()].into_iter().chain(values);
            let mut key = key.collect::<Vec<_>>().join(" ");
            let is_named = is_call(event) && kind(event) != "codex_control_tool_call_event";
            if !is_named && !key.starts_with("codex_turn_event") && !key.contains("review") {
                let ordinal = ordinals.entry(key.clone()).or_default();
                *ordinal += u32::from(kind(event) != "codex_thread_initialized");
                key = format!("{key} {ordinal}");
            }
            match found.get_mut(&key) {
                None => _ = found.insert(key, event.clone()),
                Some(known) => fill(known["event_params"].as_object_mut().expect("parameters"), params(event)),
            }
        }
    }
    found.into_values().collect()
}

fn fill(known: &mut Map<String, Value>, other: &Value) {
    for (name, value) in other.as_object().expect("an object") {
        if name != "source" {
            let known = known.entry(name.clone()).or_insert(Value::Null);
            if known.is_null() {
                *known = value.clone();
            } else if let (Some(known), true) = (known.as_object_mut(), value.is_object()) {
                fill(known, value);
            }
        }
    }
}

/// What the events add up to.
pub(crate) fn numbers(events: &[&Value], sessions: &HashMap<&str, &str>) -> Numbers {
    let of = |types: &[&str]| -> Vec<&Value> {
        events.iter().copied().filter(|event| types.contains(&kind(event))).collect()
    };
    let having = |events: &[&Value], member: &str, value: &str| {
        events.iter().filter(|event| text(event, member) == Some(value)).count()
    };
    let sum = |values: Vec<Option<u64>>| -> Value {
        let known: Vec<u64> = values.iter().copied().flatten().collect();
        if known.is_empty() && !values.is_empty() { Value::Null } else { known.iter().sum::<u64>().into() }
    };
    let sum_of = |events: &[&Value], member: &str| sum(events.iter().map(|event| number(event, member)).collect());
    let both = |events: &[&Value]| {
        let both = |event: &&Value| Some(number(event, "input_tokens")? + number(event, "output_tokens")?);
        sum(events.iter().map(both).collect())
    };
    let threads: BTreeSet<&str> = events.iter().filter_map(|event| text(event, "thread_id")).collect();
    let roots: BTreeSet<&str> = threads.iter().map(|thread| sessions[thread]).collect();
    let told = events.iter().filter(|event| !is_read(event)).filter_map(|event| text(event, "thread_id"));
    let told: BTreeSet<&str> = told.map(|thread| sessions[thread]).collect();

    let turns = of(&["codex_turn_event"]);
    let calls = of(&CALLS);
    let (asked, automatic): (Vec<_>, Vec<_>) =
        of(&["codex_review_event"]).into_iter().partition(|event| text(event, "reviewer") == Some("user"));
    let guardian = of(&["codex_guardian_review"]);
    let (steers, compactions) = (of(&["codex_turn_steer_event"]), of(&["codex_compaction_event"]));
    let (hooks, lines) = (of(&["codex_hook_run"]), of(&["codex_accepted_line_fingerprints"]));
    let mut waits: Vec<u64> = asked.iter().filter_map(|event| number(event, "duration_ms")).collect();
    waits.sort_unstable();
    let rank = |percent: usize| -> Value {
        let rank = (waits.len() * percent).div_ceil(100).max(1);
        waits.get(rank - 1).copied().into()
    };
    let failed = having(&calls, "terminal_status", "failed");
    #[expect(clippy::cast_precision_loss, reason = "there are few")]
    let rate = (!calls.is_empty()).then(|| failed as f64 / calls.len() as f64);
    let mut numbers: Numbers = [
        ("sessions", roots.len().into()),
        ("threads", threads.len().into()),
        ("sessions_of_files", (roots.len() - told.len()).into()),
        ("turns", turns.len().into()),
        ("turns_completed", having(&turns, "status", "completed").into()),
        ("turns_failed", having(&turns, "status", "failed").into()),
        ("turns_interrupted", having(&turns, "status", "interrupted").into()),
        ("turn_time_ms", sum_of(&turns, "duration_ms")),
        ("tokens", both(&turns)),
        ("input_tokens", sum_of(&turns, "input_tokens")),
        ("cached_input_tokens", sum_of(&turns, "cached_input_tokens")),
        ("output_tokens", sum_of(&turns, "output_tokens")),
        ("reasoning_output_tokens", sum_of(&turns, "reasoning_output_tokens")),
        ("cost_usd", Value::Null),
        ("calls", calls.len().into()),
        ("calls_failed", failed.into()),
        ("calls_rejected", having(&calls, "terminal_status", "rejected").into()),
        ("calls_interrupted", having(&calls, "terminal_status", "interrupted").into()),
        ("call_failure_rate", rate.into()),
        ("call_time_ms", sum_of(&calls, "duration_ms")),
        ("steers", having(&steers, "result", "accepted").into()),
        ("compactions", compactions.len().into()),
        ("compactions_failed", having(&compactions, "status", "failed").into()),
        ("added_lines", sum_of(&lines, "accepted_added_lines")),
        ("deleted_lines", sum_of(&lines, "accepted_deleted_lines")),
    ]
    .into();
    // What no file tells is unknown if there are only files.
    let known = !told.is_empty() || roots.is_empty();
    let told = [
        ("approvals", asked.len().into()),
        ("approvals_refused", having(&asked, "status", "denied").into()),
        ("approvals_aborted", having(&asked, "status", "aborted").into()),
        ("approval_wait_median_ms", rank(50)),
        ("approval_wait_p95_ms", rank(95)),
        ("approval_wait_ms", sum_of(&asked, "duration_ms")),
        ("automatic_reviews", automatic.len().into()),
        ("automatic_reviews_refused", having(&automatic, "status", "denied").into()),
        ("automatic_review_tokens", both(&guardian)),
        ("steers_rejected", having(&steers, "result", "rejected").into()),
        ("hooks", hooks.len().into()),
        ("hooks_failed", having(&hooks, "status", "failed").into()),
        ("hooks_blocked", (having(&hooks, "status", "blocked") + having(&hooks, "status", "stopped")).into()),
        ("skills", of(&["skill_invocation"]).len().into()),
    ];
    numbers.extend(told.map(|(id, value)| (id, if known { value } else { Value::Null })));
    numbers
}

/// When an event ended or happened: Unix seconds. None if it does not say.
pub(crate) fn seconds(event: &Value) -> Option<u64> {
    if text(event, "initialization_mode") == Some("resumed") && kind(event) == "codex_thread_initialized" {
        return None;
    }
    let known = |member: &str| number(event, member).filter(|time| *time > 0);
    let millis = known("completed_at_ms").or(known("occurred_at_ms")).map(|ms| ms / 1000);
    let seconds = millis.or(known("completed_at")).or(known("created_at"));
    seconds.or(known("started_at_ms").map(|ms| ms / 1000)).or(known("started_at"))
}
