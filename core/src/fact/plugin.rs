//! Plugins that were used or changed (`docs/contract/facts.md` 3.10, 3.11).

use alloc::vec::Vec;

use super::Tracking;
pub use crate::event::measurement::{MeasuredCall, Measurement, Number};
pub use crate::event::plugin_install::{InstallSource, PluginInstallFailure, SuggestedPlugin, SuggestionSource};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A plugin and what it can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PluginMetadata {
    /// The plugin's name; empty where it is known by its remote id alone.
    pub plugin_name: Id,
    /// The marketplace it is from.
    pub marketplace_name: Id,
    /// Its id on the remote side.
    #[serde(default)]
    pub remote_plugin_id: Option<Id>,
    /// What it can do, where that is known.
    #[serde(default)]
    pub capability_summary: Option<CapabilitySummary>,
}

/// What a plugin can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CapabilitySummary {
    /// Whether it brings skills.
    pub has_skills: bool,
    /// The MCP servers it brings.
    pub mcp_server_names: Vec<Id>,
    /// The connectors of the apps it brings.
    pub app_connector_ids: Vec<Id>,
}

/// The user named a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PluginUsed {
    /// The turn.
    pub tracking: Tracking,
    /// The plugin.
    pub plugin: PluginMetadata,
}

/// A plugin was installed, removed, turned on or turned off.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PluginStateChanged {
    /// The plugin.
    pub plugin: PluginMetadata,
    /// What happened to it.
    pub state: PluginState,
}

impl PluginMetadata {
    /// A plugin by its name and marketplace.
    pub fn new(plugin_name: impl Into<Id>, marketplace_name: impl Into<Id>) -> Self {
        Self { plugin_name: plugin_name.into(), marketplace_name: marketplace_name.into(), ..Self::default() }
    }
}

impl PluginStateChanged {
    /// A plugin and what happened to it.
    pub fn new(plugin: PluginMetadata, state: PluginState) -> Self {
        Self { plugin, state }
    }
}

/// What happened to a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PluginState {
    /// It was installed.
    Installed,
    /// It was removed.
    Uninstalled,
    /// It was turned on.
    Enabled,
    /// It was turned off.
    Disabled,
}

/// A plugin could not be installed.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PluginInstallFailed {
    /// The plugin.
    pub plugin: PluginMetadata,
    /// Why it was not installed.
    #[serde(flatten)]
    pub failure: PluginInstallFailure,
}

/// The agent suggested that plugins be installed.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PluginInstallRequested {
    /// The turn.
    pub tracking: Tracking,
    /// The suggestion.
    pub suggestion_id: Id,
    /// How the plugins were found.
    pub source: SuggestionSource,
    /// The plugins.
    pub plugins: Vec<SuggestedPlugin>,
}

/// A plugin measured something: one event for each valid row.
///
/// A batch without rows, of more than 100, or with an operation that is no word is discarded. A row is valid if its
/// words are words (a small letter, then small letters, digits and `_`, at most 64) and its dimensions at most eight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PluginMeasured {
    /// What it is of.
    #[serde(flatten)]
    pub call: MeasuredCall,
    /// The numbers.
    pub rows: Vec<Measurement>,
}
