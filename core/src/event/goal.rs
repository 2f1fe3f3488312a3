//! `codex_goal_event` (`docs/contract/events.md`).

use super::Shared;
use super::common::{ConnectionContext, Lineage, Session, event_enums, event_structs};
use crate::id::Id;

event_enums! {
    /// What happened to a goal.
    GoalEventKind {
        /// It was set.
        Created,
        /// A turn's use was added to it.
        UsageAccounted,
        /// Its status changed.
        StatusChanged,
        /// It was removed.
        Cleared,
    }

    /// Where a goal stands.
    GoalStatus {
        /// Turns go on until it is reached.
        Active,
        /// It waits for the user to go on.
        Paused,
        /// The agent cannot go on.
        Blocked,
        /// The account's limit of use was reached.
        UsageLimited,
        /// Its budget of tokens was used up.
        BudgetLimited,
        /// It was reached.
        Complete,
    }
}

event_structs! {
    /// A goal and what happened to it.
    #[derive(Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, written as a literal")]
    GoalChange {
        /// The goal; from traffic made of the thread's id and the time of its creation, since the server's own is not on
        /// the wire. Source: `goal.createdAt`.
        goal_id: Id,
        /// What happened. Source: `thread/goal/updated` compared with the one before, and `thread/goal/cleared`.
        event_kind: GoalEventKind,
        /// Where the goal stands now; where it stood, of a cleared one.
        /// Null for a word that is not known. Source: `goal.status`.
        goal_status: Option<GoalStatus>,
        /// Whether the goal has a budget of tokens. Source: `goal.tokenBudget`.
        has_token_budget: bool,
        /// All that the goal's turns have used. Tokens. Null but for `usage_accounted`. Source: `goal.tokensUsed`.
        cumulative_tokens_accounted: Option<i64>,
        /// How long the goal's turns have taken. Seconds. Null but for `usage_accounted`. Source:
        /// `goal.timeUsedSeconds`.
        cumulative_time_accounted_seconds: Option<i64>,
    }

    /// A goal was set, worked on or removed.
    #[non_exhaustive]
    GoalEvent {
        /// The goal's thread. Source: `threadId`.
        thread_id: Id,
        /// The thread's session.
        #[serde(flatten)]
        session: Session,
        /// The turn that did it. Null when a client did it, and after a turn. Source: `turnId`.
        turn_id: Option<Id>,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// The goal.
        #[serde(flatten)]
        goal: GoalChange,
    }
}
