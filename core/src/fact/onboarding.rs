//! Imports from other agents (`docs/contract/facts.md` 3.15).

pub use crate::event::onboarding::{AgentImport, AgentImportFailure, ImportedKind};
use crate::json::read::Read;
use crate::json::write::Write;

/// Settings of one kind were imported from another agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentImportCompleted {
    /// The import.
    #[serde(flatten)]
    pub import: AgentImport,
    /// How many things were imported.
    pub success_count: u64,
    /// How many were not.
    pub failed_count: u64,
}

/// Settings of one kind could not be imported from another agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentImportFailed {
    /// The import.
    #[serde(flatten)]
    pub import: AgentImport,
    /// Why it failed.
    #[serde(flatten)]
    pub failure: AgentImportFailure,
}
