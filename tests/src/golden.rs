//! The recordings in `golden/VERSION/SCENARIO`: traffic, and what the real binary uploaded.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use turnledger_core::digest::Scheme;
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{ConnectionId, Digest, DigestValue, Direction, Limits, Output, Pipeline, UnixMillis};

/// The versions of Codex that were recorded: the contract's, and the newest.
pub const VERSIONS: [&str; 2] = ["0.131.0", "0.169.0"];

/// The remote of the workspace in every recording.
pub const REMOTE: &str = "git@github.com:Acme/Demo-App.git";

/// One recorded session.
#[derive(Debug)]
pub struct Recording {
    /// The scenario's name.
    pub name: String,
    /// The traffic, a message a line.
    pub traffic: String,
    /// The events that the real binary uploaded.
    pub uploaded: Vec<Value>,
}

/// One recorded message.
#[derive(Clone, Debug)]
pub struct Message {
    /// When it passed.
    pub at: UnixMillis,
    /// On which connection.
    pub connection_id: ConnectionId,
    /// Who sent it.
    pub direction: Direction,
    /// Its text.
    pub text: String,
}

/// Where the recordings are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Every recording of a version, by name.
///
/// # Panics
///
/// If a recording cannot be read: the tests cannot go on without it.
pub fn recordings(version: &str) -> Vec<Recording> {
    recordings_in(&folder().join(version))
}

/// Every recording of a folder, by name.
///
/// # Panics
///
/// If a recording cannot be read.
pub fn recordings_in(folder: &Path) -> Vec<Recording> {
    let mut scenarios: Vec<_> =
        fs::read_dir(folder).expect("the golden recordings").map(|entry| entry.expect("a scenario").path()).collect();
    scenarios.retain(|path| path.is_dir());
    scenarios.sort();
    scenarios.iter().map(|scenario| read(scenario)).collect()
}

/// One recording.
///
/// # Panics
///
/// If it cannot be read.
pub fn recording(version: &str, name: &str) -> Recording {
    read(&folder().join(version).join(name))
}

fn read(scenario: &Path) -> Recording {
    let traffic = fs::read_to_string(scenario.join("traffic.jsonl")).expect("traffic.jsonl");
    let uploads = fs::read_to_string(scenario.join("uploads.json")).expect("uploads.json");
    let uploads: Vec<Value> = serde_json::from_str(&uploads).expect("a list of uploads");
    let uploaded = uploads
        .into_iter()
        .flat_map(|upload| upload["body"]["events"].as_array().cloned().unwrap_or_default())
        .collect();
    let name = scenario.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Recording { name, traffic, uploaded }
}

impl Recording {
    /// The recorded messages.
    ///
    /// # Panics
    ///
    /// If a line is no recorded message.
    pub fn messages(&self) -> Vec<Message> {
        self.traffic
            .lines()
            .map(|line| {
                let recorded = turnledger_intake::recording::parse_line(line.as_bytes()).expect("a recorded message");
                Message {
                    at: recorded.at,
                    connection_id: recorded.connection_id,
                    direction: recorded.direction,
                    text: recorded.message.into(),
                }
            })
            .collect()
    }
}

/// SHA-1 for lines and repositories, as Codex 0.131 has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sha1;

impl Digest for Sha1 {
    fn digest(&self, parts: &[&[u8]]) -> DigestValue {
        self.sha1(parts)
    }

    fn sha1(&self, parts: &[&[u8]]) -> DigestValue {
        turnledger::Sha2::default().sha1(parts)
    }

    fn scheme(&self) -> Scheme {
        Scheme::new(Scheme::SHA1)
    }
}

/// A new pipeline over stdio.
pub fn pipeline<D: Digest>(digest: D) -> Pipeline<D> {
    Pipeline::new(digest, RpcTransport::Stdio, Limits::default())
}

/// Feeds one message.
pub fn observe<D: Digest>(pipeline: &mut Pipeline<D>, message: &Message, output: &mut Output) {
    let _ = pipeline.observe(message.at, message.connection_id, message.direction, message.text.as_bytes(), output);
}

/// Feeds one message and answers the core's questions as a host does that only knows the remote.
pub fn feed<D: Digest>(pipeline: &mut Pipeline<D>, message: &Message, output: &mut Output) {
    observe(pipeline, message, output);
    answer(pipeline, message.at, output);
}

/// Answers the questions in `output`.
pub fn answer<D: Digest>(pipeline: &mut Pipeline<D>, at: UnixMillis, output: &mut Output) {
    for question in std::mem::take(&mut output.questions) {
        if let Some(fact) = turnledger_intake::replay::answer(question, Some(REMOTE)) {
            pipeline.ingest(at, fact, output);
        }
    }
}

/// The output of a whole session.
pub fn replay<D: Digest>(digest: D, messages: &[Message]) -> Output {
    let mut pipeline = pipeline(digest);
    let mut output = Output::default();
    for message in messages {
        feed(&mut pipeline, message, &mut output);
    }
    pipeline.finish(messages.last().map_or(UnixMillis::default(), |message| message.at), &mut output);
    output
}

/// The types of events.
///
/// # Panics
///
/// If one has none.
pub fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_type"].as_str().expect("a type")).collect()
}

/// What yielded no event, and why.
pub fn reasons(output: &Output) -> Vec<(Subject, Reason)> {
    output.discards.iter().map(|discard| (discard.subject, discard.reason)).collect()
}

/// Events as JSON values.
///
/// # Panics
///
/// If an event has no JSON form, which none lacks.
pub fn values(events: &[impl Serialize]) -> Vec<Value> {
    events.iter().map(|event| serde_json::to_value(event).expect("an event as JSON")).collect()
}
