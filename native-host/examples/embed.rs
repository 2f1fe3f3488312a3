//! The whole of embedding: an app-server in small that keeps a ledger.
//!
//! Run it with `cargo run --example embed`. It prints the events that it would upload; with a URL as its
//! argument it uploads them, too.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use turnledger::Ledger;
use turnledger::delivery::Endpoint;
use turnledger::delivery::auth::{Account, BearerToken};
use turnledger::ledger::runtime;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::fact::protocol::Initialize;
use turnledger_core::{Direction, Fact};

fn main() -> Result<(), Box<dyn Error>> {
    // 1. Once, where the app-server starts. A spool keeps what is not delivered for the next start.
    let spool = env::temp_dir().join(format!("turnledger-embed-{}.db", std::process::id()));
    let mut builder = Ledger::builder().spool(spool).before_send(|event| {
        println!("{event}");
        Some(event)
    });
    if let Some(url) = env::args().nth(1) {
        // Or a `TokenFile`, an `AgentAssertion`, or a `SuppliedToken` that asks your own client for a new one.
        let auth = BearerToken::new("a token".into(), Account::default());
        builder = builder.upload(Endpoint::new(&url)?, Arc::new(auth));
    }
    let ledger = builder.start()?;

    // 2. Where things happen: a fact that you have as a type. The call returns at once, whatever happens.
    ledger.track_initialize(Initialize {
        connection_id: 1,
        params: serde_json::from_str(r#"{"clientInfo":{"name":"editor","version":"1.0"}}"#)?,
        product_client_id: "editor".into(),
        runtime: runtime(env!("CARGO_PKG_VERSION")),
        rpc_transport: RpcTransport::Stdio,
        originator: None,
    });
    ledger.track(serde_json::from_str::<Fact>(
        r#"{"hook_run":{"tracking":{"model_slug":"m","thread_id":"T","turn_id":"U"},"event_name":"stop","hook_source":"user","status":"completed"}}"#,
    )?);

    // 3. Or, where you have only messages, every message of a connection.
    ledger.observe(1, Direction::ServerToClient, br#"{"method":"item/agentMessage/delta","params":{}}"#);

    // 4. At the end: wait a little for what is on its way. What remains stays in the spool.
    println!("{:?}", ledger.shutdown(Duration::from_secs(5)));
    println!("{:?}", ledger.stats());
    Ok(())
}
