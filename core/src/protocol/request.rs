//! Requests of clients and the server's answers, as far as facts need them.

use alloc::boxed::Box;

use super::thread::ThreadResponse;
use super::turn::{TurnStartParams, TurnSteerParams};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// Who a client says it is, and what it can do (`docs/contract/wire.md` 2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// The client's name and version.
    pub client_info: ClientInfo,
    /// What it can do, if it says so.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
}

/// A client's name and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientInfo {
    /// The name.
    pub name: Id,
    /// The version.
    pub version: Id,
}

/// What a client can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// Whether it takes part in experiments.
    pub experimental_api: bool,
}

/// A client's request that is a fact.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "method", content = "params")]
#[non_exhaustive]
pub enum ClientRequest {
    /// A new turn.
    #[serde(rename = "turn/start")]
    TurnStart(Box<TurnStartParams>),
    /// More input for the running turn.
    #[serde(rename = "turn/steer")]
    TurnSteer(TurnSteerParams),
}

/// The server's successful response to a request, typed by it.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "method", content = "result")]
#[non_exhaustive]
pub enum ClientResponse {
    /// A new thread.
    #[serde(rename = "thread/start")]
    ThreadStart(Box<ThreadResponse>),
    /// A stored thread goes on.
    #[serde(rename = "thread/resume")]
    ThreadResume(Box<ThreadResponse>),
    /// A new thread from another one's history.
    #[serde(rename = "thread/fork")]
    ThreadFork(Box<ThreadResponse>),
    /// A new turn.
    #[serde(rename = "turn/start")]
    TurnStart(TurnStartResponse),
    /// The running turn took the input.
    #[serde(rename = "turn/steer")]
    TurnSteer(TurnSteerResponse),
}

/// The response of `turn/start`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnStartResponse {
    /// The turn.
    pub turn: NewTurn,
}

/// A turn of which only the id is known yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewTurn {
    /// The turn's id.
    pub id: Id,
}

/// The response of `turn/steer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnSteerResponse {
    /// The turn that took the input.
    pub turn_id: Id,
}
