//! What an entry or a row has of an event: the event as JSON, and as an event where this version knows its type.

use serde_json::{Map, Value};
use turnledger_core::event::EventIds;
use turnledger_core::{Event, Id};

/// An event, also one of a later version, which is kept as it came.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// `None` for one that this version cannot read.
    pub(crate) event: Option<Event>,
    /// The event's JSON: an object with an `event_type` and `event_params`.
    pub(crate) json: Value,
}

/// JSON that is no event of any version: an object with the text `event_type` and the object `event_params`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event: an object with the text `event_type` and the object `event_params`")]
#[non_exhaustive]
pub struct NotAnEvent;

impl Content {
    pub(crate) fn of(event: Event) -> Self {
        // An event writes JSON.
        let json = serde_json::from_str(&event.to_json()).unwrap_or_default();
        Self { event: Some(event), json }
    }

    pub(crate) fn read(text: &str) -> Result<Self, NotAnEvent> {
        if let Ok(event) = serde_json::from_str(text) {
            // Without the members that the type does not have.
            return Ok(Self::of(event));
        }
        let json: Value = serde_json::from_str(text).map_err(|_| NotAnEvent)?;
        let is_event = json.get("event_type").is_some_and(Value::is_string)
            && json.get("event_params").is_some_and(Value::is_object);
        if is_event { Ok(Self { event: None, json }) } else { Err(NotAnEvent) }
    }

    /// The JSON as it is written.
    pub(crate) fn text(&self) -> String {
        self.event.as_ref().map_or_else(|| self.json.to_string(), Event::to_json)
    }

    pub(crate) fn event_type(&self) -> &str {
        match &self.event {
            Some(event) => event.event_type(),
            None => self.json.get("event_type").and_then(Value::as_str).unwrap_or_default(),
        }
    }

    pub(crate) fn params(&self) -> Option<&Map<String, Value>> {
        self.json.get("event_params")?.as_object()
    }

    /// The ids of the thread, the turn and the item that it is about.
    pub(crate) fn ids(&self) -> [Option<&str>; 3] {
        match &self.event {
            Some(event) => {
                let EventIds { thread_id, turn_id, item_id, .. } = event.ids();
                [thread_id, turn_id, item_id].map(|id| id.map(Id::as_str))
            }
            None => ["thread_id", "turn_id", "item_id"].map(|name| self.params()?.get(name)?.as_str()),
        }
    }

    /// Whether a file told it.
    pub(crate) fn is_read(&self) -> bool {
        // An import of settings and a plugin that was not installed have a `source` of another meaning.
        let [thread_id, ..] = self.ids();
        thread_id.is_some()
            && self.params().and_then(|params| params.get("source")).is_some_and(|source| source == "rollout")
    }
}
