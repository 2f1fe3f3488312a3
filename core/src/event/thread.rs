//! `codex_thread_initialized` (`docs/contract/events.md`).

use super::common::{ConnectionContext, InitializationMode, Session, ThreadSource, event_groups, event_structs};
use super::{Shared, Versioned};
use crate::id::Id;
use crate::protocol::Known;

event_structs! {
    /// A thread was started, resumed, forked or spawned.
    #[non_exhaustive]
    ThreadInitialized {
        /// The thread. Source: `thread.id`.
        thread_id: Id,
        /// The thread's session.
        #[serde(flatten)]
        session: Versioned<Session>,
        /// Who the event belongs to, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// The model that the thread began with. Null where a rollout does not tell. Source: `model` of the response.
        model: Option<Id>,
        /// Whether the thread is not stored. Source: `thread.ephemeral`.
        ephemeral: bool,
        /// Where the thread works.
        #[serde(flatten)]
        worktree: Versioned<Worktree>,
        /// Who started the thread; `subagent` if the server did. One word.
        /// Null when the server does not say, or says more than a word. Source: `thread.threadSource`.
        thread_source: Known<ThreadSource>,
        /// How the thread came to be. Source: the method that opened it; `new` for one that the server started.
        initialization_mode: InitializationMode,
        /// Why the server started the thread; `other` for a label of more than a word.
        /// Null for a thread that a client started. Source: `thread.source.subAgent`.
        subagent_source: Option<Id>,
        /// The thread that started this one.
        /// Null for a thread that a client started, and where the source names none. Source: `thread.source.subAgent`.
        parent_thread_id: Option<Id>,
        /// Whose history the thread has.
        #[serde(flatten)]
        fork: Versioned<Fork>,
        /// When the thread was created; 0 when the server does not say. Unix seconds. Source: `thread.createdAt`.
        created_at: u64,
    }
}

event_groups! {
    /// Where a thread works (0.169 and later).
    #[derive(Copy, Default)]
    #[non_exhaustive]
    Worktree {
        /// Whether the working directory is in a linked worktree of Git. Null where no host says, outside a
        /// repository, and for a thread that the server started. Source: `worktree_answered`, or a host's own fact.
        is_worktree: Option<bool>,
    }

    /// Whose history a thread has (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    Fork {
        /// The thread whose history it was given. Null for a thread with a history of its own. Source:
        /// `thread.forkedFromId`.
        forked_from_thread_id: Option<Id>,
    }
}
