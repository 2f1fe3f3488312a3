//! A thread that the server itself started (`docs/contract/facts.md` 3.1).

use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::thread::SubAgentSource;

/// The server itself started a thread: a review, a guardian, a spawned agent, …
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubAgentThreadStarted {
    /// The new thread.
    pub thread_id: Id,
    /// The thread that asked for it; a spawned agent's is in its source.
    #[serde(default)]
    pub parent_thread_id: Option<Id>,
    /// The parent's client.
    pub product_client_id: Id,
    /// The parent's client's name.
    pub client_name: Id,
    /// The parent's client's version.
    pub client_version: Id,
    /// The new thread's model.
    pub model: Id,
    /// Whether the thread is not stored.
    pub ephemeral: bool,
    /// Why the server started it.
    pub subagent_source: SubAgentSource,
    /// When, in Unix seconds.
    pub created_at: u64,
    /// The session that it belongs to, for events of 0.169 and later; its parent's, if this is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Id>,
    /// The thread whose history it was given, for events of 0.169 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from_thread_id: Option<Id>,
}

impl SubAgentThreadStarted {
    /// A thread that was started at `created_at`, in Unix seconds. The caller sets its parent, its client and its model.
    pub fn new(thread_id: impl Into<Id>, subagent_source: SubAgentSource, created_at: u64) -> Self {
        Self {
            thread_id: thread_id.into(),
            parent_thread_id: None,
            product_client_id: Id::default(),
            client_name: Id::default(),
            client_version: Id::default(),
            model: Id::default(),
            ephemeral: false,
            subagent_source,
            created_at,
            session_id: None,
            forked_from_thread_id: None,
        }
    }
}
