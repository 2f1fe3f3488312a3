//! A thread that the server itself started (contract `facts.md` 3.1).

use crate::id::Id;
use crate::protocol::thread::SubAgentSource;
use crate::read::Read;
use crate::write::Write;

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
}
