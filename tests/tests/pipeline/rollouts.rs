//! Rollouts become the events that the same binary uploaded of the same session.

use serde_json::Value;
use turnledger_core::{Discard, Event};
use turnledger_tests::golden::{Sha1, values};
use turnledger_tests::rollouts::{Comparison, Recorded, Row, import, recordings};

const VERSIONS: [&str; 6] = ["0.104.0", "0.120.0", "0.131.0", "0.142.0", "0.153.0", "0.171.0"];

/// What no rollout says.
const NOWHERE: [&str; 9] = [
    "missing: codex_guardian_review",
    "missing: codex_hook_run",
    "missing: codex_plugin_used",
    "missing: codex_review_event",
    "missing: skill_invocation",
    // A steer that was refused.
    r#""rejected","#,
    // Which review there was, and so what it said.
    "final_approval_outcome: ours \"unknown\"",
    // What a goal's turns use between two calls about it, and its id.
    "missing: codex_goal_event",
    "codex_goal_event goal_id",
];

/// Compares all sessions of a version. Each difference begins like one of `known`, and each of those occurs.
fn compare(version: &str, known: &[&str]) -> Comparison {
    let mut comparison = Comparison::default();
    for recorded in recordings(version) {
        comparison.add(&recorded);
    }
    println!("Codex {version}\n{comparison}");
    let differences = &comparison.differences;
    let is_known = |difference: &&String| NOWHERE.iter().chain(known).any(|known| difference.contains(known));
    assert_eq!(differences.iter().filter(|difference| !is_known(difference)).collect::<Vec<_>>(), [""; 0]);
    let is_gone = |known: &&&str| !differences.iter().any(|difference| difference.contains(**known));
    assert_eq!(known.iter().filter(is_gone).collect::<Vec<_>>(), [&""; 0], "a gap that is closed");
    comparison
}

/// Real, found and extra events.
fn events(comparison: &Comparison) -> (u64, u64, u64) {
    let Row { real, found, extra, .. } = comparison.total();
    (real, found, extra)
}

/// Members of found events: equal, unknown, near, and different.
fn members(comparison: &Comparison) -> (u64, u64, u64, u64) {
    let Row { equal, unknown, near, different, .. } = comparison.total();
    (equal, unknown, near, different)
}

#[test]
fn codex_0_171_0() {
    let comparison = compare(
        "0.171.0",
        &[
            // A call that was refused with its whole turn looks like one that was interrupted.
            "approve_command_cancel: missing: codex_command_execution_event",
            "approve_command_cancel: codex_turn_event shell_command_count",
            "approve_command_cancel: codex_turn_event total_tool_call_count",
            // The tier of one turn alone is nowhere.
            "x_turn_meta: codex_turn_event service_tier",
        ],
    );
    assert_eq!(comparison.rows["codex_turn_event"].found, 67);
    assert_eq!(events(&comparison), (221, 174, 0));
    assert_eq!(members(&comparison), (6398, 1235, 58, 15));
}

#[test]
fn codex_0_131_0() {
    let comparison = compare(
        "0.131.0",
        &[
            "approve_command_cancel: missing: codex_command_execution_event",
            "approve_command_cancel: codex_turn_event shell_command_count",
            "approve_command_cancel: codex_turn_event total_tool_call_count",
            // A request for approval that failed says what a refused one says.
            "approve_error_reply: codex_command_execution_event failure_kind",
            "approve_error_reply: codex_command_execution_event terminal_status",
            // A compaction that failed leaves nothing.
            "compact_failed: missing: codex_compaction_event",
            // What a client's tool gave back does not say whether it succeeded.
            "dynamic_tools: missing: codex_dynamic_tool_call_event",
            // The user's own command has no line with its id.
            "user_shell: missing: codex_command_execution_event",
        ],
    );
    assert_eq!(comparison.rows["codex_turn_event"].found, 33);
    assert_eq!(events(&comparison), (133, 94, 0));
    assert_eq!(members(&comparison), (2091, 287, 63, 17));
}

#[test]
fn codex_0_142_0() {
    let comparison = compare(
        "0.142.0",
        &[
            "compact_manual: missing: codex_compaction_event",
            "user_shell: missing: codex_command_execution_event",
            // The thread of a review is uploaded, and is not in the traffic.
            "review_mode: extra: codex_thread_initialized",
        ],
    );
    assert_eq!(events(&comparison), (47, 38, 1));
    assert_eq!(members(&comparison), (1089, 137, 15, 0));
}

#[test]
fn codex_0_153_0() {
    let comparison = compare(
        "0.153.0",
        // The wire has no root of a turn before 0.162; the files have.
        &["review_mode: extra: codex_thread_initialized", "codex_turn_event root_turn_id", "root_turn_id: ours"],
    );
    assert_eq!(events(&comparison), (40, 33, 1));
    assert_eq!(members(&comparison), (1141, 108, 1, 17));
}

/// The traffic of these versions has no times of items: what it becomes has neither turns nor tools, and files have both.
const MORE_THAN_TRAFFIC: [&str; 7] = [
    "extra: codex_turn_event",
    "extra: codex_accepted_line_fingerprints",
    "extra: codex_collab_agent_tool_call_event",
    "extra: codex_command_execution_event",
    "extra: codex_file_change_event",
    "extra: codex_mcp_tool_call_event",
    // The threads of reviews and agents.
    "extra: codex_thread_initialized",
];

#[test]
fn codex_0_104_0() {
    let comparison = compare("0.104.0", &MORE_THAN_TRAFFIC);
    assert_eq!(events(&comparison), (22, 16, 28));
    assert_eq!(members(&comparison), (168, 3, 2, 0));
}

#[test]
fn codex_0_120_0() {
    let more = "compact_manual: codex_compaction_event active_context_tokens_before";
    let known: Vec<_> = MORE_THAN_TRAFFIC.into_iter().chain([more]).collect();
    let comparison = compare("0.120.0", &known);
    assert_eq!(events(&comparison), (22, 15, 28));
    assert_eq!(members(&comparison), (157, 2, 1, 1));
}

/// The sum of what turns used, by member.
fn tokens<'e>(events: impl Iterator<Item = &'e Value>) -> [i64; 5] {
    const NAMES: [&str; 5] =
        ["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens"];
    let mut sums = [0; 5];
    for event in events.filter(|event| event["event_type"] == "codex_turn_event") {
        for (sum, name) in sums.iter_mut().zip(NAMES) {
            *sum += event["event_params"][name].as_i64().unwrap_or(0);
        }
    }
    sums
}

#[test]
fn tokens_are_those_of_the_uploads() {
    for version in ["0.131.0", "0.142.0", "0.153.0", "0.171.0"] {
        let recordings = recordings(version);
        let ours: Vec<Value> = recordings.iter().flat_map(events_of).collect();
        let real = tokens(recordings.iter().flat_map(|recorded| &recorded.real));
        assert_eq!(tokens(ours.iter()), real, "{version}");
        assert!(real.into_iter().all(|sum| sum > 0), "{version}");
    }
}

fn events_of(recorded: &Recorded) -> Vec<Value> {
    recorded.files.iter().flat_map(|(_, file)| values(&import(Sha1, file).events)).collect()
}

/// Every event says what it is made from.
#[test]
fn events_of_rollouts_say_so() {
    for recorded in VERSIONS.into_iter().flat_map(recordings) {
        for event in events_of(&recorded) {
            assert_eq!(event["event_params"]["source"], "rollout", "{event}");
        }
    }
}

/// The members whose text an event, a discard or a saved state may have: ids, words and names.
const KEPT: [&str; 36] = [
    "receiver_thread_ids",
    "sender_thread_id",
    "agent_id",
    "agent_thread_id",
    "approval_policy",
    "approvals_reviewer",
    "call_id",
    "cli_version",
    "codex_error_info",
    "effort",
    "forked_from_id",
    "history_mode",
    "id",
    "kind",
    "mode",
    "model",
    "model_provider",
    "model_provider_id",
    "name",
    "namespace",
    "originator",
    "parent_thread_id",
    "personality",
    "reasoning_effort",
    "repository_url",
    "response_id",
    "role",
    "root_turn_id",
    "server",
    "session_id",
    "source",
    "status",
    "summary",
    "thread_id",
    "timestamp",
    "turn_id",
];
/// Words that decide what a line is, beside those that end with the name of one.
const WORDS: [&str; 8] =
    ["other", "subagent", "type", "tool", "turn_trigger", "thread_source", "service_tier", "multi_agent_version"];
const CANARY: &str = "canary-7f3a";

/// Puts a mark behind every text that is no id, no word and no name, and behind every path that is a key.
fn mark(value: &mut Value, name: &str) {
    match value {
        Value::String(_) if KEPT.contains(&name) || WORDS.contains(&name) => {}
        Value::String(text) => {
            // A text that is JSON itself stays JSON.
            match serde_json::from_str::<Value>(text) {
                Ok(mut inner @ Value::Object(_)) => {
                    mark(&mut inner, name);
                    *text = inner.to_string();
                }
                _ => text.push_str(CANARY),
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| mark(value, name)),
        Value::Object(members) => {
            for (name, value) in std::mem::take(members) {
                let mut value = value;
                mark(&mut value, &name);
                let name = if name.starts_with('/') { format!("{name}{CANARY}") } else { name };
                members.insert(name, value);
            }
        }
        _ => {}
    }
}

#[test]
fn no_text_of_a_session_comes_out() {
    let (mut events, mut marks, mut states) = (0, 0, 0);
    for recorded in VERSIONS.into_iter().flat_map(recordings) {
        for (name, file) in &recorded.files {
            let mut marked = String::new();
            for line in file.lines() {
                let mut line: Value = serde_json::from_str(line).expect("a line");
                mark(&mut line, "");
                marked += &line.to_string();
                marked.push('\n');
            }
            marks += marked.matches(CANARY).count();
            let output = import(Sha1, &marked);
            events += output.events.len();
            for text in output.events.iter().map(Event::to_json) {
                assert!(!text.contains("canary"), "{name}: {text}");
            }
            for text in output.discards.iter().map(Discard::to_json) {
                assert!(!text.contains("canary"), "{name}: {text}");
            }
            for state in crate::rollout_saved::states(&marked) {
                states += 1;
                for text in [state.rollout, state.pipeline] {
                    assert!(!text.contains("canary"), "{name}: {text}");
                }
            }
        }
    }
    assert!(events > 400 && marks > 7_000 && states > 200, "{events} {marks} {states}");
}
