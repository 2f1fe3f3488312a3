//! The items of a turn as files write them: in words of their own, with the members in snake case.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::edit::FileEdit;
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader, Text};
use crate::private::{NonBlank, Presence};
use crate::protocol::enums::{
    CollabAgentStatus, CollabTool, CommandActionKind, CommandSource, ContentKind, ItemStatus, ReasoningEffort,
    WebSearchActionKind,
};
use crate::protocol::item::{
    ActivityKind, AgentState, CollabAgentToolCall, CommandAction, CommandExecution, ContentItem, ControlToolCall,
    DynamicToolCall, FileChange, Identified, ImageGeneration, Item, McpToolCall, SubAgentActivity, WebSearch,
    WebSearchAction,
};

/// An item that ended.
pub(super) enum FileItem<'t> {
    /// A message of the user, with its images.
    UserMessage(u64),
    /// A patch, with what it did to each file.
    Patch(FileChange, Vec<(Text<'t>, FileEdit<'t>)>),
    /// A review within the turn began, or is over.
    Review { is_over: bool },
    /// Any other one.
    Item(Box<Item>),
}

/// How long something ran.
#[derive(Clone, Copy, Default, Read)]
#[serde(default)]
pub(super) struct Duration {
    secs: i64,
    nanos: i64,
}

impl Duration {
    pub(super) fn millis(self) -> i64 {
        self.secs.saturating_mul(1000).saturating_add(self.nanos / 1_000_000)
    }
}

/// The words that some enums have in files.
macro_rules! words {
    ($($function:ident: $type:ty { $($word:literal => $name:literal),+ $(,)? })+) => {$(
        fn $function(reader: &mut Reader<'_>) -> Result<$type, Failed> {
            let word = reader.string()?;
            Ok(match &*word {
                $($word => $name.into(),)+
                word => word.into(),
            })
        }
    )+};
}

words! {
    command_source: CommandSource {
        "user_shell" => "userShell",
        "unified_exec_startup" => "unifiedExecStartup",
        "unified_exec_interaction" => "unifiedExecInteraction",
    }
    action_kind: CommandActionKind { "list_files" => "listFiles" }
    search_kind: WebSearchActionKind { "open_page" => "openPage", "find_in_page" => "findInPage" }
    content_kind: ContentKind {
        "input_text" => "inputText", "input_image" => "inputImage", "input_audio" => "inputAudio",
    }
    collab_tool: CollabTool {
        "spawn_agent" => "spawnAgent",
        "send_input" => "sendInput",
        "resume_agent" => "resumeAgent",
        "close_agent" => "closeAgent",
        "send_message" => "sendMessage",
        "interrupt_agent" => "interruptAgent",
    }
    agent_status: CollabAgentStatus { "pending_init" => "pendingInit", "not_found" => "notFound" }
}

/// A part of a command.
#[derive(Read)]
pub(super) struct ParsedCommand {
    #[serde(rename = "type")]
    #[json(read_with = "action_kind")]
    kind: CommandActionKind,
}

/// A command, as its item and, in older files, its end have it.
#[derive(Read)]
pub(super) struct Command {
    #[serde(alias = "call_id")]
    pub(super) id: Id,
    pub(super) turn_id: Option<Id>,
    #[serde(default = "agent")]
    #[json(read_with = "command_source")]
    source: CommandSource,
    status: Option<ItemStatus>,
    #[serde(default)]
    parsed_cmd: Option<Vec<ParsedCommand>>,
    exit_code: Option<i32>,
    pub(super) duration: Option<Duration>,
    plugin_id: Option<Id>,
}

fn agent() -> CommandSource {
    CommandSource::Agent
}

impl From<Command> for CommandExecution {
    fn from(read: Command) -> Self {
        let of_code = || if read.exit_code == Some(0) { ItemStatus::Completed } else { ItemStatus::Failed };
        let status = read.status.unwrap_or_else(of_code);
        let ran = status != ItemStatus::Declined;
        Self {
            id: read.id,
            source: read.source,
            status,
            actions_unknown: read.parsed_cmd.is_none(),
            command_actions: read
                .parsed_cmd
                .unwrap_or_default()
                .iter()
                .map(|part| CommandAction::new(part.kind))
                .collect(),
            exit_code: read.exit_code.filter(|_| ran),
            duration_ms: read.duration.map(Duration::millis).filter(|_| ran),
            plugin_id: read.plugin_id,
            ..Self::default()
        }
    }
}

/// A web search, as its item and its end have it.
#[derive(Read)]
pub(super) struct Search {
    #[serde(alias = "call_id")]
    pub(super) id: Id,
    #[serde(default)]
    #[json(read_with = "text")]
    query: NonBlank,
    action: Option<SearchAction>,
}

#[derive(Read)]
struct SearchAction {
    #[serde(rename = "type")]
    #[json(read_with = "search_kind")]
    kind: WebSearchActionKind,
    #[serde(default)]
    query: Presence,
    queries: Option<Vec<Presence>>,
}

fn text(reader: &mut Reader<'_>) -> Result<NonBlank, Failed> {
    if reader.is_null()? { Ok(NonBlank(false)) } else { Read::read(reader) }
}

impl From<Search> for WebSearch {
    fn from(read: Search) -> Self {
        let action = read.action.map(|action| WebSearchAction {
            kind: action.kind,
            query: action.query,
            queries: action.queries,
        });
        Self { id: read.id, query: read.query, action }
    }
}

/// A generated image, as its end has it in older files.
#[derive(Read)]
pub(super) struct Image {
    #[serde(alias = "call_id")]
    pub(super) id: Id,
    #[serde(default)]
    status: ItemStatus,
    #[serde(default)]
    revised_prompt: Presence,
    #[serde(default)]
    saved_path: Presence,
}

impl From<Image> for ImageGeneration {
    fn from(read: Image) -> Self {
        let Image { id, status, revised_prompt, saved_path } = read;
        Self { id, status, revised_prompt, saved_path, ..Self::default() }
    }
}

/// `changes`: what a patch did, by path.
pub(super) struct Changes<'t>(pub(super) Vec<(Text<'t>, FileEdit<'t>)>);

impl<'t> Read<'t> for Changes<'t> {
    fn read(reader: &mut Reader<'t>) -> Result<Self, Failed> {
        let mut changes = Vec::new();
        reader.members(&mut |reader, path| {
            changes.push((Text(path), FileEdit::read(reader)?));
            Ok(())
        })?;
        Ok(Self(changes))
    }
}

impl<'t> Read<'t> for FileItem<'t> {
    fn read(reader: &mut Reader<'t>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Patch<'t> {
            id: Id,
            status: ItemStatus,
            changes: Changes<'t>,
        }
        let tag = reader.tag("type")?;
        Ok(Self::Item(Box::new(match &*tag {
            "CommandExecution" => Item::CommandExecution(Command::read(reader)?.into()),
            "McpToolCall" => Item::McpToolCall(mcp_call(reader)?),
            "DynamicToolCall" => Item::DynamicToolCall(dynamic_call(reader)?),
            "CollabAgentToolCall" => Item::CollabAgentToolCall(collab_call(reader)?),
            "SubAgentActivity" => activity(reader)?.into(),
            "ImageView" => Item::ControlToolCall(ControlToolCall {
                id: Identified::read(reader)?.id,
                tool: "view_image".into(),
                status: ItemStatus::Completed,
                is_untimed: false,
            }),
            "WebSearch" => Item::WebSearch(Search::read(reader)?.into()),
            "ImageGeneration" => Item::ImageGeneration(Image::read(reader)?.into()),
            "Extension" => extension(reader)?,
            "ContextCompaction" => Item::ContextCompaction(Identified::read(reader)?),
            "AgentMessage" | "Reasoning" | "Plan" => reader.skip().map(|()| Item::ModelOutput)?,
            "UserMessage" => return user_message(reader),
            "EnteredReviewMode" | "ExitedReviewMode" => {
                let is_over = tag == "ExitedReviewMode";
                return reader.skip().map(|()| Self::Review { is_over });
            }
            "FileChange" => {
                let Patch { id, status, changes: Changes(files) } = Patch::read(reader)?;
                let changes = files.iter().map(|(_, file)| file.change()).collect();
                return Ok(Self::Patch(FileChange { id, changes, status }, files));
            }
            _ => reader.skip().map(|()| Item::Other)?,
        })))
    }
}

fn user_message<'t>(reader: &mut Reader<'t>) -> Result<FileItem<'t>, Failed> {
    #[derive(Read)]
    struct Message<'t> {
        content: Option<Vec<Piece<'t>>>,
    }
    #[derive(Read)]
    struct Piece<'t> {
        #[serde(rename = "type")]
        kind: Text<'t>,
    }
    let content = Message::read(reader)?.content.unwrap_or_default();
    let images = content.iter().filter(|piece| matches!(&*piece.kind.0, "image" | "local_image" | "localImage"));
    Ok(FileItem::UserMessage(images.count() as u64))
}

fn mcp_call(reader: &mut Reader<'_>) -> Result<McpToolCall, Failed> {
    #[derive(Read)]
    struct Call {
        id: Id,
        server: Id,
        tool: Id,
        status: ItemStatus,
        #[serde(default)]
        error: Presence,
        duration: Option<Duration>,
        plugin_id: Option<Id>,
    }
    let Call { id, server, tool, status, error, duration, plugin_id } = Call::read(reader)?;
    let duration_ms = duration.map(Duration::millis);
    Ok(McpToolCall { id, server, tool, status, error, duration_ms, plugin_id, ..McpToolCall::default() })
}

fn dynamic_call(reader: &mut Reader<'_>) -> Result<DynamicToolCall, Failed> {
    #[derive(Read)]
    struct Call {
        id: Id,
        tool: Id,
        status: ItemStatus,
        content_items: Option<Vec<Content>>,
        success: Option<bool>,
        duration: Option<Duration>,
    }
    #[derive(Read)]
    struct Content {
        #[serde(rename = "type")]
        #[json(read_with = "content_kind")]
        kind: ContentKind,
    }
    let Call { id, tool, status, content_items, success, duration } = Call::read(reader)?;
    let pieces = |items: Vec<Content>| items.iter().map(|item| ContentItem { kind: item.kind }).collect();
    Ok(DynamicToolCall {
        id,
        tool,
        status,
        content_items: content_items.map(pieces),
        success,
        duration_ms: duration.map(Duration::millis),
    })
}

fn collab_call(reader: &mut Reader<'_>) -> Result<CollabAgentToolCall, Failed> {
    #[derive(Read)]
    struct Call {
        id: Id,
        #[json(read_with = "collab_tool")]
        tool: CollabTool,
        status: ItemStatus,
        #[serde(default)]
        sender_thread_id: Id,
        #[serde(default)]
        receiver_thread_ids: Vec<Id>,
        model: Option<Id>,
        reasoning_effort: Option<ReasoningEffort>,
        #[serde(default)]
        agents_states: BTreeMap<Id, State>,
    }
    struct State(CollabAgentStatus);
    impl Read<'_> for State {
        fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
            #[derive(Read)]
            struct Status {
                #[json(read_with = "agent_status")]
                status: CollabAgentStatus,
            }
            if reader.peek()? == b'"' {
                return agent_status(reader).map(Self);
            }
            Status::read(reader).map(|state| Self(state.status))
        }
    }
    let call = Call::read(reader)?;
    // Collecting would sort, which is more code.
    let mut agents_states = BTreeMap::new();
    for (id, State(status)) in call.agents_states {
        agents_states.insert(id, AgentState { status });
    }
    Ok(CollabAgentToolCall {
        id: call.id,
        tool: call.tool,
        status: call.status,
        sender_thread_id: call.sender_thread_id,
        receiver_thread_ids: call.receiver_thread_ids,
        model: call.model,
        reasoning_effort: call.reasoning_effort,
        agents_states,
    })
}

fn activity(reader: &mut Reader<'_>) -> Result<SubAgentActivity, Failed> {
    #[derive(Read)]
    struct Activity {
        id: Id,
        kind: ActivityKind,
        agent_thread_id: Option<Id>,
        model: Option<Id>,
        reasoning_effort: Option<ReasoningEffort>,
    }
    let Activity { id, kind, agent_thread_id, model, reasoning_effort } = Activity::read(reader)?;
    Ok(SubAgentActivity { id, kind, agent_thread_id, model, reasoning_effort })
}

/// An item of a kind that its extension names; its members are those of the wire.
fn extension(reader: &mut Reader<'_>) -> Result<Item, Failed> {
    let kind = reader.tag("kind")?;
    if kind == "image_gen.generation" {
        return ImageGeneration::read(reader).map(Item::ImageGeneration);
    }
    reader.skip().map(|()| Item::Other)
}
