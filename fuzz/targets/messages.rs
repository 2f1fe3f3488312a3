//! A session as bytes: each line's first byte says connection and direction, the rest is a message.
//! Whatever comes, a snapshot taken after it restores, and the next good message is understood.

#![no_main]

use libfuzzer_sys::fuzz_target;
use turnledger_core::digest::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Direction, Limits, Output, Pipeline, UnixMillis};

fuzz_target!(|session: &[u8]| {
    let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    let mut output = Output::default();
    for (time, line) in session.split(|byte| *byte == b'\n').enumerate() {
        let Some((first, message)) = line.split_first() else { continue };
        let direction = if first & 1 == 0 { Direction::ClientToServer } else { Direction::ServerToClient };
        pipeline.observe(UnixMillis(time as u64 * 1000), u64::from(first >> 1 & 3), direction, message, &mut output);
    }
    let restored =
        Pipeline::restore(Sha2::default(), Limits::default(), &pipeline.snapshot()).expect("its own snapshot");
    assert_eq!(restored.snapshot(), pipeline.snapshot());
    for event in &output.events {
        assert!(serde_json::to_string(event).is_ok());
    }
});
