//! One JSON-RPC message, read in one pass.
//!
//! The method, which comes first in real traffic, decides whether the body is parsed or skipped;
//! for a response the caller says what its request expects. Where a member comes too late to
//! decide, the body is borrowed and read at the end.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess};
use serde_json::value::RawValue;

use super::approval::{ServerRequest, ServerRequestResolved};
use super::catalog::{
    AccountUpdated, AppListResult, AuthMode, ConfigBatch, ConfigEdit, ErrorNotification, HookCompleted, OfThread,
    PluginInstallParams, PluginListResult, PluginReadResult, PluginToggle, PluginUninstallParams, SettingsUpdated,
    SkillsListResult, ThreadCompacted, ThreadOpenParams, ThreadStarted, TokenUsageUpdated, last_of_each,
};
use super::error::RpcError;
use super::notification::Notification;
use super::request::{InitializeParams, TurnStartResponse, TurnSteerResponse};
use super::tagged::Text;
use super::thread::ThreadResponse;
use super::turn::{TurnStartParams, TurnSteerParams};
use crate::id::RequestId;

/// Who sent a message to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a client to the app-server.
    ClientToServer,
    /// From the app-server to a client.
    ServerToClient,
}

/// A message that matters to an observer.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    ClientRequest {
        id: RequestId,
        call: ClientCall,
    },
    ServerRequest {
        id: RequestId,
        request: ServerRequest,
    },
    Notification(Notification),
    Signal(Signal),
    /// The server's answer to a request that was waited for.
    Response {
        id: RequestId,
        result: ServerResult,
    },
    /// A client's answer, whose meaning its request decides.
    Answer {
        id: RequestId,
        result: &'a str,
    },
    Error {
        id: RequestId,
        error: RpcError,
    },
    /// A message of no interest: an unknown or irrelevant method, or an answer nobody waits for.
    Irrelevant,
}

/// A client's request.
#[derive(Debug)]
pub(crate) enum ClientCall {
    Initialize(InitializeParams),
    ThreadStart(ThreadOpenParams),
    ThreadResume(ThreadOpenParams),
    ThreadFork(ThreadOpenParams),
    TurnStart(Box<TurnStartParams>),
    TurnSteer(TurnSteerParams),
    CompactStart(OfThread),
    PluginInstall(PluginInstallParams),
    PluginUninstall(PluginUninstallParams),
    PluginRead,
    PluginList,
    ConfigWrite(Vec<PluginToggle>),
    SkillsList,
    AppList,
    Login(AuthMode),
}

/// A notification that is no fact by itself.
#[derive(Debug)]
pub(crate) enum Signal {
    ThreadStarted(Box<ThreadStarted>),
    SettingsUpdated(Box<SettingsUpdated>),
    TokenUsageUpdated(TokenUsageUpdated),
    HookCompleted(HookCompleted),
    ThreadCompacted(ThreadCompacted),
    Error(ErrorNotification),
    ServerRequestResolved(ServerRequestResolved),
    AccountUpdated(AccountUpdated),
}

/// What the response of a request is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nobody waits for it.
    Nothing,
    /// Only that it succeeded counts.
    Success,
    Initialize,
    Thread,
    TurnStart,
    TurnSteer,
    PluginRead,
    PluginList,
    SkillsList,
    AppList,
}

/// A response, read as its request expects.
#[derive(Debug)]
pub(crate) enum ServerResult {
    Success,
    Initialize(InitializeResult),
    Thread(Box<ThreadResponse>),
    TurnStart(TurnStartResponse),
    TurnSteer(TurnSteerResponse),
    PluginRead(Box<PluginReadResult>),
    PluginList(PluginListResult),
    SkillsList(SkillsListResult),
    AppList(AppListResult),
}

/// The response of `initialize`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct InitializeResult {
    pub(crate) user_agent: alloc::string::String,
    pub(crate) platform_os: Option<alloc::string::String>,
}

/// Why a message could not be read. It says nothing of the message's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) kind: MalformedKind,
    /// The byte in the message, counted from 1.
    pub(crate) column: usize,
    /// The request's id, if it was read before the error.
    pub(crate) id: Option<RequestId>,
    /// Whether it is a response: it names no method.
    pub(crate) is_response: bool,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MalformedKind {
    /// It is no JSON.
    Json,
    /// It is JSON, but a member that counts is missing or of the wrong type.
    Shape,
}

/// Reads a message; `expected` says what a response to a client's request is read as.
pub(crate) fn parse<'a>(
    text: &'a [u8],
    direction: Direction,
    expected: &dyn Fn(&RequestId) -> Expected,
) -> Result<Message<'a>, Malformed> {
    // JSON is UTF-8 (RFC 8259, 8.1): what is not is told before anything is read.
    let text = core::str::from_utf8(text).map_err(|error| Malformed {
        kind: MalformedKind::Json,
        column: error.valid_up_to() + 1,
        id: None,
        is_response: false,
    })?;
    let mut parts = Parts { direction, expected, id: None, method: None, body: None, raw: None, error: None };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = PartsSeed(&mut parts).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    let read = read.and_then(|()| parts.finish());
    read.map_err(|error| {
        // A member of the wrong type ends the parser early: what follows may not even be JSON.
        let rest = if error.is_data() { serde_json::from_str::<de::IgnoredAny>(text).err() } else { None };
        let kind = if error.is_data() && rest.is_none() { MalformedKind::Shape } else { MalformedKind::Json };
        let is_response = parts.method.is_none();
        Malformed { kind, column: rest.unwrap_or(error).column(), id: parts.id, is_response }
    })
}

/// What of a message has been read so far.
struct Parts<'a, 'e> {
    direction: Direction,
    expected: &'e dyn Fn(&RequestId) -> Expected,
    id: Option<RequestId>,
    method: Option<Method>,
    body: Option<Body<'a>>,
    /// A body that came before what decides its meaning.
    raw: Option<(RawKind, &'a RawValue)>,
    error: Option<RpcError>,
}

#[derive(Clone, Copy, PartialEq)]
enum RawKind {
    Params,
    Result,
}

pub(super) enum Body<'a> {
    Call(ClientCall),
    Request(ServerRequest),
    Notification(Notification),
    Signal(Signal),
    Result(ServerResult),
    Answer(&'a str),
    Skipped,
}

struct PartsSeed<'p, 'a, 'e>(&'p mut Parts<'a, 'e>);

impl<'a> DeserializeSeed<'a> for PartsSeed<'_, 'a, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> de::Visitor<'a> for PartsSeed<'_, 'a, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let parts = self.0;
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "id" => parts.id = map.next_value()?,
                "method" => {
                    let Text(method) = map.next_value()?;
                    parts.method = Some(Method::of(parts.direction, &method));
                }
                "params" => match parts.method {
                    Some(method) => parts.body = Some(map.next_value_seed(ParamsSeed(method))?),
                    None => parts.raw = Some((RawKind::Params, map.next_value()?)),
                },
                "result" => match (parts.direction, &parts.id) {
                    (Direction::ClientToServer, _) => {
                        parts.body = Some(Body::Answer(map.next_value::<&RawValue>()?.get()));
                    }
                    (Direction::ServerToClient, Some(id)) => {
                        parts.body = Some(map.next_value_seed(ResultSeed((parts.expected)(id)))?);
                    }
                    (Direction::ServerToClient, None) => parts.raw = Some((RawKind::Result, map.next_value()?)),
                },
                "error" => parts.error = Some(map.next_value()?),
                _ => {
                    map.next_value::<de::IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl<'a> Parts<'a, '_> {
    fn finish(&mut self) -> Result<Message<'a>, serde_json::Error> {
        if let Some((kind, raw)) = self.raw.take() {
            match (kind, self.method, &self.id) {
                (RawKind::Params, Some(method), _) => self.body = Some(read_late(raw.get(), ParamsSeed(method))?),
                (RawKind::Result, _, Some(id)) => {
                    self.body = Some(read_late(raw.get(), ResultSeed((self.expected)(id)))?);
                }
                _ => {}
            }
        }
        if self.method.is_some_and(|method| method == Method::Irrelevant) {
            return Ok(Message::Irrelevant);
        }
        if self.body.is_none()
            && let Some(method) = self.method
        {
            // Some methods do without parameters; the others say what is missing.
            self.body = Some(read_late("{}", ParamsSeed(method))?);
        }
        // The id stays where an error report finds it.
        Ok(match (self.id.clone(), self.body.take(), self.error) {
            (Some(id), Some(Body::Call(call)), _) => Message::ClientRequest { id, call },
            (Some(id), Some(Body::Request(request)), _) => Message::ServerRequest { id, request },
            (None, Some(Body::Notification(notification)), _) => Message::Notification(notification),
            (None, Some(Body::Signal(signal)), _) => Message::Signal(signal),
            (Some(id), Some(Body::Result(result)), _) => Message::Response { id, result },
            (Some(id), Some(Body::Answer(result)), _) => Message::Answer { id, result },
            (Some(id), None, Some(error)) => Message::Error { id, error },
            (_, Some(_), _) | (None, None, Some(_)) => Message::Irrelevant,
            (_, None, None) => return Err(de::Error::custom("neither a method, a result nor an error")),
        })
    }
}

/// Reads a body again whose meaning came after it.
pub(super) fn read_late<'a, S: DeserializeSeed<'a>>(text: &'a str, seed: S) -> Result<S::Value, serde_json::Error> {
    seed.deserialize(&mut serde_json::Deserializer::from_str(text))
}

/// Whether an observer reads messages of this method.
pub(crate) fn is_method_of_interest(direction: Direction, name: &str) -> bool {
    Method::of(direction, name) != Method::Irrelevant
}

/// Declares the methods that matter, each with the direction it is sent in.
macro_rules! methods {
    ($($direction:ident { $($name:literal => $method:ident),+ $(,)? })+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Method {
            $($($method,)+)+
            Irrelevant,
        }

        impl Method {
            pub(super) fn of(direction: Direction, name: &str) -> Self {
                match (direction, name) {
                    $($((Direction::$direction, $name) => Self::$method,)+)+
                    _ => Self::Irrelevant,
                }
            }
        }
    };
}

methods! {
    ClientToServer {
        "initialize" => Initialize,
        "thread/start" => ThreadStart,
        "thread/resume" => ThreadResume,
        "thread/fork" => ThreadFork,
        "turn/start" => TurnStart,
        "turn/steer" => TurnSteer,
        "thread/compact/start" => CompactStart,
        "plugin/install" => PluginInstall,
        "plugin/uninstall" => PluginUninstall,
        "plugin/read" => PluginRead,
        "plugin/list" => PluginList,
        "config/value/write" => ConfigValueWrite,
        "config/batchWrite" => ConfigBatchWrite,
        "skills/list" => SkillsList,
        "app/list" => AppList,
        "account/login/start" => Login,
    }
    ServerToClient {
        "item/commandExecution/requestApproval" => CommandApproval,
        "item/fileChange/requestApproval" => FileChangeApproval,
        "item/permissions/requestApproval" => PermissionsApproval,
        "turn/started" => TurnStarted,
        "turn/completed" => TurnCompleted,
        "turn/diff/updated" => TurnDiffUpdated,
        "item/started" => ItemStarted,
        "item/completed" => ItemCompleted,
        "item/autoApprovalReview/completed" => GuardianReviewCompleted,
        "thread/started" => ThreadStarted,
        "thread/settings/updated" => SettingsUpdated,
        "thread/tokenUsage/updated" => TokenUsageUpdated,
        "hook/completed" => HookCompleted,
        "thread/compacted" => ThreadCompacted,
        "error" => Error,
        "serverRequest/resolved" => ServerRequestResolved,
        "account/updated" => AccountUpdated,
    }
}

pub(super) struct ParamsSeed(pub(super) Method);

impl<'a> DeserializeSeed<'a> for ParamsSeed {
    type Value = Body<'a>;

    fn deserialize<D: Deserializer<'a>>(self, params: D) -> Result<Body<'a>, D::Error> {
        fn read<'a, T: Deserialize<'a>, D: Deserializer<'a>>(params: D) -> Result<T, D::Error> {
            T::deserialize(params)
        }
        #[derive(Deserialize)]
        struct LoginParams {
            #[serde(rename = "type")]
            mode: AuthMode,
        }
        let skipped = |params: D, call| de::IgnoredAny::deserialize(params).map(|_| Body::Call(call));
        Ok(match self.0 {
            Method::Initialize => Body::Call(ClientCall::Initialize(read(params)?)),
            Method::ThreadStart => Body::Call(ClientCall::ThreadStart(read(params)?)),
            Method::ThreadResume => Body::Call(ClientCall::ThreadResume(read(params)?)),
            Method::ThreadFork => Body::Call(ClientCall::ThreadFork(read(params)?)),
            Method::TurnStart => Body::Call(ClientCall::TurnStart(read(params)?)),
            Method::TurnSteer => Body::Call(ClientCall::TurnSteer(read(params)?)),
            Method::CompactStart => Body::Call(ClientCall::CompactStart(read(params)?)),
            Method::PluginInstall => Body::Call(ClientCall::PluginInstall(read(params)?)),
            Method::PluginUninstall => Body::Call(ClientCall::PluginUninstall(read(params)?)),
            Method::ConfigValueWrite => {
                Body::Call(ClientCall::ConfigWrite(last_of_each(read::<ConfigEdit<'_>, _>(params)?.toggles())))
            }
            Method::ConfigBatchWrite => {
                Body::Call(ClientCall::ConfigWrite(read::<ConfigBatch<'_>, _>(params)?.toggles()))
            }
            Method::Login => Body::Call(ClientCall::Login(read::<LoginParams, _>(params)?.mode)),
            Method::PluginRead => skipped(params, ClientCall::PluginRead)?,
            Method::PluginList => skipped(params, ClientCall::PluginList)?,
            Method::SkillsList => skipped(params, ClientCall::SkillsList)?,
            Method::AppList => skipped(params, ClientCall::AppList)?,
            Method::CommandApproval => Body::Request(ServerRequest::CommandApproval(read(params)?)),
            Method::FileChangeApproval => Body::Request(ServerRequest::FileChangeApproval(read(params)?)),
            Method::PermissionsApproval => Body::Request(ServerRequest::PermissionsApproval(read(params)?)),
            Method::TurnStarted => Body::Notification(Notification::TurnStarted(read(params)?)),
            Method::TurnCompleted => Body::Notification(Notification::TurnCompleted(read(params)?)),
            Method::TurnDiffUpdated => Body::Notification(Notification::TurnDiffUpdated(read(params)?)),
            Method::ItemStarted => Body::Notification(Notification::ItemStarted(read(params)?)),
            Method::ItemCompleted => Body::Notification(Notification::ItemCompleted(read(params)?)),
            Method::GuardianReviewCompleted => Body::Notification(Notification::GuardianReviewCompleted(read(params)?)),
            Method::ThreadStarted => Body::Signal(Signal::ThreadStarted(read(params)?)),
            Method::SettingsUpdated => Body::Signal(Signal::SettingsUpdated(read(params)?)),
            Method::TokenUsageUpdated => Body::Signal(Signal::TokenUsageUpdated(read(params)?)),
            Method::HookCompleted => Body::Signal(Signal::HookCompleted(read(params)?)),
            Method::ThreadCompacted => Body::Signal(Signal::ThreadCompacted(read(params)?)),
            Method::Error => Body::Signal(Signal::Error(read(params)?)),
            Method::ServerRequestResolved => Body::Signal(Signal::ServerRequestResolved(read(params)?)),
            Method::AccountUpdated => Body::Signal(Signal::AccountUpdated(read(params)?)),
            Method::Irrelevant => {
                de::IgnoredAny::deserialize(params)?;
                Body::Skipped
            }
        })
    }
}

pub(super) struct ResultSeed(pub(super) Expected);

impl<'a> DeserializeSeed<'a> for ResultSeed {
    type Value = Body<'a>;

    fn deserialize<D: Deserializer<'a>>(self, result: D) -> Result<Body<'a>, D::Error> {
        Ok(Body::Result(match self.0 {
            Expected::Nothing => {
                de::IgnoredAny::deserialize(result)?;
                return Ok(Body::Skipped);
            }
            Expected::Success => {
                de::IgnoredAny::deserialize(result)?;
                ServerResult::Success
            }
            Expected::Thread => ServerResult::Thread(Deserialize::deserialize(result)?),
            Expected::Initialize => ServerResult::Initialize(Deserialize::deserialize(result)?),
            Expected::TurnStart => ServerResult::TurnStart(Deserialize::deserialize(result)?),
            Expected::TurnSteer => ServerResult::TurnSteer(Deserialize::deserialize(result)?),
            Expected::PluginRead => ServerResult::PluginRead(Deserialize::deserialize(result)?),
            Expected::PluginList => ServerResult::PluginList(Deserialize::deserialize(result)?),
            Expected::SkillsList => ServerResult::SkillsList(Deserialize::deserialize(result)?),
            Expected::AppList => ServerResult::AppList(Deserialize::deserialize(result)?),
        }))
    }
}
