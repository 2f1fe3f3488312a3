//! `codex_thread_archive_event` and `codex_thread_hint_status` (`docs/contract/events.md`).

use super::common::{ConnectionContext, Lineage, Session, ThreadSource, event_enums, event_structs, group};
use super::{Shared, Versioned};
use crate::id::Id;

event_enums! {
    /// What was done with a thread's record.
    ArchiveAction {
        /// It was put into the archive.
        Archived,
        /// It was taken out of it.
        Unarchived,
    }

    /// Whether a thread was given a hint.
    HintStatus {
        /// It was.
        Succeeded,
        /// It was not.
        Failed,
    }
}

event_structs! {
    /// A thread was archived, or taken back.
    #[non_exhaustive]
    ThreadArchiveEvent {
        /// The thread. Source: `threadId`.
        thread_id: Id,
        /// What was done. Source: the notification's method.
        action: ArchiveAction,
        /// When, by the server's clock if it says so. Unix milliseconds. Source: `emittedAtMs`, or the time of the message.
        occurred_at_ms: u64,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Versioned<ConnectionContext>,
        /// Who started the thread. One word. Null is left out. Source: `thread.threadSource`.
        #[serde(skip_serializing_if = "Option::is_none")]
        thread_source: Option<ThreadSource>,
        /// The thread that started this one. Null is left out. Source: `thread.source.subAgent`.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_thread_id: Option<Id>,
    }

    /// A thread was given a hint.
    #[non_exhaustive]
    ThreadHintStatusEvent {
        /// The thread. Source: the fact.
        thread_id: Id,
        /// The thread's session.
        #[serde(flatten)]
        session: Session,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// Whether it was given. Source: the fact.
        status: HintStatus,
        /// When. Unix milliseconds. Source: the fact.
        occurred_at_ms: u64,
    }
}

group! { ConnectionContext { app_server_client, runtime, } }
