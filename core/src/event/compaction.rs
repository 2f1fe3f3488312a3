//! `codex_compaction_event` (`docs/contract/events.md`).

use super::Shared;
use super::common::{ConnectionContext, Lineage, event_enums, event_structs};
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
    /// What a compaction did, written into its event as it is.
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..CompactionDetails::new(…)`")]
    CompactionDetails {
        /// Who asked for it. Source: whether a `thread/compact/start` came before.
        trigger: CompactionTrigger,
        /// Why it was made. Source: what came before it.
        reason: CompactionReason,
        /// How it was made. Source: the server's version, and how the client is signed in.
        implementation: CompactionImplementation,
        /// Where in its turn it was made. Source: the items before it.
        phase: CompactionPhase,
        /// What it keeps. Source: a constant, or a host's own fact.
        strategy: CompactionStrategy,
        /// How it ended. Source: its item's end, and its turn's.
        status: CompactionStatus,
        /// Why it failed: a sentence that released servers say, with its numbers, or the word for the error's kind.
        /// Null without an error, and for any other text. Source: `error`, or the turn's error.
        error: Option<ErrorText>,
        /// The context before it. Tokens. Source: the last token usage before its item.
        active_context_tokens_before: i64,
        /// The context after it. Tokens. Source: the last token usage after its item's beginning.
        active_context_tokens_after: i64,
        /// When it began. Unix seconds. Source: `item/started` `startedAtMs`.
        started_at: u64,
        /// When it ended. Unix seconds. Source: `item/completed` `completedAtMs`, or the end of its turn.
        completed_at: u64,
        /// How long it took. Milliseconds. Null when negative. Source: the two times.
        duration_ms: Option<u64>,
    }

    /// A thread's context was compacted, or was meant to be.
    #[non_exhaustive]
    CompactionEvent {
        /// The thread. Source: `compaction.thread_id`.
        thread_id: Id,
        /// The turn in which it happened. Source: `compaction.turn_id`.
        turn_id: Id,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// What the compaction did.
        #[serde(flatten)]
        details: CompactionDetails,
    }
}
