//! A session as bytes: each line's first byte says connection and direction, the rest is a message.
//! Whatever comes, what `serde_json` takes for JSON is taken for JSON, a snapshot taken after it restores, and every event
//! that is written is read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use turnledger_core::digest::Sha2;
use turnledger_core::discard::Reason;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Direction, Event, Limits, Output, Pipeline, UnixMillis};

fuzz_target!(|session: &[u8]| {
    let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    let mut output = Output::default();
    let mut refused = 0;
    for (time, line) in session.split(|byte| *byte == b'\n').enumerate() {
        let Some((first, message)) = line.split_first() else { continue };
        let direction = if first & 1 == 0 { Direction::ClientToServer } else { Direction::ServerToClient };
        let is_json = str::from_utf8(message).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
        refused += usize::from(!is_json);
        let _ = pipeline.observe(
            UnixMillis(time as u64 * 1000),
            u64::from(first >> 1 & 3),
            direction,
            message,
            &mut output,
        );
    }
    let restored =
        Pipeline::restore(Sha2::default(), Limits::default(), &pipeline.snapshot()).expect("its own snapshot");
    assert_eq!(restored.snapshot(), pipeline.snapshot());
    assert_eq!(output.discards.iter().filter(|discard| discard.reason == Reason::NotJson).count(), refused);
    for event in &output.events {
        let json = event.to_json();
        assert_eq!(serde_json::from_str::<Event>(&json).expect("an event").to_json(), json);
    }
});
