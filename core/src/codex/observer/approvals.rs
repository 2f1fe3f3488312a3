//! Requests of the server and the clients' answers (`docs/contract/derived.md` 0, 2).

use super::state::Approval;
use super::thread::Open;
use super::{Observer, Step};
use crate::discard::{Ids, Reason, Subject};
use crate::fact::Fact;
use crate::fact::protocol::{
    EffectivePermissionsApprovalResponse, ServerRequestAborted, ServerRequestSent, ServerResponseReceived,
};
use crate::id::{Id, RequestId};
use crate::private::Presence;
use crate::protocol::approval::{PermissionsAnswer, PermissionsApprovalParams, ServerRequest, ServerResponse};
use crate::protocol::enums::GrantScope;
use crate::protocol::policy::PermissionOverlay;

impl Observer {
    /// One request may go to several connections, and again to one that joins later. A different request
    /// with the id of an open one replaces it.
    pub(super) fn server_asked(&mut self, id: RequestId, request: ServerRequest, step: &mut Step<'_>) {
        if let Some(known) = self.state.approvals.get_mut(self.state.now, &id) {
            if known.request.is_repeated_by(&request) {
                step.out.irrelevant = true;
                return;
            }
            self.abort(&id, step);
        }
        if let Some((thread_id, ..)) = request.ids() {
            self.state.thread_or_new(thread_id).open().approvals.push_back(id.clone());
        }
        let mut held = request.clone();
        if let ServerRequest::CommandApproval(params) = &mut held {
            // Nothing that an answer is read by.
            params.proposed_network_policy_amendments = None;
        }
        let approval = Approval { request: held, settled: false };
        if let Some((evicted, approval)) = self.state.approvals.insert(self.state.now, id.clone(), approval) {
            self.close(approval.request.ids().map(|(thread, ..)| thread), &evicted);
        }
        let connection_id = step.connection;
        step.fact(Fact::ServerRequest(ServerRequestSent { connection_id, request_id: id, request }));
    }

    /// A client answers. The first answer counts, from whichever connection.
    pub(super) fn client_answered(&mut self, id: &RequestId, result: &str, step: &mut Step<'_>) {
        if self.inquiry_answered(id, Some(result), step) {
            return;
        }
        let Some(request) = self.settle(id, step) else { return };
        let (completed_at_ms, request_id) = (step.at.0, id.clone());
        if let ServerRequest::PermissionsApproval(params) = &request {
            let answer = request.response_from_result(result);
            let (permissions, scope) = effective_permissions(params, answer.ok());
            step.fact(Fact::EffectivePermissionsApprovalResponse(EffectivePermissionsApprovalResponse {
                completed_at_ms,
                request_id,
                permissions,
                scope,
            }));
            return;
        }
        match request.response_from_result(result) {
            Ok(response) => {
                step.fact(Fact::ServerResponse(ServerResponseReceived { completed_at_ms, request_id, response }));
            }
            // The server takes such an answer for a refusal, and records nothing.
            Err(_) => step.discard(Subject::Review, Reason::UnfittingResult, ids(&request, id)),
        }
    }

    /// A client answers with an error.
    pub(super) fn client_refused(&mut self, id: &RequestId, step: &mut Step<'_>) {
        if self.inquiry_answered(id, None, step) {
            return;
        }
        if self.settle(id, step).is_some() {
            step.aborted(id);
        }
    }

    /// `serverRequest/resolved`: counts only if no answer was seen.
    pub(super) fn request_resolved(&mut self, id: &RequestId, step: &mut Step<'_>) {
        match self.state.approvals.peek(id) {
            Some(approval) if !approval.settled => self.abort(id, step),
            _ => step.out.irrelevant = true,
        }
    }

    /// The server aborts a thread's open requests just before it reports that a turn started or ended.
    pub(super) fn abort_approvals(&mut self, thread_id: &Id, step: &mut Step<'_>) {
        let open = self.state.thread(thread_id).and_then(|thread| thread.open.as_mut());
        for id in open.map(|open| core::mem::take(&mut open.approvals)).unwrap_or_default() {
            self.abort(&id, step);
        }
    }

    fn abort(&mut self, id: &RequestId, step: &mut Step<'_>) {
        let Some(approval) = self.state.approvals.get_mut(self.state.now, id) else { return };
        if core::mem::replace(&mut approval.settled, true) {
            return;
        }
        let thread = approval.request.ids().map(|(thread, ..)| thread.clone());
        self.close(thread.as_ref(), id);
        step.aborted(id);
    }

    /// Marks a request as answered; `None` if it already was, or is unknown.
    fn settle(&mut self, id: &RequestId, step: &mut Step<'_>) -> Option<ServerRequest> {
        let Some(approval) = self.state.approvals.get_mut(self.state.now, id) else {
            step.out.irrelevant = true;
            return None;
        };
        let request = approval.request.clone();
        if core::mem::replace(&mut approval.settled, true) {
            step.discard(Subject::Review, Reason::UnknownRequest, ids(&request, id));
            return None;
        }
        self.close(request.ids().map(|(thread, ..)| thread), id);
        Some(request)
    }

    fn close(&mut self, thread_id: Option<&Id>, id: &RequestId) {
        let thread = thread_id.and_then(|thread_id| self.state.thread(thread_id));
        let Some(Open { approvals, .. }) = thread.and_then(|thread| thread.open.as_deref_mut()) else { return };
        // The oldest one is the likeliest to close.
        if approvals.front() == Some(id) {
            approvals.pop_front();
        } else {
            approvals.retain(|open| open != id);
        }
    }
}

impl Step<'_> {
    fn aborted(&mut self, id: &RequestId) {
        let (completed_at_ms, request_id) = (self.at.0, id.clone());
        self.fact(Fact::ServerRequestAborted(ServerRequestAborted { completed_at_ms, request_id }));
    }
}

fn ids(request: &ServerRequest, id: &RequestId) -> Ids {
    let ids = Ids { request_id: Some(id.clone()), ..Ids::default() };
    match request.ids() {
        Some((thread, turn, item)) => Ids { request_id: ids.request_id, ..Ids::item(thread, turn, item) },
        None => ids,
    }
}

/// What the server grants in the end: what was asked for as well as answered
/// (`docs/contract/derived.md` 2).
fn effective_permissions(
    requested: &PermissionsApprovalParams,
    answer: Option<ServerResponse>,
) -> (PermissionOverlay, GrantScope) {
    let nothing = (PermissionOverlay::default(), GrantScope::Turn);
    let Some(ServerResponse::PermissionsApproval(PermissionsAnswer { permissions, scope, strict_auto_review })) =
        answer
    else {
        return nothing;
    };
    if strict_auto_review == Some(true) && scope == GrantScope::Session {
        return nothing;
    }
    let requested = requested.permissions;
    let granted = PermissionOverlay {
        network: permissions.network.filter(|_| requested.network.is_some()),
        file_system: Presence(permissions.file_system.0 && requested.file_system.0),
    };
    (granted, scope)
}

#[cfg(test)]
mod tests {
    use super::effective_permissions;
    use crate::protocol::approval::{PermissionsApprovalParams, ServerRequest};
    use crate::protocol::enums::GrantScope;

    /// The rule of `docs/contract/derived.md` 2.
    #[test]
    fn grants_are_what_was_asked_for_and_answered() {
        let network = r#"{"network":{"enabled":true},"fileSystem":null}"#;
        let files = r#"{"network":null,"fileSystem":{"write":["/x"]}}"#;
        for (requested, result, network_granted, files_granted, scope) in [
            (network, r#"{"permissions":{"network":{"enabled":true}}}"#, true, false, GrantScope::Turn),
            (
                network,
                r#"{"permissions":{"fileSystem":{"write":["/x"]}},"scope":"session"}"#,
                false,
                false,
                GrantScope::Session,
            ),
            (
                files,
                r#"{"permissions":{"fileSystem":{"write":["/x"]}},"scope":"session"}"#,
                false,
                true,
                GrantScope::Session,
            ),
            (
                network,
                r#"{"permissions":{"network":{"enabled":true}},"scope":"session","strictAutoReview":true}"#,
                false,
                false,
                GrantScope::Turn,
            ),
            (
                network,
                r#"{"permissions":{"network":{"enabled":true}},"scope":"turn","strictAutoReview":true}"#,
                true,
                false,
                GrantScope::Turn,
            ),
            (network, r#"{"permissions":{}}"#, false, false, GrantScope::Turn),
            (network, r#"{"permissions":7}"#, false, false, GrantScope::Turn),
            (network, "null", false, false, GrantScope::Turn),
        ] {
            let params = PermissionsApprovalParams {
                thread_id: "t".into(),
                turn_id: "u".into(),
                item_id: "i".into(),
                started_at_ms: 1,
                permissions: crate::json::read::from_str(requested).unwrap(),
            };
            let answer = ServerRequest::PermissionsApproval(params.clone()).response_from_result(result).ok();
            let (granted, granted_scope) = effective_permissions(&params, answer);
            assert_eq!(
                (granted.network.is_some(), granted.file_system.0, granted_scope),
                (network_granted, files_granted, scope),
                "{requested} {result}"
            );
        }
    }
}
