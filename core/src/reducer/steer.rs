//! `codex_turn_steer_event` (`docs/contract/rules.md` 7).

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::steer::{RejectionReason, SteerResult, TurnSteerEvent};
use crate::fact::steered::TurnSteered;
use crate::id::{ConnectionId, Id};
use crate::output::Output;
use crate::protocol::error::JsonRpcErrorType;

/// The turn that took the steer, or why none did.
pub(super) type Outcome = Result<Id, Option<JsonRpcErrorType>>;

/// A steer and what came of it.
pub(super) struct Steer {
    pub(super) thread_id: Id,
    pub(super) expected_turn_id: Id,
    pub(super) num_input_images: u64,
    /// Unix seconds.
    pub(super) created_at: u64,
    pub(super) outcome: Outcome,
}

impl<D: Digest> Reducer<D> {
    /// A turn took more input, as a file says: by the thread's connection.
    pub(super) fn turn_steered(&mut self, fact: TurnSteered, output: &mut Output) {
        let TurnSteered { turn_id, thread_id, num_input_images, created_at } = fact;
        let ids = Ids::turn(&thread_id, &turn_id);
        let connection_id = self.state.threads.peek(&thread_id).and_then(|thread| thread.connection_id);
        let Some(connection_id) = connection_id else {
            return output.discard(self.state.at, Subject::Steer, Reason::UnknownThread, ids);
        };
        let steer =
            Steer { thread_id, expected_turn_id: turn_id.clone(), num_input_images, created_at, outcome: Ok(turn_id) };
        self.steer_decided(connection_id, steer, ids, output);
    }

    /// Counts a steer on its turn and reports it. `ids` are those of a discard.
    pub(super) fn steer_decided(&mut self, connection_id: ConnectionId, steer: Steer, ids: Ids, output: &mut Output) {
        let Steer { thread_id, expected_turn_id, num_input_images, created_at, outcome } = steer;
        if let Ok(turn_id) = &outcome
            && let Some(turn) = self.state.turn_mut(&thread_id, turn_id)
        {
            turn.steer_count += 1;
        }
        let origin = self.state.origin(&thread_id);
        let connection =
            self.state.connection(connection_id).map(|connection| connection.context_of(origin.as_deref()));
        let (connection, lineage) = match (connection, self.state.lineage(&thread_id)) {
            (Some(connection), Some(lineage)) => (connection, lineage),
            (connection, _) => {
                let reason = if connection.is_none() { Reason::UnknownConnection } else { Reason::UnknownThread };
                let ids = Ids { thread_id: Some(thread_id), ..ids };
                output.discard(self.state.at, Subject::Steer, reason, ids);
                return;
            }
        };
        let (accepted_turn_id, rejection_reason) = match outcome {
            Ok(turn_id) => (Some(turn_id), None),
            Err(error) => (None, error.map(rejection_reason)),
        };
        let dialect = self.state.dialect(&thread_id);
        let session = dialect.members(|| self.state.session(&thread_id));
        output.events.push(Event::TurnSteer(Box::new(TurnSteerEvent {
            thread_id,
            session,
            expected_turn_id: Some(expected_turn_id),
            result: if accepted_turn_id.is_some() { SteerResult::Accepted } else { SteerResult::Rejected },
            accepted_turn_id,
            connection,
            lineage,
            num_input_images,
            rejection_reason,
            created_at,
        })));
    }
}

fn rejection_reason(error: JsonRpcErrorType) -> RejectionReason {
    match error {
        JsonRpcErrorType::NoActiveTurn => RejectionReason::NoActiveTurn,
        JsonRpcErrorType::ExpectedTurnMismatch => RejectionReason::ExpectedTurnMismatch,
        JsonRpcErrorType::NonSteerableReview => RejectionReason::NonSteerableReview,
        JsonRpcErrorType::NonSteerableCompact => RejectionReason::NonSteerableCompact,
        JsonRpcErrorType::EmptyInput => RejectionReason::EmptyInput,
        JsonRpcErrorType::InputTooLarge => RejectionReason::InputTooLarge,
    }
}
