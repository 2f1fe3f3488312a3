//! The reducer and an independent model of it agree on every event of many generated sessions.

mod histories;

use std::collections::BTreeMap;

use histories::{check, histories};
use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::Output;
use turnledger_tests::golden::{Message, pipeline, recordings, values};
use turnledger_tests::history::{Options, history, words};
use turnledger_tests::model::{COVERED, Model};

/// The first message whose events are not those that the model predicts.
fn difference(messages: &[Message]) -> Option<String> {
    let (mut session, mut model, mut output) = (pipeline(Sha2::default()), Model::default(), Output::default());
    for (index, message) in messages.iter().enumerate() {
        output.clear();
        session.observe(message.at, message.connection_id, message.direction, message.text.as_bytes(), &mut output);
        output.events.retain(|event| COVERED.contains(&event.event_type()));
        let (actual, expected) = (values(&output.events), model.observe(message));
        if actual != expected {
            let list =
                |events: &[Value]| events.iter().map(|event| format!("    {event}")).collect::<Vec<_>>().join("\n");
            return Some(format!("message {index}:\n  expected\n{}\n  actual\n{}", list(&expected), list(&actual)));
        }
    }
    None
}

#[test]
fn the_reducer_does_as_the_model_says() {
    check(histories(1), |case| difference(&case.messages()).map_or(Ok(()), Err));
}

/// Agreement says something only about what happens.
#[test]
fn every_covered_event_is_generated() {
    let mut seen = BTreeMap::new();
    for seed in 0..1000 {
        let mut model = Model::default();
        for message in history(&words(seed), Options::default()) {
            for event in model.observe(&message) {
                *seen.entry(event["event_type"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
            }
        }
    }
    for event_type in COVERED {
        assert!(seen.get(event_type).is_some_and(|count| *count > 50), "{event_type} of {seen:?}");
    }
    assert_eq!(seen.len(), COVERED.len());
}

/// Real sessions of the version that the contract describes.
#[test]
fn the_model_knows_the_recordings() {
    let different: Vec<_> = recordings("0.131.0")
        .iter()
        .filter_map(|recording| Some((recording.name.clone(), difference(&recording.messages())?)))
        .collect();
    assert_eq!(different, []);
}
