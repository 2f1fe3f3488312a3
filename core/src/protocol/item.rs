//! The items of a turn (`docs/contract/wire.md` 1.15), each reduced to what events count.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

pub use super::activity::{ActivityKind, SubAgentActivity};
use super::enums::{
    CollabAgentStatus, CollabTool, CommandActionKind, CommandSource, ContentKind, ItemStatus, PatchKind,
    ReasoningEffort, WebSearchActionKind,
};
use super::tagged::{Tagged, read_tagged};
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;
use crate::private::{HostPath, NonBlank, Presence};

/// One step of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transform = crate::json::schema::any_other_kind))]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Item {
    /// A command.
    CommandExecution(CommandExecution),
    /// A patch.
    FileChange(FileChange),
    /// A call of a tool of an MCP server.
    McpToolCall(McpToolCall),
    /// A call of a tool that the client offers.
    DynamicToolCall(DynamicToolCall),
    /// A call of a collaboration tool.
    CollabAgentToolCall(CollabAgentToolCall),
    /// A web search.
    WebSearch(WebSearch),
    /// A generated image.
    ImageGeneration(ImageGeneration),
    /// A call of a tool that acts on the session: it shows an image, asks the user or sets a goal. On the wire only
    /// `imageView` is one; a host makes the others.
    ControlToolCall(ControlToolCall),
    /// A compaction of the thread's context.
    ContextCompaction(Identified),
    /// A message of the user.
    UserMessage,
    /// Work of the model that is no tool call: a message, reasoning, a plan.
    ModelOutput,
    /// Any other item, of no interest to analytics or of a newer version.
    Other,
}

/// An item of which only the id counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Identified {
    /// The item's id.
    pub id: Id,
}

/// A command's run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CommandExecution {
    /// The item's id.
    pub id: Id,
    /// What started it.
    #[serde(default = "agent")]
    pub source: CommandSource,
    /// Its state.
    pub status: ItemStatus,
    /// What its parts do.
    #[serde(default)]
    pub command_actions: Vec<CommandAction>,
    /// Its exit code.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// How long it ran, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<i64>,
    /// The plugin it is from (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_id: Option<Id>,
    /// What confined it, where that is known; no message says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_backend: Option<SandboxBackend>,
    /// Whether its parts are not known, as from a call in a rollout; no message says it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub actions_unknown: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the derive passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What confined a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SandboxBackend {
    /// Nothing.
    None,
    /// Seccomp, on Linux.
    Seccomp,
    /// A sandbox of Windows.
    WindowsSandbox,
    /// A container of Windows.
    WindowsMxc,
}

fn agent() -> CommandSource {
    CommandSource::Agent
}

/// What a part of a command does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CommandAction {
    /// What it does.
    #[serde(rename = "type")]
    pub kind: CommandActionKind,
    /// The file it touches, if that is a skill's: for the question where the skill lies.
    #[serde(rename = "path", default, skip_serializing)]
    #[json(read_with = "skill_file")]
    pub(crate) skill_file: Option<HostPath>,
}

impl CommandAction {
    /// A part of a command that does `kind`.
    pub fn new(kind: CommandActionKind) -> Self {
        Self { kind, skill_file: None }
    }

    /// A part of a command that does `kind` to the file at `path`. The path is kept only if it is a skill's.
    pub fn on_file(kind: CommandActionKind, path: &str) -> Self {
        Self { kind, skill_file: skill_path(path) }
    }
}

/// The name of the file that describes a skill.
const SKILL_FILE: &str = "SKILL.md";

fn skill_file(reader: &mut Reader<'_>) -> Result<Option<HostPath>, Failed> {
    if reader.is_null()? {
        return Ok(None);
    }
    reader.string().map(|path| skill_path(&path))
}

fn skill_path(path: &str) -> Option<HostPath> {
    path.ends_with(SKILL_FILE).then(|| path.into())
}

/// A patch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileChange {
    /// The item's id.
    pub id: Id,
    /// What happens to each file.
    pub changes: Vec<Change>,
    /// Its state.
    pub status: ItemStatus,
}

/// What a patch does to one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// What happens.
    pub kind: ChangeKind,
}

/// What happens to a file, and whether it moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeKind {
    /// What happens.
    #[serde(rename = "type")]
    pub kind: PatchKind,
    /// Whether an update moves the file.
    #[serde(default)]
    pub move_path: Presence,
}

/// A call of a tool of an MCP server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct McpToolCall {
    /// The item's id.
    pub id: Id,
    /// The server's name.
    pub server: Id,
    /// The tool's name.
    pub tool: Id,
    /// Its state.
    pub status: ItemStatus,
    /// Whether it failed with an error.
    #[serde(default)]
    pub error: Presence,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<i64>,
    /// The plugin that the server is from (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_id: Option<Id>,
    /// The app that is called (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_context: Option<AppContext>,
}

/// The app that an MCP tool belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct AppContext {
    /// The app's connector.
    pub connector_id: Option<Id>,
}

/// A call of a tool that the client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DynamicToolCall {
    /// The item's id.
    pub id: Id,
    /// The tool's name, without its namespace.
    pub tool: Id,
    /// Its state.
    pub status: ItemStatus,
    /// The pieces of its output.
    #[serde(default)]
    pub content_items: Option<Vec<ContentItem>>,
    /// Whether it succeeded.
    #[serde(default)]
    pub success: Option<bool>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<i64>,
}

/// One piece of a dynamic tool's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ContentItem {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ContentKind,
}

/// A call of a collaboration tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CollabAgentToolCall {
    /// The item's id.
    pub id: Id,
    /// Which tool.
    pub tool: CollabTool,
    /// Its state.
    pub status: ItemStatus,
    /// The calling thread; empty where the item leaves it to its notification.
    #[serde(default)]
    pub sender_thread_id: Id,
    /// The threads it addresses.
    pub receiver_thread_ids: Vec<Id>,
    /// The model that was asked for.
    #[serde(default)]
    pub model: Option<Id>,
    /// The reasoning effort that was asked for.
    #[serde(default)]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// The state of each agent, by its thread.
    #[serde(default)]
    pub agents_states: BTreeMap<Id, AgentState>,
}

/// A call of a tool that acts on the session (0.169 and later).
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ControlToolCall {
    /// The item's id.
    pub id: Id,
    /// The tool, such as `view_image`, `request_user_input`, `create_goal` or `update_goal`.
    pub tool: Id,
    /// Its state; `declined` where it was not allowed.
    pub status: ItemStatus,
    /// Whether only its end is known: then its event has no durations.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub is_untimed: bool,
}

/// The state of an agent that a collaboration tool saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentState {
    /// The state.
    pub status: CollabAgentStatus,
}

/// A web search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebSearch {
    /// The item's id.
    pub id: Id,
    /// Whether it has a query.
    #[serde(default)]
    pub query: NonBlank,
    /// What it did.
    #[serde(default)]
    pub action: Option<WebSearchAction>,
}

/// What a web search did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebSearchAction {
    /// What it did.
    #[serde(rename = "type")]
    pub kind: WebSearchActionKind,
    /// Whether it had one query.
    #[serde(default)]
    pub query: Presence,
    /// Its queries, where it had a list of them.
    #[serde(default)]
    pub queries: Option<Vec<Presence>>,
}

/// A generated image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageGeneration {
    /// The item's id.
    pub id: Id,
    /// Its state: a free text on the wire, of which only `failed` and `error` count.
    pub status: ItemStatus,
    /// Whether its background is transparent (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transparent_background: Option<bool>,
    /// Its generation (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_id: Option<Id>,
    /// The request for it; from a host only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imagegen_request_id: Option<Id>,
    /// Whether the prompt was revised.
    #[serde(default)]
    pub revised_prompt: Presence,
    /// Whether the image was saved.
    #[serde(default)]
    pub saved_path: Presence,
}

impl Item {
    /// Lets go of what an event takes from the end of an item.
    pub(crate) fn forget_origin(&mut self) {
        match self {
            Self::CommandExecution(command) => command.plugin_id = None,
            Self::McpToolCall(call) => (call.plugin_id, call.app_context) = (None, None),
            Self::ImageGeneration(image) => image.generation_id = None,
            _ => {}
        }
    }

    /// The id of a tool item: one that has an event of its own (`docs/contract/rules.md` 6.1).
    pub fn tool_id(&self) -> Option<&Id> {
        match self {
            Self::CommandExecution(CommandExecution { id, .. })
            | Self::FileChange(FileChange { id, .. })
            | Self::McpToolCall(McpToolCall { id, .. })
            | Self::DynamicToolCall(DynamicToolCall { id, .. })
            | Self::CollabAgentToolCall(CollabAgentToolCall { id, .. })
            | Self::WebSearch(WebSearch { id, .. })
            | Self::ImageGeneration(ImageGeneration { id, .. })
            | Self::ControlToolCall(ControlToolCall { id, .. }) => Some(id),
            Self::ContextCompaction(_) | Self::UserMessage | Self::ModelOutput | Self::Other => None,
        }
    }
}

impl Tagged for Item {
    fn from_members(tag: &str, members: &mut Reader<'_>) -> Result<Self, Failed> {
        Ok(match tag {
            "commandExecution" => Self::CommandExecution(Read::read(members)?),
            "fileChange" => Self::FileChange(Read::read(members)?),
            "mcpToolCall" => Self::McpToolCall(Read::read(members)?),
            "dynamicToolCall" => Self::DynamicToolCall(Read::read(members)?),
            "collabAgentToolCall" => Self::CollabAgentToolCall(Read::read(members)?),
            "webSearch" => Self::WebSearch(Read::read(members)?),
            "imageGeneration" => Self::ImageGeneration(Read::read(members)?),
            "contextCompaction" => Self::ContextCompaction(Read::read(members)?),
            "controlToolCall" => Self::ControlToolCall(Read::read(members)?),
            "imageView" => {
                let Identified { id } = Read::read(members)?;
                let (tool, status) = ("view_image".into(), ItemStatus::Completed);
                Self::ControlToolCall(ControlToolCall { id, tool, status, is_untimed: false })
            }
            "subAgentActivity" => SubAgentActivity::read(members)?.into(),
            _ => {
                members.skip()?;
                match tag {
                    "userMessage" => Self::UserMessage,
                    "agentMessage" | "reasoning" | "plan" | "modelOutput" => Self::ModelOutput,
                    _ => {
                        members.unread_word("Item", tag);
                        Self::Other
                    }
                }
            }
        })
    }
}

read_tagged!(Item);

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::{CollabAgentToolCall, CommandAction, Item, SubAgentActivity};
    use crate::protocol::enums::CollabTool;

    /// Without JSON, the news of an agent and a skill's file become what their messages become.
    #[test]
    fn items_made_from_types() {
        let started = SubAgentActivity {
            id: "s".into(),
            kind: "started".into(),
            agent_thread_id: Some("a".into()),
            model: Some("m".into()),
            ..SubAgentActivity::default()
        };
        let wire = r#"{"type":"subAgentActivity","id":"s","kind":"started","agentThreadId":"a","model":"m"}"#;
        assert_eq!(crate::json::read::from_str(wire), Ok(Item::from(started.clone())));
        for (kind, tool) in [("interacted", CollabTool::SendMessage), ("interrupted", CollabTool::InterruptAgent)] {
            let call = CollabAgentToolCall {
                id: "s".into(),
                tool,
                status: "completed".into(),
                receiver_thread_ids: vec!["a".into()],
                model: Some("m".into()),
                ..CollabAgentToolCall::default()
            };
            let activity = SubAgentActivity { kind: kind.into(), ..started.clone() };
            assert_eq!(Item::from(activity), Item::CollabAgentToolCall(call));
        }
        assert_eq!(Item::from(SubAgentActivity { kind: "completed".into(), ..started }), Item::Other);
        for path in ["/home/dev/skills/a/SKILL.md", "/home/dev/a.rs"] {
            let wire = alloc::format!(r#"{{"type":"read","path":"{path}"}}"#);
            assert_eq!(crate::json::read::from_str(&wire), Ok(CommandAction::on_file("read".into(), path)));
        }
    }

    /// The members that count survive; prompts, commands, paths and outputs do not.
    #[test]
    fn items_written_and_read_again() {
        for (wire, kept) in [
            (
                r#"{"type":"commandExecution","id":"c","command":"secret","cwd":"/secret","processId":null,"status":"completed","commandActions":[{"type":"listFiles","command":"secret","path":null},{"type":"newer"}],"aggregatedOutput":"secret","exitCode":0,"durationMs":41}"#,
                r#"{"type":"commandExecution","id":"c","source":"agent","status":"completed","commandActions":[{"type":"listFiles"},{"type":"unknown"}],"exitCode":0,"durationMs":41}"#,
            ),
            (
                r#"{"changes":[{"path":"/secret","kind":{"type":"update","move_path":"/secret"},"diff":"secret"},{"path":"/secret","kind":{"type":"add"},"diff":""}],"status":"declined","id":"f","type":"fileChange"}"#,
                r#"{"type":"fileChange","id":"f","changes":[{"kind":{"type":"update","move_path":"[redacted]"}},{"kind":{"type":"add","move_path":null}}],"status":"declined"}"#,
            ),
            (
                r#"{"type":"mcpToolCall","id":"m","server":"docs","tool":"lookup","status":"failed","arguments":{"q":"secret"},"result":null,"error":{"message":"secret"},"durationMs":12}"#,
                r#"{"type":"mcpToolCall","id":"m","server":"docs","tool":"lookup","status":"failed","error":"[redacted]","durationMs":12}"#,
            ),
            (
                r#"{"type":"webSearch","id":"w","query":"secret","action":{"type":"search","query":"secret","queries":["secret","secret"]}}"#,
                r#"{"type":"webSearch","id":"w","query":"[redacted]","action":{"type":"search","query":"[redacted]","queries":["[redacted]","[redacted]"]}}"#,
            ),
            (
                r#"{"type":"imageGeneration","id":"i","status":"generating","revisedPrompt":"secret","result":"secret","savedPath":"/secret"}"#,
                r#"{"type":"imageGeneration","id":"i","status":"unknown","revisedPrompt":"[redacted]","savedPath":"[redacted]"}"#,
            ),
            (
                r#"{"type":"subAgentActivity","id":"s","kind":"started","agentThreadId":"a","agentPath":"/root/a","model":"m"}"#,
                r#"{"type":"collabAgentToolCall","id":"s","tool":"spawnAgent","status":"completed","senderThreadId":"","receiverThreadIds":["a"],"model":"m","reasoningEffort":null,"agentsStates":{"a":{"status":"running"}}}"#,
            ),
            (
                r#"{"type":"imageView","id":"v","path":"/secret"}"#,
                r#"{"type":"controlToolCall","id":"v","tool":"view_image","status":"completed"}"#,
            ),
            (r#"{"type":"contextCompaction","id":"k"}"#, r#"{"type":"contextCompaction","id":"k"}"#),
            (r#"{"type":"userMessage","id":"u","content":[{"text":"secret"}]}"#, r#"{"type":"userMessage"}"#),
            (r#"{"type":"reasoning","id":"r","summary":["secret"]}"#, r#"{"type":"modelOutput"}"#),
            (r#"{"type":"newerKind","status":7}"#, r#"{"type":"other"}"#),
        ] {
            let item: Item = crate::json::read::from_str(wire).unwrap();
            let written = crate::json::write::to_string(&item);
            assert_eq!(written, kept);
            let again: Item = crate::json::read::from_str(&written).unwrap();
            assert_eq!(crate::json::write::to_string(&again), kept);
        }
    }
}
