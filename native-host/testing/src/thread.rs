//! Threads, and the turns that begin in them.

use serde_json::{Value, json};
use turnledger_core::fact::compaction::{
    Compaction, CompactionDetails, CompactionImplementation, CompactionPhase, CompactionReason, CompactionStatus,
    CompactionStrategy, CompactionTrigger,
};
use turnledger_core::fact::protocol::ClientResponseSent;
use turnledger_core::protocol::item::{Identified, Item};
use turnledger_core::protocol::policy::SandboxPolicy;
use turnledger_core::protocol::request::ClientResponse;
use turnledger_core::protocol::thread::{self, ThreadResponse};

use crate::session::{CONNECTION, CWD, MODEL, PROVIDER, Session};
use crate::turn::{self, Turn};

/// What is left in the model's context after a compaction.
const COMPACTED_TOKENS: i64 = 300;

/// A thread of a scripted [`AppServer`](crate::AppServer).
#[derive(Clone, Debug)]
pub struct Thread {
    session: Session,
    number: usize,
    id: String,
}

impl Thread {
    pub(crate) fn start(session: &Session) -> Self {
        let mut state = session.state();
        let (number, id) = state.new_thread();
        let created_at = state.seconds();
        let request = state.request("thread/start", &json!({ "cwd": CWD }));
        let thread = wire(&id, created_at, &state.version);
        let result = json!({
            "thread": thread,
            "model": MODEL,
            "modelProvider": PROVIDER,
            "serviceTier": null,
            "cwd": CWD,
            "runtimeWorkspaceRoots": [CWD],
            "instructionSources": [],
            "approvalPolicy": "on-request",
            "approvalsReviewer": "user",
            "sandbox": { "type": "workspaceWrite", "writableRoots": [], "networkAccess": false },
            "activePermissionProfile": null,
            "reasoningEffort": null,
        });
        state.respond(request, &result);
        state.notify("thread/started", &json!({ "thread": thread }));

        let thread = thread::Thread {
            id: id.as_str().into(),
            session_id: Some(id.as_str().into()),
            created_at,
            ..thread::Thread::default()
        };
        let response = ThreadResponse {
            thread,
            model: MODEL.into(),
            model_provider: Some(PROVIDER.into()),
            cwd: Some(CWD.into()),
            approval_policy: Some("on-request".into()),
            approvals_reviewer: Some("user".into()),
            sandbox: Some(SandboxPolicy::WorkspaceWrite { network_access: false }),
            ..ThreadResponse::default()
        };
        state.fact(ClientResponseSent::new(CONNECTION, request, ClientResponse::ThreadStart(Box::new(response))));
        state.end_step();
        drop(state);
        Self { session: session.clone(), number, id }
    }

    /// The thread's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `turn/start`: the user sends a text, and a turn begins.
    ///
    /// # Panics
    ///
    /// If a turn of this thread runs already.
    pub fn start_turn(&self, text: &str) -> Turn {
        Turn::start(&self.session, self.number, &self.id, text)
    }

    /// `thread/compact/start`: the user has the thread's context compacted, in a turn of its own.
    ///
    /// # Panics
    ///
    /// If a turn of this thread runs.
    pub fn compact(&self) {
        let mut state = self.session.state();
        let place = state.new_turn(self.number, &self.id);
        let request = state.request("thread/compact/start", &json!({ "threadId": self.id }));
        state.respond(request, &json!({}));
        turn::started(&mut state, &place);
        state.end_step();

        let item_id = state.new_item_id();
        let wire = json!({ "type": "contextCompaction", "id": item_id });
        let item = || Item::ContextCompaction(Identified { id: item_id.as_str().into() });
        let started_at = state.now;
        state.item_started(&place, &wire, item());
        state.end_step();

        let before = std::mem::replace(&mut state.thread(self.number).context, COMPACTED_TOKENS);
        state.tokens_updated(&place, [0, 0, 0, 0, COMPACTED_TOKENS]);
        state.item_completed(&place, &wire, item());
        let details = CompactionDetails {
            active_context_tokens_before: Some(before),
            active_context_tokens_after: Some(COMPACTED_TOKENS),
            started_at: Some(started_at.as_secs()),
            completed_at: state.now.as_secs(),
            duration_ms: state.now.0.checked_sub(started_at.0),
            ..CompactionDetails::new(
                CompactionTrigger::Manual,
                CompactionReason::UserRequested,
                // With an API key.
                CompactionImplementation::Responses,
                CompactionPhase::StandaloneTurn,
                CompactionStrategy::Memento,
                CompactionStatus::Completed,
            )
        };
        state.fact(Compaction::new(place.thread_id.as_str(), place.turn_id.as_str(), details));
        state.end_step();

        turn::completed(&mut state, &place, "completed", None);
        state.end_step();
    }
}

/// A new thread, as messages show it.
fn wire(id: &str, created_at: i64, version: &str) -> Value {
    json!({
        "id": id,
        "sessionId": id,
        "forkedFromId": null,
        "preview": "",
        "ephemeral": false,
        "modelProvider": PROVIDER,
        "createdAt": created_at,
        "updatedAt": created_at,
        "status": { "type": "idle" },
        "path": null,
        "projectId": null,
        "cwd": CWD,
        "cliVersion": version,
        "source": "vscode",
        "threadSource": null,
        "gitInfo": null,
        "name": null,
        "turns": [],
    })
}
