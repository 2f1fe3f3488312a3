//! A clock may do anything: what comes out is what a sane one gives, but for the times in it.

use crate::histories::{Case, every, feed, same, same_lines};
use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Direction, Limits, Output, Pipeline, UnixMillis};
use turnledger_tests::golden::{self, Message, pipeline, recordings, values};

const DAY: u64 = 24 * 60 * 60 * 1000;
const YEAR: u64 = 365 * DAY;
/// The last millisecond of the year 9999.
const LATEST: u64 = 253_402_300_799_999;

/// Takes the times out of an event.
fn without_times(value: &mut Value) {
    if let Value::Object(members) = value {
        // The id of a call that set a goal is made of its time.
        if members.get("tool_name").is_some_and(|tool| tool == "create_goal" || tool == "update_goal") {
            members.remove("item_id");
        }
        members.retain(|name, _| !(name.ends_with("_at") || name.ends_with("_ms")));
        members.values_mut().for_each(without_times);
    }
}

/// What comes out, but for the times.
fn timeless(output: &Output) -> Vec<String> {
    let mut events = values(&output.events);
    events.iter_mut().for_each(without_times);
    let discards =
        output.discards.iter().map(|discard| format!("{} {} {:?}", discard.subject, discard.reason, discard.ids));
    events.iter().map(ToString::to_string).chain(discards).collect()
}

/// A session's yield, but for the times; it is saved and restored before one of its messages.
fn yielded(messages: &[Message], restored_before: usize) -> Result<Vec<String>, String> {
    let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
    let (before, after) = messages.split_at(restored_before.min(messages.len()));
    feed(&mut session, before, &mut output);
    let snapshot = session.snapshot();
    session = Pipeline::restore(Sha2::default(), Limits::default(), &snapshot).map_err(|error| error.to_string())?;
    same(&session.snapshot(), &snapshot)?;
    feed(&mut session, after, &mut output);
    session.finish(messages.last().map(|message| message.at).unwrap_or_default(), &mut output);
    Ok(timeless(&output))
}

/// The messages with other times give the same.
fn changes_nothing(case: &Case, clock: impl Fn(usize, u64) -> u64) -> Result<(), String> {
    let messages = case.messages();
    let cut = case.choose(messages.len() + 1);
    let changed: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(index, message)| Message { at: UnixMillis(clock(index, message.at.0)), ..message.clone() })
        .collect();
    same_lines(&yielded(&changed, cut)?, &yielded(&messages, cut)?)
}

/// Times that no sane clock shows in a session of some hours.
fn wild(word: u64, at: u64) -> u64 {
    let back_or_forth = [at.saturating_sub(word >> 8), at.saturating_add(word >> 8)];
    let choices =
        [0, 1, at - 30 * DAY, at - YEAR, at + 3 * DAY, at + 30 * DAY, at + YEAR, at + 5 * YEAR, LATEST, u64::MAX];
    match usize::try_from(word % 12).unwrap_or_default() {
        choice @ 0..=9 => choices[choice],
        choice => back_or_forth[choice - 10],
    }
}

#[test]
fn one_wild_time() {
    every(|case| {
        let place = case.choose(case.messages().len());
        changes_nothing(
            case,
            |index, at| if index == place { wild(case.more.get(1).copied().unwrap_or(8), at) } else { at },
        )
    });
}

/// Any number of messages, one here and one there, of clocks that go wrong in any way.
#[test]
fn many_wild_times() {
    every(|case| {
        changes_nothing(case, |index, at| {
            let word = case.more.get(index % (case.more.len() + 2)).copied().unwrap_or_default();
            if word != 0 && word.is_multiple_of(3) { wild(word, at) } else { at }
        })
    });
}

/// A clock that is set, and set again: backwards and forwards by up to a century, or by as little as one likes.
#[test]
fn a_clock_that_is_set() {
    every(|case| {
        let count = case.messages().len();
        let steps: Vec<(usize, i64)> = case
            .more
            .iter()
            .take(3)
            .map(|word| {
                let most = [1000, 3_600_000, DAY, 2 * DAY, 30 * DAY, YEAR, 100 * YEAR]
                    [usize::try_from(word >> 32).unwrap_or_default() % 7];
                let step = (word >> 8) % most;
                let step = i64::try_from(step).unwrap_or_default();
                (
                    usize::try_from(word & 255).unwrap_or_default() % (count + 1),
                    if word & 256 == 0 { step } else { -step },
                )
            })
            .collect();
        changes_nothing(case, |index, at| {
            let steps = steps.iter().filter(|(from, _)| *from <= index).map(|(_, step)| step);
            at.saturating_add_signed(steps.sum())
        })
    });
}

#[test]
fn a_clock_that_stands_still() {
    every(|case| {
        let still = [0, 1, 1_771_000_000_000, u64::MAX][case.choose(4)];
        changes_nothing(case, |_, _| still)
    });
}

/// Real sessions, with a clock that goes wrong at each of their messages in turn, for one message or for good.
#[test]
fn recorded_sessions() {
    for recording in recordings("0.131.0") {
        let messages = recording.messages();
        for place in (0..messages.len()).step_by(1 + messages.len() / 12) {
            let expected = yielded(&messages, place + 1).expect("a session");
            for wild in [0, 1, LATEST, u64::MAX] {
                let mut changed = messages.clone();
                changed[place].at = UnixMillis(wild);
                assert_eq!(yielded(&changed, place + 1).expect("a session"), expected, "{} {place}", recording.name);
            }
            for step in [-50 * 365, -1, 1, 8, 365, 3650] {
                let mut changed = messages.clone();
                for message in &mut changed[place..] {
                    message.at.0 = message.at.0.saturating_add_signed(step * 86_400_000);
                }
                assert_eq!(
                    yielded(&changed, place + 1).expect("a session"),
                    expected,
                    "{} {place} {step}",
                    recording.name
                );
            }
        }
    }
}

fn show(session: &mut Pipeline<Sha2>, at: u64, message: &Value, output: &mut Output) {
    session
        .observe(UnixMillis(at), 1, Direction::ServerToClient, message.to_string().as_bytes(), output)
        .expect("a message");
}

fn turn_started(turn: &str) -> Value {
    json!({ "method": "turn/started", "params": { "threadId": "t", "turn": { "id": turn, "status": "inProgress" } } })
}

fn nothing() -> Value {
    json!({ "method": "nothing" })
}

const START: u64 = 1_771_000_000_000;

/// The time that a message is wrong by stops no expiry: neither of what was open then, nor of what comes later. Each day
/// passes with a message, or with a call without one.
#[test]
fn expiry_goes_on_after_a_wild_time() {
    let expired = |wild: Option<u64>, ticks: bool| {
        let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
        show(&mut session, START, &turn_started("before"), &mut output);
        if let Some(wild) = wild {
            show(&mut session, wild, &turn_started("meanwhile"), &mut output);
        }
        show(&mut session, START + 1, &turn_started("after"), &mut output);
        assert_eq!(output.discards, [], "nothing that is open ends");
        for day in 1..=100 {
            let at = START + day * DAY;
            if ticks {
                session.tick(UnixMillis(at), &mut output);
            } else {
                show(&mut session, at, &nothing(), &mut output);
            }
        }
        let discards = output.discards.iter().filter(|discard| discard.ids.turn_id.as_deref() != Some("meanwhile"));
        let expired =
            discards.map(|discard| (discard.at.0 - START, discard.subject, discard.reason)).collect::<Vec<_>>();
        (expired, session.next_deadline())
    };
    for ticks in [false, true] {
        let sane = expired(None, ticks);
        assert_eq!(sane, (vec![(8 * DAY, Subject::Turn, Reason::Expired); 2], None));
        for wild in [0, START - YEAR, START + 3 * DAY, START + 4 * YEAR, LATEST, u64::MAX] {
            assert_eq!(expired(Some(wild), ticks), sane, "{wild}");
        }
    }
}

/// A deadline is of the clock that the host has now.
#[test]
fn deadlines_follow_the_clock() {
    let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
    let week = 7 * DAY + 1;
    let deadline = |session: &Pipeline<Sha2>| session.next_deadline().map(|deadline| deadline.0);
    show(&mut session, START, &turn_started("a"), &mut output);
    assert_eq!(deadline(&session), Some(START + week));
    show(&mut session, START + DAY, &nothing(), &mut output);
    assert_eq!(deadline(&session), Some(START + week));
    // One message alone is not believed, the second is.
    show(&mut session, LATEST, &nothing(), &mut output);
    assert_eq!(deadline(&session), Some(START + week));
    show(&mut session, LATEST, &nothing(), &mut output);
    assert_eq!(deadline(&session), Some(LATEST + week - DAY));
    show(&mut session, START - YEAR, &nothing(), &mut output);
    assert_eq!(deadline(&session), Some(START - YEAR + week - DAY));
    session.tick(UnixMillis(START - YEAR + week - DAY), &mut output);
    assert_eq!(golden::reasons(&output), [(Subject::Turn, Reason::Expired)]);
}

/// A wild time in a call without a message is none that passed, either.
#[test]
fn a_tick_with_a_wild_time() {
    let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
    show(&mut session, START, &turn_started("a"), &mut output);
    for wild in [0, START - YEAR, START + 2 * YEAR, LATEST, u64::MAX] {
        for at in [wild, START] {
            session.tick(UnixMillis(at), &mut output);
            assert_eq!(output, Output::default(), "{wild} {at}");
        }
    }
    // Of a host that has waited for longer than it was to.
    session.tick(UnixMillis(START + YEAR), &mut output);
    assert_eq!(golden::reasons(&output), [(Subject::Turn, Reason::Expired)]);
}

/// A snapshot of before there was more than the latest time in it goes on from there.
#[test]
fn a_snapshot_without_a_clock() {
    let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
    show(&mut session, START, &turn_started("a"), &mut output);
    let mut snapshot: Value = serde_json::from_str(&session.snapshot()).expect("JSON");
    let observer = snapshot["observer"].as_object_mut().expect("an observer");
    assert!(observer.remove("seen").is_some() && observer.remove("doubted").is_some());
    for now in ["/observer/now", "/reducer/now"] {
        *snapshot.pointer_mut(now).expect("a time") = START.into();
    }
    for used_at in ["/observer/turns/0/0", "/observer/threads/0/0", "/reducer/turns/0/0"] {
        *snapshot.pointer_mut(used_at).expect("a time") = START.into();
    }
    let mut session = Pipeline::restore(Sha2::default(), Limits::default(), &snapshot.to_string()).expect("a snapshot");
    let later = START + YEAR;
    show(&mut session, later, &nothing(), &mut output);
    assert_eq!(session.next_deadline(), Some(UnixMillis(later + 7 * DAY + 1)));
    session.tick(UnixMillis(later + 7 * DAY + 1), &mut output);
    assert_eq!(golden::reasons(&output), [(Subject::Turn, Reason::Expired)]);
}

/// Facts alone are timed as messages are.
#[test]
fn facts_of_a_wild_time() {
    let fact = |id: &str| {
        let fact = json!({ "notification": { "method": "turn/started", "params": { "threadId": "t", "turn": { "id": id, "status": "inProgress" } } } });
        turnledger_core::Fact::from_json(&fact.to_string()).expect("a fact")
    };
    let mut session = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    let mut output = Output::default();
    for at in [START, LATEST, START + 1, START + 2] {
        session.ingest(UnixMillis(at), fact(&at.to_string()), &mut output);
    }
    assert_eq!(output, Output::default());
    session.tick(UnixMillis(START + 8 * DAY), &mut output);
    assert_eq!(golden::reasons(&output), [(Subject::Turn, Reason::Expired); 4]);
}
