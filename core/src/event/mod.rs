//! What comes out: one typed, privacy-safe event for each thing that happened (`docs/contract/events.md`).
//!
//! The order of the fields is the order in which they are written, and every field is always
//! written, nulls included. The rule for each event stands in the reducer's file of the same name.

pub mod accepted_lines;
pub mod app;
pub mod archive;
pub mod artifact;
pub mod common;
pub mod compaction;
pub mod control_tool;
pub mod error_kind;
pub mod goal;
pub mod guardian;
pub mod guardian_v2;
pub mod hook;
pub mod measurement;
pub mod onboarding;
pub mod plugin;
pub mod plugin_install;
#[cfg(feature = "schema")]
pub mod privacy;
pub mod review;
pub mod skill;
pub mod steer;
pub mod thread;
pub mod tool;
pub mod turn;

mod shared;
pub(crate) mod since;
mod versioned;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use accepted_lines::AcceptedLineFingerprints;
use app::AppEvent;
use archive::{ThreadArchiveEvent, ThreadHintStatusEvent};
use artifact::ArtifactOperationEvent;
use compaction::CompactionEvent;
use control_tool::ControlToolCallEvent;
use goal::GoalEvent;
use guardian::GuardianReviewEvent;
use guardian_v2::{GuardianV2ClassificationEvent, GuardianV2FastDecisionEvent};
use hook::HookRunEvent;
use measurement::PluginMeasurementEvent;
use onboarding::{AgentImportCompletedEvent, AgentImportFailedEvent};
use plugin::{PluginEvent, PluginUsedEvent};
use plugin_install::{PluginInstallFailedEvent, PluginInstallRequestedEvent};
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
pub(crate) use versioned::Group;
pub use versioned::Versioned;

use crate::id::Id;
use crate::json::read::{Failed, Names, Read, Reader};
use crate::json::write::{self, Members, Write};

/// Declares the events: variant, parameters, `event_type`, label, and which of its members are the ids of what it is about.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $variant:ident($params:ty) = $name:literal, $label:literal,
        [$($id:ident: $($path:ident).+),*];)+) => {
        /// One analytics event.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Event {
            $($(#[doc = $doc])+ $variant(Box<$params>),)+
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

        impl Event {
            /// What the event is called before a person: a word or two, "Command".
            pub fn label(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $label,)+
                    Self::SkillInvocation(_) => SKILL_LABEL,
                }
            }

            /// The ids of the thread, the turn, the item and the review that the event is about: what joins events.
            pub fn ids(&self) -> EventIds<'_> {
                match self {
                    $(Self::$variant(params) => {
                        let _ = params;
                        EventIds { $($id: AsId::as_id(&params.$($path).+),)* ..EventIds::default() }
                    })+
                    Self::SkillInvocation(skill) => EventIds {
                        thread_id: Some(&skill.params.thread_id),
                        turn_id: Some(&skill.params.turn_id),
                        ..EventIds::default()
                    },
                }
            }
        }

        /// Which of the [`EventIds`] events of a type have, and the member of `event_params` that each is in. Other types
        /// have none.
        pub fn id_members(event_type: &str) -> &'static [(&'static str, &'static str)] {
            match event_type {
                $($name => &[$((stringify!($id), last!($($path).+))),*],)+
                SKILL_INVOCATION => SKILL_IDS,
                _ => &[],
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
                let mut events = alloc::vec![$(labelled(
                    event_schema($name, concat!($($doc),+), generator.subschema_for::<$params>()),
                    $label,
                    id_members($name),
                ),)+];
                events.push(labelled(skill::schema(generator), SKILL_LABEL, SKILL_IDS));
                schemars::json_schema!({ "title": "Event", "oneOf": events })
            }
        }
    };
}

const SKILL_INVOCATION: &str = "skill_invocation";
const SKILL_LABEL: &str = "Skill";
const SKILL_IDS: &[(&str, &str)] = &[("thread_id", "thread_id"), ("turn_id", "turn_id")];

/// The last name of a path: what stands before it is flattened.
macro_rules! last {
    ($name:ident) => {
        stringify!($name)
    };
    ($before:ident.$($path:ident).+) => {
        last!($($path).+)
    };
}

/// What an event is about, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventIds<'a> {
    /// The thread.
    pub thread_id: Option<&'a Id>,
    /// The turn; of a steer the one it was meant for.
    pub turn_id: Option<&'a Id>,
    /// The item.
    pub item_id: Option<&'a Id>,
    /// The review.
    pub review_id: Option<&'a Id>,
}

/// An id that may be absent.
trait AsId {
    fn as_id(&self) -> Option<&Id>;
}

impl AsId for Id {
    fn as_id(&self) -> Option<&Id> {
        Some(self)
    }
}

impl AsId for Option<Id> {
    fn as_id(&self) -> Option<&Id> {
        self.as_ref()
    }
}

events! {
    /// A thread was started, resumed, forked or spawned.
    ThreadInitialized(ThreadInitialized) = "codex_thread_initialized", "Thread", [thread_id: thread_id];
    /// A turn ended.
    Turn(TurnEvent) = "codex_turn_event", "Turn", [thread_id: thread_id, turn_id: turn_id];
    /// A running turn was sent more input, or refused it.
    TurnSteer(TurnSteerEvent) = "codex_turn_steer_event", "Steer", [thread_id: thread_id, turn_id: expected_turn_id];
    /// A command ended.
    CommandExecution(CommandExecutionEvent) = "codex_command_execution_event", "Command",
        [thread_id: base.thread_id, turn_id: base.turn_id, item_id: base.item_id];
    /// A patch ended.
    FileChange(FileChangeEvent) = "codex_file_change_event", "File change",
        [thread_id: base.thread_id, turn_id: base.turn_id, item_id: base.item_id];
    /// A call of an MCP tool ended.
    McpToolCall(McpToolCallEvent) = "codex_mcp_tool_call_event", "MCP tool",
        [thread_id: base.thread_id, turn_id: base.turn_id, item_id: base.item_id];
    /// A call of a client's tool ended.
    DynamicToolCall(DynamicToolCallEvent) = "codex_dynamic_tool_call_event", "Client tool",
        [thread_id: base.thread_id, turn_id: base.turn_id, item_id: base.item_id];
    /// A call of a collaboration tool ended.
    CollabAgentToolCall(CollabAgentToolCallEvent) = "codex_collab_agent_tool_call_event", "Agent tool",
        [thread_id: base.thread_id, turn_id: base.turn_id, item_id: base.item_id];
    /// A web search ended.
    WebSearch(WebSearchEvent) = "codex_web_search_event", "Web search",
        [thread_id: base.thread_id, turn_id: base.turn_id, item_id: base.item_id];
    /// An image was generated.
    ImageGeneration(ImageGenerationEvent) = "codex_image_generation_event", "Image",
        [thread_id: base.thread_id, turn_id: base.turn_id, item_id: base.item_id];
    /// The user or the automatic reviewer decided.
    Review(ReviewEvent) = "codex_review_event", "Approval",
        [thread_id: thread_id, turn_id: turn_id, item_id: item_id, review_id: review_id];
    /// The details of an automatic review.
    GuardianReview(GuardianReviewEvent) = "codex_guardian_review", "Guardian review",
        [thread_id: thread_id, turn_id: turn_id, item_id: target_item_id, review_id: review_id];
    /// A thread's context was compacted, or was meant to be.
    Compaction(CompactionEvent) = "codex_compaction_event", "Compaction", [thread_id: thread_id, turn_id: turn_id];
    /// The lines that a turn left accepted, as hashes.
    AcceptedLineFingerprints(AcceptedLineFingerprints) = "codex_accepted_line_fingerprints", "Accepted lines",
        [thread_id: thread_id, turn_id: turn_id];
    /// The user named an app.
    AppMentioned(AppEvent) = "codex_app_mentioned", "App mentioned", [thread_id: thread_id, turn_id: turn_id];
    /// An app's tool was called.
    AppUsed(AppEvent) = "codex_app_used", "App used", [thread_id: thread_id, turn_id: turn_id];
    /// The user named a plugin.
    PluginUsed(PluginUsedEvent) = "codex_plugin_used", "Plugin used", [thread_id: thread_id, turn_id: turn_id];
    /// A plugin was installed.
    PluginInstalled(PluginEvent) = "codex_plugin_installed", "Plugin installed", [];
    /// A plugin was removed.
    PluginUninstalled(PluginEvent) = "codex_plugin_uninstalled", "Plugin uninstalled", [];
    /// A plugin was turned on.
    PluginEnabled(PluginEvent) = "codex_plugin_enabled", "Plugin enabled", [];
    /// A plugin was turned off.
    PluginDisabled(PluginEvent) = "codex_plugin_disabled", "Plugin disabled", [];
    /// A hook ran.
    HookRun(HookRunEvent) = "codex_hook_run", "Hook", [thread_id: thread_id, turn_id: turn_id];
    /// A call of a control tool ended.
    ControlToolCall(ControlToolCallEvent) = "codex_control_tool_call_event", "Control tool",
        [thread_id: base.thread_id, turn_id: base.turn_id, item_id: base.item_id];
    /// A goal was set, worked on or removed.
    Goal(GoalEvent) = "codex_goal_event", "Goal", [thread_id: thread_id, turn_id: turn_id];
    /// A thread was archived, or taken back.
    ThreadArchive(ThreadArchiveEvent) = "codex_thread_archive_event", "Archive", [thread_id: thread_id];
    /// A thread was given a hint.
    ThreadHintStatus(ThreadHintStatusEvent) = "codex_thread_hint_status", "Hint", [thread_id: thread_id];
    /// A plugin could not be installed.
    PluginInstallFailed(PluginInstallFailedEvent) = "codex_plugin_install_failed", "Plugin not installed", [];
    /// The agent suggested that plugins be installed.
    PluginInstallRequested(PluginInstallRequestedEvent) = "codex_plugin_install_requested", "Plugin suggested",
        [thread_id: thread_id, turn_id: turn_id];
    /// A plugin measured something.
    PluginMeasurement(PluginMeasurementEvent) = "codex_plugin_measurement_event", "Measurement",
        [thread_id: call.thread_id, turn_id: call.turn_id, item_id: call.item_id];
    /// A plugin's skill began to make something.
    ArtifactOperation(ArtifactOperationEvent) = "codex_artifact_operation", "Artifact",
        [thread_id: thread_id, turn_id: turn_id, item_id: item_id];
    /// The second version of the automatic reviewer classified an action.
    GuardianV2Classification(GuardianV2ClassificationEvent) = "codex_guardian_v2_classification", "Guardian",
        [thread_id: subject.thread_id, turn_id: subject.turn_id, item_id: subject.item_id];
    /// The second version of the automatic reviewer decided at once.
    GuardianV2FastDecision(GuardianV2FastDecisionEvent) = "codex_guardian_v2_fast_decision", "Guardian decision",
        [thread_id: subject.thread_id, turn_id: subject.turn_id, item_id: subject.item_id];
    /// Settings of one kind were imported from another agent.
    AgentImportCompleted(AgentImportCompletedEvent) = "codex_onboarding_external_agent_import_complete", "Import", [];
    /// Settings of one kind could not be imported from another agent.
    AgentImportFailed(AgentImportFailedEvent) = "codex_onboarding_external_agent_import_failure", "Import failed", [];
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

    /// Whether the event must be alone in its request (`docs/contract/rules.md` 11.7).
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

/// What `event_type` is, for the schema.
#[cfg(feature = "schema")]
const TYPE_DOC: &str = "The kind of event. Source: a constant.";

/// What `event_params` is, for the schema.
#[cfg(feature = "schema")]
const PARAMS_DOC: &str = "What the event says.";

#[cfg(feature = "schema")]
fn event_schema(name: &str, doc: &str, params: schemars::Schema) -> schemars::Schema {
    schemars::json_schema!({
        "description": doc.trim(),
        "type": "object",
        "properties": {
            "event_type": { "const": name, "description": TYPE_DOC },
            "event_params": described(params, PARAMS_DOC)
        },
        "required": ["event_type", "event_params"],
        "additionalProperties": false
    })
}

/// Adds what a person and a join want to know: `x-label`, and in `x-ids` which of the parameters hold [`EventIds`].
#[cfg(feature = "schema")]
fn labelled(mut event: schemars::Schema, label: &str, ids: &[(&str, &str)]) -> schemars::Schema {
    let members = ids.iter().map(|(id, name)| ((*id).into(), (*name).into()));
    event.insert("x-label".into(), label.into());
    event.insert("x-ids".into(), serde_json::Value::Object(members.collect()));
    event
}

#[cfg(feature = "schema")]
fn described(mut schema: schemars::Schema, doc: &str) -> schemars::Schema {
    schema.insert("description".into(), doc.into());
    schema
}
