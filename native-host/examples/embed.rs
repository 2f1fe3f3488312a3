//! The whole of embedding: an app-server in small that keeps a ledger.
//!
//! Run it with `cargo run -p turnledger --example embed`. It prints the events that it would upload; with a URL as its
//! argument it uploads them, too.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use turnledger::Ledger;
use turnledger::delivery::Endpoint;
use turnledger::delivery::auth::{Account, BearerToken};
use turnledger::ledger::{runtime, special_folders};
use turnledger_core::Direction;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::fact::Tracking;
use turnledger_core::fact::hook::HookRun;
use turnledger_core::fact::permission::PermissionProfile;
use turnledger_core::fact::protocol::{ClientRequestReceived, ClientResponseSent, Initialize};
use turnledger_core::fact::turn::{TurnResolvedConfig, TurnTokenUsage};
use turnledger_core::protocol::input::UserInput;
use turnledger_core::protocol::notification::{Notification, TurnNotification};
use turnledger_core::protocol::request::{
    ClientInfo, ClientRequest, ClientResponse, InitializeParams, NewTurn, TurnStartResponse,
};
use turnledger_core::protocol::thread::{Thread, ThreadResponse};
use turnledger_core::protocol::turn::{Turn, TurnStartParams};

fn main() -> Result<(), Box<dyn Error>> {
    // 1. Once, where the app-server starts. A spool keeps what is not delivered for the next start.
    let spool = env::temp_dir().join(format!("turnledger-embed-{}", std::process::id()));
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

    // 2. Where things happen: a fact that you have as a type. Each call returns at once, whatever happens.
    track_a_turn(&ledger);

    // 3. Or, where you have only messages, every message of a connection.
    ledger.observe(1, Direction::ServerToClient, br#"{"method":"item/agentMessage/delta","params":{}}"#);

    // 4. At the end: wait a little for what is on its way. What remains stays in the spool.
    println!("{:?}", ledger.shutdown(Duration::from_secs(5)));
    println!("{:?}", ledger.stats());
    Ok(())
}

/// A client starts a thread and a turn, in which a hook runs. What your server has as words is made from them.
fn track_a_turn(ledger: &Ledger) {
    let client_info = ClientInfo { name: "editor".into(), version: "1.0".into() };
    let params = InitializeParams { client_info, ..InitializeParams::default() };
    ledger.track(Initialize::new(1, params, runtime(env!("CARGO_PKG_VERSION")), RpcTransport::Stdio));

    let thread = Thread { id: "thread".into(), created_at: 1_700_000_000, ..Thread::default() };
    let opened = ThreadResponse { thread, model: "gpt-5".into(), ..ThreadResponse::default() };
    ledger.track(ClientResponseSent::new(1, 1, ClientResponse::ThreadStart(Box::new(opened))));

    let input = vec![UserInput::text("Use $release-notes"), UserInput::mention("app://drive")];
    let params = TurnStartParams { thread_id: "thread".into(), input, ..TurnStartParams::default() };
    ledger.track(ClientRequestReceived::new(1, 2, ClientRequest::TurnStart(Box::new(params))));
    let started = TurnStartResponse { turn: NewTurn { id: "turn".into() } };
    ledger.track(ClientResponseSent::new(1, 2, ClientResponse::TurnStart(started)));

    ledger.track(TurnResolvedConfig {
        thread_id: "thread".into(),
        turn_id: "turn".into(),
        model: Some("gpt-5".into()),
        model_provider: "openai".into(),
        permission_profile: Some(PermissionProfile::Disabled),
        special_folders: special_folders(),
        approval_policy: "never".into(),
        approvals_reviewer: "user".into(),
        sandbox_network_access: true,
        collaboration_mode: "default".into(),
        is_first_turn: true,
        ..TurnResolvedConfig::default()
    });
    ledger.track(HookRun {
        tracking: Tracking { model_slug: Some("gpt-5".into()), ..Tracking::new("thread", "turn") },
        event_name: "stop".into(),
        hook_source: "user".into(),
        status: "completed".into(),
        ..HookRun::default()
    });
    ledger.track(TurnTokenUsage {
        thread_id: "thread".into(),
        turn_id: "turn".into(),
        input_tokens: 1200,
        output_tokens: 80,
        total_tokens: 1280,
        ..TurnTokenUsage::default()
    });
    let turn = Turn { id: "turn".into(), status: "completed".into(), duration_ms: Some(900), ..Turn::default() };
    let completed = TurnNotification { thread_id: "thread".into(), turn };
    ledger.track(Notification::TurnCompleted(Box::new(completed)));
}
