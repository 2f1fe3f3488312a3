//! The second version of the automatic reviewer (`docs/contract/facts.md` 3.17).

pub use crate::event::guardian::{GuardianDecision, GuardianOutcome};
pub use crate::event::guardian_v2::{GuardianV2Classification, GuardianV2Subject};
use crate::json::read::Read;
use crate::json::write::Write;

/// It classified an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardianV2Classified {
    /// What it looked at.
    #[serde(flatten)]
    pub subject: GuardianV2Subject,
    /// What it made of it.
    #[serde(flatten)]
    pub classification: GuardianV2Classification,
}

/// It decided at once.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardianV2Decided {
    /// What it looked at.
    #[serde(flatten)]
    pub subject: GuardianV2Subject,
    /// What it decided.
    pub decision: GuardianDecision,
}
