//! Facts as JSON, one a line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use turnledger_core::digest::Sha2;
use turnledger_core::reducer::Limits;
use turnledger_core::{Fact, Output, Reducer, UnixMillis};

fuzz_target!(|lines: &[u8]| {
    let mut reducer = Reducer::new(Sha2::default(), Limits::default());
    let mut output = Output::default();
    for (time, line) in lines.split(|byte| *byte == b'\n').enumerate() {
        if let Ok(fact) = serde_json::from_slice::<Fact>(line) {
            let written = fact.to_private_json();
            assert!(Fact::from_json(written.expose()).is_ok(), "a written fact reads back");
            reducer.apply(UnixMillis(time as u64 * 1000), fact, &mut output);
        }
    }
    reducer.finish(UnixMillis(u64::MAX), &mut output);
});
