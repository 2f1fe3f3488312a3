//! `codex_plugin_used` and the changes of a plugin's state (`docs/contract/events.md`).

use alloc::boxed::Box;

use super::Reducer;
use crate::dialect::Dialect;
use crate::digest::Digest;
use crate::event::Event;
use crate::event::plugin::{PluginEvent, PluginServers, PluginUsedEvent, RemotePlugin};
use crate::event::plugin_install::{
    InstallAsker, InstallSubError, PluginInstallFailedEvent, PluginInstallFailure, PluginInstallRequestedEvent,
};
use crate::fact::plugin::{
    PluginInstallFailed, PluginInstallRequested, PluginMetadata, PluginState, PluginStateChanged, PluginUsed,
};
use crate::id::Id;
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    pub(super) fn plugin_used(&mut self, fact: PluginUsed, output: &mut Output) {
        let dialect = self.state.dialect(&fact.tracking.thread_id);
        let names = fact.plugin.capability_summary.as_ref().map(|summary| summary.mcp_server_names.clone());
        let mut plugin = self.plugin_event(fact.plugin, dialect);
        plugin.product_client_id = self.state.product_of(&fact.tracking);
        output.events.push(Event::PluginUsed(Box::new(PluginUsedEvent {
            plugin,
            servers: dialect.members(|| PluginServers { mcp_server_names: names }),
            thread_id: fact.tracking.thread_id,
            turn_id: fact.tracking.turn_id.unwrap_or_default(),
            model_slug: fact.tracking.model_slug,
        })));
    }

    pub(super) fn plugin_state_changed(&mut self, fact: PluginStateChanged, output: &mut Output) {
        let event = Box::new(self.plugin_event(fact.plugin, self.state.latest_dialect()));
        output.events.push(match fact.state {
            PluginState::Installed => Event::PluginInstalled(event),
            PluginState::Uninstalled => Event::PluginUninstalled(event),
            PluginState::Enabled => Event::PluginEnabled(event),
            PluginState::Disabled => Event::PluginDisabled(event),
        });
    }

    pub(super) fn plugin_install_failed(&mut self, fact: PluginInstallFailed, output: &mut Output) {
        let PluginInstallFailed { plugin, failure } = fact;
        let PluginInstallFailure { source, error_type, sub_error_type } = failure;
        let dialect = self.state.latest_dialect();
        output.events.push(Event::PluginInstallFailed(Box::new(PluginInstallFailedEvent {
            plugin: self.plugin_event(plugin, dialect),
            asker: dialect.members(|| InstallAsker { source }),
            error_type,
            sub_error: dialect.members(|| InstallSubError { sub_error_type }),
        })));
    }

    pub(super) fn plugin_install_requested(&self, fact: PluginInstallRequested, output: &mut Output) {
        let PluginInstallRequested { tracking, suggestion_id, source, plugins } = fact;
        output.events.push(Event::PluginInstallRequested(Box::new(PluginInstallRequestedEvent {
            suggestion_id,
            plugins,
            source,
            thread_id: tracking.thread_id,
            turn_id: tracking.turn_id.unwrap_or_default(),
            model_slug: tracking.model_slug,
            product_client_id: self.state.product_client_id(),
        })));
    }

    fn plugin_event(&self, plugin: PluginMetadata, dialect: &Dialect) -> PluginEvent {
        let PluginMetadata { plugin_name, marketplace_name, remote_plugin_id, capability_summary } = plugin;
        let remote = dialect.members(|| RemotePlugin { remote_plugin_id: remote_plugin_id.clone() });
        let stands_for_it = remote_plugin_id.filter(|_| remote.get().is_none());
        let (plugin_name, marketplace_name) = (known(plugin_name), known(marketplace_name));
        let local_id = || Some(alloc::format!("{}@{}", plugin_name.as_ref()?, marketplace_name.as_ref()?).into());
        PluginEvent {
            plugin_id: stands_for_it.or_else(local_id),
            remote,
            has_skills: capability_summary.as_ref().map(|summary| summary.has_skills),
            mcp_server_count: capability_summary.as_ref().map(|summary| summary.mcp_server_names.len() as u64),
            connector_ids: capability_summary.map(|summary| summary.app_connector_ids),
            product_client_id: self.state.product_client_id(),
            plugin_name,
            marketplace_name,
        }
    }
}

/// A name; none where it is empty.
fn known(name: Id) -> Option<Id> {
    (!name.is_empty()).then_some(name)
}
