//! What messages carry: the calls, the signals and the results that an observer reads.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::catalog::{
    AccountReadResult, AccountUpdated, AppListResult, AuthMode, ErrorNotification, HookCompleted, ModelListResult,
    OfThread, OfTurn, PluginInstallParams, PluginListResult, PluginReadParams, PluginReadResult, PluginToggle,
    PluginUninstallParams, SettingsUpdated, SkillsListResult, ThreadCompacted, ThreadOpenParams, ThreadStarted,
    TokenUsageUpdated, TurnInterruptParams,
};
use super::newer::{AgentImportCompleted, AgentImportParams, AgentImportResult, GoalUpdated, Inquiry};
use crate::event::archive::ArchiveAction;
use crate::json::read::Read;
use crate::protocol::approval::{ServerRequest, ServerRequestResolved};
use crate::protocol::notification::Notification;
use crate::protocol::request::{InitializeParams, TurnStartResponse, TurnSteerResponse};
use crate::protocol::thread::ThreadResponse;
use crate::protocol::turn::{TurnStartParams, TurnSteerParams};

/// Who sent a message to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Direction {
    /// From a client to the app-server.
    ClientToServer,
    /// From the app-server to a client.
    ServerToClient,
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
    TurnInterrupt(TurnInterruptParams),
    CompactStart(OfThread),
    PluginInstall(PluginInstallParams),
    PluginUninstall(PluginUninstallParams),
    PluginRead(PluginReadParams),
    PluginList,
    ModelList,
    ConfigWrite(Vec<PluginToggle>),
    SkillsList,
    AppList,
    Login(AuthMode),
    AccountRead,
    AgentImport(AgentImportParams),
}

/// A notification that alone makes no fact.
#[derive(Debug)]
pub(crate) enum Signal {
    ThreadStarted(Box<ThreadStarted>),
    SettingsUpdated(Box<SettingsUpdated>),
    TokenUsageUpdated(TokenUsageUpdated),
    QueueChanged(OfThread),
    HookCompleted(HookCompleted),
    ThreadCompacted(ThreadCompacted),
    Error(ErrorNotification),
    ServerRequestResolved(ServerRequestResolved),
    AccountUpdated(AccountUpdated),
    GoalUpdated(Box<GoalUpdated>),
    GoalCleared(OfTurn),
    ThreadArchived(OfThread, ArchiveAction),
    AgentImportCompleted(AgentImportCompleted),
}

/// What the response of a request is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// No request waits for it.
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
    ModelList,
    AccountRead,
    AgentImport,
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
    ModelList(ModelListResult),
    AccountRead(AccountReadResult),
    AgentImport(AgentImportResult),
}

/// The response of `initialize`.
#[derive(Debug, Default, Read)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct InitializeResult {
    pub(crate) user_agent: String,
    pub(crate) platform_os: Option<String>,
}

/// What a message carries.
pub(super) enum Body<'a> {
    Call(ClientCall),
    Request(ServerRequest),
    Inquiry(Inquiry),
    Notification(Notification),
    Signal(Signal),
    Result(ServerResult),
    Answer(&'a str),
    Skipped,
}
