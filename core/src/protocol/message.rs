//! One JSON-RPC message, read in one pass.
//!
//! The method, which comes first in real traffic, decides whether the body is parsed or skipped;
//! for a response the caller says what its request expects. Where a member comes too late to
//! decide, the body is passed over and read at the end.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::approval::{ServerRequest, ServerRequestResolved};
use super::catalog::{
    Account, AccountReadResult, AccountUpdated, AppListResult, AuthMode, ConfigBatch, ConfigEdit, ErrorNotification,
    HookCompleted, OfThread, PluginInstallParams, PluginListResult, PluginReadResult, PluginToggle,
    PluginUninstallParams, SettingsUpdated, SkillsListResult, ThreadCompacted, ThreadOpenParams, ThreadStarted,
    TokenUsageUpdated, last_of_each,
};
use super::error::RpcError;
use super::notification::Notification;
use super::request::{InitializeParams, TurnStartResponse, TurnSteerResponse};
use super::thread::ThreadResponse;
use super::turn::{TurnStartParams, TurnSteerParams};
use crate::id::RequestId;
use crate::read::{self, Failed, Names, Position, Problem, Raw, Read, Reader};

/// Who sent a message to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
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
    AccountRead,
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
    AccountRead,
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
    AccountRead(AccountReadResult),
}

/// The response of `initialize`.
#[derive(Debug, Default, Read)]
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
    let mut parts = Parts { direction, expected, id: None, method: None, body: None, late: None, error: None };
    let mut reader = Reader::new(text);
    let read = parts.read(&mut reader).and_then(|()| reader.end()).and_then(|()| parts.finish(&mut reader));
    read.map_err(|Failed| {
        let error = reader.error();
        // A member that cannot be read ends the reading early: what follows may not even be JSON. And a text with half
        // a surrogate pair is JSON, but no text.
        let rest = read::from_str::<Raw<'_>>(text).err();
        let kind = if rest.is_none() { MalformedKind::Shape } else { MalformedKind::Json };
        let is_response = parts.method.is_none();
        Malformed { kind, column: rest.unwrap_or(error).column, id: parts.id, is_response }
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
    late: Option<(Late, Position)>,
    error: Option<RpcError>,
}

#[derive(Clone, Copy)]
enum Late {
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

impl<'a> Parts<'a, '_> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Failed> {
        reader.object(const { &Names::new(&["method", "params", "id", "result", "error"]) }, &mut |reader, index| {
            match index {
                0 => {
                    let method = reader.string()?;
                    self.method = Some(Method::of(self.direction, &method));
                }
                1 => match self.method {
                    Some(method) => self.body = Some(params(method, reader)?),
                    None => self.leave(Late::Params, reader)?,
                },
                2 => self.id = Read::read(reader)?,
                3 => match (self.direction, &self.id) {
                    (Direction::ClientToServer, _) => self.body = Some(Body::Answer(reader.raw()?)),
                    (Direction::ServerToClient, Some(id)) => self.body = Some(result((self.expected)(id), reader)?),
                    (Direction::ServerToClient, None) => self.leave(Late::Result, reader)?,
                },
                _ => self.error = Some(Read::read(reader)?),
            }
            Ok(())
        })
    }

    fn leave(&mut self, kind: Late, reader: &mut Reader<'a>) -> Result<(), Failed> {
        self.late = Some((kind, reader.position()));
        reader.skip()
    }

    fn finish(&mut self, reader: &mut Reader<'a>) -> Result<Message<'a>, Failed> {
        if let Some((kind, position)) = self.late.take() {
            match (kind, self.method, &self.id) {
                (Late::Params, Some(method), _) => {
                    self.body = Some(reader.at_position(position, |reader| params(method, reader))?);
                }
                (Late::Result, _, Some(id)) => {
                    let expected = (self.expected)(id);
                    self.body = Some(reader.at_position(position, |reader| result(expected, reader))?);
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
            let empty = params(method, &mut Reader::new("{}"));
            self.body = Some(empty.map_err(|Failed| reader.fail(Problem::Missing("params")))?);
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
            (_, None, None) => return Err(reader.unlike("a request, a notification or a response")),
        })
    }
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
        "account/read" => AccountRead,
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

/// Reads the parameters of a request or a notification.
pub(super) fn params<'a>(method: Method, params: &mut Reader<'a>) -> Result<Body<'a>, Failed> {
    let skipped = |params: &mut Reader<'a>, call| params.skip().map(|()| Body::Call(call));
    Ok(match method {
        Method::Initialize => Body::Call(ClientCall::Initialize(Read::read(params)?)),
        Method::ThreadStart => Body::Call(ClientCall::ThreadStart(Read::read(params)?)),
        Method::ThreadResume => Body::Call(ClientCall::ThreadResume(Read::read(params)?)),
        Method::ThreadFork => Body::Call(ClientCall::ThreadFork(Read::read(params)?)),
        Method::TurnStart => Body::Call(ClientCall::TurnStart(Read::read(params)?)),
        Method::TurnSteer => Body::Call(ClientCall::TurnSteer(Read::read(params)?)),
        Method::CompactStart => Body::Call(ClientCall::CompactStart(Read::read(params)?)),
        Method::PluginInstall => Body::Call(ClientCall::PluginInstall(Read::read(params)?)),
        Method::PluginUninstall => Body::Call(ClientCall::PluginUninstall(Read::read(params)?)),
        Method::ConfigValueWrite => {
            Body::Call(ClientCall::ConfigWrite(last_of_each(ConfigEdit::read(params)?.toggles())))
        }
        Method::ConfigBatchWrite => Body::Call(ClientCall::ConfigWrite(ConfigBatch::read(params)?.toggles())),
        Method::Login => Body::Call(ClientCall::Login(Account::read(params)?.auth_mode)),
        Method::PluginRead => skipped(params, ClientCall::PluginRead)?,
        Method::PluginList => skipped(params, ClientCall::PluginList)?,
        Method::SkillsList => skipped(params, ClientCall::SkillsList)?,
        Method::AppList => skipped(params, ClientCall::AppList)?,
        Method::AccountRead => skipped(params, ClientCall::AccountRead)?,
        Method::CommandApproval => Body::Request(ServerRequest::CommandApproval(Read::read(params)?)),
        Method::FileChangeApproval => Body::Request(ServerRequest::FileChangeApproval(Read::read(params)?)),
        Method::PermissionsApproval => Body::Request(ServerRequest::PermissionsApproval(Read::read(params)?)),
        Method::TurnStarted => Body::Notification(Notification::TurnStarted(Read::read(params)?)),
        Method::TurnCompleted => Body::Notification(Notification::TurnCompleted(Read::read(params)?)),
        Method::TurnDiffUpdated => Body::Notification(Notification::TurnDiffUpdated(Read::read(params)?)),
        Method::ItemStarted => Body::Notification(Notification::ItemStarted(Read::read(params)?)),
        Method::ItemCompleted => Body::Notification(Notification::ItemCompleted(Read::read(params)?)),
        Method::GuardianReviewCompleted => {
            Body::Notification(Notification::GuardianReviewCompleted(Read::read(params)?))
        }
        Method::ThreadStarted => Body::Signal(Signal::ThreadStarted(Read::read(params)?)),
        Method::SettingsUpdated => Body::Signal(Signal::SettingsUpdated(Read::read(params)?)),
        Method::TokenUsageUpdated => Body::Signal(Signal::TokenUsageUpdated(Read::read(params)?)),
        Method::HookCompleted => Body::Signal(Signal::HookCompleted(Read::read(params)?)),
        Method::ThreadCompacted => Body::Signal(Signal::ThreadCompacted(Read::read(params)?)),
        Method::Error => Body::Signal(Signal::Error(Read::read(params)?)),
        Method::ServerRequestResolved => Body::Signal(Signal::ServerRequestResolved(Read::read(params)?)),
        Method::AccountUpdated => Body::Signal(Signal::AccountUpdated(Read::read(params)?)),
        Method::Irrelevant => {
            params.skip()?;
            Body::Skipped
        }
    })
}

/// Reads a response as its request expects.
pub(super) fn result<'a>(expected: Expected, result: &mut Reader<'a>) -> Result<Body<'a>, Failed> {
    Ok(Body::Result(match expected {
        Expected::Nothing => {
            result.skip()?;
            return Ok(Body::Skipped);
        }
        Expected::Success => {
            result.skip()?;
            ServerResult::Success
        }
        Expected::Thread => ServerResult::Thread(Read::read(result)?),
        Expected::Initialize => ServerResult::Initialize(Read::read(result)?),
        Expected::TurnStart => ServerResult::TurnStart(Read::read(result)?),
        Expected::TurnSteer => ServerResult::TurnSteer(Read::read(result)?),
        Expected::PluginRead => ServerResult::PluginRead(Read::read(result)?),
        Expected::PluginList => ServerResult::PluginList(Read::read(result)?),
        Expected::SkillsList => ServerResult::SkillsList(Read::read(result)?),
        Expected::AppList => ServerResult::AppList(Read::read(result)?),
        Expected::AccountRead => ServerResult::AccountRead(Read::read(result)?),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Direction, Expected, Malformed, MalformedKind, parse};
    use crate::id::RequestId;

    #[test]
    fn what_is_wrong_with_a_message_and_where() {
        use MalformedKind::{Json, Shape};
        for (text, kind, column, id, is_response) in [
            ("", Json, 1, None, true),
            ("{\"method\":5", Json, 12, None, true),
            ("{\"method\":5}", Shape, 11, None, true),
            ("[]", Shape, 1, None, true),
            ("{}", Shape, 3, None, true),
            (r#"{"id":7,"method":"turn/started","params":[]}"#, Shape, 42, Some(7), false),
            (r#"{"id":7,"method":"turn/started","params":[}"#, Json, 43, Some(7), false),
            (r#"{"id":7,"result":{"turn":{}}}"#, Shape, 27, Some(7), true),
            // Half of a surrogate pair is JSON, but no text.
            (r#"{"id":7,"method":"\ud800"}"#, Shape, 25, Some(7), true),
        ] {
            let read = parse(text.as_bytes(), Direction::ServerToClient, &|_| Expected::TurnStart);
            let expected = Malformed { kind, column, id: id.map(RequestId::Number), is_response };
            assert_eq!(read.unwrap_err(), expected, "{text}");
        }
        let read = parse(b"{\"\xff\"", Direction::ServerToClient, &|_| Expected::Nothing);
        assert_eq!(read.unwrap_err(), Malformed { kind: Json, column: 3, id: None, is_response: false });
    }
}
