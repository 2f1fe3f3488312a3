//! What the server lists, installs, removes and turns on or off (`docs/contract/derived.md` 10).

use alloc::boxed::Box;

use super::mentions::{Capabilities, KnownPlugin, KnownSkill, name_key};
use super::{Observer, Step};
use crate::codex::catalog::{
    App, ListedModel, ModelListResult, PluginDetail, PluginListResult, PluginSummary, PluginToggle, SkillsListResult,
};
use crate::codex::newer::AgentImportCompleted;
use crate::discard::{Ids, Reason, Subject};
use crate::fact::onboarding::{AgentImport, ImportedKind};
use crate::fact::plugin::{
    InstallSource, PluginInstallFailed, PluginInstallFailure, PluginMetadata, PluginState, PluginStateChanged,
};
use crate::fact::{self, Fact};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::TextKey;
use crate::protocol::input::split_plugin_id;

/// The most MCP servers, and the most connectors, of a plugin whose capabilities are remembered.
pub(super) const MAX_CAPABILITIES: usize = 64;

/// How many plugins may wait for the name of their marketplace.
pub(super) const MAX_INSTALLS: usize = 64;

/// A plugin that was to be installed from a folder.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct Install {
    pub(super) plugin_name: Id,
    /// Where the marketplace is, by hash.
    pub(super) path: Option<TextKey>,
    pub(super) outcome: Outcome,
}

/// Whether it was installed.
#[derive(Clone, Debug, Write, Read)]
pub(super) enum Outcome {
    Installed,
    /// It was not; the kind of error, if it is a known one.
    Failed(Option<Id>),
}

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

    pub(super) fn models_listed(&mut self, result: ModelListResult) {
        for ListedModel { model, default_reasoning_effort } in result.data {
            if let Some(effort) = default_reasoning_effort {
                self.state.models.insert(model, effort);
            }
        }
    }

    /// `plugin/read`: the plugin's id names its marketplace.
    pub(super) fn plugin_read(&mut self, plugin: PluginDetail, path: Option<TextKey>, step: &mut Step<'_>) {
        let marketplace = path.zip(split_plugin_id(&plugin.summary.id).map(|(_, marketplace)| marketplace));
        // If there are more, their number is unknown, so neither is counted.
        let is_held = plugin.mcp_servers.len().max(plugin.apps.len()) <= MAX_CAPABILITIES;
        let capabilities = is_held.then(|| Capabilities {
            has_skills: !plugin.skills.is_empty(),
            mcp_servers: plugin.mcp_servers,
            connectors: plugin.apps.iter().map(|app| app.id.clone()).collect(),
        });
        self.plugin_listed(plugin.summary, capabilities);
        if let Some((path, marketplace)) = marketplace {
            self.state.marketplaces.insert(self.state.now, path, marketplace);
            self.name_installs(step);
        }
    }

    pub(super) fn plugins_listed(&mut self, result: PluginListResult, step: &mut Step<'_>) {
        for marketplace in result.marketplaces {
            if let Some(path) = marketplace.path {
                self.state.marketplaces.insert(self.state.now, path, marketplace.name);
            }
            for plugin in marketplace.plugins {
                self.plugin_listed(plugin, None);
            }
        }
        self.name_installs(step);
    }

    /// Gives installed plugins their marketplaces, as far as these are known by now.
    fn name_installs(&mut self, step: &mut Step<'_>) {
        for install in core::mem::take(&mut self.state.installs) {
            let name = install.path.and_then(|path| self.state.marketplaces.peek(&path).cloned());
            self.plugin_installed(install, name, step);
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

    /// `plugin/install` was answered. Without the marketplace's name it waits for the list that says it.
    pub(super) fn plugin_installed(&mut self, install: Install, marketplace: Option<Id>, step: &mut Step<'_>) {
        let Some(marketplace) = marketplace else {
            if self.state.installs.len() < MAX_INSTALLS {
                self.state.installs.push(install);
            } else {
                step.discard(Subject::Plugin, Reason::TooLarge, Ids::default());
            }
            return;
        };
        match install.outcome {
            Outcome::Installed => {
                let id = alloc::format!("{}@{marketplace}", install.plugin_name).into();
                self.plugin_changed(&id, PluginState::Installed, true, step);
            }
            Outcome::Failed(error_type) => step.install_failed(install.plugin_name, marketplace, error_type),
        }
    }

    /// The session ends: marketplaces whose name was never told stay without one.
    pub(super) fn finish_installs(&mut self, step: &mut Step<'_>) {
        for Install { plugin_name, outcome, .. } in core::mem::take(&mut self.state.installs) {
            match outcome {
                _ if !self.state.newest().reports_imports() => {
                    step.discard(Subject::Plugin, Reason::UnknownMarketplace, Ids::default());
                }
                Outcome::Installed => {
                    let plugin = PluginMetadata::new(plugin_name, Id::default());
                    step.fact(Fact::PluginStateChanged(PluginStateChanged { plugin, state: PluginState::Installed }));
                }
                Outcome::Failed(error_type) => step.install_failed(plugin_name, Id::default(), error_type),
            }
        }
    }

    /// `externalAgentConfig/import/completed`: a fact for each kind of what was imported.
    pub(super) fn agent_import_completed(&mut self, completed: AgentImportCompleted, step: &mut Step<'_>) {
        let AgentImportCompleted { import_id, item_type_results } = completed;
        let is_repeated = self.is_duplicate(step.connection, &["import", &import_id]);
        if is_repeated || !self.state.newest().reports_imports() {
            step.out.irrelevant = true;
            return;
        }
        let asked = self.state.imports.remove(&import_id);
        let (source, provider_id) = asked.map_or((None, None), |(source, provider)| (source, Some(provider)));
        for result in item_type_results {
            let import = AgentImport {
                import_id: import_id.clone(),
                source: source.clone(),
                provider_id: provider_id.clone(),
                r#type: ImportedKind::of_word(&result.item_type),
            };
            step.fact(Fact::AgentImportCompleted(Box::new(fact::onboarding::AgentImportCompleted {
                import,
                success_count: result.successes.len() as u64,
                failed_count: result.failures.len() as u64,
            })));
        }
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

impl Step<'_> {
    fn install_failed(&mut self, plugin_name: Id, marketplace_name: Id, error_type: Option<Id>) {
        self.fact(Fact::PluginInstallFailed(Box::new(PluginInstallFailed {
            plugin: PluginMetadata::new(plugin_name, marketplace_name),
            failure: PluginInstallFailure { source: InstallSource::Manual, error_type, sub_error_type: None },
        })));
    }
}

/// The form in which a text names an app: lowercase, anything but letters and digits as `-`.
fn slug(name: &str) -> alloc::string::String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
