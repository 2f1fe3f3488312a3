//! The schemas take the contract's examples, and nothing that is not of their form.

use crate::support::{FACTS, example, guardian_review, verdict};
use serde_json::{Value, json};
use turnledger_core::{Event, Id, schemas as schema};

fn event(event_type: &str) -> Value {
    let mut event: Value = serde_json::from_str(example(event_type)).expect("an example");
    if event_type == "codex_accepted_line_fingerprints" {
        // Beyond the contract.
        event["event_params"]["fingerprint_scheme"] = json!("sha256");
    }
    event
}

#[test]
fn events() {
    let validator = jsonschema::validator_for(&schema::of_events()).expect("a schema");
    let takes = |event_type: &str, pointer: &str, value: Value| {
        let mut event = event(event_type);
        *event.pointer_mut(pointer).unwrap_or_else(|| panic!("{event_type} has {pointer}")) = value;
        validator.is_valid(&event)
    };
    for (event_type, pointer, fitting, wrong) in [
        ("codex_thread_initialized", "/event_params/thread_source", json!("automation"), json!(7)),
        ("codex_thread_initialized", "/event_type", json!("codex_thread_initialized"), json!("codex_thread")),
        ("codex_turn_event", "/event_params/turn_error", json!("badRequest"), json!("two words")),
        ("codex_turn_event", "/event_params/turn_error", Value::Null, json!({ "one": 1, "two": 2 })),
        ("codex_accepted_line_fingerprints", "/event_params/repo_hash", json!("0af9"), json!("XYZ")),
        ("skill_invocation", "/skill_name", json!("doc"), Value::Null),
        ("skill_invocation", "/event_params/turn_id", json!("u"), json!(7)),
    ] {
        assert!(takes(event_type, pointer, fitting.clone()), "{event_type} {pointer} {fitting}");
        assert!(!takes(event_type, pointer, wrong.clone()), "{event_type} {pointer} {wrong}");
    }
    for event_type in ["codex_hook_run", "skill_invocation"] {
        let mut more = event(event_type);
        more["more"] = json!(1);
        assert!(!validator.is_valid(&more), "{event_type}");
    }
}

/// What a reader of the schema finds by `x-ids` is what [`Event::ids`] says.
#[test]
fn ids_stand_where_the_schema_says() {
    let schema = schema::of_events();
    for shape in schema["oneOf"].as_array().expect("events") {
        let event_type = shape["properties"]["event_type"]["const"].as_str().expect("a type");
        let json = event(event_type);
        let read: Event = serde_json::from_value(json.clone()).expect("an event");
        let ids = read.ids();
        let said = [
            ("thread_id", ids.thread_id),
            ("turn_id", ids.turn_id),
            ("item_id", ids.item_id),
            ("review_id", ids.review_id),
        ];
        for (id, said) in said {
            let found = shape["x-ids"][id].as_str().map(|member| &json["event_params"][member]);
            assert_eq!(found.and_then(Value::as_str), said.map(Id::as_str), "{event_type} {id}: {found:?}");
        }
        assert_eq!(shape["x-label"], read.label());
    }
}

#[test]
fn facts() {
    let reviewed = |action: Value| FACTS.is_valid(&verdict(json!("i"), action, json!({})));
    for (action, is_valid) in [
        (json!({ "type": "networkAccess", "protocol": "https", "port": 443 }), true),
        (json!({ "type": "networkAccess", "protocol": "https", "port": "443" }), false),
        (json!({ "type": "newer", "port": "443" }), true),
        (json!({ "port": 443 }), false),
    ] {
        assert_eq!(reviewed(action.clone()), is_valid, "{action}");
    }
    let reads = |path: &str| {
        let permissions = json!({ "network": null, "file_system": { "read": [path] } });
        let action =
            json!({ "type": "shell", "sandbox_permissions": "use_default", "additional_permissions": permissions });
        let mut fact = guardian_review("T");
        fact["guardian_review"]["reviewed_action"] = action;
        FACTS.is_valid(&fact)
    };
    assert_eq!((reads("[path]"), reads("/etc/passwd")), (true, false));
}
