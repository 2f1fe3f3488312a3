//! `codex_thread_initialized` (contract `events.md` 2).

use super::Shared;
use super::common::{ConnectionContext, InitializationMode, ThreadSource, event_structs};
use crate::id::Id;

event_structs! {
    /// A thread was started, resumed, forked or spawned.
    ThreadInitialized {
        thread_id: Id,
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        model: Id,
        ephemeral: bool,
        thread_source: Option<ThreadSource>,
        initialization_mode: InitializationMode,
        subagent_source: Option<Id>,
        parent_thread_id: Option<Id>,
        /// Unix seconds.
        created_at: u64,
    }
}
