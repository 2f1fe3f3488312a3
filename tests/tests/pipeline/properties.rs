//! What holds for every session, whatever happens in it.
//!
//! Exact events are compared in `model.rs`. The properties that say that nothing goes wrong are checked on sessions with
//! lost, repeated and swapped messages as well.

use std::collections::BTreeMap;

use crate::histories::{Case, every, feed, is_item, is_silent_call, is_tool, lines, read, same, same_lines, whole};
use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::Subject;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::{Observation, ObserverLimits};
use turnledger_core::{Direction, Fact, Limits, Observer, Output, Pipeline, UnixMillis};
use turnledger_tests::agreement::apart;
use turnledger_tests::golden::{Message, pipeline, values};
use turnledger_tests::history::faults::with_faults;
use turnledger_tests::history::{MARKER, Options, history};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// The history with some faults.
fn faulty(case: &Case) -> Vec<Message> {
    faulty_with(case, case.options())
}

fn faulty_with(case: &Case, options: Options) -> Vec<Message> {
    let faults = case.more.len().min(1 + case.choose(8));
    with_faults(case.with(options), &case.more[..faults])
}

#[test]
fn two_runs_give_the_same_bytes() {
    every(|case| {
        let messages = faulty(case);
        let (first, second) = (whole(&messages), whole(&messages));
        same_lines(&lines(&first), &lines(&second))?;
        same(&first.discards, &second.discards)
    });
}

/// A client of its own, by which the version of the server is known.
fn server_is_known(case: &Case) -> Vec<Message> {
    history(&[26], Options { number: 9, ..case.options() })
}

/// An event without the plugins that are on, and without the effort of a command, which may be the default that the
/// server told for a model: those are the process's, and not a thread's.
fn without_the_process(event: &str) -> String {
    let without = |event: &str, name: &str, end: char| {
        let Some((before, rest)) = event.split_once(name) else { return event.to_owned() };
        let (_, after) = rest.split_once(end).expect("the end of the value");
        format!("{before}{name}{end}{after}")
    };
    let event = without(event, "\"active_plugin_ids_at_turn_start\":[", ']');
    if event.contains("codex_command_execution_event") { without(&event, "\"reasoning_effort\":", ',') } else { event }
}

/// Two unrelated sessions through one pipeline, side by side.
#[test]
fn unrelated_threads_do_not_influence_one_another() {
    every(|case| {
        let ours = faulty_with(case, Options { logins: false, ..case.options() });
        let theirs = case.neighbour();
        let mut both: Vec<_> = ours.iter().chain(&theirs).cloned().collect();
        both.sort_by_key(|message| message.at);
        let of = |messages: &[Message], thread: &str| -> Vec<String> {
            let messages: Vec<_> = server_is_known(case).into_iter().chain(messages.iter().cloned()).collect();
            // Events of plugins name no thread.
            let events = lines(&whole(&messages)).into_iter();
            let of_thread = events.filter(|event| event.contains(&format!("\"thread_id\":\"thread-{thread}-")));
            of_thread.map(|event| without_the_process(&event)).collect()
        };
        same_lines(&of(&both, "0"), &of(&ours, "0"))?;
        same_lines(&of(&both, "1"), &of(&theirs, "1"))
    });
}

#[test]
fn a_break_changes_nothing() {
    every(|case| {
        let messages = faulty(case);
        let (before, after) = messages.split_at(case.choose(messages.len() + 1));
        let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
        feed(&mut session, before, &mut output);
        let snapshot = session.snapshot();
        let mut session =
            Pipeline::restore(Sha2::default(), Limits::default(), &snapshot).map_err(|error| error.to_string())?;
        same(&session.snapshot(), &snapshot)?;
        feed(&mut session, after, &mut output);
        session.finish(messages.last().map(|message| message.at).unwrap_or_default(), &mut output);
        let uninterrupted = whole(&messages);
        for (broken, whole) in apart(&output.events).iter().zip(&apart(&uninterrupted.events)) {
            same_lines(broken, whole)?;
        }
        same(&output.discards, &uninterrupted.discards)
    });
}

/// What comes later takes nothing back.
#[test]
fn the_events_of_a_beginning_are_the_first_events() {
    every(|case| {
        let messages = faulty(case);
        let part = |count: usize| {
            let mut output = Output::default();
            feed(&mut pipeline(Sha2::default()), &messages[..count], &mut output);
            lines(&output)
        };
        let (beginning, all) = (part(case.choose(messages.len() + 1)), part(messages.len()));
        same_lines(&beginning, &all[..beginning.len().min(all.len())])
    });
}

/// Adds members that no version knows, before and behind those that are there.
fn with_unknown_members(value: &mut Value) {
    let Value::Object(members) = value else { return };
    let known = std::mem::take(members);
    members.insert("unknownBefore".into(), json!({ "id": 1, "threadId": ["x"], "type": null }));
    members.extend(known);
    members.insert("unknownBehind".into(), json!([{ "method": "turn/completed" }, -1.5, "id"]));
}

/// The objects of a message that the protocol may add members to.
const OPEN: [&str; 15] = [
    "",
    "/params",
    "/params/clientInfo",
    "/params/item",
    "/params/run",
    "/params/turn",
    "/params/tokenUsage",
    "/params/tokenUsage/total",
    "/params/review",
    "/params/action",
    "/result",
    "/result/thread",
    "/result/turn",
    "/result/account",
    "/error",
];

#[test]
fn what_is_unknown_changes_nothing() {
    let methods = [
        r#"{"method":"thread/unknown","params":{"threadId":"thread-0-1","turnId":7}}"#,
        r#"{"id":"unknown","method":"unknown/request","params":{}}"#,
        r#"{"method":"item/unknown"}"#,
    ];
    every(|case| {
        let messages = case.messages();
        let mut more = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            let mut value = read(message);
            // Members of `params` are names of plugins' settings there.
            for place in OPEN {
                if let Some(object) = value.pointer_mut(place) {
                    with_unknown_members(object);
                }
            }
            more.push(Message { text: value.to_string(), ..message.clone() });
            if index % 3 == case.choose(3) {
                let direction = [Direction::ServerToClient, Direction::ClientToServer][index % 2];
                more.push(Message { text: methods[index % methods.len()].into(), direction, ..message.clone() });
            }
        }
        let (with, without) = (whole(&more), whole(&messages));
        same_lines(&lines(&with), &lines(&without))?;
        let counted = |output: &Output| {
            let reasons = output.discards.iter().map(|discard| (discard.subject, discard.reason));
            reasons.filter(|(subject, _)| *subject != Subject::Request).collect::<Vec<_>>()
        };
        same(&counted(&with), &counted(&without))
    });
}

/// A host that records facts, and reads them again, has the events of one that takes the messages.
#[test]
fn facts_and_messages_agree() {
    every(|case| {
        let messages = faulty(case);
        let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
        let (mut session, mut output, mut observed) =
            (pipeline(Sha2::default()), Output::default(), Observation::default());
        for message in &messages {
            let text = message.text.as_bytes();
            observed.clear();
            observer.observe(message.at, message.connection_id, message.direction, text, &mut observed);
            let at = observed.emitted_at.unwrap_or(message.at);
            for fact in observed.facts.drain(..) {
                let written = fact.to_private_json().into_exposed();
                let fact: Fact = serde_json::from_str(&written).map_err(|error| format!("{error}: {written}"))?;
                session.ingest(at, fact, &mut output);
            }
        }
        let end = messages.last().map(|message| message.at).unwrap_or_default();
        observed.clear();
        observer.finish(end, &mut observed);
        for fact in observed.facts.drain(..) {
            session.ingest(end, fact, &mut output);
        }
        session.finish(end, &mut output);
        same_lines(&lines(&output), &lines(&whole(&messages)))
    });
}

/// Whatever the user and the tools said stays where it was said.
#[test]
fn nothing_private_comes_out() {
    every(|case| {
        let messages = faulty(case);
        let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
        let cut = case.choose(messages.len() + 1);
        feed(&mut session, &messages[..cut], &mut output);
        let mut texts = vec![session.snapshot()];
        feed(&mut session, &messages[cut..], &mut output);
        session.finish(UnixMillis(u64::MAX), &mut output);
        texts.extend(lines(&output));
        texts.push(format!("{output:?} {session:?}"));
        match texts.into_iter().find(|text| text.contains(MARKER)) {
            Some(text) => Err(format!("the marker is in {text}")),
            None => Ok(()),
        }
    });
}

/// A duration is what passed between the two times beside it, or unknown.
fn duration_is_right(params: &Value) -> Result<(), String> {
    for name in ["duration_ms", "execution_duration_ms", "completion_latency_ms"] {
        let duration = &params[name];
        if !duration.is_null() && duration.as_u64().is_none() {
            return Err(format!("{name} of {params}"));
        }
    }
    if let (Some(from), Some(to)) = (params["started_at_ms"].as_u64(), params["completed_at_ms"].as_u64()) {
        // Only the end of a call that set a goal is known.
        let is_of_goal = params["tool_name"] == "create_goal" || params["tool_name"] == "update_goal";
        return same(&params["duration_ms"], &json!(to.checked_sub(from).filter(|_| !is_of_goal)));
    }
    Ok(())
}

#[test]
fn durations_are_never_negative() {
    every(|case| {
        values(&whole(&faulty(case)).events).iter().try_for_each(|event| duration_is_right(&event["event_params"]))
    });
}

fn key(params: &Value, names: &[&str]) -> String {
    names.iter().map(|name| params[name].to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_turn_has_at_most_one_event() {
    every(|case| {
        let mut seen = BTreeMap::new();
        for event in values(&whole(&faulty(case)).events) {
            if event["event_type"] == "codex_turn_event" {
                *seen.entry(key(&event["event_params"], &["thread_id", "turn_id"])).or_insert(0) += 1;
            }
        }
        match seen.iter().find(|(_, count)| **count > 1) {
            Some((turn, count)) => Err(format!("{count} events of {turn}")),
            None => Ok(()),
        }
    });
}

/// A turn's counters are those of its completed items, and of their events unless some have none.
#[test]
fn a_turn_counts_its_items() {
    let counters = [
        ("codex_command_execution_event", "shell_command_count"),
        ("codex_file_change_event", "file_change_count"),
        ("codex_mcp_tool_call_event", "mcp_tool_call_count"),
        ("codex_dynamic_tool_call_event", "dynamic_tool_call_count"),
        ("codex_collab_agent_tool_call_event", "subagent_tool_call_count"),
        ("codex_web_search_event", "web_search_count"),
        ("codex_image_generation_event", "image_generation_count"),
    ];
    every(|case| {
        let messages = case.with(Options { clients: 1, ..case.options() });
        let output = whole(&messages);
        let events = values(&output.events);
        let messages: Vec<_> = messages.iter().map(read).collect();
        for turn in events.iter().filter(|event| event["event_type"] == "codex_turn_event") {
            let turn = &turn["event_params"];
            let (in_time, late) = completed(&messages, &turn["turn_id"]);
            let is_of_turn = |event: &&Value| {
                let params = &event["event_params"];
                is_item(event) && params["turn_id"] == turn["turn_id"] && !late.contains(&params["item_id"])
            };
            let mut total = 0;
            for (event_type, counter) in counters {
                let reported =
                    events.iter().filter(is_of_turn).filter(|event| event["event_type"] == event_type).count();
                let counted = turn[counter].as_u64().unwrap_or_default();
                if counted < reported as u64 {
                    return Err(format!("{reported} {event_type} and {counter} is {counted}"));
                }
                total += counted;
            }
            // From 0.149 on control tools count in all alone.
            let controls = events.iter().filter(is_of_turn);
            let controls =
                controls.filter(|event| event["event_type"] == "codex_control_tool_call_event").count() as u64;
            let rest = turn["total_tool_call_count"].as_u64().unwrap_or_default() - total;
            if rest < controls || (case.options().server < 149 && rest > 0) {
                return Err(format!("{rest} more calls, and {controls} events of control tools"));
            }
            same(&total, &(in_time.len() as u64))?;
            let has_all = !output.discards.iter().any(|discard| {
                discard.subject == Subject::Item && discard.ids.turn_id.as_deref() == turn["turn_id"].as_str()
            });
            if has_all {
                let silent = messages.iter().filter(|message| message["method"] == "item/completed");
                let silent = silent.map(|message| &message["params"]).filter(|params| {
                    params["turnId"] == turn["turn_id"]
                        && is_silent_call(&params["item"])
                        && case.options().server < 150
                });
                let reported = events.iter().filter(is_of_turn).count() as u64 - controls;
                same(&total, &(reported + silent.count() as u64))?;
            }
        }
        Ok(())
    });
}

/// The items of a turn that completed in time, and those that did so when the turn had ended and its request was
/// answered: they come too late for its event.
fn completed(messages: &[Value], turn: &Value) -> (Vec<Value>, Vec<Value>) {
    let is_awaited = |message: &Value| {
        let is_end = message["method"] == "turn/completed" && message["params"]["turn"]["id"] == *turn;
        is_end || message["result"]["turn"]["id"] == *turn
    };
    let end = messages.iter().rposition(is_awaited).unwrap_or(messages.len());
    let items = |messages: &[Value]| {
        let completed = messages.iter().filter(|message| message["method"] == "item/completed");
        let of_turn = completed.map(|message| &message["params"]).filter(|params| params["turnId"] == *turn);
        of_turn.filter(|params| is_tool(&params["item"])).map(|params| params["item"]["id"].clone()).collect()
    };
    (items(&messages[..end]), items(&messages[end..]))
}

/// What an item says of its reviews is what their events say.
#[test]
fn reviews_on_items_have_their_events() {
    every(|case| {
        let mut reviews: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for event in values(&whole(&case.messages()).events) {
            let params = &event["event_params"];
            let item = key(params, &["thread_id", "turn_id", "item_id"]);
            if event["event_type"] == "codex_review_event" {
                let counts = reviews.entry(item).or_default();
                let is_of_item = ["command_execution", "file_change", "mcp_tool_call"]
                    .iter()
                    .any(|kind| params["subject_kind"] == *kind);
                counts.0 += u64::from(is_of_item && params["reviewer"] == "guardian");
                counts.1 += u64::from(is_of_item && params["reviewer"] == "user");
            } else if is_item(&event) {
                let (guardian, user) = reviews.remove(&item).unwrap_or_default();
                let says = |name: &str| params[name].as_u64().unwrap_or_default();
                let said = (says("review_count"), says("guardian_review_count"), says("user_review_count"));
                same(&said, &(guardian + user, guardian, user))?;
                same(&(params["final_approval_outcome"] == "unknown"), &(guardian + user == 0))?;
            }
        }
        Ok(())
    });
}

/// A snapshot without what was only counted.
fn state(session: &Pipeline<Sha2>) -> Value {
    let mut snapshot: Value = serde_json::from_str(&session.snapshot()).expect("a snapshot is JSON");
    // Clocks and counters, what the process and its account are, and what is rare and held by its number alone.
    for counted in [
        "/stats",
        "/observer/now",
        "/observer/seen",
        "/observer/doubted",
        "/observer/messages",
        "/observer/speakers",
        "/observer/models",
        "/observer/imports",
        "/observer/inquiries",
        "/observer/uses_api_key",
        "/reducer/now",
        "/reducer/next_question",
        "/reducer/originator",
        "/reducer/runtime",
    ] {
        if let Some(value) = snapshot.pointer_mut(counted) {
            *value = Value::Null;
        }
    }
    snapshot
}

#[test]
fn nothing_is_left_in_the_end() {
    every(|case| {
        let messages = faulty(case);
        let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
        feed(&mut session, &messages, &mut output);
        let last = messages.last().map_or(0, |message| message.at.0);
        let much_later = UnixMillis(last + 400 * DAY);
        session.tick(much_later, &mut output);
        session.finish(much_later, &mut output);
        same(&state(&session), &state(&pipeline(Sha2::default())))
    });
}
