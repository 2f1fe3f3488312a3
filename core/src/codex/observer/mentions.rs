//! Skills, apps and plugins that a user names or a turn uses (`docs/contract/derived.md` 7, 8, 10).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{Observer, Step};
use crate::event::common::InvocationType;
use crate::fact::app::{App, AppMentioned, AppUsed};
use crate::fact::plugin::{CapabilitySummary, PluginMetadata, PluginUsed};
use crate::fact::skill::{SkillInvoked, SkillUse};
use crate::fact::{Fact, Tracking};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::{HostPath, TextKey};
use crate::protocol::enums::SkillScope;
use crate::protocol::input::{UserInput, split_plugin_id};
use crate::protocol::item::{CommandAction, Item};
use crate::protocol::notification::McpAction;

/// The built-in MCP server through which apps are called.
const APPS_SERVER: &str = "codex_apps";

/// The most apps of a turn that are remembered as named in its thread.
const MAX_MENTIONED_APPS: usize = 64;

/// The key of an app that the user has named in a thread.
const MENTIONED: &str = "mentioned";

/// A skill that `skills/list` showed.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct KnownSkill {
    pub(super) name: Id,
    pub(super) scope: SkillScope,
    #[serde(default)]
    pub(super) plugin_id: Option<Id>,
}

/// A plugin that `plugin/read` or `plugin/list` showed.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct KnownPlugin {
    pub(super) remote_plugin_id: Option<Id>,
    pub(super) usable: bool,
    pub(super) capabilities: Option<Capabilities>,
}

/// The connector of a call, as a review showed it.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct Connector {
    id: Id,
    name: Option<Id>,
}

#[derive(Clone, Debug, Write, Read)]
pub(super) struct Capabilities {
    pub(super) has_skills: bool,
    pub(super) mcp_servers: Vec<Id>,
    pub(super) connectors: Vec<Id>,
}

/// What a turn's input names.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Mentions {
    /// Their paths wait here for the turn's id, and are never saved.
    #[json(write_with = "without_paths")]
    skills: Vec<SkillUse>,
    apps: Vec<Id>,
    plugins: Vec<Id>,
}

impl Mentions {
    /// What it holds.
    pub(super) fn bytes(&self) -> usize {
        let skills = self.skills.iter().map(|skill| {
            let paths = [&skill.skill_path, &skill.workspace].into_iter().flatten();
            size_of::<SkillUse>() + skill.skill_name.len() + paths.map(|path| path.expose().len()).sum::<usize>()
        });
        let ids = self.apps.iter().chain(&self.plugins).map(|id| size_of::<Id>() + id.len());
        skills.chain(ids).sum()
    }
}

fn without_paths(skills: &[SkillUse], text: &mut String) {
    let skills = skills.iter().map(|skill| SkillUse { skill_path: None, workspace: None, ..skill.clone() });
    skills.collect::<Vec<_>>().write(text);
}

impl Observer {
    /// Collects what `input` names, in the order of its pieces.
    pub(super) fn mentions(&self, input: &[UserInput], workspace: Option<TextKey>) -> Mentions {
        let mut mentions = Mentions::default();
        for piece in input {
            match piece {
                UserInput::Skill { name, path } => {
                    let skill = self.skill_use(name, path, workspace);
                    // A `$name` in the text before it named the same skill.
                    mentions.skills.retain(|named| named.skill_name != *name || named.skill_path.is_some());
                    mentions.skills.push(skill);
                }
                UserInput::App { connector_id } => push_new(&mut mentions.apps, connector_id),
                UserInput::Plugin { plugin_id } => push_new(&mut mentions.plugins, plugin_id),
                UserInput::Text(text) => {
                    for key in &text.keys {
                        if let Some(app) = self.state.app_slugs.peek(key) {
                            push_new(&mut mentions.apps, app);
                        }
                        if let Some(skill) = self.state.skills.peek(&name_key(*key))
                            && mentions.skills.iter().all(|named| named.skill_name != skill.name)
                        {
                            mentions.skills.push(named_skill(skill));
                        }
                    }
                }
                UserInput::Image | UserInput::LocalImage | UserInput::Other => {}
            }
        }
        mentions
    }

    fn skill_use(&self, name: &Id, path: &HostPath, workspace: Option<TextKey>) -> SkillUse {
        let listed = self.state.skills.peek(&TextKey::of(path.expose()));
        let workspace = workspace.and_then(|workspace| ancestor(path.expose(), workspace));
        let by_place = if workspace.is_some() { SkillScope::Repo } else { SkillScope::User };
        SkillUse {
            skill_scope: Some(listed.map_or(by_place, |skill| skill.scope)),
            skill_path: Some(path.clone()),
            workspace: workspace.map(HostPath::from),
            plugin_id: listed.and_then(|skill| skill.plugin_id.clone()),
            ..SkillUse::new(name.clone(), InvocationType::Explicit)
        }
    }

    /// Reports what a turn's input named, once the turn is known.
    pub(super) fn report_mentions(
        &mut self,
        mentions: Mentions,
        thread_id: &Id,
        turn_id: &Id,
        model: Option<&Id>,
        step: &mut Step<'_>,
    ) {
        let tracking = || Tracking { model_slug: model.cloned(), ..Tracking::new(thread_id.clone(), turn_id.clone()) };
        if !mentions.skills.is_empty() {
            for skill in &mentions.skills {
                self.state.report_once(&["skill", thread_id, turn_id, &skill.skill_name]);
            }
            step.fact(Fact::SkillInvoked(SkillInvoked { tracking: tracking(), invocations: mentions.skills }));
        }
        if !mentions.apps.is_empty() {
            for app in mentions.apps.iter().take(MAX_MENTIONED_APPS) {
                self.state.report_once(&[MENTIONED, thread_id, app]);
            }
            let app = |connector_id: Id| App {
                app_name: self.state.apps.peek(&connector_id).cloned().flatten(),
                connector_id: Some(connector_id),
                invocation_type: Some(InvocationType::Explicit),
            };
            let mentions = mentions.apps.into_iter().map(app).collect();
            step.fact(Fact::AppMentioned(AppMentioned { tracking: tracking(), mentions }));
        }
        for plugin_id in mentions.plugins {
            let usable = self.state.plugins.peek(&plugin_id).is_none_or(|plugin| plugin.usable);
            let Some(plugin) = self.plugin(&plugin_id) else { continue };
            if usable && self.state.report_once(&["plugin", thread_id, turn_id, &plugin_id]) {
                let plugin = PluginMetadata { remote_plugin_id: None, ..plugin };
                step.fact(Fact::PluginUsed(Box::new(PluginUsed { tracking: tracking(), plugin })));
            }
        }
    }

    /// A command that reads a listed skill's file uses the skill. This counts once a turn.
    pub(super) fn skills_read(
        &mut self,
        thread_id: &Id,
        turn_id: &Id,
        actions: &mut [CommandAction],
        step: &mut Step<'_>,
    ) {
        for path in actions.iter_mut().filter_map(|action| action.skill_file.take()) {
            let Some(skill) = self.state.skills.peek(&TextKey::of(path.expose())).cloned() else { continue };
            if self.state.report_once(&["skill", thread_id, turn_id, &skill.name]) {
                let workspace = self.state.thread(thread_id).and_then(|thread| thread.cwd);
                let skill = SkillUse {
                    invocation_type: InvocationType::Implicit,
                    ..self.skill_use(&skill.name, &path, workspace)
                };
                let model_slug = self.model_of(thread_id, Some(turn_id));
                let tracking = Tracking { model_slug, ..Tracking::new(thread_id.clone(), turn_id.clone()) };
                step.fact(Fact::SkillInvoked(SkillInvoked { tracking, invocations: vec![skill] }));
            }
        }
    }

    /// An app's tool is called. Only a review of the call names the app.
    pub(super) fn app_call_started(&mut self, thread_id: &Id, turn_id: &Id, item: &Item, step: &mut Step<'_>) {
        let Item::McpToolCall(call) = item else { return };
        if *call.server != *APPS_SERVER {
            return;
        }
        let reviewed = self.state.reviewed_connectors.remove(&TextKey::of_all(&[thread_id, &call.id]));
        let connector = reviewed.map(|(_, connector)| connector);
        if let Some(Connector { id, .. }) = &connector
            && !self.state.report_once(&["app", thread_id, turn_id, id])
        {
            return;
        }
        let mentioned =
            connector.as_ref().is_some_and(|Connector { id, .. }| self.state.was_reported(&[MENTIONED, thread_id, id]));
        // Without a name in the review, the list may have it.
        let listed_name = |connector: &Connector| self.state.apps.peek(&connector.id).cloned().flatten();
        let app_name =
            connector.as_ref().and_then(|connector| connector.name.clone().or_else(|| listed_name(connector)));
        let model_slug = self.model_of(thread_id, Some(turn_id));
        step.fact(Fact::AppUsed(AppUsed {
            tracking: Tracking { model_slug, ..Tracking::new(thread_id.clone(), turn_id.clone()) },
            app: App {
                app_name,
                connector_id: connector.map(|connector| connector.id),
                invocation_type: Some(if mentioned { InvocationType::Explicit } else { InvocationType::Implicit }),
            },
            elicitation_type: None,
        }));
    }

    /// A review names the connector of a call that is about to start.
    pub(super) fn connector_reviewed(&mut self, thread_id: &Id, item_id: Option<&Id>, call: &McpAction) {
        if let (Some(item_id), Some(connector_id)) = (item_id, &call.connector_id) {
            let key = TextKey::of_all(&[thread_id, item_id]);
            let connector = Connector { id: connector_id.clone(), name: call.connector_name.clone() };
            self.state.reviewed_connectors.insert(self.state.now, key, connector);
        }
    }

    /// What is known of a plugin; `None` if its id has another form.
    pub(super) fn plugin(&self, id: &Id) -> Option<PluginMetadata> {
        let (plugin_name, marketplace_name) = split_plugin_id(id)?;
        let known = self.state.plugins.peek(id);
        Some(PluginMetadata {
            plugin_name,
            marketplace_name,
            remote_plugin_id: known.and_then(|plugin| plugin.remote_plugin_id.clone()),
            capability_summary: known.and_then(|plugin| plugin.capabilities.as_ref()).map(|capabilities| {
                CapabilitySummary {
                    has_skills: capabilities.has_skills,
                    mcp_server_names: capabilities.mcp_servers.clone(),
                    app_connector_ids: capabilities.connectors.clone(),
                }
            }),
        })
    }
}

/// A listed skill. Its path is not kept, so its place is unknown.
fn named_skill(skill: &KnownSkill) -> SkillUse {
    SkillUse {
        skill_scope: Some(skill.scope),
        plugin_id: skill.plugin_id.clone(),
        ..SkillUse::new(skill.name.clone(), InvocationType::Explicit)
    }
}

/// The key of a skill by its name. Paths have keys of their own.
pub(super) fn name_key(name: TextKey) -> TextKey {
    TextKey::of_all(&["name", &alloc::format!("{name:?}")])
}

fn push_new(ids: &mut Vec<Id>, id: &Id) {
    if !ids.contains(id) {
        ids.push(id.clone());
    }
}

/// The folder above `path` whose hash is `key`.
fn ancestor(path: &str, key: TextKey) -> Option<&str> {
    path.char_indices()
        .filter(|(_, c)| matches!(c, '/' | '\\'))
        .map(|(end, _)| &path[..end])
        .find(|folder| TextKey::of(folder) == key)
}

#[cfg(test)]
mod tests {
    use super::ancestor;
    use crate::private::TextKey;

    #[test]
    fn a_working_directory_is_recognised_above_a_file() {
        let key = TextKey::of("/workspace/demo");
        assert_eq!(ancestor("/workspace/demo/.codex/skills/a/SKILL.md", key), Some("/workspace/demo"));
        assert_eq!(ancestor("/workspace/demonstration/SKILL.md", key), None);
        assert_eq!(ancestor("/home/dev/.codex/skills/a/SKILL.md", key), None);
    }
}
