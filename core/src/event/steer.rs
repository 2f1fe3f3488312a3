//! `codex_turn_steer_event` (`docs/contract/events.md`).

use super::common::{ConnectionContext, Lineage, Session, event_enums, event_structs};
use super::{Shared, Versioned};
use crate::id::Id;

event_enums! {
    /// Whether the running turn took the input.
    SteerResult {
        /// It did.
        Accepted,
        /// It did not.
        Rejected,
    }

    /// Why it did not.
    RejectionReason {
        /// No turn runs.
        NoActiveTurn,
        /// Another turn runs than the expected one.
        ExpectedTurnMismatch,
        /// The running turn is a review.
        NonSteerableReview,
        /// The running turn is a compaction.
        NonSteerableCompact,
        /// The input is empty.
        EmptyInput,
        /// The input has more than 1,048,576 characters.
        InputTooLarge,
    }
}

event_structs! {
    /// A running turn was sent more input, or refused it.
    #[non_exhaustive]
    TurnSteerEvent {
        /// The thread that was steered. Source: `turn/steer` `threadId`.
        thread_id: Id,
        /// The thread's session.
        #[serde(flatten)]
        session: Versioned<Session>,
        /// The turn that the client took for the running one.
        /// Null only where another program wrote the event. Source: `turn/steer` `expectedTurnId`.
        expected_turn_id: Option<Id>,
        /// The turn that took the input. Null when the steer was rejected. Source: `turnId` of the response.
        accepted_turn_id: Option<Id>,
        /// Who steered, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// Where the thread comes from.
        #[serde(flatten)]
        lineage: Shared<Lineage>,
        /// Number of images in the input. Source: inputs `image` and `localImage`.
        num_input_images: u64,
        /// Whether the running turn took the input. Source: a response, or an error.
        result: SteerResult,
        /// Why it did not.
        /// Null when it did, and for an error of another kind. Source: the error's code, data and message.
        rejection_reason: Option<RejectionReason>,
        /// When the request was made, by the host's clock. Unix seconds. Source: the time of the `client_request` fact.
        created_at: u64,
    }
}
