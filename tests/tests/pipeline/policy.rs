//! What a policy lets leave, judged member by member by a second reading of its rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use turnledger_core::digest::Sha2;
use turnledger_core::policy::{Judgement, Withheld};
use turnledger_core::question::{Question, QuestionKind};
use turnledger_core::{Digest, Output, Policy};
use turnledger_intake::replay::answer;
use turnledger_tests::golden::{observe, pipeline, recordings};

use crate::support::examples;

fn keyed() -> Sha2 {
    Sha2::keyed(b"a key of 16 bytes or more").expect("a key")
}

/// Whether a pattern is one of a name, for patterns of at most one star.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
    }
}

/// Whether one of a list of patterns names a path, or an object around it.
fn names(rules: &Value, list: &str, path: &[String]) -> bool {
    let named = |pattern: &str, path: &[String]| {
        let parts: Vec<_> = pattern.split('.').collect();
        parts.len() <= path.len()
            && parts.iter().rev().zip(path.iter().rev()).all(|(pattern, name)| fits(pattern, name))
    };
    let patterns = rules[list].as_array().into_iter().flatten().filter_map(Value::as_str);
    // The first part of a path is the event's type, which is no member.
    patterns.into_iter().any(|pattern| (2..=path.len()).any(|end| named(pattern, &path[..end])))
}

fn is_of_session(path: &[String]) -> bool {
    let name = path.last().expect("a name").trim_end_matches('s');
    ["thread_id", "turn_id", "session_id", "item_id", "review_id", "response_id", "call_id"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn has_version_7(text: &str) -> bool {
    text.match_indices("-7").any(|(place, _)| {
        let whole = place.checked_sub(13).and_then(|start| text.get(start..start + 36));
        let lengths = whole.map(|id| id.split('-').map(str::len).collect::<Vec<_>>());
        let is_hex = |id: &str| id.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
        lengths.is_some_and(|lengths| lengths == [8, 4, 4, 4, 12]) && whole.is_some_and(is_hex)
    })
}

/// What is to leave of a value at a path; nothing, if none of it may.
fn expected(rules: &Value, path: &mut Vec<String>, value: &Value) -> Option<Value> {
    let may_leave = (rules.get("allow_members").is_none() || names(rules, "allow_members", path))
        && !names(rules, "drop_members", path);
    let is_coarse = rules.get("coarsen_times").is_some();
    match value {
        Value::Object(members) => {
            let left = of_members(rules, path, members);
            (may_leave || !left.is_empty()).then_some(Value::Object(left))
        }
        Value::Array(values) => {
            let left: Vec<_> = values.iter().filter_map(|value| expected(rules, path, value)).collect();
            (may_leave || !left.is_empty()).then_some(Value::Array(left))
        }
        _ if !may_leave => None,
        Value::Null => Some(Value::Null),
        Value::String(text)
            if names(rules, "hash_members", path) || (is_coarse && (has_version_7(text) || is_of_session(path))) =>
        {
            Some(keyed().digest(&[b"member\0", text.as_bytes()]).to_string().into())
        }
        Value::String(_) => Some(value.clone()),
        _ if names(rules, "hash_members", path) => None,
        Value::Number(number) if is_coarse => {
            let name = path.last().expect("a name");
            let hour = [("_at", 3600), ("_at_ms", 3_600_000)].into_iter().find(|(end, _)| name.ends_with(end));
            Some(match hour {
                Some((_, hour)) => (number.as_u64().expect("a time") / hour * hour).into(),
                None => value.clone(),
            })
        }
        _ => Some(value.clone()),
    }
}

fn of_members(rules: &Value, path: &mut Vec<String>, members: &Map<String, Value>) -> Map<String, Value> {
    let mut left = Map::new();
    for (name, value) in members {
        path.push(name.clone());
        if let Some(value) = expected(rules, path, value) {
            left.insert(name.clone(), value);
        }
        path.pop();
    }
    left
}

fn expected_event(rules: &Value, event: &Value) -> Result<Value, Withheld> {
    let event_type = event["event_type"].as_str().expect("a type");
    let any = |list: &str, name: &str| {
        rules.get(list).map(|patterns| {
            patterns.as_array().into_iter().flatten().filter_map(Value::as_str).any(|pattern| fits(pattern, name))
        })
    };
    if any("allow_events", event_type) == Some(false) || any("drop_events", event_type) == Some(true) {
        return Err(Withheld::Event);
    }
    let params = &event["event_params"];
    let client = params["app_server_client"]["product_client_id"].as_str().or(params["product_client_id"].as_str());
    let drops_clients = rules["drop_clients"].as_array().is_some_and(|dropped| !dropped.is_empty());
    if rules.get("allow_clients").is_some() || drops_clients {
        let client = client.ok_or(Withheld::UnknownClient)?;
        if any("allow_clients", client) == Some(false) || any("drop_clients", client) == Some(true) {
            return Err(Withheld::Client);
        }
    }
    let mut path = vec![event_type.to_owned()];
    let mut top = event.as_object().expect("an object").clone();
    top.remove("event_type");
    top.remove("event_params");
    let mut left = of_members(rules, &mut path, &top);
    left.insert("event_type".into(), event_type.into());
    left.insert("event_params".into(), of_members(rules, &mut path, params.as_object().expect("an object")).into());
    Ok(left.into())
}

/// All paths of members of an event, each with the event's type before it.
fn paths(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if name == "event_params" { path.to_owned() } else { format!("{path}.{name}") };
                found.push(path.clone());
                paths(&path, value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| paths(path, value, found)),
        _ => {}
    }
}

/// A pattern that names some member: the end of a path, and perhaps with a star in its last part.
fn member() -> impl Strategy<Value = String> {
    let mut all = Vec::new();
    for event in examples() {
        paths(event["event_type"].as_str().expect("a type"), &event, &mut all);
    }
    (prop::sample::select(all), 1..4_usize, prop::option::weighted(0.3, 0..6_usize)).prop_map(|(path, parts, star)| {
        let parts_of: Vec<_> = path.split('.').collect();
        let end = parts_of[parts_of.len().saturating_sub(parts)..].join(".");
        match star {
            Some(cut) => format!("{}*", &end[..end.len().saturating_sub(cut).max(1)]),
            None => end,
        }
    })
}

fn rules() -> impl Strategy<Value = Value> {
    let members = |most| prop::option::weighted(0.4, prop::collection::vec(member(), 0..most));
    let event = prop::sample::select(vec![
        "codex_*",
        "codex_turn_event",
        "skill_invocation",
        "*_event",
        "*",
        "codex_goal_event",
    ]);
    let client = prop::sample::select(vec!["demo_editor", "demo_*", "other"]);
    let list = |pattern: prop::sample::Select<&'static str>| {
        prop::option::weighted(0.3, prop::collection::vec(pattern.prop_map(str::to_owned), 0..3))
    };
    (
        (list(event.clone()), list(event), list(client.clone()), list(client)),
        (members(30), members(8), members(8), any::<bool>()),
    )
        .prop_map(|((allow_events, drop_events, allow_clients, drop_clients), (allow, drop, hash, coarse))| {
            let mut rules = Map::new();
            for (name, list) in [
                ("allow_events", allow_events),
                ("drop_events", drop_events),
                ("allow_clients", allow_clients),
                ("drop_clients", drop_clients),
                ("allow_members", allow),
                ("drop_members", drop),
                ("hash_members", hash),
            ] {
                if let Some(list) = list {
                    rules.insert(name.into(), json!(list));
                }
            }
            if coarse {
                rules.insert("coarsen_times".into(), "hour".into());
            }
            rules.into()
        })
}

/// Whenever the answers come, what leaves is what is of an allowed repository.
#[test]
fn only_events_of_allowed_repositories_leave() {
    let policy = Policy::new(r#"{"allow_repositories":["github.com/acme/*"]}"#, keyed()).expect("a policy");
    let mut both = [0, 0];
    for (recording, delay) in
        ["0.131.0", "0.169.0", "0.171.0"].iter().flat_map(|version| recordings(version)).zip((0..4).cycle())
    {
        let mut judge = policy.repositories::<String>().expect("a rule");
        let mut pipeline = pipeline(keyed()).asking_directories();
        let (mut left, mut all) = (Vec::new(), Vec::new());
        // Which remote each thread's questions are answered with.
        let mut remotes: BTreeMap<String, bool> = BTreeMap::new();
        let mut open: Vec<Question> = Vec::new();
        let messages = recording.messages();
        for (number, message) in messages.iter().enumerate() {
            let mut output = Output::default();
            observe(&mut pipeline, message, &mut output);
            let is_last = number + 1 == messages.len();
            open.extend(output.questions.drain(..).inspect(|question| judge.asked(message.at, question)));
            if number % 5 >= delay || is_last {
                for question in std::mem::take(&mut open) {
                    let QuestionKind::Repository { thread_id, .. } = &question.kind else { continue };
                    let is_acme = (both[0] + both[1] + remotes.len()).is_multiple_of(2);
                    let is_acme = *remotes.entry(thread_id.as_str().to_owned()).or_insert(is_acme);
                    let remote =
                        if is_acme { "https://github.com/acme/widget" } else { "https://github.com/other/widget" };
                    let fact = answer(question, Some(remote)).expect("an answer");
                    left.extend(judge.told(&fact));
                    pipeline.ingest(message.at, fact, &mut output);
                }
            }
            for event in output.events {
                let json = event.to_json();
                if let Judgement::Leaves(json) = judge.judge(message.at, &json, json.clone()) {
                    left.push(json);
                }
                all.push(json);
            }
        }
        judge.end();
        assert_eq!(judge.take_stayed(), (all.len() - left.len()) as u64);
        let member = |event: &str, name: &str| {
            let event: Value = serde_json::from_str(event).expect("JSON");
            event["event_params"][name].as_str().map(ToOwned::to_owned)
        };
        // Of a thread that no question is about, its parent's.
        let parents: BTreeMap<String, String> =
            all.iter().filter_map(|event| member(event, "thread_id").zip(member(event, "parent_thread_id"))).collect();
        let is_acme = |event: &String| {
            let mut thread = member(event, "thread_id");
            while let Some(id) = thread {
                match remotes.get(&id) {
                    Some(is_acme) => return *is_acme,
                    None => thread = parents.get(&id).cloned(),
                }
            }
            false
        };
        let mut expected: Vec<String> = all.iter().filter(|event| is_acme(event)).cloned().collect();
        expected.sort();
        left.sort();
        assert_eq!(left, expected, "{}", recording.name);
        both[0] += left.len();
        both[1] += all.len() - left.len();
    }
    assert!(both[0] > 100 && both[1] > 100, "{both:?}");
}

proptest! {
    #[test]
    fn nothing_else_leaves(rules in rules()) {
        let policy = Policy::new(&rules.to_string(), keyed()).expect("a policy");
        for event in examples() {
            let left = policy.apply(&event.to_string()).map(|text| serde_json::from_str(&text).expect("JSON"));
            prop_assert_eq!(left, expected_event(&rules, &event), "{}", event);
        }
    }
}
