//! What comes out: one typed, privacy-safe event for each thing that happened (contract
//! `events.md`).
//!
//! The order of the fields is the order in which they are written, and every field is always
//! written, nulls included. The rule for each event stands in the reducer's file of the same name.

pub mod accepted_lines;
pub mod app;
pub mod common;
pub mod compaction;
pub mod guardian;
pub mod hook;
pub mod plugin;
pub mod review;
pub mod skill;
pub mod steer;
pub mod thread;
pub mod tool;
pub mod turn;

mod shared;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use accepted_lines::AcceptedLineFingerprints;
use app::AppEvent;
use compaction::CompactionEvent;
use guardian::GuardianReviewEvent;
use hook::HookRunEvent;
use plugin::{PluginEvent, PluginUsedEvent};
use review::ReviewEvent;
pub use shared::Shared;
use skill::SkillInvocation;
use steer::TurnSteerEvent;
use thread::ThreadInitialized;
use tool::{
    CollabAgentToolCallEvent, CommandExecutionEvent, DynamicToolCallEvent, FileChangeEvent, ImageGenerationEvent,
    McpToolCallEvent, WebSearchEvent,
};
use turn::TurnEvent;

use crate::read::{Failed, Names, Read, Reader};
use crate::write::{self, Members, Write};

/// Declares the events: variant, parameters, `event_type`.
macro_rules! events {
    ($($(#[$meta:meta])* $variant:ident($params:ty) = $name:literal,)+) => {
        /// One analytics event.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Event {
            $($(#[$meta])* $variant(Box<$params>),)+
            /// A skill was used; the one event with members beside its parameters.
            SkillInvocation(Box<SkillInvocation>),
        }

        /// Every `event_type`, in the order of [`Event`]'s variants.
        pub const EVENT_TYPES: &[&str] = &[$($name,)+ SKILL_INVOCATION];

        impl Event {
            /// The event's `event_type`.
            pub fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                    Self::SkillInvocation(_) => SKILL_INVOCATION,
                }
            }
        }

        impl Write for Event {
            fn write(&self, text: &mut String) {
                match self {
                    $(Self::$variant(params) => write_event($name, &**params, text),)+
                    Self::SkillInvocation(skill) => {
                        text.push_str("{\"event_type\":");
                        SKILL_INVOCATION.write(text);
                        skill.write_members(text);
                        text.push('}');
                    }
                }
            }
        }

        impl Event {
            fn of_params(name: &str, params: &mut Reader<'_>) -> Result<Self, Failed> {
                match name {
                    $($name => Read::read(params).map(Self::$variant),)+
                    _ => Err(params.unknown()),
                }
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for Event {
            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                "Event".into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut events = alloc::vec![$(event_schema($name, &generator.subschema_for::<$params>()),)+];
                events.push(skill::schema(generator));
                schemars::json_schema!({ "title": "Event", "oneOf": events })
            }
        }
    };
}

const SKILL_INVOCATION: &str = "skill_invocation";

events! {
    /// A thread was started, resumed, forked or spawned.
    ThreadInitialized(ThreadInitialized) = "codex_thread_initialized",
    /// A turn ended.
    Turn(TurnEvent) = "codex_turn_event",
    /// A running turn was sent more input, or refused it.
    TurnSteer(TurnSteerEvent) = "codex_turn_steer_event",
    /// A command ended.
    CommandExecution(CommandExecutionEvent) = "codex_command_execution_event",
    /// A patch ended.
    FileChange(FileChangeEvent) = "codex_file_change_event",
    /// A call of an MCP tool ended.
    McpToolCall(McpToolCallEvent) = "codex_mcp_tool_call_event",
    /// A call of a client's tool ended.
    DynamicToolCall(DynamicToolCallEvent) = "codex_dynamic_tool_call_event",
    /// A call of a collaboration tool ended.
    CollabAgentToolCall(CollabAgentToolCallEvent) = "codex_collab_agent_tool_call_event",
    /// A web search ended.
    WebSearch(WebSearchEvent) = "codex_web_search_event",
    /// An image was generated.
    ImageGeneration(ImageGenerationEvent) = "codex_image_generation_event",
    /// The user or the automatic reviewer decided.
    Review(ReviewEvent) = "codex_review_event",
    /// The details of an automatic review.
    GuardianReview(GuardianReviewEvent) = "codex_guardian_review",
    /// A thread's context was compacted, or was meant to be.
    Compaction(CompactionEvent) = "codex_compaction_event",
    /// The lines that a turn left accepted, as hashes.
    AcceptedLineFingerprints(AcceptedLineFingerprints) = "codex_accepted_line_fingerprints",
    /// The user named an app.
    AppMentioned(AppEvent) = "codex_app_mentioned",
    /// An app's tool was called.
    AppUsed(AppEvent) = "codex_app_used",
    /// The user named a plugin.
    PluginUsed(PluginUsedEvent) = "codex_plugin_used",
    /// A plugin was installed.
    PluginInstalled(PluginEvent) = "codex_plugin_installed",
    /// A plugin was removed.
    PluginUninstalled(PluginEvent) = "codex_plugin_uninstalled",
    /// A plugin was turned on.
    PluginEnabled(PluginEvent) = "codex_plugin_enabled",
    /// A plugin was turned off.
    PluginDisabled(PluginEvent) = "codex_plugin_disabled",
    /// A hook ran.
    HookRun(HookRunEvent) = "codex_hook_run",
}

impl Event {
    /// The event as JSON, without white space.
    pub fn to_json(&self) -> String {
        write::to_string(self)
    }

    /// Appends the event as JSON to a text.
    pub fn write_json(&self, text: &mut String) {
        self.write(text);
    }

    /// Whether the event must be alone in its request (contract `rules.md` 11.7).
    pub fn is_isolated(&self) -> bool {
        matches!(self, Self::AcceptedLineFingerprints(_))
    }
}

fn write_event(name: &'static str, params: &dyn Members, text: &mut String) {
    text.push_str("{\"event_type\":\"");
    text.push_str(name);
    text.push_str("\",\"event_params\":");
    write::object(params, text);
    text.push('}');
}

/// Reads an event that was written before.
impl Read<'_> for Event {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let name = reader.tag("event_type")?;
        if name == SKILL_INVOCATION {
            return Read::read(reader).map(Self::SkillInvocation);
        }
        let mut event = None;
        reader.object(&Names::new(&["event_params"]), &mut |reader, _| {
            event = Some(Self::of_params(&name, reader)?);
            Ok(())
        })?;
        reader.required(event, "event_params")
    }
}

impl fmt::Display for Event {
    /// The event as one line of JSON.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_json())
    }
}

#[cfg(feature = "schema")]
fn event_schema(name: &str, params: &schemars::Schema) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "properties": { "event_type": { "const": name }, "event_params": params },
        "required": ["event_type", "event_params"],
        "additionalProperties": false
    })
}
