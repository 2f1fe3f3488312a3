//! The test of docs/embedding.md, word for word: `tests/tests/program/readme.rs` compares them.

use std::sync::Arc;
use std::time::Duration;

use turnledger::Ledger;
use turnledger::delivery::Endpoint;
use turnledger::delivery::auth::NoAuth;
use turnledger_testing::{AppServer, Collector};

#[test]
fn a_turn_is_reported() {
    let collector = Collector::new();
    let endpoint = Endpoint::new(&collector.url()).unwrap();
    let ledger = Ledger::builder().upload(endpoint, Arc::new(NoAuth)).start().unwrap();

    let server = AppServer::new("0.131.0");
    let turn = server.start_thread().start_turn("Make the tests pass");
    turn.command_execution("cargo test").request_approval().accept().complete();
    turn.complete();
    for step in server.take_steps() {
        // In place of this loop: your own code, which calls the ledger.
        for message in step.messages {
            ledger.observe(message.connection, message.direction, message.text.as_bytes());
        }
    }

    ledger.shutdown(Duration::from_secs(20));
    let events = collector.events();
    let turn = events.iter().find(|event| event["event_type"] == "codex_turn_event").unwrap();
    assert_eq!(turn["event_params"]["status"], "completed");
    assert_eq!(turn["event_params"]["shell_command_count"], 1);
}
