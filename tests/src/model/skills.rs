//! What a request for a turn names, and skills (`docs/contract/derived.md` 7, 8, 10, `docs/contract/rules.md` 10).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::lines::hex;
use super::{Model, text};
use crate::golden::REMOTE;

/// The skills that were listed, and what became of those that were used.
#[derive(Debug, Default)]
pub(super) struct Skills {
    /// Name and scope, by path.
    by_path: BTreeMap<String, Value>,
    by_name: BTreeMap<String, Value>,
    /// Which were reported of a turn: thread, turn and name.
    reported: BTreeSet<(String, String, String)>,
    /// Events of skills whose place nobody says: they wait for the end of their turn.
    parked: Vec<Value>,
    /// Events of skills whose place the host says, after the message that named them.
    pub(super) answered: Vec<Value>,
}

/// What a request for a turn names, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) apps: Vec<String>,
    pub(super) plugins: Vec<String>,
    /// Name, path and scope.
    skills: Vec<Value>,
    cwd: Value,
}

fn push_new(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|other| other == name) {
        list.push(name.to_owned());
    }
}

/// The words of a text that begin with a dollar sign.
fn mentions(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|rest| {
        rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').next().unwrap_or_default()
    })
}

/// The part of a path below a folder.
fn below<'a>(path: &'a str, folder: &Value) -> Option<&'a str> {
    path.strip_prefix(folder.as_str()?)?.strip_prefix('/')
}

fn skill_id(path: &str, name: &str) -> String {
    hex(&Sha1::digest(format!("repo_{REMOTE}_{path}_{name}")))
}

impl Model {
    pub(super) fn skills_listed(&mut self, result: &Value) {
        let folders = result["data"].as_array().into_iter().flatten();
        for skill in folders.flat_map(|folder| folder["skills"].as_array().into_iter().flatten()) {
            let known =
                json!({ "name": skill["name"], "path": null, "scope": skill["scope"], "plugin": skill["pluginId"] });
            self.skills.by_path.insert(text(&skill["path"]), known.clone());
            self.skills.by_name.insert(text(&skill["name"]), known);
        }
    }

    /// What a request for a turn names by what is listed when it is made.
    pub(super) fn named(&self, params: &Value) -> Named {
        let thread = self.threads.get(&text(&params["threadId"]));
        let of_thread = || thread.map_or(Value::Null, |thread| thread.cwd.clone());
        let cwd = Some(params["cwd"].clone()).filter(Value::is_string).unwrap_or_else(of_thread);
        let mut named = Named { cwd, ..Named::default() };
        for item in params["input"].as_array().into_iter().flatten() {
            let path = text(&item["path"]);
            match item["type"].as_str().unwrap_or_default() {
                "mention" => {
                    if let Some(app) = path.strip_prefix("app://") {
                        push_new(&mut named.apps, app);
                    } else if let Some(plugin) = path.strip_prefix("plugin://") {
                        push_new(&mut named.plugins, plugin);
                    }
                }
                "skill" => {
                    // The same skill in a text before meant this one.
                    named.skills.retain(|other| other["name"] != item["name"] || !other["path"].is_null());
                    let (scope, plugin) = (self.scope(&path, &named.cwd), self.plugin_of_skill(&path));
                    named.skills.push(json!({ "name": item["name"], "path": path, "scope": scope, "plugin": plugin }));
                }
                "text" => {
                    for name in mentions(&text(&item["text"])) {
                        if let Some(app) = self.catalog.slugs.get(name) {
                            push_new(&mut named.apps, app);
                        }
                        if let Some(skill) = self.skills.by_name.get(name)
                            && !named.skills.iter().any(|other| other["name"] == name)
                        {
                            named.skills.push(skill.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        named
    }

    /// As it was listed, or else by its place.
    fn scope(&self, path: &str, cwd: &Value) -> Value {
        let by_place = || json!(if below(path, cwd).is_some() { "repo" } else { "user" });
        self.skills.by_path.get(path).map_or_else(by_place, |skill| skill["scope"].clone())
    }

    fn plugin_of_skill(&self, path: &str) -> Value {
        self.skills.by_path.get(path).map_or(Value::Null, |skill| skill["plugin"].clone())
    }

    pub(super) fn skills_named(&mut self, named: &Named, tracking: &Value) {
        for skill in &named.skills {
            self.skill_used(skill, &named.cwd, "explicit", tracking);
        }
    }

    /// A command reads a skill's file, which uses the skill if nothing did before in its turn.
    pub(super) fn skill_files_read(&mut self, params: &Value) {
        let (thread, turn) = (text(&params["threadId"]), text(&params["turnId"]));
        for action in params["item"]["commandActions"].as_array().into_iter().flatten() {
            let path = text(&action["path"]);
            let Some(known) = self.skills.by_path.get(&path).filter(|_| path.ends_with("SKILL.md")) else { continue };
            if self.skills.reported.contains(&(thread.clone(), turn.clone(), text(&known["name"]))) {
                continue;
            }
            let skill =
                json!({ "name": known["name"], "path": path, "scope": known["scope"], "plugin": known["plugin"] });
            let cwd = self.threads.get(&thread).map_or(Value::Null, |thread| thread.cwd.clone());
            let model = self.model_of(&thread, &turn);
            let tracking = json!({ "thread_id": thread, "turn_id": turn, "model_slug": model });
            self.skill_used(&skill, &cwd, "implicit", &tracking);
        }
    }

    fn skill_used(&mut self, skill: &Value, cwd: &Value, invocation: &str, tracking: &Value) {
        let name = text(&skill["name"]);
        self.skills.reported.insert((text(&tracking["thread_id"]), text(&tracking["turn_id"]), name.clone()));
        let mut event = json!({ "event_type": "skill_invocation", "skill_id": null, "skill_name": name,
            "event_params": { "product_client_id": self.product_of(&text(&tracking["thread_id"])),
                "skill_scope": skill["scope"], "plugin_id": skill["plugin"], "remote_plugin_id": null, "repo_url": null,
                "thread_id": tracking["thread_id"], "turn_id": tracking["turn_id"], "voice_session_id": null,
                "invoke_type": invocation, "model_slug": tracking["model_slug"] } });
        match skill["path"].as_str() {
            // What was only named has no place to ask for.
            None => {
                let event = self.as_the_server_has(event);
                self.events.push(event);
            }
            Some(path) => match below(path, cwd) {
                Some(path) => {
                    event["skill_id"] = json!(skill_id(path, &name));
                    event["event_params"]["repo_url"] = json!(REMOTE);
                    let event = self.as_the_server_has(event);
                    self.skills.answered.push(event);
                }
                None => self.skills.parked.push(event),
            },
        }
    }

    fn as_the_server_has(&self, mut event: Value) -> Value {
        let server = self.server(&text(&event["event_params"]["thread_id"]));
        event["event_params"] = server.event("skill_invocation", event["event_params"].take()).unwrap_or_default();
        event
    }

    /// A turn is over: its skills wait no longer.
    pub(super) fn report_skills(&mut self, params: &Value) {
        let is_of_turn = |event: &Value| {
            let event = &event["event_params"];
            event["thread_id"] == params["threadId"] && event["turn_id"] == params["turn"]["id"]
        };
        let (over, parked) = std::mem::take(&mut self.skills.parked).into_iter().partition(is_of_turn);
        self.skills.parked = parked;
        let over: Vec<Value> = over;
        for mut event in over {
            // By now its client may be known (`docs/contract/facts.md` 2).
            event["event_params"]["product_client_id"] = self.product_of(&text(&params["threadId"]));
            let event = self.as_the_server_has(event);
            self.events.push(event);
        }
    }
}
