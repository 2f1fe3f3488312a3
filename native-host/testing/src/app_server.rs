//! The app-server, from a client's `initialize` on.

use std::time::Duration;

use serde_json::json;
use turnledger_core::event::common::{RpcTransport, Runtime};
use turnledger_core::fact::protocol::Initialize;
use turnledger_core::protocol::request::{Capabilities, ClientInfo, InitializeParams};
use turnledger_core::{Direction, UnixMillis};

use crate::session::{CONNECTION, Session, Step};
use crate::thread::Thread;

/// 2026-01-01, midnight UTC.
const START: UnixMillis = UnixMillis(1_767_225_600_000);

/// A scripted app-server and its one client: it says what would pass between them, and runs nothing.
///
/// The client, `editor` 1.0.0, is initialised, and its user is signed in with an API key. What happens then is up to the
/// test: each call on the server, a [`Thread`], a turn or an item adds one [`Step`] or more, which
/// [`take_steps`](Self::take_steps) hands over. The handles may be used on any thread.
///
/// Everything is the same in each run. Ids count up (`thread-1`, `turn-1`, `item-1`), each step is 10 ms later than the
/// one before, and each request to the model uses 1,280 tokens.
///
/// # Time
///
/// `Pipeline::observe` and `Pipeline::ingest` take a step's time, so that their events are the same in each run, too. A
/// `Ledger` has a clock of its own, and three events have a time by it: `codex_turn_steer_event` in `created_at`,
/// `codex_accepted_line_fingerprints` in `completed_at`, and, if the ledger observes messages, `codex_review_event` in
/// `completed_at_ms` and `duration_ms`. A session that [starts](Self::starting_at) at the present makes them plausible.
#[derive(Debug)]
pub struct AppServer {
    session: Session,
}

impl AppServer {
    /// A server of a version of Codex, such as `0.131.0`. The session begins on 2026-01-01 at 00:00:00 UTC.
    pub fn new(version: &str) -> Self {
        Self::starting_at(version, START)
    }

    /// A server of a version of Codex, in a session that begins at a time of your own, such as `turnledger::now()`.
    pub fn starting_at(version: &str, start: UnixMillis) -> Self {
        let session = Session::new(version, start);
        initialize(&session, version);
        Self { session }
    }

    /// `thread/start`: a new thread with the model `gpt-5.3-codex`, which may write below `/workspace/demo` and asks the
    /// user for more.
    pub fn start_thread(&self) -> Thread {
        Thread::start(&self.session)
    }

    /// Time passes in which nothing happens: a command runs, or a user thinks.
    pub fn wait(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = &mut self.session.state().now;
        now.0 = now.0.saturating_add(time);
    }

    /// The time of the next step.
    pub fn now(&self) -> UnixMillis {
        self.session.state().now
    }

    /// What has passed since the last call, in its order. The first step is the client's `initialize`.
    #[must_use = "steps are handed over once"]
    pub fn take_steps(&self) -> Vec<Step> {
        self.session.state().take_steps()
    }
}

fn initialize(session: &Session, version: &str) {
    let mut state = session.state();
    let (name, client_version) = ("editor", "1.0.0");
    let id = state.request(
        "initialize",
        &json!({
            "clientInfo": { "name": name, "title": "Editor", "version": client_version },
            "capabilities": { "experimentalApi": true },
        }),
    );
    let user_agent = format!("{name}/{version} (Debian 12.0.0; x86_64) xterm ({name}; {client_version})");
    let result = json!({
        "userAgent": user_agent,
        "codexHome": "/home/dev/.codex",
        "platformFamily": "unix",
        "platformOs": "linux",
    });
    state.respond(id, &result);
    state.message(Direction::ClientToServer, &json!({ "method": "initialized" }));
    // Who has an API key compacts in the same way in all versions.
    let id = state.request("account/read", &json!({}));
    state.respond(id, &json!({ "account": { "type": "apiKey" }, "requiresOpenaiAuth": true }));

    let client_info = ClientInfo { name: name.into(), version: client_version.into() };
    let capabilities = Some(Capabilities { experimental_api: true });
    let runtime = Runtime {
        codex_rs_version: version.into(),
        runtime_os: "linux".into(),
        runtime_os_version: "12.0.0".into(),
        runtime_arch: "x86_64".into(),
    };
    let params = InitializeParams { client_info, capabilities };
    state.fact(Initialize::new(CONNECTION, params, runtime, RpcTransport::Stdio));
    state.end_step();
}
