//! `codex_guardian_v2_classification` and `codex_guardian_v2_fast_decision` (`docs/contract/events.md`).

use super::Shared;
use super::common::{ConnectionContext, Lineage, Session, event_structs};
use super::guardian::{GuardianDecision, GuardianOutcome};
use crate::id::Id;
use crate::protocol::Known;
use crate::protocol::enums::RiskLevel;

event_structs! {
    /// What the second version of the automatic reviewer looked at.
    #[derive(Default, Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    GuardianV2Subject {
        /// The thread. Source: the fact.
        thread_id: Id,
        /// The turn. Source: the fact.
        turn_id: Id,
        /// The item. Null before the item exists. Source: the fact.
        item_id: Option<Id>,
        /// The reviewer's model. Null when it is unknown. Source: the fact.
        model: Option<Id>,
        /// When. Unix milliseconds. Source: the fact.
        occurred_at_ms: u64,
    }

    /// What it made of it.
    #[derive(Default, Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    GuardianV2Classification {
        /// What the reviewer was shown. Source: the fact.
        guardian_context_mode: Id,
        /// What the reviewer found. Null when it found nothing. Source: the fact.
        outcome: Option<GuardianOutcome>,
        /// The reviewer's estimate. Null when it gave none. Source: the fact.
        risk_level: Known<RiskLevel>,
        /// How long it took. Milliseconds. Source: the fact.
        duration_ms: u64,
    }

    /// The second version of the automatic reviewer classified an action.
    #[non_exhaustive]
    GuardianV2ClassificationEvent {
        /// The thread's session.
        #[serde(flatten)]
        session: Session,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// What it looked at.
        #[serde(flatten)]
        subject: GuardianV2Subject,
        /// What it made of it.
        #[serde(flatten)]
        classification: GuardianV2Classification,
    }

    /// The second version of the automatic reviewer decided at once.
    #[non_exhaustive]
    GuardianV2FastDecisionEvent {
        /// The thread's session.
        #[serde(flatten)]
        session: Session,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// What it looked at.
        #[serde(flatten)]
        subject: GuardianV2Subject,
        /// What it decided. Source: the fact.
        decision: GuardianDecision,
    }
}
