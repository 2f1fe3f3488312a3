//! The key of an event: traffic, facts and files that tell the same event give it the same key.
//!
//! The key is a digest of the event's type and of the members that name what it is about. Where no member
//! names an event, its key has a number as well: 1 for the first with the same members in a [`Reading`], 2 for the second.

use std::collections::HashMap;

use serde_json::{Map, Value};
use turnledger_core::digest::Sha2;
use turnledger_core::{Digest, Event, UnixMillis};

use crate::content::{Content, NotAnEvent};
use crate::origin::OriginId;

/// The first half of a SHA-256.
pub(crate) type Key = [u8; 16];

/// How the events of a type are told apart.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The members that name one.
    members: &'static [&'static str],
    /// Whether several may have the same members.
    is_numbered: bool,
}

const fn named(members: &'static [&'static str]) -> Identity {
    Identity { members, is_numbered: false }
}

const fn numbered(members: &'static [&'static str]) -> Identity {
    Identity { members, is_numbered: true }
}

const ITEM: Identity = named(&["thread_id", "turn_id", "item_id"]);
const REVIEW: Identity = named(&["thread_id", "turn_id", "review_id"]);
const PLUGIN: Identity = numbered(&["plugin_id", "plugin_name", "marketplace_name", "product_client_id"]);
const APP: Identity = numbered(&["thread_id", "turn_id", "connector_id", "invoke_type"]);
const GUARDIAN_V2: Identity = numbered(&["thread_id", "turn_id", "item_id", "occurred_at_ms"]);
/// A file and traffic may differ in its second, never in the turn.
const ACCEPTED_STEER: Identity = numbered(&["thread_id", "result", "accepted_turn_id"]);
const REJECTED_STEER: Identity =
    numbered(&["thread_id", "result", "expected_turn_id", "rejection_reason", "created_at"]);

/// The identity of a type's events; `None` for a type that this table does not have.
fn identity(event_type: &str, params: &Map<String, Value>) -> Option<Identity> {
    Some(match event_type {
        // A thread may be resumed any number of times; each says the same.
        "codex_thread_initialized" => named(&["thread_id", "initialization_mode"]),
        "codex_turn_event" => named(&["thread_id", "turn_id"]),
        "codex_turn_steer_event" if params.get("result").is_some_and(|result| result == "accepted") => ACCEPTED_STEER,
        "codex_turn_steer_event" => REJECTED_STEER,
        "codex_command_execution_event"
        | "codex_file_change_event"
        | "codex_mcp_tool_call_event"
        | "codex_dynamic_tool_call_event"
        | "codex_collab_agent_tool_call_event"
        | "codex_web_search_event"
        | "codex_image_generation_event"
        | "codex_artifact_operation" => ITEM,
        // Traffic does not say the item of a goal's tool.
        "codex_control_tool_call_event" => numbered(&["thread_id", "turn_id", "tool_name"]),
        "codex_review_event" | "codex_guardian_review" => REVIEW,
        // Files of some versions do not say when one began.
        "codex_compaction_event" => numbered(&["thread_id", "turn_id", "status"]),
        // A diff that `fingerprint` read may be of no turn: it is what it says.
        "codex_accepted_line_fingerprints" if params.get("turn_id").is_some_and(|id| id == "unknown") => return None,
        // The parts of a large turn.
        "codex_accepted_line_fingerprints" => numbered(&["thread_id", "turn_id"]),
        "codex_app_mentioned" | "codex_app_used" => APP,
        "codex_plugin_used" => numbered(&["thread_id", "turn_id", "plugin_id"]),
        "codex_plugin_installed" | "codex_plugin_uninstalled" | "codex_plugin_enabled" | "codex_plugin_disabled" => {
            PLUGIN
        }
        "codex_hook_run" => numbered(&["thread_id", "turn_id", "hook_name", "hook_source", "status"]),
        // A file does not say the goal's own id.
        "codex_goal_event" => {
            numbered(&["thread_id", "turn_id", "event_kind", "goal_status", "cumulative_tokens_accounted"])
        }
        "codex_thread_archive_event" => named(&["thread_id", "action", "occurred_at_ms"]),
        "codex_thread_hint_status" => named(&["thread_id", "occurred_at_ms"]),
        "codex_plugin_install_failed" => {
            numbered(&["plugin_id", "plugin_name", "marketplace_name", "error_type", "product_client_id"])
        }
        "codex_plugin_install_requested" => named(&["suggestion_id"]),
        "codex_plugin_measurement_event" => numbered(&[
            "thread_id",
            "turn_id",
            "item_id",
            "execution_id",
            "operation",
            "measurement_name",
            "dimensions",
        ]),
        "codex_guardian_v2_classification" | "codex_guardian_v2_fast_decision" => GUARDIAN_V2,
        "codex_onboarding_external_agent_import_complete" => named(&["import_id", "type"]),
        "codex_onboarding_external_agent_import_failure" => {
            numbered(&["import_id", "type", "failure_stage", "error_type", "sub_error_type"])
        }
        "skill_invocation" => numbered(&["thread_id", "turn_id", "skill_name", "invoke_type"]),
        _ => return None,
    })
}

/// One reading of sessions from their beginning: of one recording, one file of events, one import, or one process that
/// is tapped. Events that nothing names are counted within it.
#[derive(Debug, Default)]
pub struct Reading {
    origin: OriginId,
    counts: HashMap<Key, u32>,
}

/// An event that is to be in a store, with what makes it the same as others.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) key: Key,
    /// What the key has its number behind, and the number; `None` for an event with a name of its own.
    numbered: Option<(String, u32)>,
    pub(crate) origin: OriginId,
    pub(crate) at: Option<UnixMillis>,
    pub(crate) content: Content,
}

impl Reading {
    /// One of what this origin sends.
    pub fn of(origin: OriginId) -> Self {
        Self { origin, ..Self::default() }
    }

    /// Takes the reading's next event. `at` is when the host got it, where that is known: it is the time of events that
    /// have none of their own.
    pub fn next(&mut self, at: Option<UnixMillis>, event: Event) -> Entry {
        self.entry(at, Content::of(event))
    }

    /// Takes the reading's next event as JSON. One of a later version, which this one cannot read, is kept as it came.
    ///
    /// # Errors
    ///
    /// [`NotAnEvent`] for a text that is no event of any version.
    pub fn read(&mut self, at: Option<UnixMillis>, json: &str) -> Result<Entry, NotAnEvent> {
        Ok(self.entry(at, Content::read(json)?))
    }

    fn entry(&mut self, at: Option<UnixMillis>, content: Content) -> Entry {
        let (key, numbered) = self.key(&content);
        Entry { key, numbered, origin: self.origin, at, content }
    }

    fn key(&mut self, content: &Content) -> (Key, Option<(String, u32)>) {
        let event_type = content.event_type();
        let none = Map::new();
        let params = content.params().unwrap_or(&none);
        let identity = content.event.as_ref().and_then(|_| identity(event_type, params));
        let mut text = match self.origin {
            OriginId::OWN => String::new(),
            // No event's type begins like this.
            OriginId(origin) => format!("{origin}\n"),
        };
        text.push_str(event_type);
        if let Some(identity) = &identity {
            for name in identity.members {
                let member = params.get(*name).or_else(|| content.json.get(*name)).unwrap_or(&Value::Null);
                text.push('\n');
                text.push_str(&member.to_string());
            }
        } else {
            text.truncate(text.len() - event_type.len());
            text.push_str(&content.text());
        }
        let first = digest(&[text.as_bytes()]);
        if identity.is_some_and(|identity| !identity.is_numbered) {
            return (first, None);
        }
        let count = self.counts.entry(first).or_default();
        *count += 1;
        (with_number(&text, *count), Some((text, *count)))
    }
}

impl Entry {
    /// The same event with the next number, if it has one.
    pub(crate) fn next(&self) -> Option<Self> {
        let (_, number) = self.numbered.as_ref()?;
        self.numbered(number + 1)
    }

    /// The same event with this number, if it has one.
    pub(crate) fn numbered(&self, number: u32) -> Option<Self> {
        let (text, _) = self.numbered.as_ref()?;
        Some(Self { key: with_number(text, number), numbered: Some((text.clone(), number)), ..self.clone() })
    }

    /// Its number, and a digest of what it has in common with those of other numbers.
    pub(crate) fn number(&self) -> Option<(u32, Key)> {
        self.numbered.as_ref().map(|(text, number)| (*number, digest(&[text.as_bytes()])))
    }

    /// Whether it says when it was or of which item it is.
    pub(crate) fn tells_apart(&self) -> bool {
        let params = self.content.params();
        APART.iter().any(|name| params.and_then(|params| params.get(*name)).is_some_and(|value| !value.is_null()))
    }

    /// Whether another event of the same key is another one all the same: both say when they were or of which item they
    /// are, and differ in it. A file always says the same of an event.
    pub(crate) fn is_apart_from(&self, other: &Value) -> bool {
        let of =
            |json: &Value, name: &str| json.get("event_params")?.get(name).filter(|value| !value.is_null()).cloned();
        // A turn's lines may come in parts, which say the same time.
        let mut names = APART.iter().chain(&["line_fingerprints"]);
        names.any(|name| of(&self.content.json, name).zip(of(other, name)).is_some_and(|(one, other)| one != other))
    }
}

/// What tells events with the same members apart.
const APART: [&str; 7] =
    ["item_id", "started_at_ms", "completed_at_ms", "occurred_at_ms", "started_at", "completed_at", "created_at"];

fn with_number(text: &str, number: u32) -> Key {
    digest(&[text.as_bytes(), b"\n#", &number.to_be_bytes()])
}

fn digest(parts: &[&[u8]]) -> Key {
    let mut key = Key::default();
    // The other half is not needed: 128 bits tell events apart.
    let digest = Sha2::default().digest(parts);
    key.iter_mut().zip(digest.as_bytes()).for_each(|(byte, of_digest)| *byte = *of_digest);
    key
}

#[cfg(test)]
mod tests {
    use serde_json::Map;
    use turnledger_core::event::EVENT_TYPES;

    use super::identity;

    #[test]
    fn every_type_has_an_identity() {
        for event_type in EVENT_TYPES {
            assert!(identity(event_type, &Map::new()).is_some(), "{event_type}");
        }
        assert!(identity("codex_of_tomorrow", &Map::new()).is_none());
    }
}
