//! What a line of a rollout holds, as far as facts need it. Prompts, answers, outputs and instructions have no member.

use alloc::string::String;
use alloc::vec::Vec;

use crate::codex::catalog::TokenBreakdown;
use crate::event::turn::MultiAgentVersion;
use crate::fact::permission::PermissionProfile;
use crate::id::Id;
use crate::json::read::{Failed, Raw, Read, Reader, Text};
use crate::json::write::Write;
use crate::private::{HostPath, NonBlank, Presence};
use crate::protocol::enums::{
    ApprovalsReviewer, ModeKind, Personality, ReasoningEffort, ReasoningSummary, ServiceTier,
};
use crate::protocol::error::{CodexErrorInfo, TurnError};
use crate::protocol::policy::{AskForApproval, ExternalNetwork, SandboxPolicy};
use crate::protocol::thread::{SessionSource, SubAgentSource, ThreadSource};

/// Any line: what is around its content.
#[derive(Read)]
pub(super) struct Line<'t> {
    pub(super) timestamp: Option<Text<'t>>,
    /// The line's number in its history, in paginated files.
    pub(super) ordinal: Option<u64>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Text<'t>>,
    pub(super) payload: Option<Raw<'t>>,
}

/// The session of a file: its first line, and in files before 0.32 that line itself.
#[derive(Read)]
pub(super) struct SessionMeta<'t> {
    pub(super) id: Id,
    pub(super) session_id: Option<Id>,
    pub(super) timestamp: Option<Text<'t>>,
    pub(super) cwd: Option<HostPath>,
    pub(super) originator: Option<Id>,
    pub(super) cli_version: Option<Id>,
    #[serde(default)]
    #[json(read_with = "source")]
    pub(super) source: SessionSource,
    pub(super) thread_source: Option<ThreadSource>,
    pub(super) model_provider: Option<Id>,
    pub(super) forked_from_id: Option<Id>,
    pub(super) parent_thread_id: Option<Id>,
    pub(super) history_mode: Option<Text<'t>>,
    /// The first line that is the thread's own.
    pub(super) subagent_history_start_ordinal: Option<u64>,
    /// Whether it goes on from another file.
    #[serde(default)]
    pub(super) history_base: Presence,
    #[serde(default)]
    #[json(read_with = "tool_names")]
    pub(super) dynamic_tools: Vec<Id>,
    pub(super) git: Option<Git<'t>>,
}

#[derive(Read)]
pub(super) struct Git<'t> {
    pub(super) repository_url: Option<Text<'t>>,
}

/// In a rollout, the server's own threads are `subagent`s.
fn source(reader: &mut Reader<'_>) -> Result<SessionSource, Failed> {
    let mut source = SessionSource::Client;
    if reader.peek()? != b'{' {
        reader.skip()?;
        return Ok(source);
    }
    reader.members(&mut |reader, name| {
        if name == "subagent" || name == "subAgent" {
            source = SessionSource::SubAgent(SubAgentSource::read(reader)?);
            Ok(())
        } else {
            reader.skip()
        }
    })?;
    Ok(source)
}

fn tool_names(reader: &mut Reader<'_>) -> Result<Vec<Id>, Failed> {
    #[derive(Read)]
    struct Tool {
        name: Option<Id>,
    }
    let tools: Option<Vec<Tool>> = Read::read(reader)?;
    Ok(tools.unwrap_or_default().into_iter().filter_map(|tool| tool.name).collect())
}

/// The settings of a turn, right before it asks the model.
#[derive(Read)]
pub(super) struct TurnContext<'t> {
    pub(super) turn_id: Option<Id>,
    pub(super) cwd: Option<HostPath>,
    pub(super) root_turn_id: Option<Id>,
    pub(super) approval_policy: Option<AskForApproval>,
    pub(super) approvals_reviewer: Option<ApprovalsReviewer>,
    #[serde(default)]
    #[json(read_with = "policy")]
    pub(super) sandbox_policy: Option<SandboxPolicy>,
    pub(super) permission_profile: Option<Profile<'t>>,
    pub(super) model: Option<Id>,
    pub(super) effort: Option<ReasoningEffort>,
    pub(super) summary: Option<ReasoningSummary>,
    pub(super) personality: Option<Personality>,
    pub(super) collaboration_mode: Option<Mode>,
    pub(super) multi_agent_version: Option<Text<'t>>,
}

#[derive(Read)]
pub(super) struct Mode {
    pub(super) mode: ModeKind,
}

/// A permission profile, where a line has no policy.
#[derive(Read)]
pub(super) struct Profile<'t> {
    #[serde(rename = "type")]
    kind: Option<Text<'t>>,
}

impl TurnContext<'_> {
    /// What the turn's commands may do.
    pub(super) fn profile(&self) -> Option<PermissionProfile> {
        if let Some(policy) = self.sandbox_policy {
            return crate::codex::settings::profile(policy);
        }
        let kind = self.permission_profile.as_ref()?.kind.as_ref()?;
        (kind.0 == "disabled").then_some(PermissionProfile::Disabled)
    }

    pub(super) fn agents(&self) -> Option<MultiAgentVersion> {
        match &*self.multi_agent_version.as_ref()?.0 {
            "v1" => Some(MultiAgentVersion::V1),
            "v2" => Some(MultiAgentVersion::V2),
            "disabled" => Some(MultiAgentVersion::Disabled),
            _ => None,
        }
    }
}

/// A policy, as files write it: `type`, in the oldest `mode`, with a word in kebab case.
fn policy(reader: &mut Reader<'_>) -> Result<Option<SandboxPolicy>, Failed> {
    #[derive(Read)]
    struct Policy<'t> {
        #[serde(rename = "type")]
        kind: Option<Text<'t>>,
        mode: Option<Text<'t>>,
        #[json(default, read_with = "flag")]
        network_access: bool,
    }
    if reader.is_null()? {
        return Ok(None);
    }
    let Policy { kind, mode, network_access } = Policy::read(reader)?;
    Ok(kind.or(mode).map(|kind| match &*kind.0 {
        "danger-full-access" => SandboxPolicy::DangerFullAccess,
        "read-only" => SandboxPolicy::ReadOnly { network_access },
        "workspace-write" => SandboxPolicy::WorkspaceWrite { network_access },
        "external-sandbox" => SandboxPolicy::ExternalSandbox {
            network_access: if network_access { ExternalNetwork::Enabled } else { ExternalNetwork::Restricted },
        },
        _ => SandboxPolicy::Unknown,
    }))
}

/// True, or `enabled`.
fn flag(reader: &mut Reader<'_>) -> Result<bool, Failed> {
    match reader.peek()? {
        b'"' => reader.string().map(|word| word == "enabled"),
        b'n' => reader.skip().map(|()| false),
        _ => Read::read(reader),
    }
}

/// `thread_settings_applied`
#[derive(Read)]
pub(super) struct SettingsApplied {
    pub(super) thread_settings: Settings,
}

/// A thread's settings. What is not there is not set.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Settings {
    pub(super) model: Option<Id>,
    pub(super) model_provider_id: Option<Id>,
    pub(super) service_tier: Option<ServiceTier>,
    pub(super) reasoning_summary: Option<ReasoningSummary>,
    pub(super) personality: Option<Personality>,
}

/// `task_started`
#[derive(Read)]
pub(super) struct TaskStarted {
    pub(super) turn_id: Option<Id>,
    pub(super) root_turn_id: Option<Id>,
    pub(super) started_at: Option<i64>,
    pub(super) turn_attribution: Option<Attribution>,
}

#[derive(Read)]
pub(super) struct Attribution {
    pub(super) turn_trigger: Option<Id>,
}

/// `task_complete` and `turn_aborted`
#[derive(Read)]
pub(super) struct TaskEnded<'t> {
    pub(super) turn_id: Option<Id>,
    #[serde(default)]
    pub(super) last_agent_message: Presence,
    pub(super) error: Option<FileError<'t>>,
    pub(super) completed_at: Option<i64>,
    pub(super) duration_ms: Option<i64>,
}

/// Why a turn failed.
#[derive(Read)]
pub(super) struct FileError<'t> {
    message: Option<Text<'t>>,
    #[serde(default)]
    #[json(read_with = "error_info")]
    codex_error_info: Option<CodexErrorInfo>,
}

impl FileError<'_> {
    /// Whether a compaction failed.
    pub(super) fn is_of_compaction(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.0.starts_with("Error running remote compact task"))
    }

    pub(super) fn error(&self) -> TurnError {
        TurnError { message: None, codex_error_info: self.codex_error_info }
    }
}

/// The kind of a failure: the wire's words, in snake case.
fn error_info(reader: &mut Reader<'_>) -> Result<Option<CodexErrorInfo>, Failed> {
    #[derive(Read)]
    struct Http {
        http_status_code: Option<u16>,
    }
    match reader.peek()? {
        b'"' => reader.string().map(|word| Some(CodexErrorInfo::from(&*camel(&word)))),
        b'{' => {
            let mut info = None;
            reader.members(&mut |reader, name| {
                let http: Option<Http> = Raw::read(reader)?.get();
                let status = http.and_then(|http| http.http_status_code);
                info = Some(CodexErrorInfo::with_status(&camel(&name), status));
                Ok(())
            })?;
            Ok(info)
        }
        _ => reader.skip().map(|()| None),
    }
}

fn camel(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut upper = false;
    for letter in snake.chars() {
        if letter == '_' {
            upper = true;
        } else {
            camel.push(if upper { letter.to_ascii_uppercase() } else { letter });
            upper = false;
        }
    }
    camel
}

/// `token_count`
#[derive(Read)]
pub(super) struct TokenCount {
    pub(super) info: Option<TokenInfo>,
}

#[derive(Read)]
pub(super) struct TokenInfo {
    pub(super) total_token_usage: FileTokens,
    pub(super) last_token_usage: FileTokens,
}

/// Tokens, as files write them.
#[derive(Clone, Copy, Default, Read)]
#[serde(default)]
pub(super) struct FileTokens {
    total_tokens: i64,
    input_tokens: i64,
    cached_input_tokens: i64,
    output_tokens: i64,
    reasoning_output_tokens: i64,
    cache_write_input_tokens: i64,
}

impl FileTokens {
    pub(super) fn total_tokens(self) -> i64 {
        self.total_tokens
    }
}

impl From<FileTokens> for TokenBreakdown {
    fn from(tokens: FileTokens) -> Self {
        Self {
            total_tokens: tokens.total_tokens,
            input_tokens: tokens.input_tokens,
            cached_input_tokens: tokens.cached_input_tokens,
            output_tokens: tokens.output_tokens,
            reasoning_output_tokens: tokens.reasoning_output_tokens,
            cache_write_input_tokens: tokens.cache_write_input_tokens,
        }
    }
}

/// `user_message`
#[derive(Read)]
pub(super) struct UserMessage {
    images: Option<Vec<Presence>>,
    local_images: Option<Vec<Presence>>,
}

impl UserMessage {
    pub(super) fn images(&self) -> u64 {
        let count = |images: &Option<Vec<Presence>>| images.as_ref().map_or(0, Vec::len) as u64;
        count(&self.images) + count(&self.local_images)
    }
}

/// `token_usage_record`
#[derive(Read)]
pub(super) struct UsageRecord {
    pub(super) response_id: Option<Id>,
    pub(super) usage: FileTokens,
}

/// `compacted`
#[derive(Read)]
pub(super) struct Compacted {
    /// The response that it was, where it was made by a request of its own.
    pub(super) compaction_response_id: Option<Id>,
    /// Whether it holds a summary in words: none where the provider made it.
    #[serde(default)]
    pub(super) message: NonBlank,
}
