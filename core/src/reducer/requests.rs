//! Clients' requests and their answers, matched by connection and request id (`docs/contract/rules.md` 3).
//!
//! Requests are matched here, approvals in `approvals`; no rule sees a request id.

use super::Reducer;
use super::state::{PendingRequest, RequestKey, RequestKind};
use super::steer::Steer;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::fact::protocol::ErrorResponseSent;
use crate::id::{ConnectionId, Id, RequestId};
use crate::output::Output;
use crate::protocol::input::count_images;
use crate::protocol::turn::{TurnStartParams, TurnSteerParams};
use crate::time::UnixMillis;

impl<D: Digest> Reducer<D> {
    /// `turn/start`: remembered until its response says which turn it started.
    pub(super) fn turn_start(
        &mut self,
        connection_id: ConnectionId,
        request_id: RequestId,
        params: TurnStartParams,
        output: &mut Output,
    ) {
        let repository = params.cwd.map(|cwd| self.ask_repository(cwd, params.thread_id.clone(), output));
        let request = PendingRequest {
            thread_id: params.thread_id,
            num_input_images: count_images(&params.input),
            kind: RequestKind::TurnStart { repository },
        };
        self.insert_request((connection_id, request_id), request, output);
    }

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

    fn insert_request(&mut self, key: RequestKey, request: PendingRequest, output: &mut Output) {
        // A request with the same id replaces the earlier one, which is then closed.
        self.state.take_request(&key);
        if let RequestKind::TurnStart { .. } = request.kind
            && let Some(thread) = self.state.threads.get_mut(self.state.now, &request.thread_id)
        {
            thread.open_turn_starts += 1;
        }
        if let Some((key, evicted)) = self.state.requests.insert(self.state.now, key, request) {
            self.state.close_request(&evicted);
            output.discard(self.state.at, Subject::Request, Reason::Evicted, Ids::request(Some(key.0), &key.1));
        }
    }

    /// The response of `turn/start`.
    pub(super) fn turn_start_accepted(
        &mut self,
        at: UnixMillis,
        connection_id: ConnectionId,
        request_id: RequestId,
        turn_id: Id,
        output: &mut Output,
    ) {
        let key = (connection_id, request_id);
        let Some(PendingRequest { thread_id, num_input_images, kind: RequestKind::TurnStart { repository } }) =
            self.state.take_request(&key)
        else {
            let ids = Ids { turn_id: Some(turn_id), ..Ids::request(Some(key.0), &key.1) };
            output.discard(self.state.at, Subject::Turn, Reason::UnknownRequest, ids);
            return;
        };
        if repository.is_some()
            && let Some(thread) = self.state.threads.get_mut(self.state.now, &thread_id)
        {
            thread.repository = repository;
        }
        self.turn_accepted(at, connection_id, &thread_id, &turn_id, num_input_images, output);
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
        let steer = self.state.take_request(&key).and_then(|request| Steer::of(request, Ok(turn_id)));
        let ids = Ids::request(Some(key.0), &key.1);
        match steer {
            Some(steer) => self.steer_decided(connection_id, steer, ids, output),
            None => output.discard(self.state.at, Subject::Steer, Reason::UnknownRequest, ids),
        }
    }

    /// A `turn/start` or `turn/steer` failed; only a steer has an event for that.
    pub(super) fn request_failed(&mut self, fact: ErrorResponseSent, output: &mut Output) {
        let key = (fact.connection_id, fact.request_id);
        let ids = Ids::request(Some(key.0), &key.1);
        let Some(request) = self.state.take_request(&key) else {
            output.discard(self.state.at, Subject::Request, Reason::UnknownRequest, ids);
            return;
        };
        if let Some(steer) = Steer::of(request, Err(fact.error_type)) {
            self.steer_decided(fact.connection_id, steer, ids, output);
        }
    }
}

impl Steer {
    /// A request with its answer; none if it is for something else.
    fn of(request: PendingRequest, outcome: super::steer::Outcome) -> Option<Self> {
        let RequestKind::TurnSteer { expected_turn_id, created_at } = request.kind else { return None };
        Some(Self {
            thread_id: request.thread_id,
            expected_turn_id,
            num_input_images: request.num_input_images,
            created_at,
            outcome,
        })
    }
}
