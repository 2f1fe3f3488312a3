//! Events by their texts, in any sizes and order: every event goes in one request, in its place, and no request holds more
//! than it may.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use turnledger_core::{Batch, BatchLimits, Batcher};

#[derive(Arbitrary, Debug)]
struct Requests {
    events: u8,
    bytes: u16,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Event { padding: u16, is_isolated: bool },
    Flush,
}

fuzz_target!(|requests: Requests| {
    let (events, bytes) = (usize::from(requests.events).max(1), usize::from(requests.bytes).max(1));
    let limits = BatchLimits::default().events(events).bytes(bytes);
    let mut batcher = Batcher::new(limits);
    let mut batches: Vec<Batch> = Vec::new();
    let mut pushed: Vec<(u64, bool)> = Vec::new();
    for step in requests.steps {
        match step {
            Step::Event { padding, is_isolated } => {
                let number = pushed.len() as u64;
                let event = format!(r#"{{"number":{number},"padding":"{}"}}"#, "x".repeat(usize::from(padding)));
                batches.extend(batcher.push_json(&event, is_isolated));
                pushed.push((number, is_isolated));
            }
            Step::Flush => batches.extend(batcher.flush()),
        }
    }
    batches.extend(batcher.flush());
    assert!(batcher.flush().is_none());

    let mut sent = pushed.into_iter();
    for batch in batches {
        let body: serde_json::Value = serde_json::from_str(&batch.body).expect("a body is JSON");
        let events = body["events"].as_array().expect("events");
        assert_eq!(events.len(), batch.events);
        assert!((1..=limits.events).contains(&events.len()));
        assert!(batch.body.len() <= limits.bytes || events.len() == 1);
        for event in events {
            let (number, is_isolated) = sent.next().expect("no event twice");
            assert_eq!(event["number"], number);
            assert!(!is_isolated || events.len() == 1);
        }
    }
    assert!(sent.next().is_none(), "no event is lost");
});
