//! `skill_invocation` (contract `events.md` 10), the one event of shape B.

use super::common::{InvocationType, event_structs};
use crate::digest::DigestValue;
use crate::id::Id;
use crate::protocol::enums::SkillScope;
use crate::read::Read;
use crate::write::Write;

/// A skill was used.
#[derive(Clone, Debug, PartialEq, Write, Read)]
pub struct SkillInvocation {
    /// The skill's SHA-1 identity; null when the host could not say where the skill lies.
    pub skill_id: Option<DigestValue>,
    /// The skill's name.
    pub skill_name: Id,
    /// The event's parameters.
    #[serde(rename = "event_params")]
    pub params: SkillInvocationParams,
}

event_structs! {
    /// The parameters of `skill_invocation`.
    SkillInvocationParams {
        product_client_id: Id,
        skill_scope: Option<SkillScope>,
        plugin_id: Option<Id>,
        /// The remote of the skill's repository, without user and password.
        repo_url: Option<Id>,
        thread_id: Id,
        turn_id: Id,
        invoke_type: InvocationType,
        model_slug: Option<Id>,
    }
}

#[cfg(feature = "schema")]
pub(super) fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let params = generator.subschema_for::<SkillInvocationParams>();
    let digest = generator.subschema_for::<DigestValue>();
    schemars::json_schema!({
        "type": "object",
        "properties": {
            "event_type": { "const": "skill_invocation" },
            "skill_id": { "anyOf": [digest, { "type": "null" }] },
            "skill_name": { "type": "string" },
            "event_params": params
        },
        "required": ["event_type", "skill_id", "skill_name", "event_params"],
        "additionalProperties": false
    })
}
