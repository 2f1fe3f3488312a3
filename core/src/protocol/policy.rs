//! Approval and sandbox policies, and permission overlays (`docs/contract/wire.md` 1.4, 1.6, 1.13).

use super::tagged::{Tagged, read_tagged};
use crate::json::read::{Failed, Read, Reader};
use crate::json::schema::json_schemas;
use crate::json::write::Write;
use crate::private::Presence;

/// When the agent must ask before it acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AskForApproval {
    /// Ask unless the command is known to be safe.
    Untrusted,
    /// Ask after a failure.
    #[serde(rename = "on-failure")]
    OnFailure,
    /// Ask when the model wants to.
    #[serde(rename = "on-request")]
    OnRequest,
    /// Ask by kind of request; which kinds does not matter here.
    Granular,
    /// Never ask.
    Never,
    /// A value that this version does not know.
    #[default]
    Unknown,
}

impl From<&str> for AskForApproval {
    /// The value of this word of the wire.
    fn from(word: &str) -> Self {
        match word {
            "untrusted" => Self::Untrusted,
            "on-failure" => Self::OnFailure,
            "on-request" => Self::OnRequest,
            "granular" => Self::Granular,
            "never" => Self::Never,
            _ => Self::Unknown,
        }
    }
}

impl Read<'_> for AskForApproval {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        const APPROVAL: &str = "AskForApproval";
        if reader.peek()? == b'{' {
            let mut policy = Self::Unknown;
            reader.members(&mut |reader, name| {
                if name == "granular" {
                    policy = Self::Granular;
                } else {
                    reader.unread_word(APPROVAL, &name);
                }
                reader.skip()
            })?;
            return Ok(policy);
        }
        let word = reader.string()?;
        let policy = Self::from(&*word);
        if policy == Self::Unknown {
            reader.unread_word(APPROVAL, &word);
        }
        Ok(policy)
    }
}

/// The wire's view of what a turn's commands may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transform = crate::json::schema::any_other_kind))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum SandboxPolicy {
    /// No sandbox.
    DangerFullAccess,
    /// No writes.
    ReadOnly {
        /// Whether commands reach the network.
        network_access: bool,
    },
    /// The caller sandboxes the whole server.
    ExternalSandbox {
        /// Whether commands reach the network.
        network_access: ExternalNetwork,
    },
    /// Writes below the workspace and other writable roots.
    WorkspaceWrite {
        /// Whether commands reach the network.
        network_access: bool,
    },
    /// A policy that this version does not know.
    Unknown,
}

/// Whether an external sandbox lets commands reach the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ExternalNetwork {
    /// It does.
    Enabled,
    /// It does not, or says something this version does not know.
    #[default]
    #[serde(other)]
    Restricted,
}

impl SandboxPolicy {
    /// Whether commands reach the network; `None` under an unknown policy.
    pub fn network_access(self) -> Option<bool> {
        match self {
            Self::DangerFullAccess => Some(true),
            Self::ReadOnly { network_access } | Self::WorkspaceWrite { network_access } => Some(network_access),
            Self::ExternalSandbox { network_access } => Some(network_access == ExternalNetwork::Enabled),
            Self::Unknown => None,
        }
    }
}

impl Tagged for SandboxPolicy {
    fn from_members(tag: &str, members: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        #[serde(rename_all = "camelCase")]
        struct Members<T: Default> {
            #[serde(default)]
            network_access: T,
        }
        let plain = |members: &mut Reader<'_>| Members::<bool>::read(members).map(|members| members.network_access);
        Ok(match tag {
            "readOnly" => Self::ReadOnly { network_access: plain(members)? },
            "workspaceWrite" => Self::WorkspaceWrite { network_access: plain(members)? },
            "externalSandbox" => Self::ExternalSandbox { network_access: Members::read(members)?.network_access },
            _ => {
                members.skip()?;
                if tag == "dangerFullAccess" {
                    return Ok(Self::DangerFullAccess);
                }
                members.unread_word("SandboxPolicy", tag);
                Self::Unknown
            }
        })
    }
}

read_tagged!(SandboxPolicy);

/// Network access that a request asks for or an answer grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct NetworkPermissions {
    /// On, off, or not said.
    pub enabled: Option<bool>,
}

/// Permissions on top of the sandbox, as requested or granted: the network, and whether any file
/// access is part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct PermissionOverlay {
    /// Network access.
    pub network: Option<NetworkPermissions>,
    /// Whether file system access is part of it (never which).
    pub file_system: Presence,
}

impl PermissionOverlay {
    /// Whether the network is asked for or granted.
    pub fn enables_network(self) -> bool {
        self.network.is_some_and(|network| network.enabled == Some(true))
    }

    /// Whether neither the network nor the file system is mentioned.
    pub fn is_empty(self) -> bool {
        self.network.is_none() && !self.file_system.0
    }
}

json_schemas! {
    AskForApproval: {
        "anyOf": [
            { "enum": ["untrusted", "on-failure", "on-request", "granular", "never", "unknown"] },
            {
                "description": "A setting for each kind of approval.",
                "type": "object",
                "properties": { "granular": { "type": "object" } },
                "required": ["granular"]
            }
        ]
    },
}

#[cfg(test)]
mod tests {
    use super::{AskForApproval, ExternalNetwork, SandboxPolicy};

    #[test]
    fn approval_policies() {
        for (json, policy) in [
            ("\"untrusted\"", AskForApproval::Untrusted),
            ("\"on-failure\"", AskForApproval::OnFailure),
            ("\"on-request\"", AskForApproval::OnRequest),
            ("\"never\"", AskForApproval::Never),
            (r#"{"granular":{"rules":true,"mcp_elicitations":false}}"#, AskForApproval::Granular),
            (r#"{"other":{}}"#, AskForApproval::Unknown),
            ("\"sometimes\"", AskForApproval::Unknown),
        ] {
            let read: AskForApproval = crate::json::read::from_str(json).unwrap();
            assert_eq!(read, policy, "{json}");
            let written = crate::json::write::to_string(&read);
            assert_eq!(crate::json::read::from_str::<AskForApproval>(&written).unwrap(), policy);
        }
    }

    #[test]
    fn sandbox_policies_wherever_their_tag_stands() {
        for (json, policy, network) in [
            (r#"{"type":"dangerFullAccess"}"#, SandboxPolicy::DangerFullAccess, Some(true)),
            (r#"{"type":"readOnly"}"#, SandboxPolicy::ReadOnly { network_access: false }, Some(false)),
            (
                r#"{"networkAccess":true,"x":[1],"type":"readOnly"}"#,
                SandboxPolicy::ReadOnly { network_access: true },
                Some(true),
            ),
            (
                r#"{"type":"workspaceWrite","writableRoots":["/a"],"networkAccess":true}"#,
                SandboxPolicy::WorkspaceWrite { network_access: true },
                Some(true),
            ),
            (
                r#"{"type":"externalSandbox"}"#,
                SandboxPolicy::ExternalSandbox { network_access: ExternalNetwork::Restricted },
                Some(false),
            ),
            (
                r#"{"type":"externalSandbox","networkAccess":"enabled"}"#,
                SandboxPolicy::ExternalSandbox { network_access: ExternalNetwork::Enabled },
                Some(true),
            ),
            (r#"{"type":"newer","a":1}"#, SandboxPolicy::Unknown, None),
        ] {
            let read: SandboxPolicy = crate::json::read::from_str(json).unwrap();
            assert_eq!(read, policy, "{json}");
            assert_eq!(read.network_access(), network, "{json}");
            let written = crate::json::write::to_string(&read);
            assert_eq!(crate::json::read::from_str::<SandboxPolicy>(&written).unwrap(), policy);
        }
    }
}
