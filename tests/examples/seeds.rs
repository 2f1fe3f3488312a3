//! Writes the golden recordings as seeds for the fuzz targets: a folder for each target, and in it a file for each session.
//!
//! usage: `seeds FOLDER`

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use turnledger::Sha2;
use turnledger_core::{Direction, Output};
use turnledger_tests::golden::{self, Message, VERSIONS, recordings};
use turnledger_tests::{mix, rollouts};

/// Messages beyond this size say little more, and make a fuzz target slow.
const LARGE: usize = 4096;

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: seeds FOLDER");
        std::process::exit(2);
    };
    for version in VERSIONS {
        for recording in recordings(version) {
            let mut messages = recording.messages();
            messages.retain(|message| message.text.len() <= LARGE);
            let write = |target: &str, seed: &[u8]| write(&folder.join(target), &recording.name, version, seed);
            write("messages", &session(&messages))?;
            write("recordings", lines(recording.traffic.lines().filter(|line| line.len() <= LARGE)).as_bytes())?;
            write("facts", facts(&messages).as_bytes())?;
            write("snapshots", snapshot(&messages).as_bytes())?;
            if let Some(diff) = diff(&messages) {
                write("diffs", diff.as_bytes())?;
            }
        }
    }
    for version in ["0.104.0", "0.131.0", "0.142.0", "0.153.0", "0.171.0"] {
        for recorded in rollouts::recordings(version) {
            for (number, (_, file)) in recorded.files.iter().enumerate() {
                let seed = lines(file.lines().filter(|line| line.len() <= LARGE));
                let name = format!("{}-{number}", recorded.name);
                write(&folder.join("rollout_lines"), &name, version, seed.as_bytes())?;
            }
        }
    }
    Ok(())
}

fn write(folder: &Path, name: &str, version: &str, seed: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{name}-{version}")), seed)
}

fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Each message after a byte that says direction and connection.
fn session(messages: &[Message]) -> Vec<u8> {
    let mut session = Vec::new();
    for Message { connection_id, direction, text, .. } in messages {
        let connection = u8::try_from(connection_id.0 & 3).unwrap_or(0);
        session.push(connection << 1 | u8::from(*direction == Direction::ServerToClient));
        session.extend_from_slice(text.as_bytes());
        session.push(b'\n');
    }
    session
}

/// The facts that the messages amount to.
fn facts(messages: &[Message]) -> String {
    let facts = mix::facts(messages);
    let facts: Vec<_> = facts.iter().map(|(_, fact)| fact.to_private_json().into_exposed()).collect();
    lines(facts.iter().map(String::as_str))
}

/// What a session holds in its middle.
fn snapshot(messages: &[Message]) -> String {
    let (mut session, mut output) = (golden::pipeline(Sha2::default()), Output::default());
    for message in &messages[..messages.len() / 2] {
        golden::feed(&mut session, message, &mut output);
    }
    session.snapshot()
}

/// The last diff of a session.
fn diff(messages: &[Message]) -> Option<String> {
    let last = messages.iter().rfind(|message| message.text.contains("turn/diff/updated"))?;
    let message: serde_json::Value = serde_json::from_str(&last.text).expect("a message");
    message["params"]["diff"].as_str().map(Into::into)
}
