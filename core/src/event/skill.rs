//! `skill_invocation` (`docs/contract/events.md`), the one event of shape B.

use super::Versioned;
use super::common::{InvocationType, VoiceSession, event_groups, event_structs};
use super::plugin::RemotePlugin;
use crate::digest::DigestValue;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::Known;
use crate::protocol::enums::SkillScope;

/// A skill was used.
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[non_exhaustive]
pub struct SkillInvocation {
    /// The skill's identity: SHA-1 of its place and name, as hexadecimal digits.
    /// Null when the host could not say where the skill lies. Source: `skill_answered`.
    pub skill_id: Option<DigestValue>,
    /// The skill's name. Source: `skill_invoked.skill_name`.
    pub skill_name: Id,
    /// What the event says.
    #[serde(rename = "event_params")]
    pub params: SkillInvocationParams,
}

event_structs! {
    /// The parameters of `skill_invocation`.
    #[non_exhaustive]
    SkillInvocationParams {
        /// The originator: what started the server. Source: the first `initialize`.
        product_client_id: Id,
        /// Where the skill was set up. Null when it is unknown. Source: `skills/list`, or the skill's place.
        skill_scope: Known<SkillScope>,
        /// The plugin that the skill came with. Null when there is none, and from traffic. Source:
        /// `skill_invoked.plugin_id`.
        plugin_id: Option<Id>,
        /// The plugin's remote id.
        #[serde(flatten)]
        remote_plugin: Versioned<RemotePlugin>,
        /// The skill's repository.
        #[serde(flatten)]
        repository: Versioned<SkillRepository>,
        /// The thread. Source: `tracking.thread_id`.
        thread_id: Id,
        /// The turn; empty when it is unknown. Source: `tracking.turn_id`.
        turn_id: Id,
        /// The turn's voice session.
        #[serde(flatten)]
        voice: Versioned<VoiceSession>,
        /// Who asked for the skill. Source: `skill_invoked.invocation_type`.
        invoke_type: InvocationType,
        /// The turn's model. Null when it is unknown. Source: `tracking.model_slug`.
        model_slug: Option<Id>,
    }
}

event_groups! {
    /// A skill's repository (before 0.169).
    #[derive(Default)]
    #[non_exhaustive]
    SkillRepository {
        /// The `origin` of the skill's repository, without user, password, query and fragment. Null without a
        /// repository or an answer, and for a remote that is a path. Source: `skill_answered.remote_url`.
        repo_url: Option<Id>,
    }
}

#[cfg(feature = "schema")]
pub(super) fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let params = generator.subschema_for::<SkillInvocationParams>();
    let digest = generator.subschema_for::<DigestValue>();
    let skill_id = "The skill's identity: SHA-1 of its place and name, as hexadecimal digits. \
        Null when the host could not say where the skill lies. Source: `skill_answered`.";
    let skill_name = "The skill's name. Source: `skill_invoked.skill_name`.";
    schemars::json_schema!({
        "description": "A skill was used.",
        "type": "object",
        "properties": {
            "event_type": { "const": super::SKILL_INVOCATION, "description": super::TYPE_DOC },
            "skill_id": { "description": skill_id, "anyOf": [digest, { "type": "null" }] },
            "skill_name": { "description": skill_name, "type": "string" },
            "event_params": super::described(params, super::PARAMS_DOC)
        },
        "required": ["event_type", "skill_id", "skill_name", "event_params"],
        "additionalProperties": false
    })
}
