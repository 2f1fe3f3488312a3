//! `codex_compaction_event` (contract `events.md` 8).

use super::Shared;
use super::common::{ConnectionContext, Lineage, event_structs};
use crate::fact::compaction::CompactionDetails;
use crate::id::Id;

event_structs! {
    /// A thread's context was compacted, or was meant to be.
    CompactionEvent {
        thread_id: Id,
        turn_id: Id,
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        #[serde(flatten)]
        details: CompactionDetails,
    }
}
