//! In which version each type of event and each member of it was seen first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::versions::number;
use super::vocabulary::Vocabulary;

/// What came and what went, by version and type of event.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    rows: BTreeMap<(Vec<u64>, String), Row>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    version: String,
    /// Whether the type itself is new.
    is_whole: bool,
    came: BTreeSet<String>,
    went: BTreeSet<String>,
    /// Whether the type itself is no more.
    is_gone: bool,
}

impl Starts {
    /// Of versions in their order. What the first one has is no start.
    pub fn of(versions: &[(String, Vocabulary)]) -> Self {
        let mut starts = Self::default();
        let mut known: BTreeMap<&str, (BTreeSet<&str>, usize)> = BTreeMap::new();
        for (at, (version, vocabulary)) in versions.iter().enumerate() {
            for (name, members) in &vocabulary.events {
                let members: BTreeSet<&str> = members.keys().map(String::as_str).collect();
                let is_new = !known.contains_key(name.as_str());
                let (before, _) = known.remove(name.as_str()).unwrap_or_default();
                let row = Row {
                    version: version.clone(),
                    is_whole: is_new && at > 0,
                    came: if is_new { BTreeSet::new() } else { texts(members.difference(&before)) },
                    went: texts(before.difference(&members)),
                    is_gone: false,
                };
                if row.is_whole || !row.came.is_empty() || !row.went.is_empty() {
                    starts.rows.insert((number(version), name.clone()), row);
                }
                known.insert(name, (members, at));
            }
        }
        // A type that was seen before and is not any more has gone, unless its scenario failed in the last version.
        let last = versions.len().saturating_sub(1);
        for (name, (_, at)) in known.into_iter().filter(|(_, (_, at))| *at < last) {
            let version = &versions[at + 1].0;
            let row = Row { version: version.clone(), is_gone: true, ..Row::default() };
            starts.rows.insert((number(version), name.into()), row);
        }
        starts
    }
}

fn texts<'t>(members: impl Iterator<Item = &'t &'t str>) -> BTreeSet<String> {
    members.map(|member| (*member).to_owned()).collect()
}

/// A table in Markdown.
impl fmt::Display for Starts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| since | type of event | members |\n|---|---|---|")?;
        let list = |members: &BTreeSet<String>| {
            members.iter().map(|member| format!("`{member}`")).collect::<Vec<_>>().join(", ")
        };
        for ((_, name), Row { version, is_whole, came, went, is_gone }) in &self.rows {
            let mut said: Vec<String> = Vec::new();
            said.extend(is_whole.then(|| "the type".to_owned()));
            said.extend((!came.is_empty()).then(|| list(came)));
            said.extend((!went.is_empty()).then(|| format!("no more: {}", list(went))));
            said.extend(is_gone.then(|| "the type is no more".to_owned()));
            writeln!(formatter, "| {version} | `{name}` | {} |", said.join("; "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Starts, Vocabulary};
    use crate::golden::Recording;

    fn version(number: &str, events: &[Value]) -> (String, Vocabulary) {
        let recording = Recording { name: "a".into(), traffic: String::new(), uploaded: events.to_vec() };
        (number.into(), Vocabulary::of([&recording]))
    }

    #[test]
    fn a_table_of_starts() {
        let event = |name: &str, params: Value| json!({ "event_type": name, "event_params": params });
        let versions = [
            version("0.9.0", &[event("e", json!({ "a": 1 })), event("h", json!({}))]),
            version("0.10.0", &[event("e", json!({ "a": 1, "b": null })), event("f", json!({ "c": 1 }))]),
            version("0.11.0", &[event("e", json!({ "b": 1, "d": 1 }))]),
            version("0.12.0", &[event("e", json!({ "b": 1, "d": 1 })), event("f", json!({ "c": 1 }))]),
        ];
        assert_eq!(
            Starts::of(&versions).to_string(),
            "| since | type of event | members |
|---|---|---|
| 0.10.0 | `e` | `b` |
| 0.10.0 | `f` | the type |
| 0.10.0 | `h` | the type is no more |
| 0.11.0 | `e` | `d`; no more: `a` |
"
        );
    }
}
