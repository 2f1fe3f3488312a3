//! What the server lists, installs, removes and turns on or off (`docs/contract/derived.md` 10).

use super::mentions::{Capabilities, KnownPlugin, KnownSkill, name_key};
use super::{Observer, Step};
use crate::codex::catalog::{App, PluginDetail, PluginListResult, PluginSummary, PluginToggle, SkillsListResult};
use crate::fact::Fact;
use crate::fact::plugin::{PluginState, PluginStateChanged};
use crate::id::Id;
use crate::private::TextKey;

/// The most MCP servers, and the most connectors, of a plugin whose capabilities are remembered.
pub(super) const MAX_CAPABILITIES: usize = 64;

impl Observer {
    pub(super) fn skills_listed(&mut self, result: SkillsListResult) {
        let now = self.state.now;
        for skill in result.data.into_iter().flat_map(|folder| folder.skills) {
            let known = KnownSkill { name: skill.name, scope: skill.scope, plugin_id: skill.plugin_id };
            self.state.skills.insert(now, name_key(TextKey::of(&known.name)), known.clone());
            self.state.skills.insert(now, TextKey::of(skill.path.expose()), known);
        }
    }

    pub(super) fn apps_listed(&mut self, apps: impl IntoIterator<Item = App>) {
        let now = self.state.now;
        for app in apps {
            if let Some(name) = &app.name {
                self.state.app_slugs.insert(now, TextKey::of(&slug(name)), app.id.clone());
            }
            self.state.apps.insert(now, app.id, app.name);
        }
    }

    pub(super) fn plugin_read(&mut self, plugin: PluginDetail) {
        // If there are more, their number is unknown, so neither is counted.
        let is_held = plugin.mcp_servers.len().max(plugin.apps.len()) <= MAX_CAPABILITIES;
        let capabilities = is_held.then(|| Capabilities {
            has_skills: !plugin.skills.is_empty(),
            mcp_servers: plugin.mcp_servers,
            connectors: plugin.apps.iter().map(|app| app.id.clone()).collect(),
        });
        self.plugin_listed(plugin.summary, capabilities);
    }

    pub(super) fn plugins_listed(&mut self, result: PluginListResult) {
        for marketplace in result.marketplaces {
            if let Some(path) = marketplace.path {
                self.state.marketplaces.insert(self.state.now, path, marketplace.name);
            }
            for plugin in marketplace.plugins {
                self.plugin_listed(plugin, None);
            }
        }
    }

    fn plugin_listed(&mut self, plugin: PluginSummary, capabilities: Option<Capabilities>) {
        let earlier = self.state.plugins.remove(&plugin.id).map(|(_, plugin)| plugin);
        let known = KnownPlugin {
            remote_plugin_id: plugin.remote_plugin_id,
            usable: plugin.installed.unwrap_or(true) && plugin.enabled.unwrap_or(true),
            capabilities: capabilities.or_else(|| earlier.and_then(|plugin| plugin.capabilities)),
        };
        self.state.plugins.insert(self.state.now, plugin.id, known);
    }

    /// `plugin/install` succeeded. Without the marketplace's name there is no id, and so no event.
    pub(super) fn plugin_installed(&mut self, name: &Id, marketplace: Option<Id>, step: &mut Step<'_>) {
        let Some(marketplace) = marketplace else {
            step.out.irrelevant = true;
            return;
        };
        let id = alloc::format!("{name}@{marketplace}").into();
        self.plugin_changed(&id, PluginState::Installed, true, step);
    }

    pub(super) fn plugin_uninstalled(&mut self, id: &Id, step: &mut Step<'_>) {
        self.plugin_changed(id, PluginState::Uninstalled, false, step);
    }

    pub(super) fn plugins_toggled(&mut self, toggles: &[PluginToggle], step: &mut Step<'_>) {
        for PluginToggle { plugin_id, enabled } in toggles {
            let state = if *enabled { PluginState::Enabled } else { PluginState::Disabled };
            self.plugin_changed(plugin_id, state, *enabled, step);
        }
    }

    fn plugin_changed(&mut self, id: &Id, state: PluginState, usable: bool, step: &mut Step<'_>) {
        let Some(plugin) = self.plugin(id) else {
            step.out.irrelevant = true;
            return;
        };
        step.fact(Fact::PluginStateChanged(PluginStateChanged { plugin, state }));
        let known = self.state.plugins.remove(id).map(|(_, known)| known).unwrap_or_default();
        self.state.plugins.insert(self.state.now, id.clone(), KnownPlugin { usable, ..known });
    }
}

/// The form in which a text names an app: lowercase, anything but letters and digits as `-`.
fn slug(name: &str) -> alloc::string::String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
