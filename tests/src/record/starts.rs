//! In which version each type of event and each member of it was seen first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::versions::number;
use super::vocabulary::Vocabulary;

/// What came and what went.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    /// By version, and by what it is, the types of events that have it.
    all: BTreeMap<(Vec<u64>, String), BTreeMap<What, BTreeSet<String>>>,
}

/// What a version began or ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Type,
    Member(String),
    NoMember(String),
    NoType,
}

impl Starts {
    /// Of versions in their order. What the first one has is no start.
    pub fn of(versions: &[(String, Vocabulary)]) -> Self {
        let mut starts = Self::default();
        // The members that each type had last, and in which version.
        let mut known: BTreeMap<&str, (BTreeSet<&str>, usize)> = BTreeMap::new();
        for (at, (version, vocabulary)) in versions.iter().enumerate() {
            for (name, members) in &vocabulary.events {
                let members: BTreeSet<&str> = members.keys().map(String::as_str).collect();
                match known.get(name.as_str()) {
                    None if at == 0 => {}
                    None => starts.add(version, name, What::Type),
                    Some((before, _)) => {
                        for came in members.difference(before) {
                            starts.add(version, name, What::Member((*came).into()));
                        }
                        for went in before.difference(&members) {
                            starts.add(version, name, What::NoMember((*went).into()));
                        }
                    }
                }
                known.insert(name, (members, at));
            }
        }
        for (name, (_, at)) in known {
            // It is not seen again.
            if let Some((version, _)) = versions.get(at + 1) {
                starts.add(version, name, What::NoType);
            }
        }
        starts
    }

    fn add(&mut self, version: &str, name: &str, what: What) {
        let of_version = self.all.entry((number(version), version.into())).or_default();
        of_version.entry(what).or_default().insert(name.into());
    }
}

/// A table in Markdown: what the same types have in common stands in one row.
impl fmt::Display for Starts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        writeln!(formatter, "| version | events | what is new, or no more |\n|---|---|---|")?;
        for ((_, version), all) in &self.all {
            let mut rows: BTreeMap<(u8, &BTreeSet<String>), Vec<&str>> = BTreeMap::new();
            for (what, types) in all {
                let (kind, member) = match what {
                    What::Type => (0, None),
                    What::Member(member) => (1, Some(member)),
                    What::NoMember(member) => (2, Some(member)),
                    What::NoType => (3, None),
                };
                rows.entry((kind, types)).or_default().extend(member.map(String::as_str));
            }
            for ((kind, types), members) in rows {
                let types: Vec<_> = types.iter().map(String::as_str).collect();
                let what = match kind {
                    0 => "the event".to_owned(),
                    1 => list(&members),
                    2 => format!("no more {}", list(&members)),
                    _ => "the event is no more".to_owned(),
                };
                writeln!(formatter, "| {version} | {} | {what} |", list(&types))?;
            }
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
            version("0.9.0", &[event("e", json!({ "a": 1 })), event("g", json!({ "a": 1 })), event("h", json!({}))]),
            version("0.10.0", &[event("e", json!({ "a": 1, "b": null })), event("g", json!({ "a": 1, "b": 2 }))]),
            version("0.11.0", &[event("e", json!({ "b": 1, "d": 1 })), event("f", json!({ "c": 1 }))]),
            version("0.12.0", &[event("e", json!({ "b": 1, "d": 1 })), event("g", json!({ "a": 1, "b": 2 }))]),
        ];
        assert_eq!(
            Starts::of(&versions).to_string(),
            "| version | events | what is new, or no more |
|---|---|---|
| 0.10.0 | `e`, `g` | `b` |
| 0.10.0 | `h` | the event is no more |
| 0.11.0 | `f` | the event |
| 0.11.0 | `e` | `d` |
| 0.11.0 | `e` | no more `a` |
| 0.12.0 | `f` | the event is no more |
"
        );
    }
}
