//! `codex_onboarding_external_agent_import_complete` and `…_failure` (`docs/contract/events.md`).

use super::Versioned;
use super::common::{event_groups, event_structs};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A kind of what is imported from another agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum ImportedKind {
    /// Instructions to agents.
    #[serde(rename = "AGENTS_MD")]
    AgentsMd,
    /// Settings.
    #[serde(rename = "CONFIG")]
    Config,
    /// Skills.
    #[serde(rename = "SKILLS")]
    Skills,
    /// Plugins.
    #[serde(rename = "PLUGINS")]
    Plugins,
    /// MCP servers.
    #[serde(rename = "MCP_SERVER_CONFIG")]
    McpServerConfig,
    /// Agents.
    #[serde(rename = "SUBAGENTS")]
    Subagents,
    /// Hooks.
    #[serde(rename = "HOOKS")]
    Hooks,
    /// Commands.
    #[serde(rename = "COMMANDS")]
    Commands,
    /// Memories.
    #[serde(rename = "MEMORY")]
    Memory,
    /// Sessions.
    #[serde(rename = "SESSIONS")]
    Sessions,
}

impl ImportedKind {
    /// The kind of this word of the wire.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "AGENTS_MD" => Self::AgentsMd,
            "CONFIG" => Self::Config,
            "SKILLS" => Self::Skills,
            "PLUGINS" => Self::Plugins,
            "MCP_SERVER_CONFIG" => Self::McpServerConfig,
            "SUBAGENTS" => Self::Subagents,
            "HOOKS" => Self::Hooks,
            "COMMANDS" => Self::Commands,
            "MEMORY" => Self::Memory,
            "SESSIONS" => Self::Sessions,
            _ => return None,
        })
    }
}

event_groups! {
    /// Whose settings were imported (0.146 and later).
    #[derive(Default)]
    #[non_exhaustive]
    ImportProvider {
        /// The other agent's provider; empty where the request names none. One word. Null when the request was not seen.
        /// Source: `providerId` of `externalAgentConfig/import`.
        provider_id: Option<Id>,
    }
}

event_structs! {
    /// What was imported from another agent, and where it was asked for.
    #[derive(Default, Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    AgentImport {
        /// The import. Source: `importId`.
        import_id: Id,
        /// Where the user asked for it, such as `settings`. One word. Null when the request was not seen or says none.
        /// Source: `source` of `externalAgentConfig/import`.
        source: Option<Id>,
        /// The other agent's provider; empty where the request names none. One word. Null when the request was not seen.
        /// Source: `providerId` of `externalAgentConfig/import`.
        provider_id: Option<Id>,
        /// The kind of what was imported. Null for a kind that is not known. Source: `itemType`.
        r#type: Option<ImportedKind>,
    }

    /// Settings of one kind were imported from another agent.
    #[non_exhaustive]
    AgentImportCompletedEvent {
        /// The import. Source: `importId`.
        import_id: Id,
        /// Where the user asked for it, such as `settings`. One word. Null when the request was not seen or says none.
        /// Source: `source` of `externalAgentConfig/import`.
        source: Option<Id>,
        /// The other agent's provider.
        #[serde(flatten)]
        provider: Versioned<ImportProvider>,
        /// The kind of what was imported. Null for a kind that is not known. Source: `itemType`.
        r#type: Option<ImportedKind>,
        /// Number of things of this kind that were imported. Source: `successes`.
        success_count: u64,
        /// Number of things of this kind that were not. Source: `failures`.
        failed_count: u64,
        /// The originator: what started the server. Source: the first `initialize`.
        product_client_id: Id,
    }

    /// Why an import failed, in the server's words for it.
    #[derive(Default, Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    AgentImportFailure {
        /// What was being done. Source: the fact.
        failure_stage: Id,
        /// The kind of error. Source: the fact.
        error_type: Id,
        /// A finer kind of error than `error_type`. Null where the error has none. Source: the fact.
        sub_error_type: Option<Id>,
    }

    /// Settings of one kind could not be imported from another agent.
    #[non_exhaustive]
    AgentImportFailedEvent {
        /// The import. Source: `importId`.
        import_id: Id,
        /// Where the user asked for it, such as `settings`. One word. Null when the request was not seen or says none.
        /// Source: `source` of `externalAgentConfig/import`.
        source: Option<Id>,
        /// The other agent's provider.
        #[serde(flatten)]
        provider: Versioned<ImportProvider>,
        /// The kind of what was imported. Null for a kind that is not known. Source: `itemType`.
        r#type: Option<ImportedKind>,
        /// Why it failed.
        #[serde(flatten)]
        failure: AgentImportFailure,
        /// The originator: what started the server. Source: the first `initialize`.
        product_client_id: Id,
    }
}
