//! Two tellings of the same event become one, in whatever order they come.
//!
//! A member that is known wins over one that is not: null, absent, the word `unknown`, or the time 0. Of two that are known, the
//! greater wins, so that the order makes no difference. The client and the runtime are merged member by member; any
//! other object, and a list, is one value.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// The members that are merged member by member.
const OF_MEMBERS: [&str; 3] = ["event_params", "app_server_client", "runtime"];

/// The members of accepted lines that mean something only together: hashes, what made them, and the repository's, which
/// the same made.
const HASHES: [&str; 3] = ["fingerprint_scheme", "line_fingerprints", "repo_hash"];

/// Takes over the other's hashes if `is_better` says so of both, and takes them out of the other.
fn settle_hashes(into: &mut Value, other: &mut Value, is_better: impl Fn(&Value, &Value) -> bool) {
    let params = |json: &mut Value| json.get_mut("event_params").and_then(Value::as_object_mut).map(std::mem::take);
    let (Some(mut mine), Some(mut others)) = (params(into), params(other)) else { return };
    if mine.contains_key("line_fingerprints") && others.contains_key("line_fingerprints") {
        let hashes = |members: &Map<String, Value>| HASHES.map(|name| members.get(name).cloned().unwrap_or_default());
        let takes = is_better(&hashes(&others).to_vec().into(), &hashes(&mine).to_vec().into());
        for name in HASHES {
            let of_other = others.remove(name);
            if takes {
                mine.remove(name);
                mine.extend(of_other.map(|value| (name.to_owned(), value)));
            }
        }
    }
    into["event_params"] = mine.into();
    other["event_params"] = others.into();
}

/// Merges what was told alike twice, by traffic and facts, or by files.
pub(crate) fn alike(into: &mut Value, mut other: Value) {
    settle_hashes(into, &mut other, |others, mine| order(mine, others) == Ordering::Less);
    merge(into, other, "", &|_, mine, other| {
        if order(mine, &other) == Ordering::Less {
            *mine = other;
        }
    });
}

/// Fills what traffic and facts did not tell with what a file says. The event is then no longer one of a file.
pub(crate) fn filled(told: &mut Value, mut read: Value) {
    if let Some(params) = read.get_mut("event_params").and_then(Value::as_object_mut) {
        params.remove("source");
    }
    let is_empty = |hashes: &Value| hashes[1].as_array().is_none_or(Vec::is_empty);
    settle_hashes(told, &mut read, |read, told| is_empty(told) && !is_empty(read));
    merge(told, read, "", &|name, mine, other| {
        if knowledge(name, mine) < knowledge(name, &other) {
            *mine = other;
        }
    });
}

/// Given a member's name and its two values, leaves the better one in the place of the first.
type Choose<'c> = &'c dyn Fn(&str, &mut Value, Value);

fn merge(into: &mut Value, other: Value, name: &str, choose: Choose<'_>) {
    match (into, other) {
        (Value::Object(into), Value::Object(other)) => merge_members(into, other, choose),
        (into, other) => choose(name, into, other),
    }
}

fn merge_members(into: &mut Map<String, Value>, other: Map<String, Value>, choose: Choose<'_>) {
    for (name, other) in other {
        match into.get_mut(&name) {
            Some(mine) if OF_MEMBERS.contains(&&*name) => merge(mine, other, &name, choose),
            Some(mine) => choose(&name, mine, other),
            None => _ = into.insert(name, other),
        }
    }
}

/// The times that are 0 if the server gave none.
const TIMES: [&str; 2] = ["completed_at", "created_at"];

/// How much a value says: 0 nothing, 1 that it is unknown, 2 a known value.
fn knowledge(name: &str, value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::String(text) if text == "unknown" => 1,
        Value::Number(number) if number.as_u64() == Some(0) && TIMES.contains(&name) => 1,
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
    let by_kind = (knowledge("", one), rank(one)).cmp(&(knowledge("", other), rank(other)));
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

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{alike, filled};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0_u64..4).prop_map(Value::from),
            Just(json!(2.0)),
            Just(json!(-1)),
            Just(json!(u64::MAX)),
            prop_oneof![Just("unknown"), Just("a"), Just("zero")].prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            let list = vec(inner.clone(), 0..3).prop_map(Value::from);
            prop_oneof![list, members(inner)]
        })
    }

    fn members(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        let name = prop_oneof![Just("runtime"), Just("type"), Just("completed_at")].prop_map(ToOwned::to_owned);
        btree_map(name, of, 0..3).prop_map(|members| Value::Object(members.into_iter().collect()))
    }

    /// Two, merged.
    fn both(one: &Value, other: &Value) -> Value {
        let mut both = one.clone();
        alike(&mut both, other.clone());
        both
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn the_order_does_not_matter(a in members(value()), b in members(value()), c in members(value())) {
            prop_assert_eq!(both(&a, &b), both(&b, &a));
            prop_assert_eq!(both(&both(&a, &b), &c), both(&a, &both(&b, &c)));
            prop_assert_eq!(both(&a, &a), a.clone());
            prop_assert_eq!(both(&both(&a, &b), &b), both(&a, &b));
        }
    }

    #[test]
    fn what_is_told_wins_over_what_is_read() {
        let mut told = json!({ "event_params": {
            "model": null, "tokens": 3, "outcome": "unknown", "completed_at": 0, "created_at": 9, "list": [1],
            "runtime": { "os": "unknown", "arch": "arm" }
        } });
        let read = json!({ "event_params": {
            "model": "gpt", "tokens": 7, "outcome": "known", "completed_at": 8, "created_at": 8, "list": [1, 2],
            "runtime": { "os": "linux", "arch": "x86" }, "more": true, "source": "rollout"
        } });
        filled(&mut told, read);
        let expected = json!({ "event_params": {
            "model": "gpt", "tokens": 3, "outcome": "known", "completed_at": 8, "created_at": 9, "list": [1],
            "runtime": { "os": "linux", "arch": "arm" }, "more": true
        } });
        assert_eq!(told, expected);
    }
}
