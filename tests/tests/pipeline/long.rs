//! Ids and names that are longer than any: names are cut, and what bears a longer id is discarded.

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::{Fact, MAX_ID_BYTES, MAX_NAME_BYTES, Output, UnixMillis};
use turnledger_tests::golden::{Message, VERSIONS, pipeline, recording, recordings, replay, types, values};

/// Every string in a value.
fn strings<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(elements) => elements.iter().for_each(|element| strings(element, found)),
        Value::Object(members) => members.values().for_each(|member| strings(member, found)),
        _ => {}
    }
}

/// Makes every name in a message longer, by its member.
fn with_long_names(value: &mut Value, more: &str) {
    const NAMES: [&str; 12] = [
        "version",
        "model",
        "modelProvider",
        "server",
        "tool",
        "toolName",
        "toolTitle",
        "connectorId",
        "connectorName",
        "displayName",
        "title",
        "userAgent",
    ];
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_name = NAMES.contains(&name.as_str()) || name == "name";
                match member {
                    Value::String(text) if is_name && !text.is_empty() => text.push_str(more),
                    member => with_long_names(member, more),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| with_long_names(element, more)),
        _ => {}
    }
}

/// As many events of the same types come out, and no text in them is longer than a name.
#[test]
fn names_are_cut() {
    for version in VERSIONS {
        for recording in recordings(version) {
            let messages = recording.messages();
            let expected = values(&replay(Sha2::default(), &messages).events);
            for more in ["x".repeat(100_000), "\u{1f600}\n".repeat(1000)] {
                let long: Vec<_> = messages
                    .iter()
                    .map(|message| {
                        let mut value: Value = serde_json::from_str(&message.text).expect("a message");
                        // The tools of a collaboration are words, and so is the answer's own version of it.
                        if value["params"]["item"]["type"] != "collabAgentToolCall" {
                            with_long_names(&mut value, &more);
                        }
                        Message { text: value.to_string(), ..message.clone() }
                    })
                    .collect();
                let events = values(&replay(Sha2::default(), &long).events);
                assert_eq!(types(&events), types(&expected), "{version} {}", recording.name);
                let mut found = Vec::new();
                for event in &events {
                    strings(event, &mut found);
                }
                let longest = found.iter().map(|text| text.len()).max().unwrap_or_default();
                assert!(longest <= MAX_NAME_BYTES, "{version} {}: {longest}", recording.name);
                let is_cut = |text: &&&str| text.len() > MAX_NAME_BYTES - 4;
                assert!(found.iter().filter(is_cut).count() >= 2 * events.len().min(1), "{}", recording.name);
            }
        }
    }
}

/// Replaces an id wherever it stands.
fn with_id(messages: &[Message], id: &str, other: &str) -> Vec<Message> {
    let (id, other) = (Value::from(id).to_string(), Value::from(other).to_string());
    messages.iter().map(|message| Message { text: message.text.replace(&id, &other), ..message.clone() }).collect()
}

/// The ids in a session, and what is discarded when one is too long.
fn ids_of(messages: &[Message]) -> Vec<(String, &'static [Subject])> {
    let mut ids: Vec<(String, &'static [Subject])> = Vec::new();
    for message in messages {
        let value: Value = serde_json::from_str(&message.text).expect("a message");
        for (pointer, subjects) in [
            ("/params/threadId", &[Subject::Request, Subject::Turn, Subject::Item] as &[Subject]),
            ("/params/turn/id", &[Subject::Turn, Subject::Item]),
            ("/params/item/id", &[Subject::Item]),
            ("/params/itemId", &[Subject::Review]),
            ("/params/reviewId", &[Subject::Review, Subject::GuardianReview]),
        ] {
            let is_tool = value
                .pointer("/params/item/type")
                .is_none_or(|kind| kind == "commandExecution" || kind == "fileChange");
            if let Some(id) = value.pointer(pointer).and_then(Value::as_str).filter(|_| is_tool)
                && ids.iter().all(|(known, _)| known != id)
            {
                ids.push((id.to_owned(), subjects));
            }
        }
    }
    ids
}

#[test]
fn what_bears_a_long_id_is_discarded() {
    let mut seen = Vec::new();
    for version in VERSIONS {
        for recording in recordings(version) {
            let messages = recording.messages();
            let whole = replay(Sha2::default(), &messages);
            for (id, subjects) in ids_of(&messages) {
                // As long as can be, it is an id like any other.
                let longest = format!("{id}{}", "x".repeat(MAX_ID_BYTES - id.len()));
                let kept = replay(Sha2::default(), &with_id(&messages, &id, &longest));
                let expected: Vec<_> =
                    whole.events.iter().map(|event| event.to_string().replace(&id, &longest)).collect();
                let of = |output: &Output| output.events.iter().map(ToString::to_string).collect::<Vec<_>>();
                assert_eq!(of(&kept).len(), expected.len(), "{} {id}", recording.name);
                assert_eq!(kept.discards.len(), whole.discards.len(), "{} {id}", recording.name);

                for long in [format!("{longest}x"), format!("{id}{}", "\u{8a9e}".repeat(100))] {
                    let without = replay(Sha2::default(), &with_id(&messages, &id, &long));
                    assert!(
                        of(&without).iter().all(|event| !event.contains(&format!("\"{id}xx"))),
                        "{}",
                        recording.name
                    );
                    let reasons: Vec<_> =
                        without.discards.iter().filter(|discard| discard.reason == Reason::LongId).collect();
                    assert!(!reasons.is_empty(), "{} {id}", recording.name);
                    for discard in reasons {
                        seen.push(discard.subject);
                        let ids = &discard.ids;
                        for id in [&ids.thread_id, &ids.turn_id, &ids.item_id].into_iter().flatten() {
                            assert!(id.len() <= MAX_NAME_BYTES);
                        }
                    }
                    let of_subject = |subject: &Subject| {
                        without
                            .discards
                            .iter()
                            .any(|discard| discard.subject == *subject && discard.reason == Reason::LongId)
                    };
                    assert!(subjects.iter().any(of_subject), "{} {id} {:?}", recording.name, without.discards);
                }
            }
        }
    }
    for subject in [
        Subject::Turn,
        Subject::Item,
        Subject::Review,
        Subject::Request,
        Subject::Thread,
        Subject::Diff,
        Subject::Compaction,
    ] {
        assert!(seen.contains(&subject), "{subject}");
    }
}

/// A request's own id: the message is discarded, and those around it are not.
#[test]
fn a_request_with_a_long_id() {
    let messages = recording("0.131.0", "plain_turn").messages();
    let expected = values(&replay(Sha2::default(), &messages).events);
    let long = "r".repeat(MAX_ID_BYTES + 1);
    let mut more = Vec::new();
    for message in &messages {
        more.push(message.clone());
        let mut value: Value = serde_json::from_str(&message.text).expect("a message");
        if value.get("id").is_some() {
            value["id"] = long.as_str().into();
            more.push(Message { text: value.to_string(), ..message.clone() });
        }
    }
    let output = replay(Sha2::default(), &more);
    assert_eq!(values(&output.events), expected);
    let discards: Vec<_> = output.discards.iter().map(|discard| (discard.subject, discard.reason)).collect();
    assert_eq!(discards, vec![(Subject::Message, Reason::LongId); more.len() - messages.len()]);
}

/// Facts of a host that makes them itself.
#[test]
fn facts_with_long_ids() {
    let long = "x".repeat(MAX_ID_BYTES + 1);
    let tracking = json!({ "thread_id": "t", "turn_id": long });
    for (fact, subject) in [
        (
            json!({ "app_used": { "tracking": tracking, "app": { "connector_id": null, "app_name": null, "invocation_type": null } } }),
            Subject::App,
        ),
        (
            json!({ "hook_run": { "tracking": tracking, "event_name": "stop", "hook_source": "user", "status": "completed" } }),
            Subject::Hook,
        ),
        (json!({ "skill_invoked": { "tracking": tracking, "invocations": [] } }), Subject::Skill),
        (
            json!({ "plugin_used": { "tracking": tracking, "plugin": { "plugin_name": "p", "marketplace_name": "m" } } }),
            Subject::Plugin,
        ),
        (json!({ "server_request_aborted": { "completed_at_ms": 1, "request_id": long } }), Subject::Review),
        (json!({ "error_response": { "connection_id": 1, "request_id": long, "error_type": null } }), Subject::Request),
        (
            json!({ "turn_token_usage": { "turn_id": "u", "thread_id": long, "input_tokens": 1, "cached_input_tokens": 1, "output_tokens": 1, "reasoning_output_tokens": 1, "total_tokens": 1 } }),
            Subject::Turn,
        ),
    ] {
        let text = fact.to_string();
        let fact = Fact::from_json(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
        session.ingest(UnixMillis(1), fact, &mut output);
        let discards: Vec<_> = output.discards.iter().map(|discard| (discard.subject, discard.reason)).collect();
        assert_eq!((output.events.len(), discards), (0, vec![(subject, Reason::LongId)]), "{text}");
        assert_eq!(session.stats().discards.get(&(subject, Reason::LongId)), Some(&1));
    }
}

/// A client's name of 2 MB is in each of its events.
#[test]
fn a_client_name_of_two_megabytes() {
    let mut messages = recording("0.131.0", "plain_turn").messages();
    for message in &mut messages {
        let mut value: Value = serde_json::from_str(&message.text).expect("a message");
        if value["method"] == "initialize" {
            value["params"]["clientInfo"]["name"] = "n".repeat(2 << 20).into();
            message.text = value.to_string();
        }
    }
    let events = replay(Sha2::default(), &messages).events;
    assert!(!events.is_empty());
    for event in events {
        let text = event.to_string();
        assert!(text.len() < 5000, "{} bytes", text.len());
        assert!(text.contains(&format!("\"client_name\":\"{}\"", "n".repeat(MAX_NAME_BYTES))), "{text}");
    }
}
