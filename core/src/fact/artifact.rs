//! What plugins' skills make (`docs/contract/facts.md` 3.16).

use super::Tracking;
pub use crate::event::artifact::{ArtifactLifecycle, ArtifactOperation};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A plugin's skill began to make something.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArtifactOperated {
    /// The turn.
    pub tracking: Tracking,
    /// The item that does it.
    pub item_id: Id,
    /// How far it came.
    pub lifecycle: ArtifactLifecycle,
    /// When, in Unix milliseconds.
    pub occurred_at_ms: u64,
    /// The plugin.
    pub plugin_id: Id,
    /// What is made.
    #[serde(flatten)]
    pub operation: ArtifactOperation,
}
