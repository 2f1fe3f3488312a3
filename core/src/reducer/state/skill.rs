//! Skills whose place the host has not said yet.

use crate::fact::Tracking;
use crate::fact::skill::SkillUse;
use crate::json::read::Read;
use crate::json::write::Write;

/// A use of a skill that waits for the answer about the skill's place.
#[derive(Clone, Debug, Write, Read)]
pub(crate) struct ParkedSkill {
    pub(crate) tracking: Tracking,
    /// Without its path: that went out with the question.
    pub(crate) skill: SkillUse,
}
