//! Facts and events in formats that are not JSON, and within types of a host's own.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::{
    Event, Fact, Observation, Observer, Stats, event::common::RpcTransport, observer::ObserverLimits,
};
use turnledger_tests::golden::{recording, replay};

/// What a value becomes on its way through CBOR and `MessagePack`.
fn there_and_back<T: Serialize + DeserializeOwned>(value: &T) -> [T; 2] {
    let mut cbor = Vec::new();
    ciborium::into_writer(value, &mut cbor).expect("CBOR");
    let pack = rmp_serde::to_vec(value).expect("MessagePack");
    [ciborium::from_reader(&cbor[..]).expect("CBOR"), rmp_serde::from_slice(&pack).expect("MessagePack")]
}

#[test]
fn events_and_counts_of_every_recording_pass_through_other_formats() {
    for name in ["approve_command", "guardian", "mcp_tools", "mixed_long", "patch_files", "skills", "subagents"] {
        let messages = recording("0.131.0", name).messages();
        let events = replay(Sha2::default(), &messages).events;
        assert!(!events.is_empty(), "{name}");
        for event in &events {
            assert_eq!(there_and_back(event), [event.clone(), event.clone()]);
            // The order of the members stays.
            let mut written = String::new();
            event.write_json(&mut written);
            assert_eq!(serde_json::to_string(event).expect("JSON"), written);
        }
    }
    let mut stats = Stats::default();
    stats.messages = u64::MAX;
    assert_eq!(there_and_back(&stats), [stats.clone(), stats]);
}

/// Facts are read from any format; those that hold a path or a diff are written by `to_private_json` alone.
#[test]
fn facts_are_read_from_other_formats() {
    let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
    let mut observed = Observation::default();
    for message in recording("0.131.0", "mixed_long").messages() {
        observer.observe(message.at, message.connection_id, message.direction, message.text.as_bytes(), &mut observed);
    }
    assert!(observed.facts.len() > 20);
    for fact in observed.facts {
        let value: Value = serde_json::from_str(fact.to_private_json().expose()).expect("JSON");
        let mut cbor = Vec::new();
        ciborium::into_writer(&value, &mut cbor).expect("CBOR");
        let pack = rmp_serde::to_vec(&value).expect("MessagePack");
        assert_eq!(ciborium::from_reader::<Fact, _>(&cbor[..]).expect("CBOR"), fact);
        assert_eq!(rmp_serde::from_slice::<Fact>(&pack).expect("MessagePack"), fact);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    source: String,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Event(Box<Event>),
    Other(u64),
}

#[test]
fn hosts_take_them_into_types_of_their_own() {
    let events = replay(Sha2::default(), &recording("0.131.0", "plain_turn").messages()).events;
    for event in events {
        let line = Line { source: "here".into(), event };
        let written = serde_json::to_string(&line).expect("JSON");
        assert_eq!(serde_json::from_str::<Line>(&written).expect("a line"), line);
        let either = Either::Event(Box::new(line.event));
        let written = serde_json::to_string(&either).expect("JSON");
        assert_eq!(serde_json::from_str::<Either>(&written).expect("an event"), either);
    }
    assert_eq!(serde_json::from_str::<Either>("7").expect("a number"), Either::Other(7));
}

/// What is wrong in another format is said without a place, in JSON with it.
#[test]
fn errors_say_what_is_wrong() {
    let error = serde_json::from_str::<Fact>("{\n\"hook_run\": 7}").expect_err("no fact");
    assert!(error.line() > 0, "{error}");
    let mut cbor = Vec::new();
    ciborium::into_writer(&7, &mut cbor).expect("CBOR");
    assert!(ciborium::from_reader::<Fact, _>(&cbor[..]).is_err());
}
