//! A rollout as lines of bytes: nothing panics, what is held stays small, and nothing of what was said comes out.

#![no_main]

use libfuzzer_sys::fuzz_target;
use turnledger_core::digest::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Limits, Output, Pipeline, Rollout};
use turnledger_tests::trees::MARKER;

/// The texts that say what was said: what they hold is the marker, whatever stood there.
const SAID: [&str; 6] = ["message", "text", "arguments", "output", "aggregated_output", "cwd"];

fuzz_target!(|file: &[u8]| {
    let (mut rollout, mut output) = (Rollout::new(1), Output::default());
    let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    for line in file.split(|byte| *byte == b'\n') {
        let line = marked(line);
        let _ = pipeline.read(&mut rollout, line.as_deref().unwrap_or_default(), &mut output);
    }
    pipeline.end(&mut rollout, &mut output);
    for event in &output.events {
        let text = event.to_json();
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok());
        assert!(!text.contains(MARKER), "{text}");
    }
    assert!(!format!("{:?}", output.discards).contains(MARKER));
    assert!(pipeline.snapshot().len() < (16 << 10) + 8 * file.len(), "what is held");
});

/// The line with the marker in all that was said; the line itself where it is no JSON.
fn marked(line: &[u8]) -> Option<Vec<u8>> {
    let Ok(mut value) = serde_json::from_slice(line) else { return Some(line.to_vec()) };
    mark(&mut value);
    serde_json::to_vec(&value).ok()
}

fn mark(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                if SAID.contains(&name.as_str()) && member.is_string() {
                    *member = MARKER.into();
                } else {
                    mark(member);
                }
            }
        }
        serde_json::Value::Array(elements) => elements.iter_mut().for_each(mark),
        _ => {}
    }
}
