//! A recording as bytes: a line is refused, or its message is JSON that the pipeline takes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use turnledger_core::digest::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Limits, Output, Pipeline};
use turnledger_intake::recording::parse_line;

fuzz_target!(|recording: &[u8]| {
    let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    let mut output = Output::default();
    for line in recording.split(|byte| *byte == b'\n') {
        let Ok(recorded) = parse_line(line) else { continue };
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(recorded.message).is_ok());
        let message = recorded.message.as_bytes();
        let _ = pipeline.observe(recorded.at, recorded.connection_id, recorded.direction, message, &mut output);
    }
    pipeline.finish(turnledger_core::UnixMillis(u64::MAX), &mut output);
    for event in &output.events {
        assert!(serde_json::to_string(event).is_ok());
    }
});
