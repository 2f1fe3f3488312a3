//! `codex_plugin_used` and the four changes of a plugin's state (`docs/contract/events.md`).

use alloc::vec::Vec;

use super::Versioned;
use super::common::{event_groups, event_structs};
use crate::id::Id;

event_structs! {
    /// A plugin was installed, removed, turned on or turned off.
    #[non_exhaustive]
    PluginEvent {
        /// `<name>@<marketplace>`; before 0.169 the remote id where there is one.
        /// Null where the name or the marketplace is. Source: the fact's `plugin`.
        plugin_id: Option<Id>,
        /// The plugin's remote id.
        #[serde(flatten)]
        remote: Versioned<RemotePlugin>,
        /// The plugin's name. Null for a plugin that is known by its remote id alone. Source: `plugin.plugin_name`.
        plugin_name: Option<Id>,
        /// The marketplace it is from. Null for a plugin that is known by its remote id alone, and for one that could not
        /// be installed from a folder that was never listed. Source: `plugin.marketplace_name`.
        marketplace_name: Option<Id>,
        /// Whether the plugin brings skills.
        /// Null when what it brings is unknown, or too long. Source: `plugin.capability_summary`.
        has_skills: Option<bool>,
        /// Number of MCP servers that it brings.
        /// Null when what it brings is unknown, or too long. Source: `plugin.capability_summary`.
        mcp_server_count: Option<u64>,
        /// The connectors of the apps that it brings.
        /// Null when what it brings is unknown, or too long. Source: `plugin.capability_summary`.
        connector_ids: Option<Vec<Id>>,
        /// The originator: what started the server. Source: the first `initialize`.
        product_client_id: Id,
    }

    /// The user named a plugin.
    #[non_exhaustive]
    PluginUsedEvent {
        /// The plugin.
        #[serde(flatten)]
        plugin: PluginEvent,
        /// Its MCP servers.
        #[serde(flatten)]
        servers: Versioned<PluginServers>,
        /// The thread. Source: `tracking.thread_id`.
        thread_id: Id,
        /// The turn; empty when it is unknown. Source: `tracking.turn_id`.
        turn_id: Id,
        /// The turn's model. Null when it is unknown. Source: `tracking.model_slug`.
        model_slug: Option<Id>,
    }
}

event_groups! {
    /// A plugin's remote id (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    RemotePlugin {
        /// The plugin's id at its remote marketplace. Null for a plugin of a local one. Source: `remotePluginId`.
        remote_plugin_id: Option<Id>,
    }

    /// A plugin's MCP servers (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    PluginServers {
        /// The names of the MCP servers that the plugin brings.
        /// Null when what it brings is unknown, or too long. Source: `plugin.capability_summary`.
        mcp_server_names: Option<Vec<Id>>,
    }
}
