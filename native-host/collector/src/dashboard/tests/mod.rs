//! The dashboard's questions, asked as a browser asks them.

mod attack;
mod roles;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tower::ServiceExt;
use turnledger_archive::{Archive, OriginId, Reading, Received};
use turnledger_core::UnixMillis;

use crate::accounts::UserKind;
use crate::{Collector, Options, Peer, router};

/// Monday, 2 November 2026, in UTC.
pub(super) const MONDAY: u64 = 1_793_577_600_000;
pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;

pub(super) struct Team {
    pub(super) folder: tempfile::TempDir,
    pub(super) collector: Collector,
    pub(super) archive: Archive,
    router: axum::Router,
    now: Arc<AtomicU64>,
    runtime: tokio::runtime::Runtime,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Team {
    pub(super) fn new(smallest_group: u32) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), smallest_group)
    }

    pub(super) fn in_folder(folder: tempfile::TempDir, smallest_group: u32) -> Self {
        let mut options = Options::new(folder.path().join("data"));
        options.time_zone = TimeZone::get("Europe/Berlin").unwrap();
        options.smallest_group = smallest_group;
        let now = Arc::new(AtomicU64::new(MONDAY + 10 * DAY));
        let clock = Arc::clone(&now);
        let collector = Collector::with_clock(options, move || UnixMillis(clock.load(Ordering::Relaxed))).unwrap();
        let archive = Archive::open(collector.store()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let router = router(collector.clone());
        Self { folder, collector, archive, router, now, runtime }
    }

    pub(super) fn set_now(&self, now: u64) {
        self.now.store(now, Ordering::Relaxed);
    }

    /// Stores what a person of a team sent.
    pub(super) fn receive(&mut self, person: &str, team: Option<&str>, events: &[Value]) -> OriginId {
        let origin = self.archive.origin(person, team).unwrap();
        let mut reading = Reading::of(origin);
        let entries = events.iter().map(|event| reading.read(None, &event.to_string()).unwrap()).collect();
        let request = Received { origin, key: None, digest: [0; 32], at: UnixMillis(MONDAY), entries };
        self.archive.receive(&[request]).unwrap();
        origin
    }

    /// Makes a user, and returns the key.
    pub(super) fn user(&self, name: &str, kind: &UserKind) -> String {
        self.collector.accounts().add_user(name, kind, UnixMillis(1)).unwrap().1.expose().to_owned()
    }

    /// Signs in, and returns the cookie.
    pub(super) fn sign_in(&self, key: &str) -> String {
        let answer = self.ask("POST", "/api/session", "", &json!({ "key": key }).to_string());
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    pub(super) fn get(&self, path: &str, cookie: &str) -> Answer {
        self.ask("GET", path, cookie, "")
    }

    pub(super) fn ask(&self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-turnledger", "1")
            .header("cookie", cookie)
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.send(request)
    }

    pub(super) fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(Peer::new("127.0.0.1".parse().unwrap()));
        let router = self.router.clone();
        self.runtime.block_on(async {
            let response = router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
        })
    }
}

/// What all turns have.
const TURN: &str = r#"{
    "turn_id": "turn", "submission_type": null, "ephemeral": false, "thread_source": "user", "initialization_mode": "new",
    "subagent_source": null, "parent_thread_id": null, "model_provider": "openai", "sandbox_policy": "workspace_write",
    "reasoning_effort": "high", "reasoning_summary": "auto", "service_tier": "default", "approval_policy": "on-request",
    "approvals_reviewer": "user", "sandbox_network_access": false, "collaboration_mode": "default", "personality": null,
    "num_input_images": 0, "is_first_turn": true, "status": "completed", "turn_error": null, "steer_count": 0,
    "total_tool_call_count": 0, "shell_command_count": 0, "file_change_count": 0, "mcp_tool_call_count": 0,
    "dynamic_tool_call_count": 0, "subagent_tool_call_count": 0, "web_search_count": 0, "image_generation_count": 0,
    "cached_input_tokens": 0, "output_tokens": 0, "reasoning_output_tokens": 0, "duration_ms": 1000
}"#;

/// A turn of a thread of its own.
pub(super) fn turn(thread: &str, (model, client): (&str, &str), at: u64, input_tokens: u64) -> Value {
    let mut params: Value = serde_json::from_str(TURN).unwrap();
    for (name, value) in [
        ("thread_id", thread.into()),
        ("app_server_client", client_of(client)),
        ("runtime", runtime()),
        ("model", model.into()),
        ("input_tokens", input_tokens.into()),
        ("total_tokens", input_tokens.into()),
        ("started_at", (at / 1000 - 1).into()),
        ("completed_at", (at / 1000).into()),
    ] {
        params[name] = value;
    }
    json!({ "event_type": "codex_turn_event", "event_params": params })
}

/// The lines of a turn.
pub(super) fn lines(thread: &str, repository: &str, at: u64) -> Value {
    json!({
        "event_type": "codex_accepted_line_fingerprints",
        "event_params": {
            "event_type": "codex.accepted_line_fingerprints", "turn_id": "turn", "thread_id": thread,
            "product_surface": "codex", "model_slug": "gpt", "completed_at": at / 1000, "repo_hash": repository,
            "accepted_added_lines": 3, "accepted_deleted_lines": 1, "line_fingerprints": []
        }
    })
}

fn client_of(client: &str) -> Value {
    json!({
        "product_client_id": client, "client_name": client, "client_version": "1", "rpc_transport": "stdio",
        "experimental_api_enabled": true
    })
}

fn runtime() -> Value {
    json!({
        "codex_rs_version": "0.131.0", "runtime_os": "linux", "runtime_os_version": "1", "runtime_arch": "x86_64"
    })
}
