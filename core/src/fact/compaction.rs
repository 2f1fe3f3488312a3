//! A compaction of a thread's context (`docs/contract/facts.md` 3.2).

pub use crate::event::compaction::{
    CompactionDetails, CompactionImplementation, CompactionPhase, CompactionReason, CompactionStatus,
    CompactionStrategy, CompactionTrigger,
};
use crate::id::Id;
use crate::read::Read;
use crate::write::Write;

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

impl Compaction {
    /// A compaction in this turn.
    pub fn new(thread_id: impl Into<Id>, turn_id: impl Into<Id>, details: CompactionDetails) -> Self {
        Self { thread_id: thread_id.into(), turn_id: turn_id.into(), details }
    }
}

impl CompactionDetails {
    /// A compaction without times, tokens and error, which the caller sets.
    pub fn new(
        trigger: CompactionTrigger,
        reason: CompactionReason,
        implementation: CompactionImplementation,
        phase: CompactionPhase,
        strategy: CompactionStrategy,
        status: CompactionStatus,
    ) -> Self {
        Self {
            trigger,
            reason,
            implementation,
            phase,
            strategy,
            status,
            error: None,
            active_context_tokens_before: 0,
            active_context_tokens_after: 0,
            started_at: 0,
            completed_at: 0,
            duration_ms: None,
        }
    }
}
