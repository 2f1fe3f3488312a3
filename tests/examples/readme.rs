//! The Rust program of the README, word for word: `tests/tests/readme.rs` compares them and runs this one.

use std::error::Error;
use std::time::Duration;

use turnledger::Ledger;
use turnledger_core::Direction::{ClientToServer, ServerToClient};

fn main() -> Result<(), Box<dyn Error>> {
    let ledger = Ledger::builder()
        .before_send(|event| {
            println!("{event}");
            Some(event)
        })
        .start()?;

    // Hand over each JSON-RPC message as it passes. The 1 is your number for the connection.
    let session = [
        (ClientToServer, r#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"editor","version":"1.0"}}}"#),
        (ServerToClient, r#"{"id":0,"result":{"userAgent":"editor/0.131.0 (Linux 6.1; x86_64)"}}"#),
        (ClientToServer, r#"{"id":1,"method":"thread/start","params":{}}"#),
        (ServerToClient, r#"{"id":1,"result":{"thread":{"id":"thread-1"},"model":"gpt-5.3-codex"}}"#),
    ];
    for (direction, message) in session {
        ledger.observe(1, direction, message.as_bytes());
    }

    ledger.shutdown(Duration::from_secs(5));
    Ok(())
}
