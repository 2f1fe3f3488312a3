//! Where each member and each type of event begins: what the recordings of every version showed
//! (`docs/contract/versions.md`) is what each version's events have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use turnledger::Sha2;
use turnledger_tests::contract::{page, table, words};
use turnledger_tests::golden::{recordings, replay, values};

const TOOLS: [&str; 6] = [
    "codex_collab_agent_tool_call_event",
    "codex_command_execution_event",
    "codex_dynamic_tool_call_event",
    "codex_file_change_event",
    "codex_mcp_tool_call_event",
    "codex_web_search_event",
];

/// What is made from an earlier version on, or never: the page says why.
const EXCEPTIONS: [(&str, &str); 2] = [
    ("codex_turn_event", "codex_error_subreason"),
    // Commands and control tools, of turns that something triggered.
    ("codex_command_execution_event", "turn_trigger"),
];

type Members = BTreeMap<String, BTreeSet<String>>;

/// The members of each type of event, of the newest recordings as if a version had made them.
fn of_version(minor: u64) -> Members {
    let mut members = Members::new();
    for recording in recordings("0.171.0") {
        let mut messages = recording.messages();
        for message in &mut messages {
            message.text = message.text.replace("0.171.0", &format!("0.{minor}.0"));
        }
        for event in values(&replay(Sha2::default(), &messages).events) {
            let Some(event_type) = event["event_type"].as_str() else { continue };
            let names = event["event_params"]
                .as_object()
                .into_iter()
                .flat_map(|params: &serde_json::Map<_, Value>| params.keys());
            members.entry(event_type.into()).or_default().extend(names.cloned());
        }
    }
    members
}

/// The types of events that a cell of the table names.
fn types(cell: &str) -> Vec<String> {
    let mut types: Vec<_> = words(cell);
    if cell.split(", ").any(|word| word == "tools") {
        types.extend(TOOLS.map(str::to_owned));
    }
    if cell.contains("control tools") {
        types.push("codex_control_tool_call_event".into());
    }
    types
}

#[test]
fn members_begin_where_the_recordings_show_them() {
    let rows = table(&page("versions.md"), "## Where each begins");
    let minor = |cell: &str| cell.strip_prefix("0.").and_then(|minor| minor.parse::<u64>().ok()).expect("a version");
    let mut versions = BTreeMap::new();
    for (_, cells) in &rows {
        for version in [minor(&cells[0]) - 1, minor(&cells[0])] {
            versions.entry(version).or_insert_with(|| of_version(version));
        }
    }
    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    for (_, cells) in &rows {
        let (since, is_gone) = (minor(&cells[0]), cells[2].starts_with("no more"));
        let (before, from) = (&versions[&(since - 1)], &versions[&since]);
        for event_type in types(&cells[1]) {
            if cells[2] == "the event" {
                looked_at += 1;
                if before.contains_key(&event_type) || !from.contains_key(&event_type) {
                    wrong.push(format!("{event_type} does not begin with 0.{since}"));
                }
            }
            for member in words(&cells[2]) {
                if EXCEPTIONS.contains(&(&*event_type, &*member)) {
                    continue;
                }
                let has = |members: &Members| members.get(&event_type).map(|names| names.contains(&member));
                let (before, from) = (has(before), has(from));
                let Some(from) = from else { continue };
                looked_at += 1;
                if from == is_gone || before.is_some_and(|before| before != is_gone) {
                    wrong.push(format!("{event_type} {member} does not change with 0.{since}"));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(looked_at > 60, "{looked_at} were looked at");
}
