//! Snapshots of earlier releases stay readable. `UPDATE_SNAPSHOTS=1` saves those of this release and the list of the
//! members that a snapshot must have.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::{Limits, Output, Pipeline, RestoreError};
use turnledger_tests::golden::{Message, feed, pipeline, recording, values};

/// Sessions that between them hold something of every kind.
const SAVED: [(&str, &str); 10] = [
    ("0.131.0", "approve_patch"),
    ("0.131.0", "compact_manual"),
    ("0.131.0", "mixed_long"),
    ("0.131.0", "skills"),
    ("0.131.0", "steer"),
    ("0.131.0", "subagents"),
    ("0.169.0", "guardian"),
    ("0.169.0", "late_exec"),
    ("0.169.0", "mcp_tools"),
    ("0.169.0", "two_threads"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots")
}

fn updates() -> bool {
    std::env::var_os("UPDATE_SNAPSHOTS").is_some()
}

fn restore(snapshot: &str) -> Result<Pipeline<Sha2>, RestoreError> {
    Pipeline::restore(Sha2::default(), Limits::default(), snapshot)
}

/// A saved session: the message after which it was saved, and its text.
struct Frozen {
    name: String,
    messages: Vec<Message>,
    after: usize,
    snapshot: String,
}

/// The state of a session where it is largest.
fn save(version: &str, name: &str) {
    let mut session = pipeline(Sha2::default());
    let mut output = Output::default();
    let states = recording(version, name).messages().into_iter().enumerate().map(|(at, message)| {
        feed(&mut session, &message, &mut output);
        (at, session.snapshot())
    });
    let (at, snapshot) = states.max_by_key(|(_, snapshot)| snapshot.len()).expect("a message");
    let folder = folder().join(env!("CARGO_PKG_VERSION"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(format!("{version}-{name}-{at}.json")), snapshot).expect("it is written");
}

fn frozen() -> Vec<Frozen> {
    if updates() {
        for (version, name) in SAVED {
            save(version, name);
        }
    }
    let mut all = Vec::new();
    for release in fs::read_dir(folder()).expect("snapshots").map(|entry| entry.expect("an entry").path()) {
        if !release.is_dir() {
            continue;
        }
        for path in fs::read_dir(&release).expect("a release").map(|entry| entry.expect("an entry").path()) {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let mut parts = stem.split('-');
            let mut next = || parts.next().expect("version, name and place");
            let (version, name, after) = (next(), next(), next());
            all.push(Frozen {
                messages: recording(version, name).messages(),
                after: after.parse().expect("a place"),
                snapshot: fs::read_to_string(&path).expect("text"),
                name: path.display().to_string(),
            });
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(all.len() >= SAVED.len());
    all
}

/// What the rest of a session yields.
fn rest(mut session: Pipeline<Sha2>, messages: &[Message]) -> Output {
    let mut output = Output::default();
    for message in messages {
        feed(&mut session, message, &mut output);
    }
    if let Some(last) = messages.last() {
        session.finish(last.at, &mut output);
    }
    output
}

#[test]
fn every_release_is_restored() {
    for Frozen { name, messages, after, snapshot } in frozen() {
        let (before, after) = messages.split_at(after + 1);
        let mut session = pipeline(Sha2::default());
        for message in before {
            feed(&mut session, message, &mut Output::default());
        }
        let uninterrupted = rest(session, after);
        let restored = restore(&snapshot).unwrap_or_else(|error| panic!("{name}: {error}"));
        let restored = rest(restored, after);
        // A snapshot holds no path, so where a skill lies is not asked after it.
        let comparable = |output: &Output| {
            let of_skills = |event: &Value| event["event_type"] == "skill_invocation";
            values(&output.events).into_iter().filter(|event| !of_skills(event)).collect::<Vec<_>>()
        };
        assert_eq!(comparable(&restored), comparable(&uninterrupted), "{name}");
        assert_eq!(restored.discards, uninterrupted.discards, "{name}");
    }
}

/// All members of a value, by their pointers.
fn members(value: &Value, pointer: &str, all: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                all.push((pointer.to_owned(), name.clone()));
                members(inner, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Value::Array(list) => {
            for (at, inner) in list.iter().enumerate() {
                members(inner, &format!("{pointer}/{at}"), all);
            }
        }
        _ => {}
    }
}

/// A place without the numbers and ids in it.
fn place(pointer: &str, name: &str) -> String {
    let parts = pointer.split('/').skip(1).filter(|part| part.parse::<u64>().is_err());
    parts.chain([name]).collect::<Vec<_>>().join(".")
}

#[test]
fn a_missing_member_is_survived_or_named() {
    let mut required = BTreeSet::new();
    for Frozen { name: file, messages, after, snapshot } in frozen() {
        let whole: Value = serde_json::from_str(&snapshot).expect("JSON");
        let mut all = Vec::new();
        members(&whole, "", &mut all);
        assert!(all.len() > 50, "{file}");
        for (pointer, name) in all {
            let mut without = whole.clone();
            let object = without.pointer_mut(&pointer).and_then(Value::as_object_mut).expect("an object");
            // An enum's variant is no member: without it there is no value.
            let is_variant = object.len() == 1 && name.starts_with(char::is_uppercase);
            object.remove(&name);
            match restore(&without.to_string()) {
                Ok(session) => drop(rest(session, &messages[after + 1..])),
                Err(error) => {
                    let place = place(&pointer, &name);
                    assert!(is_variant || error.to_string().contains(&format!("`{name}`")), "{file}: {place}: {error}");
                    required.insert(place);
                }
            }
        }
    }
    let path = folder().join("required.txt");
    let found = required.into_iter().chain([String::new()]).collect::<Vec<_>>().join("\n");
    if updates() {
        fs::write(&path, &found).expect("it is written");
    }
    let frozen = fs::read_to_string(&path).expect("the list");
    assert_eq!(found, frozen, "a member that earlier snapshots lack needs a default");
}
