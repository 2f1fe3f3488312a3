//! Approval requests of the server and the client's answers (`docs/contract/wire.md` 6).

use alloc::vec::Vec;

use super::enums::{CommandApprovalKind, GrantScope, NetworkRuleAction};
use super::policy::PermissionOverlay;
use crate::id::{Id, RequestId};
use crate::json::read::{self, Failed, Names, Read, Reader};
use crate::json::schema::json_schemas;
use crate::json::write::Write;
use crate::private::Presence;

/// A request of the server, with the id that the server chose.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "method", content = "params")]
#[non_exhaustive]
pub enum ServerRequest {
    /// May this command run?
    #[serde(rename = "item/commandExecution/requestApproval")]
    CommandApproval(CommandApprovalParams),
    /// May this patch be applied?
    #[serde(rename = "item/fileChange/requestApproval")]
    FileChangeApproval(FileChangeApprovalParams),
    /// May the turn have these permissions?
    #[serde(rename = "item/permissions/requestApproval")]
    PermissionsApproval(PermissionsApprovalParams),
    /// Any other request; none of them has an event.
    #[serde(rename = "other")]
    Other,
}

/// What every approval request says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CommandApprovalParams {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// The item that waits.
    pub item_id: Id,
    /// Since when, in Unix milliseconds.
    pub started_at_ms: i64,
    /// What is asked about; none before 0.159, where it is a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CommandApprovalKind>,
    /// Whether a part of a running command is asked about.
    #[serde(default)]
    pub approval_id: Presence,
    /// Whether only the network is asked about.
    #[serde(default)]
    pub network_approval_context: Presence,
    /// Permissions on top of the sandbox.
    #[serde(default)]
    pub additional_permissions: Option<PermissionOverlay>,
    /// The network rules that the answer may set.
    #[serde(default)]
    pub proposed_network_policy_amendments: Option<Vec<Presence>>,
}

/// A request to apply a patch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileChangeApprovalParams {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// The item that waits.
    pub item_id: Id,
    /// Since when, in Unix milliseconds.
    pub started_at_ms: i64,
    /// Whether it asks for another writable root.
    #[serde(default)]
    pub grant_root: Presence,
}

/// A request for more permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PermissionsApprovalParams {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// The item that waits.
    pub item_id: Id,
    /// Since when, in Unix milliseconds.
    pub started_at_ms: i64,
    /// What is asked for.
    pub permissions: PermissionOverlay,
}

/// An answer to a server request, typed by the request it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServerResponse {
    /// To a command.
    CommandApproval(CommandDecision),
    /// To a patch.
    FileChangeApproval(FileChangeDecision),
    /// To a request for permissions.
    PermissionsApproval(PermissionsAnswer),
    /// To anything else.
    Other,
}

/// What the client decided about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CommandDecision {
    /// Run it.
    Accept,
    /// Run it and its like in this session.
    AcceptForSession,
    /// Run it and let a rule allow its like.
    AcceptWithExecpolicyAmendment,
    /// Set a network rule.
    ApplyNetworkPolicyAmendment(NetworkRuleAction),
    /// Do not run it.
    Decline,
    /// Do not run it and stop the turn.
    Cancel,
}

impl Read<'_> for CommandDecision {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Network {
            network_policy_amendment: Rule,
        }
        #[derive(Read)]
        struct Rule {
            action: NetworkRuleAction,
        }
        #[derive(Read)]
        struct Execpolicy {
            #[serde(rename = "execpolicy_amendment")]
            _rule: Vec<Presence>,
        }
        if reader.peek()? != b'{' {
            return match &*reader.string()? {
                "accept" => Ok(Self::Accept),
                "acceptForSession" => Ok(Self::AcceptForSession),
                "acceptWithExecpolicyAmendment" => Ok(Self::AcceptWithExecpolicyAmendment),
                "decline" => Ok(Self::Decline),
                "cancel" => Ok(Self::Cancel),
                _ => Err(reader.unknown()),
            };
        }
        let mut decision = None;
        reader.object(
            const { &Names::new(&["acceptWithExecpolicyAmendment", "applyNetworkPolicyAmendment"]) },
            &mut |reader, index| {
                decision = Some(if index == 0 {
                    Execpolicy::read(reader)?;
                    Self::AcceptWithExecpolicyAmendment
                } else if reader.peek()? == b'{' {
                    Self::ApplyNetworkPolicyAmendment(Network::read(reader)?.network_policy_amendment.action)
                } else {
                    // A recorded fact has the action alone.
                    Self::ApplyNetworkPolicyAmendment(Read::read(reader)?)
                });
                Ok(())
            },
        )?;
        decision.ok_or_else(|| reader.unknown())
    }
}

/// What the client decided about a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FileChangeDecision {
    /// Apply it.
    Accept,
    /// Apply it and its like in this session.
    AcceptForSession,
    /// Do not apply it.
    Decline,
    /// Do not apply it and stop the turn.
    Cancel,
}

/// What the client granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PermissionsAnswer {
    /// What it granted.
    pub permissions: PermissionOverlay,
    /// For how long.
    #[serde(default = "this_turn")]
    pub scope: GrantScope,
    /// Whether every later command of the turn must be reviewed.
    #[serde(default)]
    pub strict_auto_review: Option<bool>,
}

fn this_turn() -> GrantScope {
    GrantScope::Turn
}

impl PermissionsAnswer {
    /// A grant for the rest of the turn.
    pub fn new(permissions: PermissionOverlay) -> Self {
        Self { permissions, scope: this_turn(), strict_auto_review: None }
    }
}

/// A result that is not what its request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the result does not fit its request")]
#[non_exhaustive]
pub struct UnfittingResult;

impl ServerRequest {
    /// The thread, turn and item that wait for the answer.
    pub fn ids(&self) -> Option<(&Id, &Id, &Id)> {
        match self {
            Self::CommandApproval(CommandApprovalParams { thread_id, turn_id, item_id, .. })
            | Self::FileChangeApproval(FileChangeApprovalParams { thread_id, turn_id, item_id, .. })
            | Self::PermissionsApproval(PermissionsApprovalParams { thread_id, turn_id, item_id, .. }) => {
                Some((thread_id, turn_id, item_id))
            }
            Self::Other => None,
        }
    }

    /// Whether `other`, with the same id, is this very request: repeated to another client, which may
    /// not be shown all of it.
    pub fn is_repeated_by(&self, other: &Self) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(other)
            && self.ids() == other.ids()
            && self.started_at_ms() == other.started_at_ms()
    }

    /// Since when the server waits, in Unix milliseconds.
    pub fn started_at_ms(&self) -> Option<i64> {
        match self {
            Self::CommandApproval(CommandApprovalParams { started_at_ms, .. })
            | Self::FileChangeApproval(FileChangeApprovalParams { started_at_ms, .. })
            | Self::PermissionsApproval(PermissionsApprovalParams { started_at_ms, .. }) => Some(*started_at_ms),
            Self::Other => None,
        }
    }

    /// Decodes the bare `result` of an answer to this request.
    ///
    /// # Errors
    ///
    /// [`UnfittingResult`] if the result is not what this request asks for. The error says nothing
    /// about the result, which may hold anything.
    pub fn response_from_result(&self, result: &str) -> Result<ServerResponse, UnfittingResult> {
        #[derive(Read)]
        struct Decision<T> {
            decision: T,
        }
        fn decode<'text, T: Read<'text>>(result: &'text str) -> Result<T, UnfittingResult> {
            read::from_str(result).map_err(|_| UnfittingResult)
        }
        Ok(match self {
            Self::CommandApproval(_) => ServerResponse::CommandApproval(decode::<Decision<_>>(result)?.decision),
            Self::FileChangeApproval(_) => ServerResponse::FileChangeApproval(decode::<Decision<_>>(result)?.decision),
            Self::PermissionsApproval(_) => ServerResponse::PermissionsApproval(decode(result)?),
            Self::Other => ServerResponse::Other,
        })
    }
}

/// `serverRequest/resolved`: the request was answered or cleared.
#[derive(Clone, Debug, PartialEq, Eq, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerRequestResolved {
    pub(crate) request_id: RequestId,
}

json_schemas! {
    CommandDecision: {
        "anyOf": [
            { "enum": ["accept", "acceptForSession", "acceptWithExecpolicyAmendment", "decline", "cancel"] },
            {
                "description": "Yes, and a rule for commands.",
                "type": "object",
                "properties": { "acceptWithExecpolicyAmendment": { "type": "object" } },
                "required": ["acceptWithExecpolicyAmendment"]
            },
            {
                "description": "A rule for a host, which lets it through or not.",
                "type": "object",
                "properties": { "applyNetworkPolicyAmendment": {} },
                "required": ["applyNetworkPolicyAmendment"]
            }
        ]
    },
}

#[cfg(test)]
mod tests {
    use super::{
        CommandApprovalParams, CommandDecision, FileChangeApprovalParams, FileChangeDecision, NetworkRuleAction,
        Presence, ServerRequest, ServerResponse, UnfittingResult,
    };

    fn command() -> ServerRequest {
        ServerRequest::CommandApproval(CommandApprovalParams {
            thread_id: "t".into(),
            turn_id: "u".into(),
            item_id: "i".into(),
            started_at_ms: 1,
            kind: None,
            approval_id: Presence(false),
            network_approval_context: Presence(false),
            additional_permissions: None,
            proposed_network_policy_amendments: None,
        })
    }

    /// Every decision of `docs/contract/wire.md` 6.1, and results that are no decision.
    #[test]
    fn command_decisions() {
        for (decision, expected) in [
            (r#""accept""#, CommandDecision::Accept),
            (r#""acceptForSession""#, CommandDecision::AcceptForSession),
            (r#""decline""#, CommandDecision::Decline),
            (r#""cancel""#, CommandDecision::Cancel),
            (
                r#"{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["npm","i"]}}"#,
                CommandDecision::AcceptWithExecpolicyAmendment,
            ),
            (
                r#"{"applyNetworkPolicyAmendment":{"network_policy_amendment":{"host":"h","action":"deny"}}}"#,
                CommandDecision::ApplyNetworkPolicyAmendment(NetworkRuleAction::Deny),
            ),
        ] {
            let result = alloc::format!(r#"{{"decision":{decision}}}"#);
            assert_eq!(
                command().response_from_result(&result),
                Ok(ServerResponse::CommandApproval(expected)),
                "{result}"
            );
            let written = crate::json::write::to_string(&expected);
            assert_eq!(crate::json::read::from_str::<CommandDecision>(&written).unwrap(), expected);
        }
        for bad in
            [r#"{"decision":"nonsense"}"#, r#"{"decision":{}}"#, r#"{"decision":{"accept":1}}"#, "{}", "null", "7"]
        {
            assert_eq!(command().response_from_result(bad), Err(UnfittingResult), "{bad}");
        }
    }

    #[test]
    fn the_request_decides_what_a_result_means() {
        let patch = ServerRequest::FileChangeApproval(FileChangeApprovalParams {
            thread_id: "t".into(),
            turn_id: "u".into(),
            item_id: "i".into(),
            started_at_ms: 1,
            grant_root: Presence(true),
        });
        assert_eq!(
            patch.response_from_result(r#"{"decision":"accept"}"#),
            Ok(ServerResponse::FileChangeApproval(FileChangeDecision::Accept))
        );
        assert_eq!(ServerRequest::Other.response_from_result("[]"), Ok(ServerResponse::Other));
    }
}
