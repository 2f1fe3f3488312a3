//! What a version says: the types of its events, their members, and the words that stand in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::compare::fields;
use crate::golden::Recording;

/// Members by what has them, and of each the words that it was seen with.
pub type Names = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What a version was seen to say.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Events that it uploaded.
    pub events: Names,
    /// Messages of its server.
    pub messages: Names,
    /// Types of its protocol, used or not; empty if it is not known.
    pub protocol: Names,
}

impl Vocabulary {
    /// What some recordings have.
    pub fn of<'r>(recordings: impl IntoIterator<Item = &'r Recording>) -> Self {
        let mut all = Self::default();
        for recording in recordings {
            for event in &recording.uploaded {
                let name = event["event_type"].as_str().unwrap_or_default();
                let members = all.events.entry(name.into()).or_default();
                for (member, value) in fields(event) {
                    members.entry(member).or_default().extend(words(&value));
                }
            }
            for message in recording.traffic.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
                let (from_server, message) = (message["direction"] == "server_to_client", &message["message"]);
                if from_server && let Some(method) = message["method"].as_str() {
                    let members = all.messages.entry(method.into()).or_default();
                    collect("", &message["params"], members);
                }
            }
        }
        all
    }

    /// What this has and the other has not, and the other way round.
    pub fn changes(&self, earlier: &Self) -> Changes {
        let sides = |now: &Names, before: &Names| Sides { came: only(now, before), went: only(before, now) };
        let mut changes = Changes {
            events: sides(&self.events, &earlier.events),
            messages: sides(&self.messages, &earlier.messages),
            protocol: Sides::default(),
        };
        if !self.protocol.is_empty() && !earlier.protocol.is_empty() {
            changes.protocol = sides(&self.protocol, &earlier.protocol);
        }
        changes
    }
}

/// What kind of value a member has; a word of its own where there are few.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Null => vec!["null".into()],
        Value::Bool(flag) => vec![flag.to_string()],
        Value::Number(_) => vec!["a number".into()],
        Value::String(word) if is_word(word) => vec![word.clone()],
        Value::String(_) => vec!["a text".into()],
        Value::Array(items) if items.is_empty() => vec!["[]".into()],
        Value::Array(_) => vec!["a list".into()],
        Value::Object(_) => vec!["an object".into()],
    }
}

/// Whether a text is one of few: no id, no name of a file.
fn is_word(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
        || ["v1", "v2"].contains(&text)
}

/// The members of a message's parameters by their paths, and the words of those that are named `type`.
fn collect(path: &str, value: &Value, members: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(all) => {
            for (name, member) in all {
                // Members of maps are named by ids and paths.
                let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                let name = if is_name && name.len() < 36 { name } else { "*" };
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                let words = members.entry(path.clone()).or_default();
                if let ("type", Some(word)) = (name, member.as_str()) {
                    words.insert(word.into());
                }
                collect(&path, member, members);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(path, item, members)),
        _ => {}
    }
}

/// What came and what went between two versions, of events or of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// What is new.
    pub came: Vec<String>,
    /// What is no more.
    pub went: Vec<String>,
}

/// What differs between two versions, as far as the same scenarios show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In events.
    pub events: Sides,
    /// In messages.
    pub messages: Sides,
    /// In the protocol.
    pub protocol: Sides,
}

/// What only `these` have, a line for each type.
fn only(these: &Names, others: &Names) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, members) in these {
        let Some(known) = others.get(name) else {
            let members: Vec<_> = members.keys().map(String::as_str).filter(|member| !member.is_empty()).collect();
            lines.push(format!("{name}, whole: {}", members.join(", ")).trim_end_matches([':', ' ']).to_owned());
            continue;
        };
        let (mut found, mut said) = (Vec::new(), Vec::new());
        for (member, words) in members {
            match known.get(member) {
                // What is inside of something new is not told again.
                None => {
                    let is_inside = found.iter().any(|outer: &String| member.starts_with(&format!("{outer}.")));
                    if !is_inside {
                        found.push(member.clone());
                    }
                }
                Some(known) => {
                    let new: Vec<_> = words.difference(known).map(String::as_str).collect();
                    if !new.is_empty() {
                        said.push(format!("{member} = {}", new.join(" | ")).trim_start().to_owned());
                    }
                }
            }
        }
        if !found.is_empty() {
            lines.push(format!("{name}: {}", found.join(", ")));
        }
        lines.extend(said.into_iter().map(|said| format!("{name}: {said}")));
    }
    lines
}

impl fmt::Display for Changes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("new in events", &self.events.came),
            ("no more in events", &self.events.went),
            ("new in messages", &self.messages.came),
            ("no more in messages", &self.messages.went),
            ("new in the protocol", &self.protocol.came),
            ("no more in the protocol", &self.protocol.went),
        ];
        for (what, lines) in parts {
            if !lines.is_empty() {
                writeln!(formatter, "{what}:")?;
            }
            for line in lines {
                writeln!(formatter, "  {line}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Vocabulary;
    use crate::golden::Recording;

    fn recording(params: &serde_json::Value, event: &serde_json::Value) -> Recording {
        let message = json!({ "method": "item/completed", "params": params });
        let line = json!({ "at_ms": 1, "connection_id": 1, "direction": "server_to_client", "message": message });
        Recording { name: "a".into(), traffic: line.to_string(), uploaded: vec![event.clone()] }
    }

    #[test]
    fn what_came_and_what_went() {
        let before = recording(
            &json!({ "item": { "type": "plan", "id": "1" } }),
            &json!({ "event_type": "e", "event_params": { "status": "done", "old": 1, "n": 1 } }),
        );
        let now = recording(
            &json!({ "item": { "type": "goal", "id": "2", "by": { "whom": "x" } } }),
            &json!({ "event_type": "e", "event_params": { "status": "failed", "n": 2, "new": null } }),
        );
        let other = json!({ "event_type": "f", "event_params": { "a": 1, "b": 2 } });
        let now = [now, recording(&json!({}), &other)];
        let changes = Vocabulary::of(&now).changes(&Vocabulary::of([&before]));
        assert_eq!(
            changes.to_string(),
            "new in events:
  e: new
  e: status = failed
  f, whole: a, b
no more in events:
  e: old
  e: status = done
new in messages:
  item/completed: item.by
  item/completed: item.type = goal
no more in messages:
  item/completed: item.type = plan
"
        );
    }
}
