//! `codex_guardian_review` (`docs/contract/events.md`): the details of an automatic review.

use alloc::vec::Vec;

use super::common::{ConnectionContext, Session, event_enums, event_groups, event_structs};
use super::turn::TokenUse;
use super::{Shared, Versioned};
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;
use crate::private::RedactedPath;
use crate::protocol::Known;
use crate::protocol::enums::{ReasoningEffort, RiskLevel, UserAuthorization};
use crate::protocol::notification::ProgramName;
use crate::protocol::policy::NetworkPermissions;
use crate::protocol::tagged::{Tagged, read_tagged};

event_enums! {
    /// Where the request under review came from.
    ApprovalRequestSource {
        /// The thread's own turn.
        MainTurn,
        /// A subagent of it.
        DelegatedSubagent,
    }

    /// What was decided.
    GuardianDecision {
        /// It may happen.
        Approved,
        /// It may not.
        Denied,
        /// Nothing: the review was cancelled.
        Aborted,
    }

    /// How the review ended.
    GuardianTerminalStatus {
        /// The reviewer approved.
        Approved,
        /// The reviewer denied.
        Denied,
        /// The review was cancelled.
        Aborted,
        /// The review took too long, which denies.
        TimedOut,
        /// The review failed, which denies; traffic shows it as `denied`.
        FailedClosed,
    }

    /// Why it failed.
    GuardianFailureReason {
        /// It took too long.
        Timeout,
        /// It was cancelled.
        Cancelled,
        /// Its prompt could not be made.
        PromptBuildError,
        /// Its session failed.
        SessionError,
        /// Its answer could not be read.
        ParseError,
        /// What it had been allowed no longer holds.
        StaleAuthorization,
    }

    /// What the reviewer said.
    GuardianOutcome {
        /// The action is fine.
        Allow,
        /// The action is not.
        Deny,
    }

    /// Which session reviewed.
    GuardianSessionKind {
        /// A new session that later reviews go on with.
        TrunkNew,
        /// A session of an earlier review.
        TrunkReused,
        /// A fork for this review alone.
        EphemeralForked,
    }

    /// What a command asks of the sandbox.
    SandboxPermissions {
        /// The turn's sandbox as it is.
        UseDefault,
        /// To run without it.
        RequireEscalated,
        /// More permissions within it.
        WithAdditionalPermissions,
    }

    /// Which shell tool runs a part of a command.
    ExecveSource {
        /// The shell tool.
        Shell,
        /// The unified tool.
        UnifiedExec,
    }

    /// A network protocol.
    NetworkProtocol {
        /// HTTP.
        Http,
        /// HTTPS.
        Https,
        /// SOCKS 5 over TCP.
        #[serde(rename = "socks5_tcp")]
        Socks5Tcp,
        /// SOCKS 5 over UDP.
        #[serde(rename = "socks5_udp")]
        Socks5Udp,
        /// One that this version does not know.
        Unknown,
    }
}

/// What was reviewed, without command, path, host or target.
#[derive(Clone, Debug, PartialEq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = crate::json::schema::describe_kinds))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReviewedAction {
    /// A command of the shell tool.
    Shell {
        /// What the command asks of the sandbox. Source: a host's own fact; `use_default` from traffic.
        sandbox_permissions: SandboxPermissions,
        /// Permissions on top of the sandbox. Null when none are asked for, and from traffic. Source: a host's own fact.
        additional_permissions: Option<AdditionalPermissions>,
    },
    /// A command of the unified tool.
    UnifiedExec {
        /// What the command asks of the sandbox. Source: a host's own fact; `use_default` from traffic.
        sandbox_permissions: SandboxPermissions,
        /// Permissions on top of the sandbox. Null when none are asked for, and from traffic. Source: a host's own fact.
        additional_permissions: Option<AdditionalPermissions>,
        /// Whether the command has a terminal. Source: a host's own fact; false from traffic.
        tty: bool,
    },
    /// A part of a running command.
    Execve {
        /// Which tool runs the command. Source: `action.source`.
        source: ExecveSource,
        /// The program's file name, without its folder; `unknown` for more than a word. Left out from 0.159 on.
        /// Source: `action.program`.
        #[serde(skip_serializing_if = "ProgramName::is_left_out")]
        program: ProgramName,
        /// Permissions on top of the sandbox. Null when none are asked for, and from traffic. Source: a host's own fact.
        additional_permissions: Option<AdditionalPermissions>,
    },
    /// Text that is typed into a running command.
    WriteStdin {
        /// Whether the command has a terminal; false where traffic does not say. Source: `action.tty`.
        tty: bool,
    },
    /// A patch.
    ApplyPatch,
    /// Network access.
    NetworkAccess {
        /// The network protocol. Source: `action.protocol`.
        protocol: NetworkProtocol,
        /// The network port. Source: `action.port`.
        port: u16,
    },
    /// A call of an MCP tool.
    McpToolCall {
        /// The MCP server. Source: `action.server`.
        server: Id,
        /// The tool's name. Source: `action.toolName`.
        tool_name: Id,
        /// The app's connector. Null when the tool is of no app. Source: `action.connectorId`.
        connector_id: Option<Id>,
        /// The app's name. Null when the tool is of no app. Source: `action.connectorName`.
        connector_name: Option<Id>,
        /// The tool's title. Null when it has none. Source: `action.toolTitle`.
        tool_title: Option<Id>,
    },
    /// More permissions.
    RequestPermissions,
}

impl ReviewedAction {
    /// Without what Codex no longer says of an action: the program of a part, and the files that a command asks for.
    #[must_use]
    pub(crate) fn briefer(mut self) -> Self {
        if let Self::Execve { program, .. } = &mut self {
            *program = ProgramName::default();
        }
        if let Self::Shell { additional_permissions: Some(asked), .. }
        | Self::UnifiedExec { additional_permissions: Some(asked), .. }
        | Self::Execve { additional_permissions: Some(asked), .. } = &mut self
        {
            asked.file_system = None;
        }
        self
    }
}

impl Tagged for ReviewedAction {
    fn from_members(tag: &str, members: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Command {
            sandbox_permissions: SandboxPermissions,
            additional_permissions: Option<AdditionalPermissions>,
            tty: Option<bool>,
        }
        #[derive(Read)]
        struct Stdin {
            tty: bool,
        }
        #[derive(Read)]
        struct Execve {
            source: ExecveSource,
            #[serde(default)]
            program: ProgramName,
            additional_permissions: Option<AdditionalPermissions>,
        }
        #[derive(Read)]
        struct Network {
            protocol: NetworkProtocol,
            port: u16,
        }
        #[derive(Read)]
        struct McpTool {
            server: Id,
            tool_name: Id,
            connector_id: Option<Id>,
            connector_name: Option<Id>,
            tool_title: Option<Id>,
        }
        Ok(match tag {
            "shell" | "unified_exec" => {
                let Command { sandbox_permissions, additional_permissions, tty } = Read::read(members)?;
                if tag == "shell" {
                    return Ok(Self::Shell { sandbox_permissions, additional_permissions });
                }
                let tty = members.required(tty, "tty")?;
                Self::UnifiedExec { sandbox_permissions, additional_permissions, tty }
            }
            "execve" => {
                let Execve { source, program, additional_permissions } = Read::read(members)?;
                Self::Execve { source, program, additional_permissions }
            }
            "write_stdin" => Self::WriteStdin { tty: Stdin::read(members)?.tty },
            "network_access" => {
                let Network { protocol, port } = Read::read(members)?;
                Self::NetworkAccess { protocol, port }
            }
            "mcp_tool_call" => {
                let McpTool { server, tool_name, connector_id, connector_name, tool_title } = Read::read(members)?;
                Self::McpToolCall { server, tool_name, connector_id, connector_name, tool_title }
            }
            "apply_patch" => members.skip().map(|()| Self::ApplyPatch)?,
            "request_permissions" => members.skip().map(|()| Self::RequestPermissions)?,
            _ => return Err(members.unknown()),
        })
    }
}

read_tagged!(ReviewedAction);

/// Permissions on top of the sandbox, as an event shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
pub struct AdditionalPermissions {
    /// Network access. Null when none is asked for. Source: a host's own fact.
    #[cfg_attr(feature = "schema", schemars(with = "Option<NetworkSchema>"))]
    pub network: Option<NetworkPermissions>,
    /// File access: how many places, never which. Null when none is asked for. Source: a host's own fact.
    pub file_system: Option<AdditionalFileSystem>,
}

/// The schema of [`NetworkPermissions`], which belongs to the protocol.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct NetworkSchema {
    /// Whether the network is asked for. Null when it is left open. Source: a host's own fact.
    enabled: Option<bool>,
}

/// File access on top of the sandbox, by its number of places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
pub struct AdditionalFileSystem {
    /// `[path]` for each place to read; left out when the list is empty. Source: a host's own fact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<RedactedPath>,
    /// `[path]` for each place to write; left out when the list is empty. Source: a host's own fact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<RedactedPath>,
    /// `[path]` for each place in the general form; left out when the list is empty. Source: a host's own fact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<RedactedPath>,
    /// Number of levels that patterns look down. Null is left out. Source: a host's own fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glob_scan_max_depth: Option<u64>,
}

event_structs! {
    /// The details of an automatic review.
    #[non_exhaustive]
    GuardianReviewEvent {
        /// The thread's session.
        #[serde(flatten)]
        session: Versioned<Session>,
        /// The thread's client, and what ran.
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// What the reviewer was shown.
        #[serde(flatten)]
        context: Versioned<GuardianContext>,
        /// The reviewed thread. Source: `threadId`.
        thread_id: Id,
        /// The turn of the request. Source: `turnId`.
        turn_id: Id,
        /// The review, as in its `codex_review_event`. Source: `reviewId`.
        review_id: Id,
        /// The item under review. Null for network access. Source: `targetItemId`.
        target_item_id: Option<Id>,
        /// Which session asked. Source: a host's own fact; `main_turn` from traffic.
        approval_request_source: ApprovalRequestSource,
        /// What was reviewed. Source: `action`.
        reviewed_action: ReviewedAction,
        /// Whether the reviewer saw only a part of the action. Source: a host's own fact; false from traffic.
        reviewed_action_truncated: bool,
        /// What was decided. Source: `review.status`.
        decision: GuardianDecision,
        /// How the review ended. Source: `review.status`.
        terminal_status: GuardianTerminalStatus,
        /// Why it came to no verdict. Null when it came to one, and when the reason is unknown. Source:
        /// `review.status`.
        failure_reason: Option<GuardianFailureReason>,
        /// How often it was tried.
        #[serde(flatten)]
        attempts: Versioned<GuardianAttempts>,
        /// The reviewer's estimate of the risk. Null without a verdict, and for an unknown word. Source:
        /// `review.riskLevel`.
        risk_level: Known<RiskLevel>,
        /// The reviewer's estimate whether the user wanted it.
        /// Null without a verdict, and for a word that this version does not know. Source: `review.userAuthorization`.
        user_authorization: Known<UserAuthorization>,
        /// The reviewer's verdict. Null without one. Source: `review.status`.
        outcome: Option<GuardianOutcome>,
        /// The reviewer's own thread. Null from traffic, and without a session. Source: a host's own fact.
        guardian_thread_id: Option<Id>,
        /// Which session reviewed. Null from traffic, and without a session. Source: a host's own fact.
        guardian_session_kind: Option<GuardianSessionKind>,
        /// The reviewer's model. Null from traffic, and without a session. Source: a host's own fact.
        guardian_model: Option<Id>,
        /// The reviewer's reasoning effort.
        /// Null from traffic, and without a session. Source: a host's own fact.
        guardian_reasoning_effort: Known<ReasoningEffort>,
        /// How the reviewer's model was chosen.
        #[serde(flatten)]
        choice: Versioned<GuardianModelChoice>,
        /// Whether the reviewer saw an earlier review of the session.
        /// Null from traffic, and without a session. Source: a host's own fact.
        had_prior_review_context: Option<bool>,
        /// How long a review may take. Milliseconds. Source: a host's own fact; 90,000 from traffic.
        review_timeout_ms: u64,
        /// Number of tools that the reviewer called. Null from traffic, and in Codex 0.131. Source: a host's own fact.
        tool_call_count: Option<u64>,
        /// How long the reviewer took for its first token. Milliseconds.
        /// Null from traffic, and without a session. Source: a host's own fact.
        time_to_first_token_ms: Option<u64>,
        /// How long the review took. Milliseconds. Null when negative. Source: `startedAtMs` and `completedAtMs`.
        completion_latency_ms: Option<u64>,
        /// When the review began. Unix seconds. Source: `startedAtMs`.
        started_at: u64,
        /// When it ended. Unix seconds. Null when the host does not say. Source: `completedAtMs`.
        completed_at: Option<u64>,
        /// What the reviewer used.
        #[serde(flatten)]
        tokens: TokenUse,
    }
}

event_groups! {
    /// What a reviewer was shown (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    GuardianContext {
        /// What the reviewer was shown. Null from traffic. Source: a host's own fact.
        guardian_context_mode: Option<Id>,
    }

    /// How often a review was tried (0.169 and later).
    #[derive(Copy, Default)]
    #[non_exhaustive]
    GuardianAttempts {
        /// Number of attempts. Null from traffic. Source: a host's own fact.
        attempt_count: Option<i64>,
    }

    /// How the reviewer's model was chosen (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    GuardianModelChoice {
        /// The reviewer's model by default. Null from traffic, and without a session. Source: a host's own fact.
        guardian_default_review_model_id: Option<Id>,
        /// Whether the catalogue of models has one for reviews.
        /// Null from traffic, and without a session. Source: a host's own fact.
        guardian_catalog_contains_auto_review: Option<bool>,
        /// Whether the configuration names another model.
        /// Null from traffic, and without a session. Source: a host's own fact.
        guardian_review_model_overridden: Option<bool>,
        /// That model. Null when the configuration names none, and from traffic. Source: a host's own fact.
        guardian_review_model_override: Option<Id>,
        /// The provider of the reviewer's model. Null from traffic, and without a session. Source: a host's own fact.
        guardian_model_provider_id: Option<Id>,
    }
}
