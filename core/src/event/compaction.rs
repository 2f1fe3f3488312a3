//! `codex_compaction_event` (contract `events.md` 8).

use alloc::sync::Arc;

use super::common::{ConnectionContext, Lineage, event_structs};
use crate::fact::compaction::CompactionDetails;
use crate::id::Id;

event_structs! {
    /// A thread's context was compacted, or was meant to be.
    CompactionEvent {
        thread_id: Id,
        turn_id: Id,
        #[serde(flatten)]
        connection: Arc<ConnectionContext>,
        #[serde(flatten)]
        lineage: Arc<Lineage>,
        #[serde(flatten)]
        details: CompactionDetails,
    }
}
