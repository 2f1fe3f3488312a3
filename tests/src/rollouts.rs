//! The recordings in `rollouts/VERSION/SCENARIO`: what the real binary left on disk, and what it uploaded of the
//! same session, or the traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Digest, Limits, Output, Pipeline, Rollout};

use crate::compare::{fields, identity};
use crate::golden::{self, Recording, Sha1};

/// One recorded session, with its files.
#[derive(Debug)]
pub struct Recorded {
    /// The scenario's name.
    pub name: String,
    /// The files, by name, in the order of their names.
    pub files: Vec<(String, String)>,
    /// The events of the session: those that were uploaded, or, of versions that uploaded little, those of its traffic.
    pub real: Vec<Value>,
}

/// Every recording of a version, by name.
///
/// # Panics
///
/// If a recording cannot be read: the tests cannot go on without it.
pub fn recordings(version: &str) -> Vec<Recorded> {
    let folder = golden::folder().with_file_name("rollouts").join(version);
    let mut scenarios: Vec<_> =
        fs::read_dir(&folder).expect("the golden rollouts").map(|entry| entry.expect("a scenario").path()).collect();
    scenarios.sort();
    scenarios.iter().map(|scenario| read(scenario)).collect()
}

fn read(scenario: &Path) -> Recorded {
    let name = scenario.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut files, mut real) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(scenario).expect("a scenario") {
        let path = entry.expect("a file").path();
        let bytes = zstd::decode_all(fs::File::open(&path).expect("a file")).expect("a compressed file");
        let text = String::from_utf8(bytes).expect("a text");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match &*name {
            "uploads.json" => {
                let uploads: Vec<Value> = serde_json::from_str(&text).expect("a list of uploads");
                let events = uploads.iter().filter_map(|upload| upload["body"]["events"].as_array());
                real = events.flatten().cloned().collect();
            }
            "traffic.jsonl" => {
                let recording = Recording { name: name.clone(), traffic: text, uploaded: Vec::new() };
                real = golden::values(&golden::replay(Sha1, &recording.messages()).events);
            }
            _ => files.push((name, text)),
        }
    }
    files.sort();
    Recorded { name, files, real }
}

/// What a whole file yields.
pub fn import<D: Digest>(digest: D, file: &str) -> Output {
    let mut pipeline = Pipeline::new(digest, RpcTransport::Stdio, Limits::default());
    let (mut rollout, mut output) = (Rollout::new(1), Output::default());
    for line in file.lines() {
        // A line that cannot be read is among the discards.
        let _ = pipeline.read(&mut rollout, line.as_bytes(), &mut output);
    }
    pipeline.end(&mut rollout, &mut output);
    output
}

/// The counts of one type of event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Real events of threads that have a file.
    pub real: u64,
    /// Of these, those that a file gives, too.
    pub found: u64,
    /// Events that only a file gives.
    pub extra: u64,
    /// Members that are equal.
    pub equal: u64,
    /// Members that are null, because a file does not say.
    pub unknown: u64,
    /// Members that are nearly equal: stamped by another clock.
    pub near: u64,
    /// Members that differ.
    pub different: u64,
}

/// Members that are stamped when a line is written, or when the server did something: how far they may be apart, in the
/// member's unit.
const NEAR: &[(&str, u64)] = &[
    ("started_at_ms", 250),
    ("completed_at_ms", 250),
    ("duration_ms", 250),
    ("execution_duration_ms", 250),
    ("created_at", 2),
    ("completed_at", 2),
    ("started_at", 2),
    // The server adds an estimate for what is newer than the latest count.
    ("active_context_tokens_before", 300),
    ("active_context_tokens_after", 300),
];

/// Members that a file has nothing of: who the client is, and what it runs on.
const OF_CLIENTS: [&str; 9] = [
    "app_server_client.client_name",
    "app_server_client.client_version",
    "app_server_client.rpc_transport",
    "app_server_client.experimental_api_enabled",
    "runtime.runtime_os",
    "runtime.runtime_os_version",
    "runtime.runtime_arch",
    // What 0.131 and later upload is empty; ours is not.
    "line_fingerprints",
    "fingerprint_scheme",
];

/// The events of files beside the real ones.
#[derive(Debug, Default)]
pub struct Comparison {
    /// By type of event.
    pub rows: BTreeMap<String, Row>,
    /// What is missing, what is extra, and what differs.
    pub differences: Vec<String>,
    /// The members that are null where the real ones are not, by type of event.
    pub unknown: BTreeMap<String, BTreeSet<String>>,
}

impl Comparison {
    /// Compares the events of one session.
    pub fn add(&mut self, recorded: &Recorded) {
        let mut ours = Vec::new();
        let mut threads = BTreeSet::new();
        for (_, file) in &recorded.files {
            let events = golden::values(&import(Sha1, file).events);
            threads.extend(events.iter().filter_map(|event| thread(event).map(ToOwned::to_owned)));
            ours.extend(events);
        }
        let mut ours: Vec<Option<&Value>> = ours.iter().map(Some).collect();
        let session = &recorded.name;
        // A resumed thread is initialised again, which no file says.
        let is_of_file = |event: &&Value| thread(event).is_some_and(|thread| threads.contains(thread));
        for event in recorded.real.iter().filter(is_of_file) {
            let name = event["event_type"].as_str().unwrap_or_default();
            self.rows.entry(name.into()).or_default().real += 1;
            let same =
                |candidate: &&mut Option<&Value>| candidate.is_some_and(|ours| identity(ours) == identity(event));
            match ours.iter_mut().find(same).and_then(Option::take) {
                Some(ours) => self.compare(session, name, ours, event),
                None => self.differences.push(format!("{session}: missing: {name} {}", identity(event))),
            }
        }
        for extra in ours.into_iter().flatten() {
            let name = extra["event_type"].as_str().unwrap_or_default();
            self.rows.entry(name.into()).or_default().extra += 1;
            self.differences.push(format!("{session}: extra: {name} {}", identity(extra)));
        }
    }

    fn compare(&mut self, session: &str, name: &str, ours: &Value, real: &Value) {
        let (ours, real) = (fields(ours), fields(real));
        let row = self.rows.entry(name.into()).or_default();
        row.found += 1;
        for (member, ours) in &ours {
            let Some(real) = real.get(member) else { continue };
            if OF_CLIENTS.contains(&&**member) {
                continue;
            }
            let limit = NEAR.iter().find(|(near, _)| near == member).map(|(_, limit)| *limit);
            if ours == real {
                row.equal += 1;
            } else if ours.is_null() {
                row.unknown += 1;
                self.unknown.entry(name.into()).or_default().insert(member.clone());
            } else if let (Some(limit), Some(ours), Some(real)) = (limit, ours.as_u64(), real.as_u64())
                && ours.abs_diff(real) <= limit
            {
                row.near += 1;
            } else {
                row.different += 1;
                self.differences.push(format!("{session}: {name} {member}: ours {ours}, real {real}"));
            }
        }
    }

    /// All rows together.
    pub fn total(&self) -> Row {
        self.rows.values().fold(Row::default(), |sum, row| Row {
            real: sum.real + row.real,
            found: sum.found + row.found,
            extra: sum.extra + row.extra,
            equal: sum.equal + row.equal,
            unknown: sum.unknown + row.unknown,
            near: sum.near + row.near,
            different: sum.different + row.different,
        })
    }
}

fn thread(event: &Value) -> Option<&str> {
    event["event_params"]["thread_id"].as_str()
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<42} {:>11} {:>5} {:>6} {:>7} {:>5} {:>9}",
            "event type", "found/real", "extra", "equal", "unknown", "near", "different"
        )?;
        for (name, row) in &self.rows {
            let Row { real, found, extra, equal, unknown, near, different } = row;
            let events = format!("{found}/{real}");
            writeln!(formatter, "{name:<42} {events:>11} {extra:>5} {equal:>6} {unknown:>7} {near:>5} {different:>9}")?;
        }
        for (name, members) in &self.unknown {
            writeln!(formatter, "unknown: {name}: {}", members.iter().cloned().collect::<Vec<_>>().join(", "))?;
        }
        for difference in &self.differences {
            writeln!(formatter, "{difference}")?;
        }
        Ok(())
    }
}
