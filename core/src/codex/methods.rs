//! The methods that matter: for each its name, who sends it, and what its parameters are read as.

use super::catalog::{Account, ConfigBatch, ConfigEdit, last_of_each};
use super::content::{Body, ClientCall, Direction, Expected, ServerResult, Signal};
use super::newer::Inquiry;
use crate::event::archive::ArchiveAction;
use crate::json::read::{Failed, Read, Reader};
use crate::protocol::approval::ServerRequest;
use crate::protocol::notification::Notification;

/// Declares the methods, each by its name, the direction it is sent in, and what `params` are read as.
macro_rules! methods {
    ($params:ident; $($direction:ident { $($name:literal => $method:ident = $body:expr),+ $(,)? })+) => {
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

        /// Reads the parameters of a request or a notification.
        pub(super) fn params<'a>(method: Method, $params: &mut Reader<'a>) -> Result<Body<'a>, Failed> {
            Ok(match method {
                $($(Method::$method => $body,)+)+
                Method::Irrelevant => $params.skip().map(|()| Body::Skipped)?,
            })
        }
    };
}

methods! {
    params;
    ClientToServer {
        "initialize" => Initialize = Body::Call(ClientCall::Initialize(Read::read(params)?)),
        "thread/start" => ThreadStart = Body::Call(ClientCall::ThreadStart(Read::read(params)?)),
        "thread/resume" => ThreadResume = Body::Call(ClientCall::ThreadResume(Read::read(params)?)),
        "thread/fork" => ThreadFork = Body::Call(ClientCall::ThreadFork(Read::read(params)?)),
        "turn/start" => TurnStart = Body::Call(ClientCall::TurnStart(Read::read(params)?)),
        "turn/steer" => TurnSteer = Body::Call(ClientCall::TurnSteer(Read::read(params)?)),
        "turn/interrupt" => TurnInterrupt = Body::Call(ClientCall::TurnInterrupt(Read::read(params)?)),
        "thread/compact/start" => CompactStart = Body::Call(ClientCall::CompactStart(Read::read(params)?)),
        "plugin/install" => PluginInstall = Body::Call(ClientCall::PluginInstall(Read::read(params)?)),
        "plugin/uninstall" => PluginUninstall = Body::Call(ClientCall::PluginUninstall(Read::read(params)?)),
        "plugin/read" => PluginRead = Body::Call(ClientCall::PluginRead(Read::read(params)?)),
        "plugin/list" => PluginList = skipped(params, ClientCall::PluginList)?,
        "config/value/write" => ConfigValueWrite =
            Body::Call(ClientCall::ConfigWrite(last_of_each(ConfigEdit::read(params)?.toggles()))),
        "config/batchWrite" => ConfigBatchWrite =
            Body::Call(ClientCall::ConfigWrite(ConfigBatch::read(params)?.toggles())),
        "skills/list" => SkillsList = skipped(params, ClientCall::SkillsList)?,
        "model/list" => ModelList = skipped(params, ClientCall::ModelList)?,
        "app/list" => AppList = skipped(params, ClientCall::AppList)?,
        "account/login/start" => Login = Body::Call(ClientCall::Login(Account::read(params)?.auth_mode)),
        "account/read" => AccountRead = skipped(params, ClientCall::AccountRead)?,
        "externalAgentConfig/import" => AgentImport = Body::Call(ClientCall::AgentImport(Read::read(params)?)),
    }
    ServerToClient {
        "item/commandExecution/requestApproval" => CommandApproval =
            Body::Request(ServerRequest::CommandApproval(Read::read(params)?)),
        "item/fileChange/requestApproval" => FileChangeApproval =
            Body::Request(ServerRequest::FileChangeApproval(Read::read(params)?)),
        "item/permissions/requestApproval" => PermissionsApproval =
            Body::Request(ServerRequest::PermissionsApproval(Read::read(params)?)),
        "item/tool/requestUserInput" => UserInput = Body::Inquiry(Inquiry::UserInput(Read::read(params)?)),
        "mcpServer/elicitation/request" => Elicitation = Body::Inquiry(Inquiry::Elicitation(Read::read(params)?)),
        "turn/started" => TurnStarted = Body::Notification(Notification::TurnStarted(Read::read(params)?)),
        "turn/completed" => TurnCompleted = Body::Notification(Notification::TurnCompleted(Read::read(params)?)),
        "turn/diff/updated" => TurnDiffUpdated =
            Body::Notification(Notification::TurnDiffUpdated(Read::read(params)?)),
        "item/started" => ItemStarted = Body::Notification(Notification::ItemStarted(Read::read(params)?)),
        "item/completed" => ItemCompleted = Body::Notification(Notification::ItemCompleted(Read::read(params)?)),
        "item/autoApprovalReview/completed" => GuardianReviewCompleted =
            Body::Notification(Notification::GuardianReviewCompleted(Read::read(params)?)),
        "thread/started" => ThreadStarted = Body::Signal(Signal::ThreadStarted(Read::read(params)?)),
        "thread/settings/updated" => SettingsUpdated = Body::Signal(Signal::SettingsUpdated(Read::read(params)?)),
        "thread/tokenUsage/updated" => TokenUsageUpdated =
            Body::Signal(Signal::TokenUsageUpdated(Read::read(params)?)),
        "thread/queue/changed" => QueueChanged = Body::Signal(Signal::QueueChanged(Read::read(params)?)),
        "hook/completed" => HookCompleted = Body::Signal(Signal::HookCompleted(Read::read(params)?)),
        "thread/compacted" => ThreadCompacted = Body::Signal(Signal::ThreadCompacted(Read::read(params)?)),
        "error" => Error = Body::Signal(Signal::Error(Read::read(params)?)),
        "serverRequest/resolved" => ServerRequestResolved =
            Body::Signal(Signal::ServerRequestResolved(Read::read(params)?)),
        "account/updated" => AccountUpdated = Body::Signal(Signal::AccountUpdated(Read::read(params)?)),
        "thread/goal/updated" => GoalUpdated = Body::Signal(Signal::GoalUpdated(Read::read(params)?)),
        "thread/goal/cleared" => GoalCleared = Body::Signal(Signal::GoalCleared(Read::read(params)?)),
        "thread/archived" => Archived = archived(params, ArchiveAction::Archived)?,
        "thread/unarchived" => Unarchived = archived(params, ArchiveAction::Unarchived)?,
        "externalAgentConfig/import/completed" => AgentImportCompleted =
            Body::Signal(Signal::AgentImportCompleted(Read::read(params)?)),
    }
}

fn archived<'a>(params: &mut Reader<'a>, action: ArchiveAction) -> Result<Body<'a>, Failed> {
    Read::read(params).map(|thread| Body::Signal(Signal::ThreadArchived(thread, action)))
}

/// A call whose parameters do not matter.
fn skipped<'a>(params: &mut Reader<'a>, call: ClientCall) -> Result<Body<'a>, Failed> {
    params.skip().map(|()| Body::Call(call))
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
        Expected::ModelList => ServerResult::ModelList(Read::read(result)?),
        Expected::AppList => ServerResult::AppList(Read::read(result)?),
        Expected::AccountRead => ServerResult::AccountRead(Read::read(result)?),
        Expected::AgentImport => ServerResult::AgentImport(Read::read(result)?),
    }))
}
