//! What servers of each version say: the table of `docs/contract/versions.md`, read as it stands there, and the rules beside it.

use std::sync::LazyLock;

use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/contract/versions.md");

/// The contract's own version, and what one that is not known counts as.
const CONTRACT: u16 = 131;

/// The newest version that is known.
const NEWEST: u16 = 171;

/// What the table calls tools. Images have what these have.
const TOOLS: [&str; 7] = [
    "codex_collab_agent_tool_call_event",
    "codex_command_execution_event",
    "codex_dynamic_tool_call_event",
    "codex_file_change_event",
    "codex_mcp_tool_call_event",
    "codex_web_search_event",
    "codex_image_generation_event",
];

const PLUGINS: [&str; 6] = [
    "codex_plugin_used",
    "codex_plugin_installed",
    "codex_plugin_uninstalled",
    "codex_plugin_enabled",
    "codex_plugin_disabled",
    "codex_plugin_install_failed",
];

/// What the table does not have: an app's call and an import that failed were not recorded, and images were not for long.
const BESIDE_THE_TABLE: [(&str, &str, u16); 6] = [
    ("codex_onboarding_external_agent_import_failure", "provider_id", 146),
    ("codex_app_used", "elicitation_type", 156),
    ("codex_app_used", "voice_session_id", 156),
    ("codex_image_generation_event", "generation_id", 158),
    ("codex_image_generation_event", "imagegen_request_id", 158),
    ("codex_image_generation_event", "transparent_background", 158),
];

/// A row of the table: from which version on some events have a member, or no longer have it; without a member, are there.
#[derive(Debug)]
struct Row {
    since: u16,
    events: Vec<String>,
    member: Option<String>,
    is_gone: bool,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let table =
        PAGE.split_once("| since | events |").and_then(|(_, rest)| rest.split_once("\n\n")).unwrap_or_default().0;
    let mut rows: Vec<_> = table.lines().skip(2).flat_map(rows).collect();
    rows.extend(BESIDE_THE_TABLE.map(|(event, member, since)| Row {
        since,
        events: vec![event.into()],
        member: Some(member.into()),
        is_gone: false,
    }));
    rows
});

/// The rows of a line of the table, one for each member.
fn rows(line: &str) -> Vec<Row> {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let [_, since, events, what, _] = cells[..] else { panic!("a row with three cells: {line}") };
    let since = since.trim_start_matches("0.").parse().unwrap_or_else(|_| panic!("a version: {line}"));
    let events: Vec<String> = events
        .split(", ")
        .flat_map(|name| match name {
            "tools" => TOOLS.map(String::from).to_vec(),
            "plugins" => PLUGINS.map(String::from).to_vec(),
            "control tools" => vec!["codex_control_tool_call_event".into()],
            name => vec![name.trim_matches('`').into()],
        })
        .collect();
    let row = |member, is_gone| Row { since, events: events.clone(), member, is_gone };
    if what == "the event" {
        return vec![row(None, false)];
    }
    let is_gone = what.starts_with("no more ");
    let members = what.trim_start_matches("no more ").split(", ");
    members.map(|member| row(Some(member.trim_matches('`').into()), is_gone)).collect()
}

/// A server, by the second number of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Server(u16);

impl Default for Server {
    fn default() -> Self {
        Self(CONTRACT)
    }
}

impl Server {
    pub(super) fn of(version: &str) -> Self {
        let mut numbers = version.split(['.', '-']).map(|number| number.parse::<u16>().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(0), Some(minor)) => Self(minor.min(NEWEST)),
            (Some(1..), _) => Self(NEWEST),
            _ => Self::default(),
        }
    }

    /// Whether it is this version, or a later one.
    pub(super) fn is_since(self, minor: u16) -> bool {
        self.0 >= minor
    }

    /// The event as this server has it: without what is not yet there or no longer is; none if it has no such event.
    pub(super) fn event(self, event_type: &str, mut members: Value) -> Option<Value> {
        for row in TABLE.iter().filter(|row| row.events.iter().any(|event| event == event_type)) {
            if self.is_since(row.since) != row.is_gone {
                continue;
            }
            let member = row.member.as_deref()?;
            if let Some(members) = members.as_object_mut() {
                members.remove(member);
            }
        }
        Some(members)
    }
}
