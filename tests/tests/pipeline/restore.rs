//! A session that is saved and restored, or recorded as facts, goes on as if nothing had been.

use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::{Observation, ObserverLimits};
use turnledger_core::{Digest, Fact, Limits, Observer, Output, Pipeline, RestoreError};
use turnledger_tests::golden::{Recording, answer, feed, pipeline, recording, recordings, replay, values};

fn all() -> impl Iterator<Item = Recording> {
    ["0.131.0", "0.169.0", "0.171.0"].into_iter().flat_map(recordings)
}

#[test]
fn restored_after_every_message() {
    for recording in all() {
        let messages = recording.messages();
        let mut session = pipeline(Sha2::default());
        let mut output = Output::default();
        for message in &messages {
            feed(&mut session, message, &mut output);
            session =
                Pipeline::restore(Sha2::default(), Limits::default(), &session.snapshot()).expect("its own snapshot");
        }
        let last = messages.last().expect("a message").at;
        session.finish(last, &mut output);
        let uninterrupted = replay(Sha2::default(), &messages);
        let without_places =
            |output: &Output| values(&output.events).into_iter().map(without_place).collect::<Vec<_>>();
        assert_eq!(without_places(&output), without_places(&uninterrupted), "{}", recording.name);
        assert_eq!(output.discards, uninterrupted.discards, "{}", recording.name);
    }
}

/// Where a skill lies is a path until its turn is accepted, and a snapshot holds no path: a break
/// between request and response leaves the skill's place unknown.
fn without_place(mut event: Value) -> Value {
    if event["event_type"] == "skill_invocation" {
        event["skill_id"] = Value::Null;
        event["event_params"]["repo_url"] = Value::Null;
    }
    event
}

#[test]
fn a_snapshot_holds_no_line_of_a_diff() {
    let mut looked = 0;
    for recording in all() {
        let mut session = pipeline(Sha2::default());
        let mut output = Output::default();
        for message in recording.messages() {
            feed(&mut session, &message, &mut output);
            let value: Value = serde_json::from_str(&message.text).expect("a message");
            if let Some(diff) = value["params"]["diff"].as_str().filter(|_| value["method"] == "turn/diff/updated") {
                let snapshot = session.snapshot();
                for line in diff.lines().filter(|line| line.len() > 8) {
                    assert!(!snapshot.contains(line) && !snapshot.contains(&line[1..]), "{}: {line}", recording.name);
                    looked += 1;
                }
            }
        }
    }
    assert!(looked > 100, "{looked} lines");
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let restore =
        |text: &str| Pipeline::restore(Sha2::default(), Limits::default(), text).map(|_| ()).expect_err("no snapshot");
    let mut session = pipeline(Sha2::default());
    for message in recording("0.131.0", "plain_turn").messages() {
        feed(&mut session, &message, &mut Output::default());
    }
    let snapshot = session.snapshot();
    for end in [0, 1, snapshot.len() / 2, snapshot.len() - 1] {
        assert!(matches!(restore(&snapshot[..end]), RestoreError::Damaged { .. }), "cut at {end}");
    }
    assert_eq!(restore(r#"{"version":999,"anything":[]}"#), RestoreError::Version { found: 999 });
    assert_eq!(restore(r#"{"version":1}"#).to_string(), "the snapshot has version 1, this program reads version 5");
}

#[test]
fn hashes_of_two_schemes_do_not_mix() {
    let keyed = Sha2::keyed(b"the key of an organisation").expect("a key that is long enough");
    let snapshot = pipeline(keyed.clone()).snapshot();
    assert!(Pipeline::restore(keyed.clone(), Limits::default(), &snapshot).is_ok());
    let refused = Pipeline::restore(Sha2::default(), Limits::default(), &snapshot).expect_err("another scheme");
    assert_eq!(refused, RestoreError::Scheme { found: keyed.scheme(), wanted: Sha2::default().scheme() });
    // The same lines, and nothing to compare them by.
    let hashes = |digest: Sha2| {
        let events = values(&replay(digest, &recording("0.131.0", "approve_patch").messages()).events);
        let params = events.last().expect("accepted lines")["event_params"].clone();
        (params["fingerprint_scheme"].clone(), params["repo_hash"].clone(), params["line_fingerprints"].clone())
    };
    let ((plain, plain_repo, plain_lines), (with_key, keyed_repo, keyed_lines)) =
        (hashes(Sha2::default()), hashes(keyed.clone()));
    assert_eq!((plain, with_key), ("sha256".into(), keyed.scheme().as_str().into()));
    assert_ne!(plain_repo, keyed_repo);
    let (plain_lines, keyed_lines) = (plain_lines.as_array().expect("a list"), keyed_lines.as_array().expect("a list"));
    assert_eq!(plain_lines.len(), keyed_lines.len());
    assert!(plain_lines.iter().all(|line| !keyed_lines.contains(line)));
}

#[test]
fn two_runs_give_the_same_bytes() {
    for recording in all() {
        let text = || {
            replay(Sha2::default(), &recording.messages()).events.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(text(), text(), "{}", recording.name);
    }
}

/// Facts as an app-server records them: written as JSON, read again, and reduced.
#[test]
fn facts_written_and_read_again() {
    for recording in all() {
        let messages = recording.messages();
        let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
        let mut session = pipeline(Sha2::default());
        let mut output = Output::default();
        for message in &messages {
            let mut observed = Observation::default();
            let text = message.text.as_bytes();
            observer.observe(message.at, message.connection_id, message.direction, text, &mut observed);
            for fact in observed.facts {
                let written = fact.to_private_json();
                let read =
                    Fact::from_json(written.expose()).unwrap_or_else(|error| panic!("{error}: {}", written.expose()));
                session.ingest(message.at, read, &mut output);
            }
            answer(&mut session, message.at, &mut output);
        }
        session.finish(messages.last().expect("a message").at, &mut output);
        assert_eq!(values(&output.events), values(&replay(Sha2::default(), &messages).events), "{}", recording.name);
    }
}

/// Events that were written read back to themselves.
#[test]
fn events_written_and_read_again() {
    for recording in all() {
        for event in replay(Sha2::default(), &recording.messages()).events {
            let read: turnledger_core::Event = serde_json::from_str(&event.to_string()).expect("an event");
            assert_eq!(read, event, "{}", recording.name);
        }
    }
}
