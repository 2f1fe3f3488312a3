//! Parity with the real thing: recorded traffic of released Codex binaries gives the events that
//! those binaries uploaded.

use turnledger_tests::compare::Comparison;
use turnledger_tests::golden::{Sha1, recording, recordings, replay, values};

fn compare(version: &str) -> Comparison {
    let mut comparison = Comparison::default();
    for recording in recordings(version) {
        let ours = values(&replay(Sha1, &recording.messages()).events);
        comparison.add(&recording.name, &recording.traffic, &ours, &recording.uploaded);
    }
    println!("Codex {version}\n{comparison}");
    comparison
}

#[test]
fn codex_0_131_0() {
    let comparison = compare("0.131.0");
    assert_eq!(comparison.differences, [""; 0]);
    let total = comparison.total();
    assert_eq!((total.matched, total.extra), (224, 0), "every recorded event and no other");
    assert_eq!(comparison.rows.len(), 16, "the recordings show 16 types of events");
    assert_eq!(comparison.invisible.len(), 3, "the threads of inline reviews and of the guardian");
}

/// The differences that do not begin like a known one.
fn unexpected<'c>(comparison: &'c Comparison, known: &[&str]) -> Vec<&'c str> {
    let is_known = |difference: &&str| known.iter().any(|known| difference.contains(known));
    comparison.differences.iter().map(String::as_str).filter(|difference| !is_known(difference)).collect()
}

/// A newer version, made with the same scenarios; it has fields and events beyond the contract.
#[test]
fn codex_0_169_0() {
    let comparison = compare("0.169.0");
    let known = [
        // The server reports commands that still ran when it was shut down; the wire does not say so.
        "interrupt_command: no counterpart of codex_command_execution_event",
        // The tokens of a remote compaction's own request are nowhere on the wire.
        "compact_interrupt: codex_compaction_event active_context_tokens_before",
        "compact_mid_fail: codex_compaction_event active_context_tokens_before",
        "fail_http: codex_compaction_event active_context_tokens_",
        // The amended policy lets the command out of the sandbox; the wire does not say so.
        "approve_command_amend: codex_command_execution_event sandbox_backend",
        // The news of an agent comes some milliseconds after the call that spawned it.
        "sub_v2ns: codex_collab_agent_tool_call_event",
        // Its parent gave this agent no history, which the wire does not say.
        "sub_v2ns: codex_thread_initialized forked_from_thread_id",
        "sub_v2ns: codex_turn_event is_first_turn",
    ];
    assert_eq!(unexpected(&comparison, &known), [""; 0]);
    assert_eq!(comparison.total().extra, 0);
}

/// The newest version. What the wire does not show stands here.
#[test]
fn codex_0_171_0() {
    let comparison = compare("0.171.0");
    let known = [
        // The item and the times of a goal's tool are not on the wire.
        "x_goals: codex_control_tool_call_event item_id",
        "x_goals: codex_control_tool_call_event duration_ms",
        "x_goals: codex_control_tool_call_event execution_duration_ms",
        // Code mode's own call, `list_agents`, and the hook of a session's end are not on the wire.
        "x_code_mode: no counterpart of codex_dynamic_tool_call_event",
        "x_code_mode: codex_turn_event dynamic_tool_call_count",
        "x_code_mode: codex_turn_event total_tool_call_count",
        "x_hooks_more: no counterpart of codex_hook_run",
        "x_subagents_v2: codex_turn_event subagent_tool_call_count",
        "x_subagents_v2: codex_turn_event total_tool_call_count",
        // The news of an agent comes some milliseconds after the call that spawned it.
        "x_subagents_v2: codex_collab_agent_tool_call_event",
        "x_subagents_v2: no counterpart of codex_collab_agent_tool_call_event",
        // A remote compaction says what it used to nobody.
        "x_compact_ok: codex_compaction_event active_context_tokens_before",
    ];
    assert_eq!(unexpected(&comparison, &known), [""; 0]);
    assert_eq!(comparison.total().extra, 0);
    assert_eq!(comparison.total().matched, 229);
}

/// Whichever way an event is written, it is the same text.
#[test]
fn events_are_appended_as_they_are_written() {
    let mut text = String::from("before");
    let mut expected = text.clone();
    for event in replay(Sha1, &recording("0.131.0", "mixed_long").messages()).events {
        event.write_json(&mut text);
        expected += &event.to_json();
    }
    assert_eq!(text, expected);
    assert!(text.len() > 1_000, "{text}");
}
