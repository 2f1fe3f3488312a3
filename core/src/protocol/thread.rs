//! Threads as their responses and notifications show them (`docs/contract/wire.md` 1.1, 1.2, 1.11, 3.1).

use alloc::string::String;
use alloc::vec::Vec;

use super::enums::{ApprovalsReviewer, ReasoningEffort, ServiceTier, TurnStatus};
use super::known::WireEnum;
use super::policy::{AskForApproval, SandboxPolicy};
use super::turn::CollaborationMode;
use crate::id::Id;
use crate::json::read::{Failed, Names, Read, Reader};
use crate::json::schema::json_schemas;
use crate::json::write::Write;
use crate::private::{HostPath, NonBlank, is_label, is_word};

/// Who started a thread (`thread.threadSource`).
///
/// Newer servers take any word from their client and report it as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThreadSource {
    /// The user.
    User,
    /// Another thread.
    Subagent,
    /// The consolidation of memories.
    MemoryConsolidation,
    /// Another word.
    Other(Id),
    /// A text of more than one word, which is not reported.
    Unknown,
}

impl WireEnum for ThreadSource {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl From<&str> for ThreadSource {
    /// The source of this word of the wire.
    fn from(text: &str) -> Self {
        match text {
            "user" => Self::User,
            "subagent" => Self::Subagent,
            "memory_consolidation" => Self::MemoryConsolidation,
            // As it is written.
            "unknown" => Self::Unknown,
            word if is_word(word) => Self::Other(word.into()),
            _ => Self::Unknown,
        }
    }
}

impl Read<'_> for ThreadSource {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.string().map(|text| Self::from(&*text))
    }
}

impl Write for ThreadSource {
    fn write(&self, text: &mut String) {
        match self {
            Self::User => text.push_str("\"user\""),
            Self::Subagent => text.push_str("\"subagent\""),
            Self::MemoryConsolidation => text.push_str("\"memory_consolidation\""),
            Self::Other(word) => word.write(text),
            Self::Unknown => text.push_str("\"unknown\""),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ThreadSource {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "ThreadSource".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Who started a thread; newer servers take any word from their client.",
            "type": "string",
            "examples": ["user", "subagent", "memory_consolidation"]
        })
    }
}

/// Why the server itself started a thread.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubAgentSource {
    /// A code review.
    Review,
    /// A compaction.
    Compact,
    /// The consolidation of memories.
    MemoryConsolidation,
    /// An agent that another thread spawned.
    ThreadSpawn {
        /// The spawning thread.
        parent_thread_id: Id,
    },
    /// A free label, such as `guardian`.
    Other(Id),
}

impl SubAgentSource {
    /// The name under which events know it (`docs/contract/rules.md` 9.1).
    pub fn name(&self) -> Id {
        match self {
            Self::Review => "review".into(),
            Self::Compact => "compact".into(),
            Self::MemoryConsolidation => "memory_consolidation".into(),
            Self::ThreadSpawn { .. } => "thread_spawn".into(),
            Self::Other(label) => Self::label(label),
        }
    }

    /// A label, or the word for its kind in place of a free text.
    fn label(text: &str) -> Id {
        if is_label(text) { text.into() } else { "other".into() }
    }

    /// The spawning thread, which only a spawned agent's source names.
    pub fn parent_thread_id(&self) -> Option<&Id> {
        match self {
            Self::ThreadSpawn { parent_thread_id } => Some(parent_thread_id),
            _ => None,
        }
    }
}

impl From<&str> for SubAgentSource {
    /// The source of this word of the wire; a word that the protocol does not name is a label.
    fn from(word: &str) -> Self {
        match word {
            "review" => Self::Review,
            "compact" => Self::Compact,
            "memory_consolidation" => Self::MemoryConsolidation,
            other => Self::Other(Self::label(other)),
        }
    }
}

impl Read<'_> for SubAgentSource {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Spawn {
            parent_thread_id: Id,
        }
        if reader.peek()? != b'{' {
            return reader.string().map(|word| Self::from(&*word));
        }
        let mut source = None;
        reader.members(&mut |reader, name| {
            source = Some(match &*name {
                "thread_spawn" => Self::ThreadSpawn { parent_thread_id: Spawn::read(reader)?.parent_thread_id },
                "other" => Self::Other(Self::label(&reader.string()?)),
                other => {
                    reader.skip()?;
                    Self::Other(Self::label(other))
                }
            });
            Ok(())
        })?;
        source.ok_or_else(|| reader.unlike("a source with a name"))
    }
}

/// Where a thread comes from (`thread.source`), as far as events need it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write)]
#[non_exhaustive]
pub enum SessionSource {
    /// Some client: a command line, an editor, a custom one.
    #[default]
    #[serde(rename = "unknown")]
    Client,
    /// The server itself.
    #[serde(rename = "subAgent")]
    SubAgent(SubAgentSource),
}

impl SessionSource {
    /// The server's reason, if the server started the thread.
    pub fn subagent(&self) -> Option<&SubAgentSource> {
        match self {
            Self::SubAgent(source) => Some(source),
            Self::Client => None,
        }
    }
}

impl Read<'_> for SessionSource {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let mut source = Self::Client;
        match reader.peek()? {
            b'{' => reader.object(&Names::new(&["subAgent"]), &mut |reader, _| {
                source = Self::SubAgent(Read::read(reader)?);
                Ok(())
            })?,
            b'"' | b'n' => reader.skip()?,
            _ => return Err(reader.unlike("the source of a thread")),
        }
        Ok(source)
    }
}

/// A thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// The thread's id.
    pub id: Id,
    /// Whether the thread is not stored.
    #[serde(default)]
    pub ephemeral: bool,
    /// When it was created, in Unix seconds.
    #[serde(default)]
    pub created_at: i64,
    /// Where it comes from.
    #[serde(default)]
    pub source: SessionSource,
    /// Who started it.
    #[serde(default)]
    pub thread_source: Option<ThreadSource>,
    /// The session that it belongs to (0.169 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Id>,
    /// What started it: the originator that the server resolved for it (0.143 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator: Option<Id>,
    /// The thread that started it (0.159 and later); before, only a spawned agent's source says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_thread_id: Option<Id>,
    /// The thread whose history it began with.
    #[serde(default)]
    pub forked_from_id: Option<Id>,
    /// Whether its first message is known (never the message).
    #[serde(default)]
    pub preview: Option<NonBlank>,
    /// The turns before now, where the response has them.
    #[serde(default)]
    pub turns: Vec<PastTurn>,
}

/// A turn in a thread's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PastTurn {
    /// The turn's id.
    pub id: Id,
    /// How it ended, or that it still runs.
    pub status: TurnStatus,
    /// When it started, in Unix seconds.
    #[serde(default)]
    pub started_at: Option<i64>,
    /// The kinds of its items.
    #[serde(default)]
    pub items: Vec<PastItem>,
}

/// An item in a thread's history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastItem {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: PastItemKind,
}

/// The one distinction that a history needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PastItemKind {
    /// A message of the user.
    UserMessage,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

/// The response of `thread/start`, `thread/resume` and `thread/fork`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadResponse {
    /// The thread.
    pub thread: Thread,
    /// The model's slug.
    pub model: Id,
    /// The model provider's id.
    #[serde(default)]
    pub model_provider: Option<Id>,
    /// The service tier.
    #[serde(default)]
    pub service_tier: Option<ServiceTier>,
    /// The working directory, for the question about its repository.
    #[serde(default)]
    pub cwd: Option<HostPath>,
    /// When the agent must ask.
    #[serde(default)]
    pub approval_policy: Option<AskForApproval>,
    /// Who reviews approvals.
    #[serde(default)]
    pub approvals_reviewer: Option<ApprovalsReviewer>,
    /// What commands may do.
    #[serde(default)]
    pub sandbox: Option<SandboxPolicy>,
    /// How much the model reasons.
    #[serde(default)]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// The collaboration mode, where a newer version says it.
    #[serde(default)]
    pub collaboration_mode: Option<CollaborationMode>,
    /// Whether the working directory is in a linked worktree of Git, for events of 0.159 and later; no message says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_worktree: Option<bool>,
}

json_schemas! {
    SubAgentSource: {
        "anyOf": [
            { "type": "string" },
            {
                "description": "An agent that another thread spawned.",
                "type": "object",
                "properties": {
                    "thread_spawn": {
                        "type": "object",
                        "properties": {
                            "parent_thread_id": { "description": "The spawning thread.", "type": "string" }
                        },
                        "required": ["parent_thread_id"]
                    }
                },
                "required": ["thread_spawn"]
            },
            {
                "description": "A free label, such as `guardian`.",
                "type": "object",
                "properties": { "other": { "type": "string" } },
                "required": ["other"]
            }
        ]
    },
    SessionSource: {
        "anyOf": [
            { "type": "string" },
            {
                "description": "The server itself started the thread, and why.",
                "type": "object",
                "properties": { "subAgent": {} }
            }
        ]
    },
}

#[cfg(test)]
mod tests {
    use super::{PastItemKind, SessionSource, SubAgentSource, ThreadResponse, ThreadSource};

    #[test]
    fn a_thread_source_is_read_as_it_was_written() {
        for text in ["user", "subagent", "memory_consolidation", "custom_word", "unknown", "us r", ""] {
            let source = ThreadSource::from(text);
            let written = crate::json::write::to_string(&source);
            assert_eq!(crate::json::read::from_str::<ThreadSource>(&written), Ok(source), "{text:?}");
        }
    }

    /// Every form of `docs/contract/wire.md` 1.1 and 1.2.
    #[test]
    fn sources() {
        for (json, expected) in [
            ("null", SessionSource::Client),
            ("\"vscode\"", SessionSource::Client),
            (r#"{"custom":"x"}"#, SessionSource::Client),
            (r#"{"subAgent":"review"}"#, SessionSource::SubAgent(SubAgentSource::Review)),
            (r#"{"subAgent":"compact"}"#, SessionSource::SubAgent(SubAgentSource::Compact)),
            (r#"{"subAgent":"memory_consolidation"}"#, SessionSource::SubAgent(SubAgentSource::MemoryConsolidation)),
            (r#"{"subAgent":{"other":"guardian"}}"#, SessionSource::SubAgent(SubAgentSource::Other("guardian".into()))),
            (
                r#"{"subAgent":{"thread_spawn":{"parent_thread_id":"p","depth":1,"agent_nickname":"Ada"}}}"#,
                SessionSource::SubAgent(SubAgentSource::ThreadSpawn { parent_thread_id: "p".into() }),
            ),
        ] {
            let source: SessionSource = crate::json::read::from_str(json).unwrap();
            assert_eq!(source, expected, "{json}");
            let written = crate::json::write::to_string(&source);
            assert_eq!(crate::json::read::from_str::<SessionSource>(&written).unwrap(), expected);
        }
    }

    #[test]
    fn a_response_with_only_what_analytics_reads() {
        let response: ThreadResponse = crate::json::read::from_str(
            r#"{"thread":{"id":"t","turns":[{"id":"u","status":"completed","items":[{"type":"userMessage","content":["secret"]},{"type":"plan"}]}]},"model":"m"}"#,
        )
        .unwrap();
        let kinds: alloc::vec::Vec<_> = response.thread.turns[0].items.iter().map(|item| item.kind).collect();
        assert_eq!(kinds, [PastItemKind::UserMessage, PastItemKind::Other]);
        assert_eq!(response.model, "m".into());
    }
}
