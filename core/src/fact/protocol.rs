//! Facts that repeat a message of the protocol (`docs/contract/facts.md` 1).

use crate::event::common::{RpcTransport, Runtime};
use crate::id::{ConnectionId, Id, RequestId};
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::approval::{ServerRequest, ServerResponse};
use crate::protocol::enums::GrantScope;
use crate::protocol::error::JsonRpcErrorType;
use crate::protocol::policy::PermissionOverlay;
use crate::protocol::request::{ClientRequest, ClientResponse, InitializeParams};

/// A connection was initialised: once each, before the response is sent.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Initialize {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Who the client says it is.
    pub params: InitializeParams,
    /// The connection's own client name.
    pub product_client_id: Id,
    /// What runs.
    pub runtime: Runtime,
    /// How the connection reaches the server.
    pub rpc_transport: RpcTransport,
    /// The process-wide originator, where it is known to differ from the first client's name
    /// (`docs/contract/facts.md` 2).
    #[serde(default)]
    pub originator: Option<Id>,
}

/// A client's request is about to be dispatched.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientRequestReceived {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The id that the client chose.
    pub request_id: RequestId,
    /// The request.
    pub request: ClientRequest,
}

/// A request succeeded.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientResponseSent {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The id that the client chose.
    pub request_id: RequestId,
    /// The response.
    pub response: ClientResponse,
}

/// A `turn/start` or `turn/steer` failed.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorResponseSent {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The id that the client chose.
    pub request_id: RequestId,
    /// Why, where the contract names the reason.
    pub error_type: Option<JsonRpcErrorType>,
}

/// The server asked a client.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerRequestSent {
    /// The connection that was asked; the same request may go to several.
    pub connection_id: ConnectionId,
    /// The id that the server chose.
    pub request_id: RequestId,
    /// The request.
    pub request: ServerRequest,
}

/// A client answered a server request that was still open.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerResponseReceived {
    /// When, by the server's clock, in Unix milliseconds.
    pub completed_at_ms: u64,
    /// The id that the server chose.
    pub request_id: RequestId,
    /// The answer.
    pub response: ServerResponse,
}

/// What was really granted to a request for permissions.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EffectivePermissionsApprovalResponse {
    /// When, by the server's clock, in Unix milliseconds.
    pub completed_at_ms: u64,
    /// The id that the server chose.
    pub request_id: RequestId,
    /// What was granted.
    pub permissions: PermissionOverlay,
    /// For how long.
    pub scope: GrantScope,
}

/// A server request will not be answered any more: it was cancelled, superseded or refused.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerRequestAborted {
    /// When, by the server's clock, in Unix milliseconds.
    pub completed_at_ms: u64,
    /// The id that the server chose.
    pub request_id: RequestId,
}

impl Initialize {
    /// A connection of the client that `params` names.
    pub fn new(
        connection_id: impl Into<ConnectionId>,
        params: InitializeParams,
        runtime: Runtime,
        rpc_transport: RpcTransport,
    ) -> Self {
        let product_client_id = params.client_info.name.clone();
        Self {
            connection_id: connection_id.into(),
            params,
            product_client_id,
            runtime,
            rpc_transport,
            originator: None,
        }
    }
}

impl ClientRequestReceived {
    /// A client's request, with the id that the client chose.
    pub fn new(
        connection_id: impl Into<ConnectionId>,
        request_id: impl Into<RequestId>,
        request: ClientRequest,
    ) -> Self {
        Self { connection_id: connection_id.into(), request_id: request_id.into(), request }
    }
}

impl ClientResponseSent {
    /// The success of a request, with the id that the client chose.
    pub fn new(
        connection_id: impl Into<ConnectionId>,
        request_id: impl Into<RequestId>,
        response: ClientResponse,
    ) -> Self {
        Self { connection_id: connection_id.into(), request_id: request_id.into(), response }
    }
}

impl ErrorResponseSent {
    /// The failure of a request, for a reason that the contract does not name unless it is set.
    pub fn new(connection_id: impl Into<ConnectionId>, request_id: impl Into<RequestId>) -> Self {
        Self { connection_id: connection_id.into(), request_id: request_id.into(), error_type: None }
    }
}

impl ServerRequestSent {
    /// A request of the server, with the id that the server chose.
    pub fn new(
        connection_id: impl Into<ConnectionId>,
        request_id: impl Into<RequestId>,
        request: ServerRequest,
    ) -> Self {
        Self { connection_id: connection_id.into(), request_id: request_id.into(), request }
    }
}

impl ServerResponseReceived {
    /// An answer that came at `completed_at_ms`, in Unix milliseconds.
    pub fn new(completed_at_ms: u64, request_id: impl Into<RequestId>, response: ServerResponse) -> Self {
        Self { completed_at_ms, request_id: request_id.into(), response }
    }
}

impl EffectivePermissionsApprovalResponse {
    /// What was granted for the rest of the turn, at `completed_at_ms`, in Unix milliseconds.
    pub fn new(completed_at_ms: u64, request_id: impl Into<RequestId>, permissions: PermissionOverlay) -> Self {
        Self { completed_at_ms, request_id: request_id.into(), permissions, scope: GrantScope::Turn }
    }
}

impl ServerRequestAborted {
    /// A request that was given up at `completed_at_ms`, in Unix milliseconds.
    pub fn new(completed_at_ms: u64, request_id: impl Into<RequestId>) -> Self {
        Self { completed_at_ms, request_id: request_id.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::ServerResponseReceived;
    use crate::json::{read, write};
    use crate::protocol::approval::{FileChangeDecision, ServerResponse};

    /// Earlier versions recorded the connection that answered.
    #[test]
    fn an_answer_is_read_with_its_connection_and_written_without() {
        let fact = ServerResponseReceived::new(5, 7, ServerResponse::FileChangeApproval(FileChangeDecision::Accept));
        let written = r#"{"completed_at_ms":5,"request_id":7,"response":{"file_change_approval":"accept"}}"#;
        assert_eq!(write::to_string(&fact), written);
        let earlier = written.replacen(',', r#","connection_id":1,"#, 1);
        for text in [written, &earlier] {
            assert_eq!(read::from_str(text), Ok(fact.clone()), "{text}");
        }
    }
}
