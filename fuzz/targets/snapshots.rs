//! Snapshots as text: refused or restored, and what is restored goes on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use turnledger_core::digest::Sha2;
use turnledger_core::{Direction, Limits, Output, Pipeline, UnixMillis};

fuzz_target!(|text: &str| {
    if let Ok(mut pipeline) = Pipeline::restore(Sha2::default(), Limits::default(), text) {
        let mut output = Output::default();
        let message = br#"{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u","status":"inProgress"}}}"#;
        let _ = pipeline.observe(UnixMillis(1), 1, Direction::ServerToClient, message, &mut output);
        pipeline.finish(UnixMillis(2), &mut output);
    }
});
