//! `codex_turn_steer_event` (contract `events.md` 4).

use super::Shared;
use super::common::{ConnectionContext, Lineage, event_enums, event_structs};
use crate::id::Id;

event_enums! {
    /// Whether the running turn took the input.
    SteerResult { Accepted, Rejected }

    /// Why it did not.
    RejectionReason {
        NoActiveTurn, ExpectedTurnMismatch, NonSteerableReview, NonSteerableCompact, EmptyInput, InputTooLarge,
    }
}

event_structs! {
    /// A running turn was sent more input, or refused it.
    TurnSteerEvent {
        thread_id: Id,
        expected_turn_id: Option<Id>,
        accepted_turn_id: Option<Id>,
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        num_input_images: u64,
        result: SteerResult,
        rejection_reason: Option<RejectionReason>,
        /// When the request was made, in Unix seconds.
        created_at: u64,
    }
}
