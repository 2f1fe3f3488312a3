//! Facts that repeat a message of the protocol (contract `facts.md` 1).

use crate::event::common::{RpcTransport, Runtime};
use crate::id::{ConnectionId, Id, RequestId};
use crate::protocol::approval::{ServerRequest, ServerResponse};
use crate::protocol::enums::GrantScope;
use crate::protocol::error::JsonRpcErrorType;
use crate::protocol::policy::PermissionOverlay;
use crate::protocol::request::{ClientRequest, ClientResponse, InitializeParams};
use crate::read::Read;
use crate::write::Write;

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
    /// (contract `facts.md` 2).
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
    /// The connection that answered.
    pub connection_id: ConnectionId,
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
