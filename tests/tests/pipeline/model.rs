//! The reducer and an independent model of it agree on every event of many generated sessions.

use std::collections::BTreeMap;

use crate::histories::{check, histories};
use turnledger_core::event::EVENT_TYPES;
use turnledger_tests::agreement::{difference, difference_in};
use turnledger_tests::golden::{VERSIONS, recordings};
use turnledger_tests::history::facts::{Input, with_facts};
use turnledger_tests::history::{Options, history, server, words};
use turnledger_tests::model::Model;

#[test]
fn the_reducer_does_as_the_model_says() {
    check(histories(1), |case| difference(&case.messages()).map_or(Ok(()), Err));
}

/// Whoever joins in the middle has missed who the clients are, how threads were opened and what was asked.
#[test]
fn they_agree_from_any_message_on() {
    check(histories(2), |case| {
        let messages = case.messages();
        difference(&messages[case.choose(messages.len())..]).map_or(Ok(()), Err)
    });
}

/// A host that sees messages may know more, and says it by facts.
#[test]
fn they_agree_where_a_host_says_more() {
    check(histories(2), |case| difference_in(&with_facts(case.messages(), &case.more)).map_or(Ok(()), Err));
}

/// Agreement says something only about what happens.
#[test]
fn every_event_is_generated() {
    let mut seen = BTreeMap::new();
    for seed in 0..1000 {
        let mut model = Model::default();
        let messages = history(&words(seed), Options { server: server(seed), ..Options::default() });
        for input in with_facts(messages, &words(seed + 1000)) {
            let events = match &input {
                Input::Message(message) => model.observe(message),
                Input::Fact(at, fact) => model.learn(*at, fact),
            };
            for event in events {
                *seen.entry(event["event_type"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
            }
        }
    }
    for event_type in EVENT_TYPES {
        assert!(seen.get(*event_type).is_some_and(|count| *count > 20), "{event_type} of {seen:?}");
    }
}

/// Real sessions of the version that the contract describes, and of the newest.
#[test]
fn the_model_knows_the_recordings() {
    let different: Vec<_> = VERSIONS
        .into_iter()
        .flat_map(recordings)
        .filter_map(|recording| Some((recording.name.clone(), difference(&recording.messages())?)))
        .collect();
    assert_eq!(different, []);
}
