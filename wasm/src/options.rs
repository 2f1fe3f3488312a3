//! What JavaScript and the core tell one another as JSON.

use serde::{Deserialize, Serialize};
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{BatchLimits, Cap, Discard, Limits, Question, QuestionKind, RequestId};
use wasm_bindgen::JsError;

/// What a session begins with.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rpc_transport: RpcTransport,
    pub(crate) limits: Limits,
    pub(crate) batch: BatchLimits,
    /// The name of the scheme of the host's own digest.
    pub(crate) scheme: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    rpc_transport: Option<RpcTransport>,
    limits: WireLimits,
    batch: Option<BatchLimits>,
    scheme: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct WireLimits {
    connections: Option<WireCap>,
    threads: Option<WireCap>,
    turns: Option<WireCap>,
    items: Option<WireCap>,
    requests: Option<WireCap>,
    approvals: Option<WireCap>,
    diff_bytes: Option<u32>,
    held_diff_bytes: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WireCap {
    entries: u32,
    idle_ms: u64,
}

impl Options {
    pub(crate) fn from_json(json: &str) -> Result<Self, JsError> {
        let wire: Wire = serde_json::from_str(json).map_err(|error| JsError::new(&format!("options: {error}")))?;
        Ok(Self {
            rpc_transport: wire.rpc_transport.unwrap_or(RpcTransport::Stdio),
            limits: wire.limits.limits(),
            batch: wire.batch.unwrap_or_default(),
            scheme: wire.scheme,
        })
    }
}

impl WireLimits {
    /// A limit of both stages is one here.
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let set = |caps: [&mut Cap; 2], wire: Option<WireCap>| {
            for cap in caps {
                *cap = wire.map_or(*cap, |WireCap { entries, idle_ms }| Cap { entries: size(entries), idle_ms });
            }
        };
        let Limits { observer, reducer } = &mut limits;
        set([&mut observer.connections, &mut reducer.connections], self.connections);
        set([&mut observer.threads, &mut reducer.threads], self.threads);
        set([&mut observer.turns, &mut reducer.turns], self.turns);
        set([&mut observer.requests, &mut reducer.requests], self.requests);
        set([&mut observer.approvals, &mut reducer.reviews], self.approvals);
        if let Some(WireCap { entries, idle_ms }) = self.items {
            reducer.items = Cap { entries: size(entries), idle_ms };
        }
        reducer.max_diff_bytes = self.diff_bytes.map_or(reducer.max_diff_bytes, size);
        reducer.max_held_diff_bytes = self.held_diff_bytes.map_or(reducer.max_held_diff_bytes, size);
        limits
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireDiscard {
    at: u64,
    subject: Subject,
    reason: Reason,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<String>,
}

pub(crate) fn discards(discards: impl Iterator<Item = Discard>) -> String {
    json(discards.map(|Discard { at, subject, reason, ids }| {
        let text = |id: Option<turnledger_core::Id>| id.map(|id| id.to_string());
        WireDiscard {
            at: at.0,
            subject,
            reason,
            text: format!("no event ({subject}): {reason}"),
            connection_id: ids.connection_id,
            request_id: ids.request_id,
            thread_id: text(ids.thread_id),
            turn_id: text(ids.turn_id),
            item_id: text(ids.item_id),
        }
    }))
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum WireQuestion {
    Repository { id: u64, cwd: String },
    Skill { id: u64, path: String, workspace: Option<String> },
}

pub(crate) fn questions(questions: impl Iterator<Item = Question>) -> String {
    json(questions.filter_map(|Question { id, kind }| match kind {
        QuestionKind::Repository { cwd } => Some(WireQuestion::Repository { id: id.0, cwd: cwd.expose().into() }),
        QuestionKind::Skill { path, workspace } => Some(WireQuestion::Skill {
            id: id.0,
            path: path.expose().into(),
            workspace: workspace.map(|workspace| workspace.expose().into()),
        }),
        // A question of a later version of the core.
        _ => None,
    }))
}

fn json<T: Serialize>(values: impl Iterator<Item = T>) -> String {
    // Texts and numbers alone, which all have a JSON form.
    serde_json::to_string(&values.collect::<Vec<_>>()).unwrap_or_default()
}
