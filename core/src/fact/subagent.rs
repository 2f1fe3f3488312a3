//! A thread that the server itself started (`docs/contract/facts.md` 3.1).

use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::thread::{SubAgentSource, ThreadSource};

/// The server itself started a thread: a review, a guardian, a spawned agent, …
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubAgentThreadStarted {
    /// The new thread.
    pub thread_id: Id,
    /// The thread that asked for it; a spawned agent's is in its source.
    #[serde(default)]
    pub parent_thread_id: Option<Id>,
    /// The parent's client; after 0.131 the originator of the new thread.
    pub product_client_id: Id,
    /// The parent's client's name. Without it there is no event of a server after 0.131: the thread is only known.
    pub client_name: Id,
    /// The parent's client's version. As with the name.
    pub client_version: Id,
    /// The new thread's model.
    pub model: Id,
    /// Whether the thread is not stored.
    pub ephemeral: bool,
    /// Why the server started it.
    pub subagent_source: SubAgentSource,
    /// When, in Unix seconds.
    pub created_at: u64,
    /// Who started it, if not another thread (0.159 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_source: Option<ThreadSource>,
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
            thread_source: None,
            session_id: None,
            forked_from_thread_id: None,
        }
    }
}
