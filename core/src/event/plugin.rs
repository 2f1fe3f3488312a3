//! `codex_plugin_used` and the four changes of a plugin's state (contract `events.md` 12, 13).

use alloc::vec::Vec;

use super::common::event_structs;
use crate::id::Id;

event_structs! {
    /// A plugin was installed, removed, turned on or turned off.
    PluginEvent {
        /// The remote id where there is one, else `<name>@<marketplace>`.
        plugin_id: Id,
        plugin_name: Id,
        marketplace_name: Id,
        has_skills: Option<bool>,
        mcp_server_count: Option<u64>,
        connector_ids: Option<Vec<Id>>,
        product_client_id: Id,
    }

    /// The user named a plugin.
    PluginUsedEvent {
        #[serde(flatten)]
        plugin: PluginEvent,
        thread_id: Id,
        turn_id: Id,
        model_slug: Option<Id>,
    }
}
