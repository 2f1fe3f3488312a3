//! What a row of the store has of an event's JSON.

pub(crate) use turnledger_core::Columns;

use crate::content::Content;

/// What an event says of its thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThreadSays {
    pub(crate) thread_id: String,
    pub(crate) parent_thread_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) repo_hash: Option<String>,
}

/// The columns of an event. Of one that this version cannot read only what it is about.
pub(crate) fn columns_of(content: &Content) -> Columns {
    let columns = Columns::of(&content.json);
    if content.event.is_some() {
        return columns;
    }
    let [thread_id, turn_id, item_id] = content.ids().map(|id| id.map(ToOwned::to_owned));
    let mut about = Columns::default();
    (about.at_ms, about.thread_id, about.turn_id, about.item_id) = (columns.at_ms, thread_id, turn_id, item_id);
    about
}

impl ThreadSays {
    /// What an event says of its thread; `None` for an event without one.
    pub(crate) fn of(content: &Content) -> Option<Self> {
        let [thread_id, ..] = content.ids();
        let thread_id = thread_id?.to_owned();
        let params = content.params()?;
        let text = |name: &str| Some(params.get(name)?.as_str()?.to_owned());
        Some(Self {
            thread_id,
            parent_thread_id: text("parent_thread_id"),
            session_id: text("session_id"),
            repo_hash: text("repo_hash"),
        })
    }
}
