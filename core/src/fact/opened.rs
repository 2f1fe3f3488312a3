//! What a file of an agent says in place of requests: who ran, and that a thread was opened.

use crate::event::common::{EventSource, InitializationMode, Runtime};
use crate::fact::answer::RemoteUrl;
use crate::id::{ConnectionId, Id};
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::thread::Thread;

/// A file tells who ran, as `initialize` does.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceOpened {
    /// Stands for the connection that the file's threads had.
    pub connection_id: ConnectionId,
    /// The kind of file.
    pub source: EventSource,
    /// The product that the file was written for.
    pub product_client_id: Id,
    /// What ran.
    pub runtime: Runtime,
}

/// A thread was opened, by nobody's request.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThreadOpened {
    /// The connection that has it.
    pub connection_id: ConnectionId,
    /// How it came to be.
    pub initialization_mode: InitializationMode,
    /// The thread.
    pub thread: Thread,
    /// The thread that started it, where its source does not name one.
    #[serde(default)]
    pub parent_thread_id: Option<Id>,
    /// The model that it began with.
    #[serde(default)]
    pub model: Option<Id>,
    /// Whether it works in a linked worktree of Git, for events of 0.169 and later.
    #[serde(default)]
    pub is_worktree: Option<bool>,
    /// The remote of the repository in which it worked.
    #[serde(default)]
    pub remote_url: Option<RemoteUrl>,
}

impl SourceOpened {
    /// A file of this kind, written for a product by what ran.
    pub fn new(
        connection_id: impl Into<ConnectionId>,
        source: EventSource,
        product_client_id: impl Into<Id>,
        runtime: Runtime,
    ) -> Self {
        Self { connection_id: connection_id.into(), source, product_client_id: product_client_id.into(), runtime }
    }
}

impl ThreadOpened {
    /// A thread of which nothing but this is known.
    pub fn new(
        connection_id: impl Into<ConnectionId>,
        initialization_mode: InitializationMode,
        thread: Thread,
    ) -> Self {
        Self {
            connection_id: connection_id.into(),
            initialization_mode,
            thread,
            parent_thread_id: None,
            model: None,
            is_worktree: None,
            remote_url: None,
        }
    }
}
