//! Apps and plugins (`docs/contract/derived.md` 8, 10).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::skills::Named;
use super::threads::extend;
use super::{Model, text};

/// What is known of a plugin.
#[derive(Clone, Debug, Default)]
pub(super) struct Plugin {
    remote: Value,
    is_unusable: bool,
    /// What it brings, by the latest `plugin/read`.
    brings: Value,
}

/// The apps and plugins that were listed, and the marketplaces by their paths.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    apps: BTreeMap<String, Value>,
    /// Their ids, by the form in which a text names them.
    pub(super) slugs: BTreeMap<String, String>,
    plugins: BTreeMap<String, Plugin>,
    marketplaces: BTreeMap<String, String>,
    /// Plugins that were installed from marketplaces whose names are not known yet.
    installs: Vec<(Value, Option<Value>)>,
    /// The connectors of calls that were reviewed before they started: id and name, by thread and item.
    reviewed: BTreeMap<(String, String), (String, Value)>,
    /// The apps that each thread's user has named.
    mentioned: Vec<(String, String)>,
    /// The apps and plugins that were reported of a turn.
    reported: Vec<(String, String, String)>,
}

impl Model {
    pub(super) fn apps_listed(&mut self, result: &Value) {
        for app in result["data"].as_array().into_iter().flatten() {
            self.catalog.apps.insert(text(&app["id"]), app["name"].clone());
            if let Some(name) = app["name"].as_str() {
                let slug = name.to_ascii_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
                self.catalog.slugs.insert(slug, text(&app["id"]));
            }
        }
    }

    pub(super) fn models_listed(&mut self, result: &Value) {
        for model in result["data"].as_array().into_iter().flatten() {
            self.efforts.insert(text(&model["model"]), model["defaultReasoningEffort"].clone());
        }
    }

    /// The plugins that can be used in a turn.
    pub(super) fn active_plugins(&self, disabled: &Value) -> Vec<String> {
        let is_on = |id: &str| !disabled.as_array().is_some_and(|off| off.iter().any(|other| other == id));
        let usable = self.catalog.plugins.iter().filter(|(_, plugin)| !plugin.is_unusable);
        usable.map(|(id, _)| id.clone()).filter(|id| is_on(id)).collect()
    }

    pub(super) fn plugins_listed(&mut self, result: &Value) {
        for marketplace in result["marketplaces"].as_array().into_iter().flatten() {
            if let Some(path) = marketplace["path"].as_str() {
                self.catalog.marketplaces.insert(path.to_owned(), text(&marketplace["name"]));
            }
            for summary in marketplace["plugins"].as_array().into_iter().flatten() {
                self.plugin_listed(summary);
            }
        }
        self.marketplaces_named();
    }

    pub(super) fn plugin_read(&mut self, params: &Value, plugin: &Value) {
        let size = |member: &str| plugin[member].as_array().map_or(0, Vec::len);
        let apps: Vec<_> = plugin["apps"].as_array().into_iter().flatten().map(|app| app["id"].clone()).collect();
        let brings = json!({ "has_skills": size("skills") > 0, "mcp_server_count": size("mcpServers"), "connector_ids": apps,
                "mcp_server_names": plugin["mcpServers"] });
        self.plugin_listed(&plugin["summary"]).brings = brings;
        let id = text(&plugin["summary"]["id"]);
        if let (Some(path), Some((_, marketplace))) = (params["marketplacePath"].as_str(), id.rsplit_once('@')) {
            self.catalog.marketplaces.insert(path.to_owned(), marketplace.to_owned());
            self.marketplaces_named();
        }
    }

    fn plugin_listed(&mut self, summary: &Value) -> &mut Plugin {
        let plugin = self.catalog.plugins.entry(text(&summary["id"])).or_default();
        plugin.remote = summary["remotePluginId"].clone();
        plugin.is_unusable = summary["installed"] == false || summary["enabled"] == false;
        plugin
    }

    /// What every event of a plugin says; nothing if its id has no such form.
    fn of_plugin(&self, id: &str) -> Option<Value> {
        let (name, marketplace) = id.rsplit_once('@')?;
        let mut event = json!({ "plugin_id": id, "plugin_name": name, "marketplace_name": marketplace, "has_skills": null,
            "mcp_server_count": null, "connector_ids": null, "mcp_server_names": null, "remote_plugin_id": null,
            "product_client_id": self.originator() });
        if let Some(plugin) = self.catalog.plugins.get(id).filter(|plugin| !plugin.brings.is_null()) {
            extend(&mut event, plugin.brings.clone());
        }
        Some(event)
    }

    fn plugin_changed(&mut self, id: &str, event_type: &str, is_usable: bool) {
        let Some(mut event) = self.of_plugin(id) else { return };
        without_servers(&mut event);
        let plugin = self.catalog.plugins.entry(id.to_owned()).or_default();
        plugin.is_unusable = !is_usable;
        event["remote_plugin_id"] = plugin.remote.clone();
        // Newer servers keep both ids.
        if !plugin.remote.is_null() && !self.latest.is_since(143) {
            event["plugin_id"] = plugin.remote.clone();
        }
        self.emit(event_type, event);
    }

    /// A plugin was installed, or could not be, with this error.
    pub(super) fn plugin_installed(&mut self, params: &Value, error: Option<&Value>) {
        if error.is_some() && !self.latest.is_since(142) {
            return;
        }
        let by_path = || self.catalog.marketplaces.get(params["marketplacePath"].as_str()?).cloned();
        let marketplace = params["remoteMarketplaceName"].as_str().map(str::to_owned).or_else(by_path);
        if let (Some(marketplace), Some(error)) = (&marketplace, error) {
            self.install_failed(&params["pluginName"], marketplace, error);
        } else if let Some(marketplace) = marketplace {
            let id = format!("{}@{marketplace}", text(&params["pluginName"]));
            self.plugin_changed(&id, "codex_plugin_installed", true);
        } else {
            // It waits for the name of its marketplace.
            self.catalog.installs.push((params.clone(), error.cloned()));
        }
    }

    fn install_failed(&mut self, name: &Value, marketplace: &str, error: &Value) {
        // The only text that was seen to tell a kind.
        let kind = (error["message"] == "missing plugin.json").then_some("store_invalid");
        self.emit(
            "codex_plugin_install_failed",
            json!({ "plugin_id": format!("{}@{marketplace}", text(name)), "remote_plugin_id": null, "plugin_name": name,
                "marketplace_name": marketplace, "has_skills": null, "mcp_server_count": null, "connector_ids": null,
                "product_client_id": self.originator(), "source": "manual", "error_type": kind, "sub_error_type": null }),
        );
    }

    fn marketplaces_named(&mut self) {
        for (params, error) in std::mem::take(&mut self.catalog.installs) {
            self.plugin_installed(&params, error.as_ref());
        }
    }

    pub(super) fn plugin_uninstalled(&mut self, params: &Value) {
        self.plugin_changed(&text(&params["pluginId"]), "codex_plugin_uninstalled", false);
    }

    /// A client wrote the configuration: perhaps it turned plugins on or off.
    pub(super) fn configured(&mut self, params: &Value) {
        let key = text(&params["keyPath"]);
        let value = &params["value"];
        let mut plugins = BTreeMap::new();
        match key.split('.').collect::<Vec<_>>()[..] {
            ["plugins", id, "enabled"] => {
                plugins.insert(id.to_owned(), value.clone());
            }
            ["plugins", id] => {
                plugins.insert(id.to_owned(), value["enabled"].clone());
            }
            ["plugins"] => {
                let members = value.as_object().cloned().unwrap_or_default();
                plugins.extend(members.into_iter().map(|(id, plugin)| (id, plugin["enabled"].clone())));
            }
            _ => {}
        }
        for (id, enabled) in plugins {
            match enabled.as_bool() {
                Some(true) => self.plugin_changed(&id, "codex_plugin_enabled", true),
                Some(false) => self.plugin_changed(&id, "codex_plugin_disabled", false),
                None => {}
            }
        }
    }

    /// The apps that a request for a turn names, then the plugins that can be used.
    pub(super) fn mentioned(&mut self, named: &Named, tracking: &Value) {
        let (thread, turn) = (text(&tracking["thread_id"]), text(&tracking["turn_id"]));
        for app in named.apps.clone() {
            let mut event = json!({ "connector_id": app, "app_name": self.catalog.apps.get(&app), "invoke_type": "explicit",
                "product_client_id": self.product_of(&thread) });
            extend(&mut event, tracking.clone());
            self.emit("codex_app_mentioned", event);
            self.catalog.mentioned.push((thread.clone(), app));
        }
        for plugin in named.plugins.clone() {
            let is_unusable = self.catalog.plugins.get(&plugin).is_some_and(|plugin| plugin.is_unusable);
            let reported = (thread.clone(), turn.clone(), plugin.clone());
            if !is_unusable
                && !self.catalog.reported.contains(&reported)
                && let Some(mut event) = self.of_plugin(&plugin)
            {
                self.catalog.reported.push(reported);
                extend(&mut event, tracking.clone());
                event["product_client_id"] = self.product_of(&thread);
                self.emit("codex_plugin_used", event);
            }
        }
    }

    /// The automatic reviewer saw a call of an app's tool.
    pub(super) fn connector_reviewed(&mut self, params: &Value) {
        let action = &params["action"];
        if let (Some(item), Some(connector)) = (params["targetItemId"].as_str(), action["connectorId"].as_str()) {
            let key = (text(&params["threadId"]), item.to_owned());
            self.catalog.reviewed.insert(key, (connector.to_owned(), action["connectorName"].clone()));
        }
    }

    /// A call of an app's tool starts. Whose it is does not show, unless a review said so; a name that the review did not
    /// say may be listed.
    pub(super) fn app_called(&mut self, params: &Value) {
        let (thread, turn) = (text(&params["threadId"]), text(&params["turnId"]));
        let reviewed = self.catalog.reviewed.remove(&(thread.clone(), text(&params["item"]["id"])));
        let (mut connector, mut app_name, mut invocation) = (Value::Null, Value::Null, "implicit");
        if let Some((id, name)) = reviewed {
            let reported = (thread.clone(), turn.clone(), id.clone());
            if self.catalog.reported.contains(&reported) {
                return;
            }
            self.catalog.reported.push(reported);
            app_name = if name.is_null() { self.catalog.apps.get(&id).cloned().unwrap_or_default() } else { name };
            if self.catalog.mentioned.contains(&(thread.clone(), id.clone())) {
                invocation = "explicit";
            }
            connector = json!(id);
        }
        let model = self.model_of(&thread, &turn);
        let originator = self.product_of(&thread);
        self.emit(
            "codex_app_used",
            json!({ "connector_id": connector, "thread_id": thread, "turn_id": turn, "app_name": app_name,
                "product_client_id": originator, "invoke_type": invocation, "model_slug": model, "elicitation_type": null, "voice_session_id": null }),
        );
    }
}

/// Only the use of a plugin names its servers.
fn without_servers(event: &mut Value) {
    event.as_object_mut().and_then(|members| members.remove("mcp_server_names"));
}
