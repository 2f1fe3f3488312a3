//! Skills that were used (`docs/contract/facts.md` 3.6).

use alloc::vec::Vec;

use super::Tracking;
use crate::event::common::InvocationType;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::HostPath;
use crate::protocol::enums::SkillScope;

/// Skills were used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SkillInvoked {
    /// The turn they were used in.
    pub tracking: Tracking,
    /// Which skills.
    pub invocations: Vec<SkillUse>,
}

/// One skill that was used.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SkillUse {
    /// The skill's name.
    pub skill_name: Id,
    /// Where it was found; an observer may not know.
    pub skill_scope: Option<SkillScope>,
    /// Its `SKILL.md`, for the question where it lies; an observer may not know.
    #[serde(default)]
    pub skill_path: Option<HostPath>,
    /// The working directory above the skill's file, where an observer recognised it.
    #[serde(default)]
    pub workspace: Option<HostPath>,
    /// The plugin it came with.
    #[serde(default)]
    pub plugin_id: Option<Id>,
    /// The plugin's remote id, for events of 0.169 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_plugin_id: Option<Id>,
    /// The resource that it is, if it is no file: its id is then the resource's hash (0.159 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<Id>,
    /// Who asked for it.
    pub invocation_type: InvocationType,
}

impl SkillUse {
    /// A skill of which only the name is known.
    pub fn new(skill_name: impl Into<Id>, invocation_type: InvocationType) -> Self {
        Self {
            skill_name: skill_name.into(),
            skill_scope: None,
            skill_path: None,
            workspace: None,
            plugin_id: None,
            remote_plugin_id: None,
            resource_id: None,
            invocation_type,
        }
    }
}
