//! An automatic approval review (contract `facts.md` 3.3).

use alloc::vec::Vec;

use crate::event::common::{event_enums, event_structs};
use crate::event::turn::Tokens;
use crate::id::Id;
use crate::private::RedactedPath;
use crate::protocol::enums::{RiskLevel, UserAuthorization};
use crate::protocol::notification::ProgramName;
use crate::protocol::policy::NetworkPermissions;
use crate::protocol::tagged::{Tagged, read_tagged};
use crate::read::{Failed, Read, Reader};
use crate::write::Write;

event_enums! {
    /// Where the request under review came from.
    ApprovalRequestSource { MainTurn, DelegatedSubagent }

    /// What was decided.
    GuardianDecision { Approved, Denied, Aborted }

    /// How the review ended.
    GuardianTerminalStatus { Approved, Denied, Aborted, TimedOut, FailedClosed }

    /// Why it failed.
    GuardianFailureReason { Timeout, Cancelled, PromptBuildError, SessionError, ParseError }

    /// What the reviewer said.
    GuardianOutcome { Allow, Deny }

    /// Which session reviewed.
    GuardianSessionKind { TrunkNew, TrunkReused, EphemeralForked }

    /// What a command asks of the sandbox.
    SandboxPermissions { UseDefault, RequireEscalated, WithAdditionalPermissions }

    /// Which shell tool runs a part of a command.
    ExecveSource { Shell, UnifiedExec }

    /// A network protocol.
    NetworkProtocol {
        Http,
        Https,
        #[serde(rename = "socks5_tcp")]
        Socks5Tcp,
        #[serde(rename = "socks5_udp")]
        Socks5Udp,
    }
}

/// What was reviewed, without command, path, host or target.
#[derive(Clone, Debug, PartialEq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReviewedAction {
    /// A command of the shell tool.
    Shell {
        /// What it asks of the sandbox.
        sandbox_permissions: SandboxPermissions,
        /// Permissions on top of the sandbox.
        additional_permissions: Option<AdditionalPermissions>,
    },
    /// A command of the unified tool.
    UnifiedExec {
        /// What it asks of the sandbox.
        sandbox_permissions: SandboxPermissions,
        /// Permissions on top of the sandbox.
        additional_permissions: Option<AdditionalPermissions>,
        /// Whether it has a terminal.
        tty: bool,
    },
    /// A part of a running command.
    Execve {
        /// Which tool runs it.
        source: ExecveSource,
        /// The program.
        program: ProgramName,
        /// Permissions on top of the sandbox.
        additional_permissions: Option<AdditionalPermissions>,
    },
    /// A patch.
    ApplyPatch,
    /// Network access.
    NetworkAccess {
        /// The protocol.
        protocol: NetworkProtocol,
        /// The port.
        port: u16,
    },
    /// A call of an MCP tool.
    McpToolCall {
        /// The server's name.
        server: Id,
        /// The tool's name.
        tool_name: Id,
        /// The connector's id.
        connector_id: Option<Id>,
        /// The connector's name.
        connector_name: Option<Id>,
        /// The tool's title.
        tool_title: Option<Id>,
    },
    /// More permissions.
    RequestPermissions,
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
        struct Execve {
            source: ExecveSource,
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
pub struct AdditionalPermissions {
    /// Network access.
    #[cfg_attr(feature = "schema", schemars(with = "Option<NetworkSchema>"))]
    pub network: Option<NetworkPermissions>,
    /// File access: how many places, never which.
    pub file_system: Option<AdditionalFileSystem>,
}

/// The schema of [`NetworkPermissions`], which belongs to the protocol.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct NetworkSchema {
    enabled: Option<bool>,
}

/// File access on top of the sandbox, by its number of places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AdditionalFileSystem {
    /// Places to read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<RedactedPath>,
    /// Places to write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<RedactedPath>,
    /// Places in the general form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<RedactedPath>,
    /// How deep patterns look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glob_scan_max_depth: Option<u64>,
}

event_structs! {
    /// An automatic review ended; written into its event as it is.
    GuardianReview {
        thread_id: Id,
        turn_id: Id,
        review_id: Id,
        target_item_id: Option<Id>,
        approval_request_source: ApprovalRequestSource,
        reviewed_action: ReviewedAction,
        reviewed_action_truncated: bool,
        decision: GuardianDecision,
        terminal_status: GuardianTerminalStatus,
        failure_reason: Option<GuardianFailureReason>,
        risk_level: Option<RiskLevel>,
        user_authorization: Option<UserAuthorization>,
        outcome: Option<GuardianOutcome>,
        guardian_thread_id: Option<Id>,
        guardian_session_kind: Option<GuardianSessionKind>,
        guardian_model: Option<Id>,
        guardian_reasoning_effort: Option<Id>,
        had_prior_review_context: Option<bool>,
        review_timeout_ms: u64,
        tool_call_count: Option<u64>,
        time_to_first_token_ms: Option<u64>,
        completion_latency_ms: Option<u64>,
        /// Unix seconds.
        started_at: u64,
        /// Unix seconds.
        completed_at: Option<u64>,
        #[serde(flatten)]
        tokens: Tokens,
    }
}
