//! An event on its way to a receiver: what is left of its JSON by the policy, and nothing else.

use std::borrow::Cow;

use serde_json::{Map, Value};
use turnledger_core::columns::params;
use turnledger_core::digest::Sha2;
use turnledger_core::{Columns, Digest};

/// What an event is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Turn,
    /// A call of a tool, and what kind of tool.
    Call(&'static str),
    Review,
    GuardianReview,
    Steer,
    Compaction,
    Lines,
    Hook,
    Skill,
    Thread,
    Other,
}

impl Kind {
    fn of(event_type: &str) -> Self {
        match event_type {
            "codex_turn_event" => Self::Turn,
            "codex_command_execution_event" => Self::Call("command"),
            "codex_file_change_event" => Self::Call("file_change"),
            "codex_mcp_tool_call_event" => Self::Call("mcp"),
            "codex_dynamic_tool_call_event" => Self::Call("client"),
            "codex_collab_agent_tool_call_event" => Self::Call("agent"),
            "codex_web_search_event" => Self::Call("web_search"),
            "codex_image_generation_event" => Self::Call("image"),
            "codex_control_tool_call_event" => Self::Call("control"),
            "codex_review_event" => Self::Review,
            "codex_guardian_review" => Self::GuardianReview,
            "codex_turn_steer_event" => Self::Steer,
            "codex_compaction_event" => Self::Compaction,
            "codex_accepted_line_fingerprints" => Self::Lines,
            "codex_hook_run" => Self::Hook,
            "skill_invocation" => Self::Skill,
            "codex_thread_initialized" => Self::Thread,
            _ => Self::Other,
        }
    }

    pub(super) const fn of_tool(self) -> Option<&'static str> {
        match self {
            Self::Call(kind) => Some(kind),
            _ => None,
        }
    }
}

/// An event's JSON, and what is asked of it.
#[derive(Debug)]
pub(super) struct Seen<'e> {
    pub(super) json: &'e Value,
    pub(super) event_type: &'e str,
    pub(super) kind: Kind,
    pub(super) columns: Columns,
}

impl<'e> Seen<'e> {
    pub(super) fn of(json: &'e Value) -> Self {
        let event_type = json.get("event_type").and_then(Value::as_str).unwrap_or_default();
        Self { json, event_type, kind: Kind::of(event_type), columns: Columns::of(json) }
    }

    pub(super) fn params(&self) -> Option<&'e Map<String, Value>> {
        params(self.json)
    }

    pub(super) fn param(&self, name: &str) -> Option<&'e str> {
        self.params()?.get(name)?.as_str()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.params()?.get(name)?.as_u64().filter(|number| *number > 0)
    }

    pub(super) const fn operation(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Turn => Some("invoke_agent"),
            Kind::Call(_) => Some("execute_tool"),
            _ => None,
        }
    }

    /// When it ended or happened, in nanoseconds; 0 is unknown, as OTLP has it.
    pub(super) fn at_nanos(&self) -> u64 {
        self.columns.at_ms.and_then(|at| u64::try_from(at).ok()).map_or(0, nanos)
    }

    /// When it began and ended, in nanoseconds. A turn tells its times in seconds: it began at the earliest, and ended at the
    /// latest moment that they and its duration allow, so that its calls are within it.
    pub(super) fn span(&self) -> Option<(u64, u64)> {
        let took = self.columns.duration_ms.and_then(|took| u64::try_from(took).ok());
        let in_ms = (self.number("started_at_ms"), self.number("completed_at_ms"));
        let (start, end) = if in_ms == (None, None) {
            let seconds = |name| self.number(name).map(|seconds| seconds.saturating_mul(1000));
            match (seconds("started_at"), seconds("completed_at"), took) {
                (Some(start), Some(end), None) => (start, end.saturating_add(SECOND)),
                (Some(start), Some(end), Some(took)) => (
                    start.max(end.saturating_sub(took)),
                    end.saturating_add(SECOND).min(start.saturating_add(SECOND).saturating_add(took)),
                ),
                (Some(start), None, Some(took)) => (start, start.saturating_add(SECOND).saturating_add(took)),
                (None, Some(end), Some(took)) => (end.saturating_sub(took), end.saturating_add(SECOND)),
                _ => return None,
            }
        } else {
            match (in_ms, took) {
                ((Some(start), Some(end)), _) => (start, end),
                ((Some(start), None), Some(took)) => (start, start.saturating_add(took)),
                ((None, Some(end)), Some(took)) => (end.saturating_sub(took), end),
                _ => return None,
            }
        };
        // A clock may have been set back meanwhile.
        Some((nanos(start), nanos(end.max(start))))
    }

    /// The ids of the turn's trace and of its span.
    pub(super) fn trace(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (thread, turn) = (self.columns.thread_id.as_deref()?, self.columns.turn_id.as_deref()?);
        let trace = digest::<16>(&["trace", thread, turn]);
        Some((trace, digest::<8>(&["turn", thread, turn])))
    }

    /// The id of the event's own span, if it has one: that of the turn, or that of a call in it.
    pub(super) fn span_id(&self) -> Option<Vec<u8>> {
        let (_, turn_span) = self.trace()?;
        match self.kind {
            Kind::Turn => Some(turn_span),
            Kind::Call(_) => {
                let (thread, turn) = (self.columns.thread_id.as_deref()?, self.columns.turn_id.as_deref()?);
                // A call without an item is what it says.
                let item = self.columns.item_id.as_deref().map_or_else(|| self.json.to_string().into(), Cow::Borrowed);
                Some(digest::<8>(&["call", thread, turn, &item]))
            }
            _ => None,
        }
    }

    /// What tells a log record from others, so that one that came twice can be known.
    pub(super) fn uid(&self) -> String {
        use std::fmt::Write;

        let mut text = String::with_capacity(32);
        for byte in digest::<16>(&["event", &self.json.to_string()]) {
            // To write to a text does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// What a time in seconds may leave out, in milliseconds.
const SECOND: u64 = 999;

/// Milliseconds in nanoseconds.
pub(super) const fn nanos(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// The first bytes of a digest of texts, which has no key: the same on every machine.
fn digest<const N: usize>(parts: &[&str]) -> Vec<u8> {
    let mut all: Vec<&[u8]> = Vec::with_capacity(2 * parts.len());
    for part in parts {
        all.extend([part.as_bytes(), b"\n"]);
    }
    Sha2::default().digest(&all).as_bytes().iter().copied().take(N).collect()
}
