//! A compaction of a thread's context (`docs/contract/facts.md` 3.2).

pub use crate::event::compaction::{
    CompactionImplementation, CompactionPhase, CompactionReason, CompactionStatus, CompactionStrategy,
    CompactionTrigger,
};
use crate::event::error_kind::CodexErrorKind;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::error::ErrorText;

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

/// What a compaction did.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompactionDetails {
    /// Who asked for it.
    pub trigger: Option<CompactionTrigger>,
    /// Why it was made.
    pub reason: Option<CompactionReason>,
    /// How it was made.
    pub implementation: Option<CompactionImplementation>,
    /// Where in its turn it was made.
    pub phase: Option<CompactionPhase>,
    /// What it keeps.
    pub strategy: CompactionStrategy,
    /// How it ended.
    pub status: CompactionStatus,
    /// Why it failed: a sentence that is known, or the word for the error's kind. Only events before 0.169 have it.
    #[serde(default)]
    pub error: Option<ErrorText>,
    /// The kind of error; like all that follow up to the tokens only for events of 0.169 and later.
    #[serde(default)]
    pub codex_error_kind: Option<CodexErrorKind>,
    /// The HTTP status of the error.
    #[serde(default)]
    pub codex_error_http_status_code: Option<u16>,
    /// The window of the limit that was reached, in minutes.
    #[serde(default)]
    pub usage_limit_window_minutes: Option<u16>,
    /// How many images were kept.
    #[serde(default)]
    pub retained_image_count: Option<u64>,
    /// The summary's length, in tokens.
    #[serde(default)]
    pub compaction_summary_tokens: Option<i64>,
    /// The cached part of its own request's input, in tokens.
    #[serde(default)]
    pub cached_input_tokens: Option<i64>,
    /// The part of that input that was written to the cache, in tokens.
    #[serde(default)]
    pub cache_write_input_tokens: Option<i64>,
    /// The context before it, in tokens.
    pub active_context_tokens_before: Option<i64>,
    /// The context after it, in tokens.
    pub active_context_tokens_after: Option<i64>,
    /// When it began, in Unix seconds.
    pub started_at: Option<u64>,
    /// When it ended, in Unix seconds.
    pub completed_at: u64,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<u64>,
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
        trigger: impl Into<Option<CompactionTrigger>>,
        reason: impl Into<Option<CompactionReason>>,
        implementation: impl Into<Option<CompactionImplementation>>,
        phase: impl Into<Option<CompactionPhase>>,
        strategy: CompactionStrategy,
        status: CompactionStatus,
    ) -> Self {
        Self {
            trigger: trigger.into(),
            reason: reason.into(),
            implementation: implementation.into(),
            phase: phase.into(),
            strategy,
            status,
            error: None,
            codex_error_kind: None,
            codex_error_http_status_code: None,
            usage_limit_window_minutes: None,
            retained_image_count: None,
            compaction_summary_tokens: None,
            cached_input_tokens: None,
            cache_write_input_tokens: None,
            active_context_tokens_before: Some(0),
            active_context_tokens_after: Some(0),
            started_at: Some(0),
            completed_at: 0,
            duration_ms: None,
        }
    }
}
