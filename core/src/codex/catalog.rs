//! What else an observer learns from: management of plugins, apps and skills, settings, token
//! usage, hooks, errors (`docs/contract/wire.md` 8). None of it is a fact by itself.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::id::Id;
use crate::json::read::{Failed, Raw, Read, Reader, Text};
use crate::json::write::Write;
use crate::private::{HostPath, Presence, TextKey};
use crate::protocol::enums::{
    HookEventName, HookExecutionMode, HookHandlerType, HookRunStatus, HookSource, Personality, ReasoningEffort,
    SkillScope,
};
use crate::protocol::error::TurnError;
use crate::protocol::input::split_plugin_id;
use crate::protocol::thread::Thread;
use crate::protocol::turn::ThreadSettings;

#[derive(Debug, Default, Read)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ThreadOpenParams {
    pub(crate) personality: Option<Personality>,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfThread {
    pub(crate) thread_id: Id,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfTurn {
    pub(crate) thread_id: Id,
    #[serde(default)]
    pub(crate) turn_id: Option<Id>,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TurnInterruptParams {
    pub(crate) thread_id: Id,
    pub(crate) turn_id: Id,
}

#[derive(Debug, Read)]
pub(crate) struct ThreadStarted {
    pub(crate) thread: Thread,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettingsUpdated {
    pub(crate) thread_id: Id,
    pub(crate) thread_settings: ThreadSettings,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenUsageUpdated {
    pub(crate) thread_id: Id,
    pub(crate) turn_id: Id,
    pub(crate) token_usage: TokenUsage,
}

#[derive(Debug, Read)]
pub(crate) struct TokenUsage {
    pub(crate) total: TokenBreakdown,
    pub(crate) last: TokenBreakdown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TokenBreakdown {
    pub(crate) total_tokens: i64,
    pub(crate) input_tokens: i64,
    pub(crate) cached_input_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) reasoning_output_tokens: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) cache_write_input_tokens: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the derive passes a reference")]
fn is_zero(tokens: &i64) -> bool {
    *tokens == 0
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookCompleted {
    pub(crate) thread_id: Id,
    #[serde(default)]
    pub(crate) turn_id: Option<Id>,
    pub(crate) run: HookRun,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookRun {
    /// Holds the path of the hook's file, so only a hash of it is read.
    #[json(read_with = "text_key")]
    pub(crate) id: TextKey,
    pub(crate) event_name: HookEventName,
    #[serde(default = "unknown_source")]
    pub(crate) source: HookSource,
    pub(crate) status: HookRunStatus,
    #[serde(default)]
    pub(crate) handler_type: Option<HookHandlerType>,
    #[serde(default)]
    pub(crate) execution_mode: Option<HookExecutionMode>,
    #[serde(default)]
    pub(crate) duration_ms: Option<i64>,
}

fn unknown_source() -> HookSource {
    HookSource::Unknown
}

fn text_key(reader: &mut Reader<'_>) -> Result<TextKey, Failed> {
    reader.string().map(|text| TextKey::of(&text))
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorNotification {
    pub(crate) error: TurnError,
    #[serde(default)]
    pub(crate) will_retry: bool,
    pub(crate) thread_id: Id,
    pub(crate) turn_id: Id,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadCompacted {
    pub(crate) thread_id: Id,
    pub(crate) turn_id: Id,
}

/// How the user is signed in, as far as it decides where compactions run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Read)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthMode {
    #[serde(alias = "apiKey", alias = "api_key")]
    ApiKey,
    #[serde(other)]
    Other,
}

/// How a user is signed in, or signs in.
#[derive(Debug, Read)]
pub(crate) struct Account {
    #[serde(rename = "type")]
    pub(crate) auth_mode: AuthMode,
}

/// The response of `account/read`.
#[derive(Debug, Read)]
pub(crate) struct AccountReadResult {
    #[serde(default)]
    pub(crate) account: Option<Account>,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountUpdated {
    #[serde(default)]
    pub(crate) auth_mode: Option<AuthMode>,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PluginInstallParams {
    pub(crate) plugin_name: Id,
    #[serde(default)]
    pub(crate) remote_marketplace_name: Option<Id>,
    #[serde(default)]
    #[json(read_with = "optional_text_key")]
    pub(crate) marketplace_path: Option<TextKey>,
}

fn optional_text_key(reader: &mut Reader<'_>) -> Result<Option<TextKey>, Failed> {
    if reader.is_null()? { Ok(None) } else { text_key(reader).map(Some) }
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PluginUninstallParams {
    pub(crate) plugin_id: Id,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PluginReadParams {
    #[serde(default)]
    #[json(read_with = "optional_text_key")]
    pub(crate) marketplace_path: Option<TextKey>,
}

#[derive(Debug, Read)]
pub(crate) struct PluginReadResult {
    pub(crate) plugin: PluginDetail,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PluginDetail {
    pub(crate) summary: PluginSummary,
    #[serde(default)]
    pub(crate) skills: Vec<Presence>,
    #[serde(default)]
    pub(crate) apps: Vec<App>,
    #[serde(default)]
    pub(crate) mcp_servers: Vec<Id>,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PluginSummary {
    pub(crate) id: Id,
    #[serde(default)]
    pub(crate) remote_plugin_id: Option<Id>,
    #[serde(default)]
    pub(crate) installed: Option<bool>,
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
}

#[derive(Debug, Read)]
pub(crate) struct PluginListResult {
    pub(crate) marketplaces: Vec<Marketplace>,
}

#[derive(Debug, Read)]
pub(crate) struct Marketplace {
    pub(crate) name: Id,
    #[serde(default)]
    #[json(read_with = "optional_text_key")]
    pub(crate) path: Option<TextKey>,
    #[serde(default)]
    pub(crate) plugins: Vec<PluginSummary>,
}

#[derive(Debug, Read)]
pub(crate) struct App {
    pub(crate) id: Id,
    #[serde(default)]
    pub(crate) name: Option<Id>,
}

#[derive(Debug, Read)]
pub(crate) struct ModelListResult {
    #[serde(default)]
    pub(crate) data: Vec<ListedModel>,
}

#[derive(Debug, Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedModel {
    pub(crate) model: Id,
    #[serde(default)]
    pub(crate) default_reasoning_effort: Option<ReasoningEffort>,
}

#[derive(Debug, Read)]
pub(crate) struct AppListResult {
    pub(crate) data: Vec<App>,
}

#[derive(Debug, Read)]
pub(crate) struct SkillsListResult {
    pub(crate) data: Vec<SkillsOfFolder>,
}

#[derive(Debug, Read)]
pub(crate) struct SkillsOfFolder {
    pub(crate) skills: Vec<ListedSkill>,
}

#[derive(Debug, Read)]
pub(crate) struct ListedSkill {
    pub(crate) name: Id,
    pub(crate) path: HostPath,
    pub(crate) scope: SkillScope,
    #[serde(default, rename = "pluginId")]
    pub(crate) plugin_id: Option<Id>,
}

/// A plugin that a config write turns on or off.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
pub(crate) struct PluginToggle {
    pub(crate) plugin_id: Id,
    pub(crate) enabled: bool,
}

/// One edit of a config write; its value is only looked at when it is about plugins.
#[derive(Read)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigEdit<'a> {
    key_path: Text<'a>,
    value: Raw<'a>,
}

#[derive(Read)]
pub(crate) struct ConfigBatch<'a> {
    edits: Vec<ConfigEdit<'a>>,
}

impl ConfigEdit<'_> {
    /// The plugins that this edit turns on or off (`docs/contract/derived.md` 10).
    pub(crate) fn toggles(&self) -> Vec<PluginToggle> {
        #[derive(Read)]
        struct Settings {
            enabled: bool,
        }
        let key: Vec<&str> = self.key_path.0.split('.').collect();
        let mut toggles = Vec::new();
        let mut add = |id: &str, enabled| {
            if split_plugin_id(id).is_some() {
                toggles.push(PluginToggle { plugin_id: id.into(), enabled });
            }
        };
        match key[..] {
            ["plugins", id, "enabled"] => {
                if let Some(enabled) = self.value.get() {
                    add(id, enabled);
                }
            }
            ["plugins", id] => {
                if let Some(Settings { enabled }) = self.value.get() {
                    add(id, enabled);
                }
            }
            ["plugins"] => {
                let plugins: BTreeMap<String, Raw<'_>> = self.value.get().unwrap_or_default();
                for (id, settings) in plugins {
                    if let Some(Settings { enabled }) = settings.get() {
                        add(&id, enabled);
                    }
                }
            }
            _ => {}
        }
        toggles
    }
}

impl ConfigBatch<'_> {
    /// The plugins that the edits turn on or off, by id; of several edits of one the last counts.
    pub(crate) fn toggles(&self) -> Vec<PluginToggle> {
        last_of_each(self.edits.iter().flat_map(ConfigEdit::toggles))
    }
}

/// Sorts toggles by plugin and keeps the last of each.
pub(crate) fn last_of_each(toggles: impl IntoIterator<Item = PluginToggle>) -> Vec<PluginToggle> {
    // Collecting would sort, which is more code.
    let mut last = BTreeMap::new();
    for PluginToggle { plugin_id, enabled } in toggles {
        last.insert(plugin_id, enabled);
    }
    last.into_iter().map(|(plugin_id, enabled)| PluginToggle { plugin_id, enabled }).collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::ConfigBatch;

    /// The key forms of `docs/contract/derived.md` 10.
    #[test]
    fn config_writes_that_turn_plugins_on_or_off() {
        let json = r#"{"edits":[
            {"keyPath":"plugins.b@m.enabled","value":true},
            {"keyPath":"plugins.a@m","value":{"enabled":true,"x":1}},
            {"keyPath":"plugins","value":{"c@m":{"enabled":false},"d@m":7,"noparse":{"enabled":true}}},
            {"keyPath":"plugins.b@m.enabled","value":false},
            {"keyPath":"plugins.e@m.enabled.more","value":true},
            {"keyPath":"plugins.f@m.enabled","value":"secret"},
            {"keyPath":"projects./secret.trust_level","value":"secret"}
        ]}"#;
        let batch: ConfigBatch<'_> = crate::json::read::from_str(json).unwrap();
        let toggles: Vec<_> = batch.toggles().into_iter().map(|toggle| (toggle.plugin_id, toggle.enabled)).collect();
        assert_eq!(toggles, [("a@m".into(), true), ("b@m".into(), false), ("c@m".into(), false)]);
    }
}
