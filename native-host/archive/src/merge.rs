//! Two tellings of the same event become one, in whatever order they come.
//!
//! A member that is known wins over one that is not: null, absent, or the word `unknown`. Of two that are known, the
//! greater wins, which is the same whoever comes first. The client and the runtime are merged member by member; any
//! other object, and a list, is one value.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// The members that are merged member by member.
const OF_MEMBERS: [&str; 3] = ["event_params", "app_server_client", "runtime"];

/// Merges what was told alike twice, by traffic and facts, or by files.
pub(crate) fn alike(into: &mut Value, other: Value) {
    merge(into, other, &|mine, other| {
        if order(mine, &other) == Ordering::Less {
            *mine = other
        }
    });
}

/// Fills what traffic and facts did not tell with what a file says. The event is then no longer one of a file.
pub(crate) fn filled(told: &mut Value, read: Value) {
    let mut read = read;
    if let Some(params) = read.get_mut("event_params").and_then(Value::as_object_mut) {
        params.remove("source");
    }
    merge(told, read, &|mine, other| {
        if knowledge(mine) < knowledge(&other) {
            *mine = other
        }
    });
}

fn merge(into: &mut Value, other: Value, choose: &dyn Fn(&mut Value, Value)) {
    match (into, other) {
        (Value::Object(into), Value::Object(other)) => merge_members(into, other, choose),
        (into, other) => choose(into, other),
    }
}

fn merge_members(into: &mut Map<String, Value>, other: Map<String, Value>, choose: &dyn Fn(&mut Value, Value)) {
    for (name, other) in other {
        match into.get_mut(&name) {
            Some(mine) if OF_MEMBERS.contains(&&*name) => merge(mine, other, choose),
            Some(mine) => choose(mine, other),
            None => _ = into.insert(name, other),
        }
    }
}

/// How much a value says: nothing, that nobody knows, or something.
fn knowledge(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::String(text) if text == "unknown" => 1,
        _ => 2,
    }
}

/// A total order of values: by what they say, by kind, then by value.
fn order(one: &Value, other: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    };
    let by_kind = (knowledge(one), rank(one)).cmp(&(knowledge(other), rank(other)));
    by_kind.then_with(|| match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => {
            let of_integers = match (one.as_i128(), other.as_i128()) {
                (Some(one), Some(other)) => Some(one.cmp(&other)),
                _ => None,
            };
            // What JSON has is no NaN. Numbers that are the same as a fraction are told apart by their texts.
            let of_fractions = || one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal);
            of_integers.unwrap_or_else(of_fractions).then_with(|| one.to_string().cmp(&other.to_string()))
        }
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Array(one), Value::Array(other)) => one.len().cmp(&other.len()).then_with(|| {
            let differing = one.iter().zip(other).map(|(one, other)| order(one, other));
            differing.fold(Ordering::Equal, Ordering::then)
        }),
        (Value::Object(one), Value::Object(other)) => {
            fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by_key(|(name, _)| *name);
                sorted
            }
            let (one, other) = (sorted(one), sorted(other));
            let differing = one.iter().zip(&other).map(|((name, value), (other_name, other_value))| {
                name.cmp(other_name).then_with(|| order(value, other_value))
            });
            one.len().cmp(&other.len()).then_with(|| differing.fold(Ordering::Equal, Ordering::then))
        }
        _ => Ordering::Equal,
    })
}
