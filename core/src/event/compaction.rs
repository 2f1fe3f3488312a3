//! `codex_compaction_event` (`docs/contract/events.md`).

use super::common::{ConnectionContext, Lineage, Session, VoiceSession, event_enums, event_groups, event_structs};
use super::error_kind::ErrorKind;
use super::{Shared, Versioned};
use crate::id::Id;
use crate::protocol::error::ErrorText;

event_enums! {
    /// Who asked for it.
    CompactionTrigger {
        /// The user.
        Manual,
        /// The server.
        Auto,
    }

    /// Why it was made.
    CompactionReason {
        /// The user wanted it.
        UserRequested,
        /// The context was nearly full.
        ContextLimit,
        /// The turn's model is another than the last turn's.
        ModelDownshift,
        /// The same, as versions after 0.131 say it.
        CompHashChanged,
    }

    /// How it was made.
    CompactionImplementation {
        /// By an ordinary request to the model.
        Responses,
        /// By the remote endpoint for compactions.
        ResponsesCompact,
        /// By the second form of that endpoint; after Codex 0.131.
        #[serde(rename = "responses_compaction_v2")]
        ResponsesCompactionV2,
    }

    /// When it was done.
    CompactionPhase {
        /// In a turn of its own.
        StandaloneTurn,
        /// Before the turn's first model request.
        PreTurn,
        /// Between model requests.
        MidTurn,
    }

    /// What it keeps.
    CompactionStrategy {
        /// A summary.
        Memento,
        /// A part of the history; Codex declares it and never says it.
        PrefixCompaction,
    }

    /// How it ended.
    CompactionStatus {
        /// By its own end.
        Completed,
        /// By an error.
        Failed,
        /// By the user, or by a hook.
        Interrupted,
    }
}

event_structs! {
    /// A thread's context was compacted, or was meant to be.
    #[non_exhaustive]
    CompactionEvent {
        /// The thread. Source: `compaction.thread_id`.
        thread_id: Id,
        /// The thread's session.
        #[serde(flatten)]
        session: Versioned<Session>,
        /// The turn in which it happened. Source: `compaction.turn_id`.
        turn_id: Id,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// Who asked for it. Null where a rollout does not tell. Source: whether a `thread/compact/start` came before.
        trigger: Option<CompactionTrigger>,
        /// Why it was made. Null where a rollout does not tell. Source: what came before it.
        reason: Option<CompactionReason>,
        /// How it was made. Null where a rollout does not tell. Source: the server's version, and how the client is signed
        /// in.
        implementation: Option<CompactionImplementation>,
        /// Where in its turn it was made. Null where a rollout does not tell. Source: the items before it.
        phase: Option<CompactionPhase>,
        /// What it keeps. Source: a constant, or a host's own fact.
        strategy: CompactionStrategy,
        /// How it ended. Source: its item's end, and its turn's.
        status: CompactionStatus,
        /// Why it failed, in words.
        #[serde(flatten)]
        error: Versioned<CompactionError>,
        /// The turn's voice session.
        #[serde(flatten)]
        voice: Versioned<VoiceSession>,
        /// Why it failed.
        #[serde(flatten)]
        error_kind: Versioned<ErrorKind>,
        /// The context before it. Tokens. Null where a rollout does not tell. Source: the last token usage before its item.
        active_context_tokens_before: Option<i64>,
        /// The context after it. Tokens.
        /// Null where a rollout does not tell. Source: the last token usage after its item's beginning.
        active_context_tokens_after: Option<i64>,
        /// What its own request used.
        #[serde(flatten)]
        request: Versioned<CompactionRequest>,
        /// When it began. Unix seconds. Null where a rollout does not tell. Source: `item/started` `startedAtMs`.
        started_at: Option<u64>,
        /// When it ended. Unix seconds. Source: `item/completed` `completedAtMs`, or the end of its turn.
        completed_at: u64,
        /// How long it took. Milliseconds. Null when negative, and where a rollout does not tell. Source: the two times.
        duration_ms: Option<u64>,
    }
}

event_groups! {
    /// Why a compaction failed, in words (before 0.169).
    #[derive(Default)]
    #[non_exhaustive]
    CompactionError {
        /// Why it failed: a sentence that released servers say, with its numbers, or the word for the error's kind.
        /// Null without an error, and for any other text. Source: `error`, or the turn's error.
        error: Option<ErrorText>,
    }

    /// What a compaction's own request used (0.169 and later).
    #[derive(Copy, Default)]
    #[non_exhaustive]
    CompactionRequest {
        /// Number of images that were kept. Null from traffic, and when it failed. Source: a host's own fact.
        retained_image_count: Option<u64>,
        /// The summary's length. Tokens. Null from traffic, and when it failed. Source: a host's own fact.
        compaction_summary_tokens: Option<i64>,
        /// The cached part of the input. Tokens. Null from traffic, and when it failed. Source: a host's own fact.
        cached_input_tokens: Option<i64>,
        /// The part of the input that was written to the cache. Tokens.
        /// Null from traffic, and when it failed. Source: a host's own fact.
        cache_write_input_tokens: Option<i64>,
    }
}
