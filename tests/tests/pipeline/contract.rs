//! The contract in the repository (`docs/contract`): every member is described, the pages have what they are meant to have,
//! and the code points to sections that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::{
    Session, answer, approval, ask, completed, config, error, guardian_review, initialize, item, item_completed,
    item_started, newer_initialize, notification, started, steer, steer_response, subagent, thread, verdict, with,
};
use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::event::EVENT_TYPES;
use turnledger_tests::contract::{self, Said, Schema, page, root, table};

#[test]
fn every_member_of_every_event_is_described() {
    let (faults, count) = Schema::default().faults();
    assert_eq!(faults, [""; 0], "{} of {count}", faults.len());
    assert!(count > 500, "{count} members were looked at");
}

#[test]
fn descriptions_are_read_in_parts() {
    let said = Said::of("How long it took,\nat least. Milliseconds. Null when negative. Source: the `two` times.");
    let expected = Said {
        meaning: "How long it took, at least".into(),
        unit: Some("ms"),
        null: Some("when negative".into()),
        source: "the `two` times".into(),
    };
    assert_eq!(said, Ok(expected));
    for (fault, text) in [
        ("no source", "How long it took."),
        ("no full stop", "How long it took. Source: times"),
        ("no full stop behind the meaning", "How long it took Source: times."),
    ] {
        assert_eq!(Said::of(text), Err(fault), "{text}");
    }
}

#[test]
fn every_member_of_every_fact_is_described() {
    let schema = turnledger_core::schemas::of_facts();
    let mut missing = Vec::new();
    undescribed(&schema, "", &mut missing);
    assert_eq!(missing, [""; 0]);
}

fn undescribed(schema: &Value, place: &str, missing: &mut Vec<String>) {
    match schema {
        Value::Object(keywords) => {
            for (name, member) in keywords.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if member["description"].as_str().is_none_or(str::is_empty) {
                    missing.push(format!("{place}/{name}"));
                }
            }
            keywords.iter().for_each(|(name, value)| undescribed(value, &format!("{place}/{name}"), missing));
        }
        Value::Array(schemas) => {
            schemas.iter().enumerate().for_each(|(at, value)| undescribed(value, &format!("{place}/{at}"), missing));
        }
        _ => {}
    }
}

/// `UPDATE_DOCS=1` writes it.
#[test]
fn the_page_of_events_is_made_of_the_schema() {
    contract::check_page(|event_type| {
        let example = crate::support::example(event_type);
        match event_type {
            // Codex has no such member.
            "codex_accepted_line_fingerprints" => example.replace("}}", ",\"fingerprint_scheme\":\"sha256\"}}"),
            _ => example.to_owned(),
        }
    });
}

/// The word that stands for a value in JSON.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).expect("a word").as_str().expect("a word").to_owned()
}

/// The words of the first cells of a table, once each.
fn rows(page_name: &str, heading: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (words, cells) in table(&page(page_name), heading) {
        assert!(cells.iter().all(|cell| !cell.is_empty()), "an empty cell in {page_name}: {cells:?}");
        for word in words {
            assert!(found.insert(word.clone()), "{word} stands twice in {page_name}");
        }
    }
    found
}

#[test]
fn each_discard_has_its_row() {
    assert_eq!(rows("discards.md", "## Why"), Reason::ALL.iter().map(word).collect());
    assert_eq!(rows("discards.md", "## What"), Subject::ALL.iter().map(word).collect());
    let sentences: BTreeMap<_, _> =
        table(&page("discards.md"), "## Why").into_iter().map(|(words, cells)| (words[0].clone(), cells)).collect();
    for reason in Reason::ALL {
        assert_eq!(sentences[&word(reason)][1], reason.to_string(), "the sentence that hosts print");
    }
}

/// The kinds of facts, by their names in JSON.
fn fact_kinds() -> BTreeSet<String> {
    let schema = turnledger_core::schemas::of_facts();
    let kinds = schema["oneOf"].as_array().expect("kinds of facts");
    kinds.iter().flat_map(|kind| kind["properties"].as_object().expect("a kind").keys().cloned()).collect()
}

#[test]
fn each_event_and_each_fact_has_its_row() {
    let events: BTreeSet<_> = EVENT_TYPES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(rows("facts.md", "## Which facts each event needs"), events);
    assert_eq!(rows("facts.md", "## The facts"), fact_kinds());
    // What an event needs are facts, and no fact is without an event, but the one that a policy needs.
    let mut kinds = fact_kinds();
    assert!(kinds.remove("directories_named"));
    let mut needed = BTreeSet::new();
    for (_, cells) in table(&page("facts.md"), "## Which facts each event needs") {
        let of_event: BTreeSet<_> =
            cells[1..].iter().flat_map(|cell| contract::words(cell)).filter(|word| kinds.contains(word)).collect();
        assert!(!of_event.is_empty(), "{cells:?} needs a fact");
        needed.extend(of_event);
    }
    assert_eq!(needed, kinds);
}

/// Facts that make an event: all of them are needed, in this order.
fn scenarios() -> Vec<(String, Vec<Value>)> {
    let opened = || vec![initialize(1), thread(1, "start", "T1")];
    let and = |more: Vec<Value>| [opened(), more].concat();
    let tracked = |more: Value| with(json!({ "tracking": { "thread_id": "T1", "turn_id": "turn-77" } }), more);
    let app = json!({ "connector_id": "c", "app_name": null, "invocation_type": null });
    let plugin = json!({ "plugin_name": "p", "marketplace_name": "m" });
    let diff = notification(
        "turn/diff/updated",
        json!({ "threadId": "T1", "turnId": "turn-77", "diff": "+++ b/x\n@@ -0,0 +1 @@\n+alpha" }),
    );
    let compaction = json!({ "compaction": { "thread_id": "T1", "turn_id": "turn-77", "trigger": "auto", "reason": "context_limit",
        "implementation": "responses", "phase": "mid_turn", "strategy": "memento", "status": "completed", "error": null,
        "active_context_tokens_before": 1, "active_context_tokens_after": 1, "started_at": 1, "completed_at": 1, "duration_ms": null } });
    let skill = json!({ "skill_name": "doc", "skill_scope": "user", "invocation_type": "explicit" });
    let hook = json!({ "event_name": "stop", "hook_source": "user", "status": "completed" });
    let ask_for = |kind| {
        ask(41, kind, approval("i", if kind == "permissions" { json!({ "permissions": {} }) } else { json!({}) }))
    };
    let granted = json!({ "completed_at_ms": 1_771_000_306_005_u64, "request_id": 41,
        "permissions": { "network": null, "file_system": null }, "scope": "turn" });
    let aborted = json!({ "server_request_aborted": { "completed_at_ms": 1_771_000_306_005_u64, "request_id": 41 } });
    let mut scenarios = vec![
        ("codex_thread_initialized".to_owned(), opened()),
        ("codex_thread_initialized".to_owned(), vec![subagent("T2", Value::Null, json!("review"))]),
        ("codex_turn_event".to_owned(), and(vec![config("T1", "turn-77"), completed("T1", "turn-77")])),
        (
            "codex_accepted_line_fingerprints".to_owned(),
            and(vec![config("T1", "turn-77"), diff, completed("T1", "turn-77")]),
        ),
        ("codex_turn_steer_event".to_owned(), and(vec![steer(1, 5, "T1", json!([])), steer_response(1, 5, "turn-77")])),
        ("codex_turn_steer_event".to_owned(), and(vec![steer(1, 5, "T1", json!([])), error(1, 5, Value::Null)])),
        (
            "codex_review_event".to_owned(),
            and(vec![ask_for("fileChange"), answer(41, json!({ "file_change_approval": "accept" }))]),
        ),
        (
            "codex_review_event".to_owned(),
            and(vec![ask_for("permissions"), json!({ "effective_permissions_approval_response": granted })]),
        ),
        ("codex_review_event".to_owned(), and(vec![ask_for("commandExecution"), aborted])),
        ("codex_review_event".to_owned(), and(vec![verdict(Value::Null, json!({ "type": "applyPatch" }), json!({}))])),
        ("codex_guardian_review".to_owned(), and(vec![guardian_review("T1")])),
        ("codex_compaction_event".to_owned(), and(vec![compaction])),
        ("skill_invocation".to_owned(), vec![json!({ "skill_invoked": tracked(json!({ "invocations": [skill] })) })]),
        ("codex_app_mentioned".to_owned(), vec![json!({ "app_mentioned": tracked(json!({ "mentions": [app] })) })]),
        ("codex_app_used".to_owned(), vec![json!({ "app_used": tracked(json!({ "app": app })) })]),
        ("codex_plugin_used".to_owned(), vec![json!({ "plugin_used": tracked(json!({ "plugin": plugin })) })]),
        ("codex_hook_run".to_owned(), vec![json!({ "hook_run": tracked(hook) })]),
    ];
    scenarios.extend(newer_scenarios());
    for state in ["installed", "uninstalled", "enabled", "disabled"] {
        let fact = json!({ "plugin_state_changed": { "plugin": plugin, "state": state } });
        scenarios.push((format!("codex_plugin_{state}"), vec![fact]));
    }
    for (kind, event_type) in [
        ("commandExecution", "codex_command_execution_event"),
        ("fileChange", "codex_file_change_event"),
        ("mcpToolCall", "codex_mcp_tool_call_event"),
        ("dynamicToolCall", "codex_dynamic_tool_call_event"),
        ("collabAgentToolCall", "codex_collab_agent_tool_call_event"),
        ("webSearch", "codex_web_search_event"),
        ("imageGeneration", "codex_image_generation_event"),
    ] {
        let item = item(kind);
        let facts = vec![
            started("T1", "turn-77"),
            item_started("T1", "turn-77", 1000, &item),
            item_completed("T1", "turn-77", 2000, &item),
        ];
        scenarios.push((event_type.to_owned(), and(facts)));
    }
    scenarios
}

/// Facts that only servers after 0.131 have.
fn newer_scenarios() -> Vec<(String, Vec<Value>)> {
    let opened = |fact: Value| vec![initialize(1), thread(1, "start", "T1"), fact];
    let alone = |fact: Value| vec![fact];
    let tracking = json!({ "thread_id": "T1", "turn_id": "turn-77" });
    let import = json!({ "import_id": "i", "source": "settings", "provider_id": "", "type": "SKILLS" });
    let v2 = json!({ "thread_id": "T1", "turn_id": "turn-77", "item_id": null, "model": null, "occurred_at_ms": 5 });
    let call = json!({ "thread_id": "T1", "turn_id": "turn-77", "item_id": "i", "originator": "o", "model_slug": null,
        "reasoning_effort": null, "plugin_id": "p@m", "execution_id": "e", "operation": "render" });
    [
        (
            "codex_goal_event",
            opened(json!({ "goal_changed": { "thread_id": "T1", "turn_id": null, "goal_id": "g", "event_kind": "created",
                "goal_status": "active", "has_token_budget": false, "cumulative_tokens_accounted": null,
                "cumulative_time_accounted_seconds": null } })),
        ),
        (
            "codex_thread_archive_event",
            alone(json!({ "thread_archived": { "thread_id": "T9", "action": "archived", "occurred_at_ms": 5 } })),
        ),
        (
            "codex_thread_hint_status",
            opened(json!({ "thread_hinted": { "thread_id": "T1", "status": "failed", "occurred_at_ms": 5 } })),
        ),
        (
            "codex_plugin_install_failed",
            alone(json!({ "plugin_install_failed": { "plugin": { "plugin_name": "p", "marketplace_name": "m" },
                "source": "manual", "error_type": null, "sub_error_type": null } })),
        ),
        (
            "codex_plugin_install_requested",
            alone(json!({ "plugin_install_requested": { "tracking": tracking, "suggestion_id": "s",
                "source": "legacy_discovery", "plugins": [] } })),
        ),
        (
            "codex_plugin_measurement_event",
            alone(json!({ "plugin_measured": with(call, json!({ "rows": [
                { "measurement_name": "pages", "number_value": 12.5, "dimensions": null }] })) })),
        ),
        (
            "codex_artifact_operation",
            alone(json!({ "artifact_operated": { "tracking": tracking, "item_id": "i", "lifecycle": "started",
                "occurred_at_ms": 5, "plugin_id": "p@m", "skill": "s", "artifact_type": "a", "operation_kind": "create",
                "expected_output_count": 1, "output_format": "pdf", "execution_backend": "local" } })),
        ),
        (
            "codex_guardian_v2_classification",
            opened(json!({ "guardian_v2_classified": with(v2.clone(), json!({ "guardian_context_mode": "thread_owned",
                "outcome": "allow", "risk_level": "low", "duration_ms": 1 })) })),
        ),
        (
            "codex_guardian_v2_fast_decision",
            opened(json!({ "guardian_v2_decided": with(v2, json!({ "decision": "approved" })) })),
        ),
        (
            "codex_onboarding_external_agent_import_complete",
            alone(json!({ "agent_import_completed": with(import.clone(), json!({ "success_count": 1, "failed_count": 0 })) })),
        ),
        (
            "codex_onboarding_external_agent_import_failure",
            alone(json!({ "agent_import_failed": with(import, json!({ "failure_stage": "write", "error_type": "io",
                "sub_error_type": null })) })),
        ),
        (
            "codex_control_tool_call_event",
            vec![
                newer_initialize(1),
                thread(1, "start", "T1"),
                item_started("T1", "turn-77", 1000, &json!({ "type": "imageView", "id": "i" })),
                item_completed("T1", "turn-77", 2000, &json!({ "type": "imageView", "id": "i" })),
            ],
        ),
    ]
    .map(|(event_type, facts)| (event_type.to_owned(), facts))
    .into()
}

/// The types of the events that come of facts.
fn types_of(facts: impl Iterator<Item = Value>) -> BTreeSet<String> {
    let mut session = Session::empty();
    facts.flat_map(|fact| session.fact(fact).0).map(|event| event["event_type"].as_str().unwrap_or("").into()).collect()
}

/// Without any one of the facts that the table names there is no event.
#[test]
fn each_event_needs_what_the_table_says() {
    let table = table(&page("facts.md"), "## Which facts each event needs");
    let mut tried = BTreeSet::new();
    for (event_type, facts) in scenarios() {
        assert!(types_of(facts.iter().cloned()).contains(&event_type), "{event_type} of {facts:?}");
        for without in 0..facts.len() {
            let rest = facts.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, fact)| fact.clone());
            assert!(!types_of(rest).contains(&event_type), "{event_type} without {}", facts[without]);
        }
        let (_, cells) = table.iter().find(|(words, _)| words.contains(&event_type)).expect("a row");
        let said = contract::words(&cells[1]);
        for fact in facts.iter().filter_map(Value::as_object).flat_map(|fact| fact.keys()) {
            // A thread is said by its word, and accepted lines by their turn's event.
            let is_said = said.contains(fact)
                || fact == "client_response" && cells[1].contains("the thread")
                || said.contains(&"codex_turn_event".to_owned());
            assert!(is_said, "{event_type}: {fact} is not in its row");
        }
        tried.insert(event_type);
    }
    assert_eq!(tried, EVENT_TYPES.iter().map(|name| (*name).to_owned()).collect());
}

/// Every place in code, tests and docs that names a page of the contract names one that there is, and a section in it.
#[test]
fn references_lead_somewhere() {
    let mut files = Vec::new();
    for folder in ["core", "native-host", "wasm", "tests", "fuzz", "docs"] {
        source_files(&root().join(folder), &mut files);
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        // What breaks over a line is one text all the same.
        let text = text.replace("\n//! ", " ").replace("/// ", " ").replace('\n', " ");
        for name in PAGES {
            for (at, _) in text.match_indices(&format!("`{DIRECTORY}{name}`")) {
                count += 1;
                let rest = &text[at + DIRECTORY.len() + name.len() + 2..];
                wrong.extend(
                    sections(rest)
                        .filter(|section| !has_section(name, section))
                        .map(|section| format!("{}: {name} has no section {section}", file.display())),
                );
            }
            let bare = text.match_indices(&format!("`{name}`")).count();
            let bare = bare + text.match_indices(&format!(" {name} ")).count();
            if bare > 0 && !file.starts_with(root().join("docs")) {
                wrong.push(format!("{}: {name} without its folder", file.display()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(count > 100, "{count} references were looked at");
}

const DIRECTORY: &str = "docs/contract/";
const PAGES: [&str; 5] = ["wire.md", "facts.md", "events.md", "rules.md", "derived.md"];

/// The sections that follow the name of a page: `3`, `8.2 to 8.7`, `2.2, 2.3, 9.1`.
fn sections(text: &str) -> impl Iterator<Item = String> {
    let is_part =
        |word: &&str| word.starts_with(|letter: char| letter.is_ascii_digit()) || matches!(*word, "to" | "and");
    let words = text.split_whitespace().take_while(|word| is_part(word) || word.is_empty());
    let numbers = words.filter(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    numbers
        .map(|word| word.trim_end_matches(|letter: char| !letter.is_ascii_digit()).to_owned())
        .collect::<Vec<_>>()
        .into_iter()
}

fn has_section(name: &str, section: &str) -> bool {
    let is_heading = |line: &str| {
        let title = line.trim_start_matches('#').trim_start();
        line.starts_with('#')
            && title.split_whitespace().next().map(|number| number.trim_end_matches('.')) == Some(section)
    };
    page(name).lines().any(is_heading)
}

fn source_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if entry.is_dir() {
            if !["target", "node_modules", "golden", "dist", "generated", "histories"].contains(&name) {
                source_files(&entry, files);
            }
        } else if [".rs", ".ts", ".tsx", ".md", ".mjs"].iter().any(|ending| name.ends_with(ending)) {
            files.push(entry);
        }
    }
}
