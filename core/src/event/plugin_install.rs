//! `codex_plugin_install_failed` and `codex_plugin_install_requested` (`docs/contract/events.md`).

use alloc::vec::Vec;

use super::Versioned;
use super::common::{event_enums, event_groups, event_structs};
use super::plugin::PluginEvent;
use crate::id::Id;

event_enums! {
    /// What asked for a plugin.
    InstallSource {
        /// A client.
        Manual,
        /// The import from another agent.
        ExternalAgentMigration,
    }

    /// How plugins that are suggested were found.
    SuggestionSource {
        /// A service recommends them.
        EndpointRecommendation,
        /// They were discovered on the machine, the earlier way.
        LegacyDiscovery,
    }
}

event_groups! {
    /// What asked for a plugin (0.145 and later).
    #[derive(Copy)]
    #[non_exhaustive]
    InstallAsker {
        /// What asked for it. Source: `plugin/install`, or the fact.
        source: InstallSource,
    }

    /// More of why a plugin was not installed (0.145 and later).
    #[derive(Default)]
    #[non_exhaustive]
    InstallSubError {
        /// A finer kind of error than `error_type`. Null from traffic, and where the error has none. Source: the fact.
        sub_error_type: Option<Id>,
    }
}

event_structs! {
    /// Why a plugin was not installed.
    #[derive(Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, written as a literal")]
    PluginInstallFailure {
        /// What asked for it. Source: `plugin/install`, or the fact.
        source: InstallSource,
        /// The kind of error. Null when the error's text is not a known one. Source: the error of `plugin/install`.
        error_type: Option<Id>,
        /// A finer kind of error than `error_type`. Null from traffic, and where the error has none. Source: the fact.
        sub_error_type: Option<Id>,
    }

    /// A plugin could not be installed.
    #[non_exhaustive]
    PluginInstallFailedEvent {
        /// The plugin.
        #[serde(flatten)]
        plugin: PluginEvent,
        /// What asked for it.
        #[serde(flatten)]
        asker: Versioned<InstallAsker>,
        /// The kind of error. Null when the error's text is not a known one. Source: the error of `plugin/install`.
        error_type: Option<Id>,
        /// A finer kind of error.
        #[serde(flatten)]
        sub_error: Versioned<InstallSubError>,
    }

    /// A plugin that was suggested.
    #[derive(Default, Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    SuggestedPlugin {
        /// `<name>@<marketplace>`. Source: the fact.
        plugin_id: Id,
        /// The plugin's id at its remote marketplace. Null for a plugin of a local one. Source: the fact.
        remote_plugin_id: Option<Id>,
        /// The plugin's name. Source: the fact.
        plugin_name: Id,
        /// The connectors of the apps that it brings. Source: the fact.
        connector_ids: Vec<Id>,
    }

    /// The agent suggested that plugins be installed.
    #[non_exhaustive]
    PluginInstallRequestedEvent {
        /// The suggestion. Source: the fact.
        suggestion_id: Id,
        /// The plugins, as the host lists them. Source: the fact.
        plugins: Vec<SuggestedPlugin>,
        /// How the plugins were found. Source: the fact.
        source: SuggestionSource,
        /// The thread. Source: `tracking.thread_id`.
        thread_id: Id,
        /// The turn; empty when it is unknown. Source: `tracking.turn_id`.
        turn_id: Id,
        /// The turn's model. Null when it is unknown. Source: `tracking.model_slug`.
        model_slug: Option<Id>,
        /// The originator: what started the server. Source: the first `initialize`.
        product_client_id: Id,
    }
}
