//! A session as an app-server itself would tell it, in facts that were never messages, beside the
//! same session as it was recorded.

use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::event::common::{RpcTransport, Runtime};
use turnledger_core::fact::permission::{
    Access, FileSystemEntry, FileSystemPath, FileSystemProfile, PermissionProfile, SpecialFolders,
};
use turnledger_core::fact::protocol::{
    ClientRequestReceived, ClientResponseSent, Initialize, ServerRequestSent, ServerResponseReceived,
};
use turnledger_core::fact::turn::{TurnResolvedConfig, TurnTokenUsage};
use turnledger_core::protocol::approval::{
    FileChangeApprovalParams, FileChangeDecision, ServerRequest, ServerResponse,
};
use turnledger_core::protocol::enums::{ApprovalsReviewer, ItemStatus, ModeKind, PatchKind, TurnStatus};
use turnledger_core::protocol::item::{Change, ChangeKind, FileChange, Item};
use turnledger_core::protocol::notification::{
    ItemCompleted, ItemStarted, Notification, TurnDiffUpdated, TurnNotification,
};
use turnledger_core::protocol::policy::AskForApproval;
use turnledger_core::protocol::request::{
    Capabilities, ClientInfo, ClientRequest, ClientResponse, InitializeParams, NewTurn, TurnStartResponse,
};
use turnledger_core::protocol::thread::{Thread, ThreadResponse};
use turnledger_core::protocol::turn::{Turn, TurnStartParams};
use turnledger_core::{Fact, Output, Presence, UnixMillis};
use turnledger_tests::golden::{Message, answer, pipeline, recording, replay, values};

/// A message's JSON.
fn value(message: &Message) -> Value {
    serde_json::from_str(&message.text).expect("a message")
}

/// What differs between the two sessions.
struct Session {
    thread: &'static str,
    turn: &'static str,
    created_at: i64,
    profile: PermissionProfile,
    approval_policy: AskForApproval,
    /// Input, cached, output, reasoning and all.
    tokens: [i64; 5],
    duration_ms: i64,
    completed_at: i64,
}

fn initialized() -> Fact {
    Fact::Initialize(Box::new(Initialize {
        connection_id: 1.into(),
        params: InitializeParams {
            client_info: ClientInfo { name: "turnledger_recorder".into(), version: "1.2.3".into() },
            capabilities: Some(Capabilities { experimental_api: true }),
        },
        product_client_id: "turnledger_recorder".into(),
        runtime: Runtime {
            codex_rs_version: "0.131.0".into(),
            runtime_os: "linux".into(),
            runtime_os_version: "12.0.0".into(),
            runtime_arch: "x86_64".into(),
        },
        rpc_transport: RpcTransport::Stdio,
        originator: None,
    }))
}

impl Session {
    #[allow(clippy::unused_self, reason = "it reads like its neighbours")]
    fn response(&self, id: i64, response: ClientResponse) -> Fact {
        Fact::ClientResponse(ClientResponseSent { connection_id: 1.into(), request_id: id.into(), response })
    }

    fn turn(&self, status: TurnStatus, ended: Option<(i64, i64)>) -> TurnNotification {
        let (completed_at, duration_ms) = ended.unzip();
        let started_at = Some(self.created_at);
        let turn = Turn { id: self.turn.into(), status, started_at, completed_at, duration_ms, ..Turn::default() };
        TurnNotification { thread_id: self.thread.into(), turn }
    }

    /// What precedes a turn's first model request. Where the working directory is comes with the
    /// turn's settings, which the server knows for itself.
    fn opening(&self) -> Vec<Fact> {
        let thread = Thread { id: self.thread.into(), created_at: self.created_at, ..Thread::default() };
        let opened = ThreadResponse { thread, model: "gpt-5.3-codex".into(), ..ThreadResponse::default() };
        let params = TurnStartParams { thread_id: self.thread.into(), ..TurnStartParams::default() };
        let request = ClientRequest::TurnStart(Box::new(params));
        let accepted = TurnStartResponse { turn: NewTurn { id: self.turn.into() } };
        vec![
            initialized(),
            self.response(2, ClientResponse::ThreadStart(Box::new(opened))),
            Fact::ClientRequest(ClientRequestReceived { connection_id: 1.into(), request_id: 3.into(), request }),
            self.response(3, ClientResponse::TurnStart(accepted)),
            Fact::Notification(Notification::TurnStarted(Box::new(self.turn(TurnStatus::InProgress, None)))),
            Fact::TurnResolvedConfig(Box::new(TurnResolvedConfig {
                turn_id: self.turn.into(),
                thread_id: self.thread.into(),
                num_input_images: 0,
                submission_type: None,
                ephemeral: false,
                model: Some("gpt-5.3-codex".into()),
                model_provider: "mock".into(),
                permission_profile: Some(self.profile.clone()),
                permission_profile_cwd: Some("/workspace/demo".into()),
                special_folders: SpecialFolders { tmpdir: None, slash_tmp: true },
                reasoning_effort: None,
                reasoning_summary: None,
                service_tier: None,
                approval_policy: self.approval_policy,
                approvals_reviewer: ApprovalsReviewer::User,
                sandbox_network_access: self.profile == PermissionProfile::Disabled,
                collaboration_mode: ModeKind::Default,
                personality: None,
                is_first_turn: true,
                ..TurnResolvedConfig::default()
            })),
        ]
    }

    fn ending(&self) -> Vec<Fact> {
        let [input_tokens, cached_input_tokens, output_tokens, reasoning_output_tokens, total_tokens] = self.tokens;
        let ended = self.turn(TurnStatus::Completed, Some((self.completed_at, self.duration_ms)));
        vec![
            Fact::TurnTokenUsage(TurnTokenUsage {
                turn_id: self.turn.into(),
                thread_id: self.thread.into(),
                input_tokens,
                cached_input_tokens,
                output_tokens,
                reasoning_output_tokens,
                total_tokens,
                ..TurnTokenUsage::default()
            }),
            Fact::Notification(Notification::TurnCompleted(Box::new(ended))),
        ]
    }

    /// A patch that waits for the user.
    fn patch(&self, request: i64, patch: &Patch) -> Vec<Fact> {
        let (thread_id, turn_id) = (|| self.thread.into(), || self.turn.into());
        let [started, asked, answered, completed] = patch.at;
        let item = |status| {
            let change =
                |&(kind, moves): &(PatchKind, bool)| Change { kind: ChangeKind { kind, move_path: Presence(moves) } };
            let changes = patch.changes.iter().map(change).collect();
            Item::FileChange(FileChange { id: patch.id.into(), changes, status })
        };
        let params = FileChangeApprovalParams {
            thread_id: thread_id(),
            turn_id: turn_id(),
            item_id: patch.id.into(),
            started_at_ms: asked,
            grant_root: Presence(false),
        };
        vec![
            Fact::Notification(Notification::ItemStarted(Box::new(ItemStarted::new(
                thread_id(),
                turn_id(),
                started,
                item(ItemStatus::InProgress),
            )))),
            Fact::ServerRequest(ServerRequestSent {
                connection_id: 1.into(),
                request_id: request.into(),
                request: ServerRequest::FileChangeApproval(params),
            }),
            Fact::ServerResponse(ServerResponseReceived {
                completed_at_ms: answered.unsigned_abs(),
                request_id: request.into(),
                response: ServerResponse::FileChangeApproval(patch.decision),
            }),
            Fact::Notification(Notification::ItemCompleted(Box::new(ItemCompleted {
                thread_id: thread_id(),
                turn_id: turn_id(),
                completed_at_ms: completed,
                item: item(patch.status),
            }))),
        ]
    }
}

struct Patch {
    id: &'static str,
    /// When it started, was asked about, answered and completed.
    at: [i64; 4],
    changes: &'static [(PatchKind, bool)],
    decision: FileChangeDecision,
    status: ItemStatus,
}

/// Events of facts, with the answers that the messages' replay gets.
fn events(at: i64, facts: Vec<Fact>) -> Vec<Value> {
    let mut session = pipeline(Sha2::default());
    let mut output = Output::default();
    let at = UnixMillis(at.unsigned_abs() * 1000);
    for fact in facts {
        session.ingest(at, fact, &mut output);
        answer(&mut session, at, &mut output);
    }
    session.finish(at, &mut output);
    assert_eq!(output.discards, []);
    values(&output.events)
}

#[test]
fn a_plain_turn() {
    let session = Session {
        thread: "01a1fc2d-19d7-70a2-b069-1d40a15f8bb7",
        turn: "01a1fc2d-19f8-7b10-975e-40222cb04341",
        created_at: 1_795_232_176,
        profile: PermissionProfile::Disabled,
        approval_policy: AskForApproval::Never,
        tokens: [1200, 400, 80, 20, 1280],
        duration_ms: 86,
        completed_at: 1_795_232_176,
    };
    let recorded = replay(Sha2::default(), &recording("0.131.0", "plain_turn").messages());
    assert_eq!(recorded.events.len(), 2);
    let facts = [session.opening(), session.ending()].concat();
    assert_eq!(events(session.completed_at, facts), values(&recorded.events));
}

#[test]
fn a_turn_with_approved_and_refused_patches() {
    use PatchKind::{Add, Delete, Update};
    let entry = |path, access| FileSystemEntry { path, access };
    let entries = vec![
        entry(FileSystemPath::Root, Access::Read),
        entry(FileSystemPath::ProjectRoots { subpath: None }, Access::Write),
    ];
    let session = Session {
        thread: "01a1fc2e-514e-79e2-acc4-bca33303d4fc",
        turn: "01a1fc2e-5173-78e2-8cff-9fe249f4b9a4",
        created_at: 1_795_232_256,
        profile: PermissionProfile::Managed {
            file_system: FileSystemProfile::Restricted { entries },
            network_enabled: false,
        },
        approval_policy: AskForApproval::Untrusted,
        tokens: [4800, 1600, 320, 80, 5120],
        duration_ms: 1275,
        completed_at: 1_795_232_257,
    };
    let messages = recording("0.131.0", "approve_patch").messages();
    let recorded = replay(Sha2::default(), &messages);
    assert_eq!(recorded.events.len(), 9);

    let patch = |id, at: [i64; 4], changes, decision, status| Patch {
        id,
        at: at.map(|at| 1_795_232_250_000 + at),
        changes,
        decision,
        status,
    };
    let patches = [
        patch(
            "call-21",
            [6544, 6545, 6595, 6973],
            &[(Add, false), (Update, false)],
            FileChangeDecision::Accept,
            ItemStatus::Completed,
        ),
        patch(
            "call-23",
            [7092, 7093, 7143, 7435],
            &[(Delete, false)],
            FileChangeDecision::AcceptForSession,
            ItemStatus::Completed,
        ),
        patch(
            "call-25",
            [7549, 7550, 7601, 7602],
            &[(Update, true)],
            FileChangeDecision::Decline,
            ItemStatus::Declined,
        ),
    ];
    let mut facts = session.opening();
    facts.extend((0..).zip(&patches).flat_map(|(request, patch)| session.patch(request, patch)));
    // The diff is text in either form; the server shows it as it shows it to the client.
    let shown = messages.iter().map(value).filter(|message| message["method"] == "turn/diff/updated");
    facts.extend(shown.map(|message| {
        Fact::Notification(Notification::TurnDiffUpdated(TurnDiffUpdated {
            thread_id: session.thread.into(),
            turn_id: session.turn.into(),
            diff: message["params"]["diff"].as_str().expect("a diff").into(),
        }))
    }));
    facts.extend(session.ending());
    assert_eq!(events(session.completed_at, facts), values(&recorded.events));
}
