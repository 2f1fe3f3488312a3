//! `codex_turn_steer_event` (contract `rules.md` 3, 7).

use alloc::boxed::Box;

use super::Reducer;
use super::state::{PendingRequest, RequestKind};
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::steer::{RejectionReason, SteerResult, TurnSteerEvent};
use crate::fact::protocol::ErrorResponseSent;
use crate::id::{ConnectionId, Id, RequestId};
use crate::output::Output;
use crate::protocol::error::JsonRpcErrorType;
use crate::protocol::input::count_images;
use crate::protocol::turn::TurnSteerParams;
use crate::time::UnixMillis;

impl<D: Digest> Reducer<D> {
    /// `turn/steer`: its time is when the request is made.
    pub(super) fn turn_steer(
        &mut self,
        at: UnixMillis,
        connection_id: ConnectionId,
        request_id: RequestId,
        params: TurnSteerParams,
        output: &mut Output,
    ) {
        let request = PendingRequest {
            thread_id: params.thread_id,
            num_input_images: count_images(&params.input),
            kind: RequestKind::TurnSteer { expected_turn_id: params.expected_turn_id, created_at: at.as_secs() },
        };
        self.insert_request((connection_id, request_id), request, output);
    }

    /// The response of `turn/steer`.
    pub(super) fn steer_accepted(
        &mut self,
        connection_id: ConnectionId,
        request_id: RequestId,
        turn_id: Id,
        output: &mut Output,
    ) {
        let key = (connection_id, request_id);
        match self.state.take_request(&key) {
            Some(request) if matches!(request.kind, RequestKind::TurnSteer { .. }) => {
                if let Some(turn) = self.state.turn_mut(&request.thread_id, &turn_id) {
                    turn.steer_count += 1;
                }
                self.emit_steer(key, request, Ok(turn_id), output);
            }
            _ => output.discard(
                self.state.now,
                Subject::Steer,
                Reason::UnknownRequest,
                Ids::request(Some(key.0), &key.1),
            ),
        }
    }

    /// A `turn/start` or `turn/steer` failed; only a steer has an event for that.
    pub(super) fn request_failed(&mut self, fact: ErrorResponseSent, output: &mut Output) {
        let key = (fact.connection_id, fact.request_id);
        match self.state.take_request(&key) {
            Some(request) => self.emit_steer(key, request, Err(fact.error_type), output),
            None => output.discard(
                self.state.now,
                Subject::Request,
                Reason::UnknownRequest,
                Ids::request(Some(key.0), &key.1),
            ),
        }
    }

    /// Reports a steer; other requests have no event of their own.
    fn emit_steer(
        &mut self,
        (connection_id, request_id): (ConnectionId, RequestId),
        request: PendingRequest,
        outcome: Result<Id, Option<JsonRpcErrorType>>,
        output: &mut Output,
    ) {
        let RequestKind::TurnSteer { expected_turn_id, created_at } = request.kind else { return };
        let connection = self.state.connection(connection_id).map(|connection| connection.context.clone());
        let (connection, lineage) = match (connection, self.state.lineage(&request.thread_id)) {
            (Some(connection), Some(lineage)) => (connection, lineage),
            (connection, _) => {
                let reason = if connection.is_none() { Reason::UnknownConnection } else { Reason::UnknownThread };
                let ids = Ids { thread_id: Some(request.thread_id), ..Ids::request(Some(connection_id), &request_id) };
                output.discard(self.state.now, Subject::Steer, reason, ids);
                return;
            }
        };
        let (accepted_turn_id, rejection_reason) = match outcome {
            Ok(turn_id) => (Some(turn_id), None),
            Err(error) => (None, error.map(rejection_reason)),
        };
        output.events.push(Event::TurnSteer(Box::new(TurnSteerEvent {
            thread_id: request.thread_id,
            expected_turn_id: Some(expected_turn_id),
            result: if accepted_turn_id.is_some() { SteerResult::Accepted } else { SteerResult::Rejected },
            accepted_turn_id,
            connection,
            lineage,
            num_input_images: request.num_input_images,
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
