//! A compaction of a thread's context (contract `facts.md` 3.2).

use crate::event::common::{event_enums, event_structs};
use crate::id::Id;
use crate::protocol::error::ErrorText;
use crate::read::Read;
use crate::write::Write;

event_enums! {
    /// Who asked for it.
    CompactionTrigger { Manual, Auto }

    /// Why; `comp_hash_changed` occurs in versions after 0.131.
    CompactionReason { UserRequested, ContextLimit, ModelDownshift, CompHashChanged }

    /// How it was done; `responses_compaction_v2` occurs in versions after 0.131.
    CompactionImplementation {
        Responses,
        ResponsesCompact,
        #[serde(rename = "responses_compaction_v2")]
        ResponsesCompactionV2,
    }

    /// When it was done.
    CompactionPhase { StandaloneTurn, PreTurn, MidTurn }

    /// What it keeps.
    CompactionStrategy { Memento, PrefixCompaction }

    /// How it ended.
    CompactionStatus { Completed, Failed, Interrupted }
}

event_structs! {
    /// What a compaction did, written into its event as it is.
    CompactionDetails {
        trigger: CompactionTrigger,
        reason: CompactionReason,
        implementation: CompactionImplementation,
        phase: CompactionPhase,
        strategy: CompactionStrategy,
        status: CompactionStatus,
        error: Option<ErrorText>,
        active_context_tokens_before: i64,
        active_context_tokens_after: i64,
        /// Unix seconds.
        started_at: u64,
        /// Unix seconds.
        completed_at: u64,
        duration_ms: Option<u64>,
    }
}

/// A compaction was attempted.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Compaction {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// What it did.
    #[serde(flatten)]
    pub details: CompactionDetails,
}
