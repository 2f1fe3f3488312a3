//! What clients list, install, remove and turn on or off: apps, plugins and skills.

use serde_json::{Value, json};

use super::world::World;
use super::{Choices, MARKER};

impl World {
    /// Some app's id: each history has apps of its own.
    pub(super) fn app(&self, choices: &mut Choices) -> String {
        format!("{}-{}", choices.of(&["calendar", "drive"]), self.options.number)
    }

    /// Some skill's name and the path of its file: in the repository, or the user's own.
    pub(super) fn skill(&self, choices: &mut Choices) -> (String, String) {
        let name = format!("{}-{}", choices.of(&["doc", "notes"]), self.options.number);
        let folder = choices.of(&["w", "other", "home"]);
        let path = format!("/{MARKER}/{folder}/.codex/skills/{name}/SKILL.md");
        (name, path)
    }

    fn listed_skill(&self, choices: &mut Choices) -> Value {
        let (name, path) = self.skill(choices);
        json!({ "name": name, "path": path, "scope": choices.of(&["user", "repo", "system", "admin"]),
            "description": MARKER, "enabled": true, "pluginId": if choices.once_in(3) { json!(self.plugin(choices)) } else { Value::Null } })
    }

    fn marketplace(&self) -> String {
        format!("acme-{}", self.options.number)
    }

    /// Some plugin's id.
    pub(super) fn plugin(&self, choices: &mut Choices) -> String {
        format!("{}@{}", choices.of(&["linear", "notes"]), self.marketplace())
    }

    fn summary(&self, choices: &mut Choices) -> Value {
        let id = self.plugin(choices);
        let remote = if choices.once_in(3) { json!(format!("remote-{id}")) } else { Value::Null };
        json!({ "id": id, "remotePluginId": remote, "name": MARKER, "installed": !choices.once_in(4),
            "enabled": !choices.once_in(4), "source": { "type": "local", "path": MARKER } })
    }

    fn listed_app(&self, choices: &mut Choices) -> Value {
        let name = choices.of(&[None, Some("Calendar"), Some("Drive")]);
        let name = name.map(|name| format!("{name} {}", self.options.number));
        json!({ "id": self.app(choices), "name": name, "description": MARKER })
    }

    /// A request about apps, plugins or skills.
    pub(super) fn manage(&mut self, choices: &mut Choices) {
        let client = self.client(choices);
        let (method, params, result) = match choices.below(9) {
            0 => {
                let id = self.plugin(choices);
                let name = id.split('@').next().unwrap_or_default();
                let params = if choices.once_in(3) {
                    json!({ "marketplacePath": format!("/{MARKER}/market"), "pluginName": name })
                } else {
                    json!({ "remoteMarketplaceName": self.marketplace(), "pluginName": name })
                };
                ("plugin/install", params, json!({ "authPolicy": "ON_USE", "appsNeedingAuth": [] }))
            }
            1 => ("plugin/uninstall", json!({ "pluginId": self.plugin(choices) }), json!({})),
            2 => {
                let some = |choices: &mut Choices, value: &Value| vec![value.clone(); choices.below(3)];
                let (skills, servers) = (some(choices, &json!({ "name": MARKER })), some(choices, &json!("docs")));
                let apps: Vec<_> = (0..choices.below(3)).map(|_| self.listed_app(choices)).collect();
                let plugin = json!({ "marketplaceName": self.marketplace(), "summary": self.summary(choices),
                    "skills": skills, "apps": apps, "mcpServers": servers });
                ("plugin/read", json!({ "pluginName": MARKER }), json!({ "plugin": plugin }))
            }
            3 => {
                let plugins: Vec<_> = (0..choices.below(3)).map(|_| self.summary(choices)).collect();
                let path = if choices.once_in(3) { Value::Null } else { json!(format!("/{MARKER}/market")) };
                let marketplace = json!({ "name": self.marketplace(), "path": path, "plugins": plugins });
                ("plugin/list", json!({}), json!({ "marketplaces": [marketplace] }))
            }
            4 => {
                let apps: Vec<_> = (0..choices.below(3)).map(|_| self.listed_app(choices)).collect();
                ("app/list", json!({}), json!({ "data": apps, "nextCursor": null }))
            }
            5 => {
                let key = format!("plugins.{}.enabled", self.plugin(choices));
                ("config/value/write", json!({ "keyPath": key, "value": choices.once_in(2) }), json!({}))
            }
            6 | 7 => {
                let skills: Vec<_> = (0..choices.below(4)).map(|_| self.listed_skill(choices)).collect();
                let folder = json!({ "cwd": format!("/{MARKER}/w"), "skills": skills, "errors": [] });
                ("skills/list", json!({ "cwds": [format!("/{MARKER}/w")] }), json!({ "data": [folder] }))
            }
            _ => {
                let (key, on) = (choices.of(&["plugins.b@m", "plugins", "model"]), choices.once_in(2));
                let value = match key {
                    "plugins.b@m" => json!({ "enabled": on }),
                    "plugins" => json!({ "z@m": { "enabled": on }, "c@m": { "enabled": !on }, "nothing": 1 }),
                    _ => json!(MARKER),
                };
                ("config/value/write", json!({ "keyPath": key, "value": value, "mergeStrategy": "replace" }), json!({}))
            }
        };
        let is_install = method == "plugin/install";
        let refused = if is_install { choices.of(&[MARKER, "missing plugin.json"]) } else { MARKER };
        let result = if choices.once_in(if is_install { 2 } else { 6 }) {
            Err(json!({ "code": -1, "message": refused }))
        } else {
            Ok(result)
        };
        self.call(client, method, params, result);
    }
}
