//! Turns as their notifications show them (`docs/contract/wire.md` 1.10, 4).

use alloc::vec::Vec;

use super::enums::{
    ApprovalsReviewer, ModeKind, Personality, ReasoningEffort, ReasoningSummary, ServiceTier, TurnStatus,
};
use super::error::TurnError;
use super::input::UserInput;
use super::policy::{AskForApproval, SandboxPolicy};
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader, Text};
use crate::json::schema::json_schemas;
use crate::json::write::Write;
use crate::private::{HostPath, is_word};

/// A turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// The turn's id.
    pub id: Id,
    /// The turn with which its chain of turns began (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_turn_id: Option<Id>,
    /// How it ended, or that it has not.
    pub status: TurnStatus,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<TurnError>,
    /// When it started, in Unix seconds.
    #[serde(default)]
    pub started_at: Option<i64>,
    /// When it ended, in Unix seconds.
    #[serde(default)]
    pub completed_at: Option<i64>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<i64>,
}

/// A profile of permissions, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PermissionProfileId {
    /// `:danger-full-access`
    DangerFullAccess,
    /// `:workspace`
    Workspace,
    /// `:read-only`
    ReadOnly,
    /// A profile of the user's own.
    Custom,
}

/// Reads the name alone, or the object `{type, id, …}` of older clients.
impl Read<'_> for PermissionProfileId {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Profile<'a> {
            id: Text<'a>,
        }
        let Text(name) = if reader.peek()? == b'{' { Profile::read(reader)?.id } else { Text::read(reader)? };
        Ok(Self::from(&*name))
    }
}

impl From<&str> for PermissionProfileId {
    /// The profile of this name.
    fn from(name: &str) -> Self {
        match name.trim_start_matches(':') {
            "danger-full-access" | "danger_full_access" => Self::DangerFullAccess,
            "workspace" => Self::Workspace,
            "read-only" | "read_only" => Self::ReadOnly,
            _ => Self::Custom,
        }
    }
}

/// A collaboration mode and the model settings that come with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CollaborationMode {
    /// The mode.
    pub mode: ModeKind,
    /// Its model settings, which win over those beside it.
    #[serde(default)]
    pub settings: Option<ModeSettings>,
}

/// The model settings of a collaboration mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModeSettings {
    /// The model's slug.
    pub model: Id,
    /// How much it reasons; `None` is the model's default.
    #[serde(default)]
    pub reasoning_effort: Option<ReasoningEffort>,
}

/// Reads an absent member as `None` and a `null` as `Some(None)`.
pub(crate) fn present<'text, T: Read<'text>>(reader: &mut Reader<'text>) -> Result<Option<Option<T>>, Failed> {
    Read::read(reader).map(Some)
}

/// The parameters of `turn/start`: what was sent, and overrides for this turn and later ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnStartParams {
    /// The thread.
    pub thread_id: Id,
    /// What the user sent.
    pub input: Vec<UserInput>,
    /// The working directory from here on, for the question about its repository.
    #[serde(default)]
    pub cwd: Option<HostPath>,
    /// When the agent must ask.
    #[serde(default)]
    pub approval_policy: Option<AskForApproval>,
    /// Who reviews approvals.
    #[serde(default)]
    pub approvals_reviewer: Option<ApprovalsReviewer>,
    /// What commands may do.
    #[serde(default)]
    pub sandbox_policy: Option<SandboxPolicy>,
    /// What commands may do, by the name of a profile.
    #[serde(default)]
    pub permissions: Option<PermissionProfileId>,
    /// The model's slug.
    #[serde(default)]
    pub model: Option<Id>,
    /// The service tier: absent keeps it, `null` clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[json(read_with = "present")]
    pub service_tier: Option<Option<ServiceTier>>,
    /// How much the model reasons.
    #[serde(default)]
    pub effort: Option<ReasoningEffort>,
    /// How much it says of its reasoning.
    #[serde(default)]
    pub summary: Option<ReasoningSummary>,
    /// Its tone.
    #[serde(default)]
    pub personality: Option<Personality>,
    /// The collaboration mode, which wins over `model` and `effort`.
    #[serde(default)]
    pub collaboration_mode: Option<CollaborationMode>,
    /// What begins the turn, where it is not the user (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[json(read_with = "word")]
    pub turn_trigger: Option<Id>,
    /// The service tier of this turn alone (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier_for_turn: Option<ServiceTier>,
    /// The plugins that are off in this turn (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_plugin_ids: Option<Vec<Id>>,
    /// What the client says of itself (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsesapi_client_metadata: Option<ClientMetadata>,
}

/// What a client says of itself with a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ClientMetadata {
    /// The kind of workspace, such as `project`.
    #[json(read_with = "word")]
    pub workspace_kind: Option<Id>,
    /// Whether the input was dictated: `true`, as a text.
    #[json(read_with = "flag")]
    pub codex_app_used_dictation: Option<bool>,
}

/// Reads a single word; any other text is not kept.
fn word(reader: &mut Reader<'_>) -> Result<Option<Id>, Failed> {
    let text: Option<Text<'_>> = Read::read(reader)?;
    Ok(text.filter(|text| is_word(&text.0)).map(|text| (&*text.0).into()))
}

/// Reads a flag, or its text.
fn flag(reader: &mut Reader<'_>) -> Result<Option<bool>, Failed> {
    match reader.peek()? {
        b'"' => Text::read(reader).map(|text| text.0.parse().ok()),
        _ => Read::read(reader),
    }
}

/// The parameters of `turn/steer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnSteerParams {
    /// The thread.
    pub thread_id: Id,
    /// The turn that the client believes to be running.
    pub expected_turn_id: Id,
    /// What the user sent.
    pub input: Vec<UserInput>,
}

/// A thread's whole settings (`thread/settings/updated` of newer versions).
#[derive(Clone, Debug, PartialEq, Eq, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadSettings {
    pub(crate) model: Option<Id>,
    pub(crate) model_provider: Option<Id>,
    pub(crate) service_tier: Option<ServiceTier>,
    pub(crate) effort: Option<ReasoningEffort>,
    pub(crate) summary: Option<ReasoningSummary>,
    pub(crate) personality: Option<Personality>,
    pub(crate) approval_policy: Option<AskForApproval>,
    pub(crate) approvals_reviewer: Option<ApprovalsReviewer>,
    pub(crate) sandbox_policy: Option<SandboxPolicy>,
    pub(crate) collaboration_mode: Option<CollaborationMode>,
}

json_schemas! {
    PermissionProfileId: {
        "anyOf": [
            { "type": "string" },
            {
                "description": "The profile's id, in the older form.",
                "type": "object",
                "properties": { "id": { "type": "string" } },
                "required": ["id"]
            }
        ]
    },
}

#[cfg(test)]
mod tests {
    use super::{PermissionProfileId, ServiceTier, TurnStartParams};

    #[test]
    fn service_tier_absent_cleared_and_set() {
        for (member, expected) in [
            ("", None),
            (r#","serviceTier":null"#, Some(None)),
            (r#","serviceTier":"priority""#, Some(Some(ServiceTier::Fast))),
        ] {
            let json = alloc::format!(r#"{{"threadId":"t","input":[]{member}}}"#);
            let params: TurnStartParams = crate::json::read::from_str(&json).unwrap();
            assert_eq!(params.service_tier, expected, "{json}");
            let written = crate::json::write::to_string(&params);
            assert_eq!(crate::json::read::from_str::<TurnStartParams>(&written).unwrap(), params);
        }
    }

    #[test]
    fn profiles_by_name_and_in_the_older_form() {
        for (json, expected) in [
            ("\":workspace\"", PermissionProfileId::Workspace),
            ("\":read-only\"", PermissionProfileId::ReadOnly),
            ("\":danger-full-access\"", PermissionProfileId::DangerFullAccess),
            ("\"mine\"", PermissionProfileId::Custom),
            (r#"{"type":"profile","id":":read-only","modifications":[]}"#, PermissionProfileId::ReadOnly),
        ] {
            let id: PermissionProfileId = crate::json::read::from_str(json).unwrap();
            assert_eq!(id, expected, "{json}");
            let written = crate::json::write::to_string(&id);
            assert_eq!(crate::json::read::from_str::<PermissionProfileId>(&written).unwrap(), id);
        }
    }
}
