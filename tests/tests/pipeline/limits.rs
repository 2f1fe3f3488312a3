//! What leaks is bounded: abandoned requests, items, approvals and turns, by number and by time.

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::ObserverLimits;
use turnledger_core::{Cap, Direction, Limits, Output, Pipeline, UnixMillis, reducer};
use turnledger_tests::golden;
use turnledger_tests::mix::{Size, session};

const DAY: u64 = 24 * 60 * 60 * 1000;

fn observe(session: &mut Pipeline<Sha2>, at: u64, direction: Direction, message: &Value, output: &mut Output) {
    session.observe(UnixMillis(at), 1, direction, message.to_string().as_bytes(), output).expect("a message");
}

fn abandoned(index: u64) -> [(Direction, Value); 3] {
    let (thread, turn, item) = (format!("t{}", index % 7), format!("u{index}"), format!("i{index}"));
    let ids = json!({ "threadId": thread, "turnId": turn, "itemId": item, "startedAtMs": index });
    let item = json!({ "type": "fileChange", "id": item, "changes": [], "status": "inProgress" });
    [
        (
            Direction::ClientToServer,
            json!({ "id": index, "method": "turn/start", "params": { "threadId": thread, "input": [] } }),
        ),
        (Direction::ServerToClient, json!({ "id": index, "method": "item/fileChange/requestApproval", "params": ids })),
        (
            Direction::ServerToClient,
            json!({ "method": "item/started", "params": { "threadId": thread, "turnId": turn, "startedAtMs": index, "item": item } }),
        ),
    ]
}

/// A million each of requests, approvals and items that nothing ever answers or completes.
#[test]
fn a_million_abandoned_things() {
    let cap = Cap::new(1000, DAY);
    let limits = Limits::default()
        .observer(ObserverLimits::default().requests(cap).approvals(cap).turns(cap))
        .reducer(reducer::Limits::default().requests(cap).reviews(cap).items(cap).turns(cap));
    let mut session = Pipeline::new(Sha2::default(), RpcTransport::Stdio, limits);
    let mut output = Output::default();
    let mut sizes = Vec::new();
    for index in 0..1_000_000 {
        for (direction, message) in abandoned(index) {
            observe(&mut session, index, direction, &message, &mut output);
        }
        output.clear();
        if index % 250_000 == 249_999 {
            sizes.push(session.snapshot().len());
        }
    }
    let smallest = sizes.iter().min().copied().unwrap_or_default();
    let largest = sizes.iter().max().copied().unwrap_or_default();
    assert!(largest < 3_000_000, "the state is {largest} bytes");
    assert!(largest - smallest < smallest / 20, "the state does not grow: {sizes:?}");
    let evicted = |subject| session.stats().discards.get(&(subject, Reason::Evicted)).copied();
    assert_eq!(evicted(Subject::Request), Some(999_000));
    assert_eq!(evicted(Subject::Review), Some(999_000));
    assert_eq!(evicted(Subject::Item), Some(999_000));
}

#[test]
fn the_default_limits_hold_as_well() {
    let mut session = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    let mut output = Output::default();
    for index in 0..100_000 {
        for (direction, message) in abandoned(index) {
            observe(&mut session, index, direction, &message, &mut output);
        }
        output.clear();
    }
    let limits = reducer::Limits::default();
    let evicted = |subject| session.stats().discards.get(&(subject, Reason::Evicted)).copied().unwrap_or(0);
    assert_eq!(evicted(Subject::Request), 100_000 - limits.requests.entries as u64);
    assert_eq!(evicted(Subject::Review), 100_000 - limits.reviews.entries as u64);
    assert_eq!(evicted(Subject::Item), 100_000 - limits.items.entries as u64);
}

#[test]
fn what_is_idle_for_too_long_is_given_up() {
    let mut session = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    let empty = session.snapshot().len();
    let mut output = Output::default();
    for index in 0..100 {
        for (direction, message) in abandoned(index) {
            observe(&mut session, index, direction, &message, &mut output);
        }
    }
    let started = json!({ "method": "turn/started", "params": { "threadId": "t", "turn": { "id": "u", "status": "inProgress" } } });
    observe(&mut session, 200, Direction::ServerToClient, &started, &mut output);
    assert_eq!(output.discards, []);
    session.tick(UnixMillis(365 * DAY), &mut output);
    session.finish(UnixMillis(365 * DAY), &mut output);
    let count = |subject| {
        output.discards.iter().filter(|discard| (discard.subject, discard.reason) == (subject, Reason::Expired)).count()
    };
    assert_eq!([Subject::Request, Subject::Review, Subject::Item, Subject::Turn].map(count), [100, 100, 100, 1]);
    assert!(session.snapshot().len() < empty + 1000, "only counters are left: {}", session.snapshot());
}

/// Diffs beyond the limits are counted, not held.
#[test]
fn large_diffs_are_counted_and_not_held() {
    let limits = Limits::default().reducer(reducer::Limits::default().max_diff_bytes(1000).max_held_diff_bytes(1500));
    let mut session = Pipeline::new(Sha2::default(), RpcTransport::Stdio, limits);
    let mut output = Output::default();
    let mut show_at = |at: u64, turn: &str, bytes: usize| {
        let diff = format!("{:x<bytes$}", "+++ b/x\n@@ -1 +1 @@\n+");
        let message =
            json!({ "method": "turn/diff/updated", "params": { "threadId": "t", "turnId": turn, "diff": diff } });
        output.clear();
        session.tick(UnixMillis(at), &mut output);
        observe(&mut session, at, Direction::ServerToClient, &message, &mut output);
        golden::reasons(&output)
    };
    let too_large = (Subject::Diff, Reason::TooLarge);
    let mut show = |turn: &str, bytes: usize| show_at(1, turn, bytes);
    assert_eq!(show("a", 1001), [too_large], "one large diff");
    assert_eq!(show("a", 1000), []);
    assert_eq!(show("b", 501), [too_large], "together they are too large");
    assert_eq!(show("b", 500), []);
    assert_eq!(show("a", 100), [], "a diff replaces its predecessor");
    assert_eq!(show("b", 1000), []);
    // What is given up is no longer held.
    let given_up = (Subject::Turn, Reason::Expired);
    assert_eq!(show_at(30 * DAY, "c", 1000), [given_up, given_up]);
    assert_eq!(show_at(30 * DAY, "d", 501), [too_large]);
    assert_eq!(show_at(30 * DAY, "d", 500), []);
}

/// A turn that makes room for another takes its diff with it.
#[test]
fn a_turn_that_makes_room_lets_go_of_its_diff() {
    let turns = Cap::new(1, DAY);
    let limits = Limits::default().reducer(reducer::Limits::default().turns(turns).max_held_diff_bytes(1000));
    let mut session = Pipeline::new(Sha2::default(), RpcTransport::Stdio, limits);
    let mut output = Output::default();
    for turn in ["a", "b", "c"] {
        let diff = "x".repeat(1000);
        let message =
            json!({ "method": "turn/diff/updated", "params": { "threadId": "t", "turnId": turn, "diff": diff } });
        observe(&mut session, 1, Direction::ServerToClient, &message, &mut output);
    }
    assert_eq!(golden::reasons(&output), [(Subject::Turn, Reason::Evicted); 2]);
}

#[test]
fn a_turn_that_ends_lets_go_of_its_diff() {
    let messages = session(Size { turns: 20, threads: 1, diff_lines: 10 });
    let size = messages.iter().map(|message| message.text.len()).max().unwrap_or_default();
    let limits = Limits::default().reducer(reducer::Limits::default().max_held_diff_bytes(2 * size));
    let mut session = Pipeline::new(Sha2::default(), RpcTransport::Stdio, limits);
    let mut output = Output::default();
    for message in &messages {
        golden::observe(&mut session, message, &mut output);
    }
    assert_eq!(output.discards, []);
    let diffs = output.events.iter().filter(|event| event.event_type() == "codex_accepted_line_fingerprints");
    assert_eq!(diffs.count(), 20);
}

/// An idle session says when something expires, to the millisecond, until nothing is left.
#[test]
fn an_idle_session_expires_deadline_by_deadline() {
    let mut session = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    assert_eq!(session.next_deadline(), None);
    let mut output = Output::default();
    let start = 1_771_000_000_000;
    for (direction, message) in abandoned(1) {
        observe(&mut session, start, direction, &message, &mut output);
    }
    let mut given_up = Vec::new();
    while let Some(deadline) = session.next_deadline() {
        let before = session.snapshot();
        output.clear();
        session.tick(UnixMillis(deadline.0 - 1), &mut output);
        assert_eq!(output, Output::default(), "nothing expires too early");
        session.tick(deadline, &mut output);
        assert_ne!(session.snapshot(), before);
        given_up.extend(output.discards.iter().map(|discard| {
            assert_eq!(discard.at, deadline);
            (discard.at.0 - start, discard.subject, discard.reason)
        }));
    }
    let week = 7 * DAY + 1;
    let expired = |subject| (week, subject, Reason::Expired);
    assert_eq!(given_up, [Subject::Item, Subject::Request, Subject::Review].map(expired));
    assert_eq!(session.stats().messages, 3, "a tick is no message");
}
