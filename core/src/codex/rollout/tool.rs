//! The tools that a model calls, by their names and what they were called with.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::Rollout;
use crate::id::Id;
use crate::json::read::{self, Raw, Read, Text};
use crate::json::write::Write;
use crate::protocol::enums::{CollabTool, ReasoningEffort};

/// What was called.
#[derive(Clone, Write, Read)]
pub(super) enum Tool {
    Shell {
        is_unified: bool,
    },
    /// Input for the command that goes on under this number.
    Input(Option<u64>),
    /// A patch in the model's own words. It is never saved.
    Patch(String),
    Mcp {
        server: Id,
        tool: Id,
    },
    Client(Id),
    /// Code that calls tools.
    Script,
    Agents {
        tool: CollabTool,
        receivers: Vec<Id>,
        model: Option<Id>,
        effort: Option<ReasoningEffort>,
    },
    /// One that acts on the session.
    Control(Id),
    /// Anything else.
    Other,
}

/// Shows no content.
impl core::fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Shell { .. } => "Shell",
            Self::Input(_) => "Input",
            Self::Patch(_) => "Patch",
            Self::Mcp { .. } => "Mcp",
            Self::Client(_) => "Client",
            Self::Script => "Script",
            Self::Agents { .. } => "Agents",
            Self::Control(_) => "Control",
            Self::Other => "Other",
        })
    }
}

impl Rollout {
    /// What a tool of this name is, called with these arguments.
    pub(super) fn tool(&self, name: &str, namespace: Option<&str>, arguments: &str) -> Tool {
        let agents = |tool| {
            #[derive(Default, Read)]
            #[serde(default)]
            struct Arguments {
                id: Option<Id>,
                ids: Option<Vec<Id>>,
                target: Option<Id>,
                targets: Option<Vec<Id>>,
                model: Option<Id>,
                reasoning_effort: Option<ReasoningEffort>,
            }
            let read: Arguments = read::from_str(arguments).unwrap_or_default();
            let several = read.ids.or(read.targets).unwrap_or_default();
            let receivers = read.id.or(read.target).into_iter().chain(several).collect();
            Tool::Agents { tool, receivers, model: read.model, effort: read.reasoning_effort }
        };
        match name {
            "shell" | "shell_command" | "container.exec" | "local_shell" if arguments.contains("*** Begin Patch") => {
                patch_in(arguments).map_or(Tool::Other, Tool::Patch)
            }
            "shell" | "shell_command" | "container.exec" | "local_shell" => Tool::Shell { is_unified: false },
            "exec_command" => Tool::Shell { is_unified: true },
            "write_stdin" => {
                #[derive(Read)]
                struct Arguments {
                    session_id: Option<u64>,
                }
                let read: Option<Arguments> = read::from_str(arguments).ok();
                Tool::Input(read.and_then(|read| read.session_id))
            }
            "apply_patch" => {
                #[derive(Read)]
                struct Arguments<'t> {
                    input: Option<Text<'t>>,
                }
                let read: Option<Arguments<'_>> = read::from_str(arguments).ok();
                read.and_then(|read| read.input).map_or(Tool::Other, |input| Tool::Patch(input.0.into_owned()))
            }
            "spawn_agent" => agents(CollabTool::SpawnAgent),
            "send_input" => agents(CollabTool::SendInput),
            "resume_agent" => agents(CollabTool::ResumeAgent),
            "close_agent" => agents(CollabTool::CloseAgent),
            "wait" | "wait_agent" => agents(CollabTool::Wait),
            "send_message" => agents(CollabTool::SendMessage),
            "followup_task" => agents(CollabTool::FollowupTask),
            "interrupt_agent" => agents(CollabTool::InterruptAgent),
            "list_agents" => agents(CollabTool::ListAgents),
            "create_goal" | "update_goal" | "request_user_input" | "view_image" => Tool::Control(name.into()),
            _ => self.tool_of(name, namespace),
        }
    }

    /// A tool of an MCP server, or of the thread's client.
    fn tool_of(&self, name: &str, namespace: Option<&str>) -> Tool {
        if let Some(server) = namespace.and_then(|space| space.strip_prefix("mcp__")) {
            return Tool::Mcp { server: server.trim_end_matches("__").into(), tool: name.into() };
        }
        if let Some((server, tool)) = name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
            return Tool::Mcp { server: server.into(), tool: tool.into() };
        }
        let is_clients = self.meta.as_ref().is_some_and(|meta| meta.dynamic_tools.iter().any(|tool| **tool == *name));
        if is_clients { Tool::Client(name.into()) } else { Tool::Other }
    }
}

/// The patch within the arguments of a shell call.
fn patch_in(arguments: &str) -> Option<String> {
    #[derive(Read)]
    struct Arguments<'t> {
        command: Option<Raw<'t>>,
    }
    let command = read::from_str::<Arguments<'_>>(arguments).ok()?.command?;
    if let Some(Text(text)) = command.get() {
        return Some(text.into_owned());
    }
    let words: Vec<Text<'_>> = command.get()?;
    words.into_iter().map(|word| word.0).find(|word| word.contains("*** Begin Patch")).map(Cow::into_owned)
}
