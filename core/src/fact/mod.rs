//! What goes in: typed facts (`docs/contract/facts.md`).
//!
//! An app-server makes them itself. A host that only sees messages gets them from the [`Observer`](crate::Observer).
//! Facts have a JSON form, so that a session can be recorded and replayed. [`Fact::from_json`] or `serde_json` reads
//! it; only [`Fact::to_private_json`] writes it.
//!
//! A fact is made by its constructor or its `Default`, and the members that are known are set: by a literal that ends in
//! `..TurnResolvedConfig::default()` or `..SkillUse::new(…)`, or one by one. A literal that names every member is possible,
//! and does not compile any more when a later version adds a member.
//!
//! **A written fact holds more than any event.** The core needs it for hashes and questions: a turn's whole diff
//! (`turn/diff/updated`), the working directories of a thread and of a turn, the places of skills, the paths of a
//! permission profile, and a remote's URL as Git has it, which may hold a password. No fact holds a prompt, a command
//! line, a tool's output or an error's free text: the types have no field for them. Facts are never uploaded. Protect
//! facts on disk like the session itself.

#![expect(
    clippy::exhaustive_structs,
    reason = "an app-server makes facts by literals that end in `..default()` or `..new(…)`, which a new member leaves whole"
)]

pub mod answer;
pub mod app;
pub mod archive;
pub mod artifact;
pub mod calls;
pub mod compaction;
pub mod directories;
pub mod goal;
pub mod guardian;
pub mod guardian_v2;
pub mod hook;
pub mod onboarding;
pub mod opened;
pub mod permission;
pub mod plugin;
pub mod protocol;
pub mod skill;
pub mod steered;
pub mod subagent;
pub mod turn;

use alloc::boxed::Box;

use crate::id::Id;
use crate::json::read::{self, Read, ReadError};
use crate::json::write::{self, Write};
use crate::private::PrivateJson;
use crate::protocol::notification::Notification;
use answer::{RepositoryAnswered, SkillAnswered, WorktreeAnswered};
use app::{AppMentioned, AppUsed};
use archive::{ThreadArchived, ThreadHinted};
use artifact::ArtifactOperated;
use calls::{CodeCall, McpElicited, ModelResponded};
use compaction::Compaction;
use directories::DirectoriesNamed;
use goal::GoalChanged;
use guardian::GuardianReview;
use guardian_v2::{GuardianV2Classified, GuardianV2Decided};
use hook::HookRun;
use onboarding::{AgentImportCompleted, AgentImportFailed};
use opened::{SourceOpened, ThreadOpened};
use plugin::{PluginInstallFailed, PluginInstallRequested, PluginMeasured, PluginStateChanged, PluginUsed};
use protocol::{
    ClientRequestReceived, ClientResponseSent, EffectivePermissionsApprovalResponse, ErrorResponseSent, Initialize,
    ServerRequestAborted, ServerRequestSent, ServerResponseReceived,
};
use skill::SkillInvoked;
use steered::TurnSteered;
use subagent::SubAgentThreadStarted;
use turn::{TurnErrorKind, TurnInterrupted, TurnProfiled, TurnResolvedConfig, TurnTokenUsage};

/// Declares the facts: what goes in, its kind, and how each is made from its content.
macro_rules! facts {
    ($($(#[$meta:meta])* $kind:ident($($content:tt)+),)+) => {
        /// One input of the [`Reducer`](crate::Reducer).
        #[derive(Clone, Debug, PartialEq, Write, Read)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Fact {
            $($(#[$meta])* $kind($($content)+),)+
        }

        /// A kind of fact, for counters and discards.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum FactKind {
            $($(#[$meta])* $kind,)+
        }

        impl Fact {
            /// The fact's kind.
            pub fn kind(&self) -> FactKind {
                match self {
                    $(Self::$kind(_) => FactKind::$kind,)+
                }
            }
        }

        $(from! { $kind($($content)+) })+
    };
}

/// A fact is made from its content, which it may keep in a box.
macro_rules! from {
    ($kind:ident(Box<$content:ty>)) => {
        impl From<$content> for Fact {
            fn from(content: $content) -> Self {
                Self::$kind(Box::new(content))
            }
        }
    };
    ($kind:ident($content:ty)) => {
        impl From<$content> for Fact {
            fn from(content: $content) -> Self {
                Self::$kind(content)
            }
        }
    };
}

facts! {
    /// A connection was initialised.
    Initialize(Box<Initialize>),
    /// A client's request is about to be dispatched.
    ClientRequest(ClientRequestReceived),
    /// A request succeeded.
    ClientResponse(ClientResponseSent),
    /// A `turn/start` or `turn/steer` failed.
    ErrorResponse(ErrorResponseSent),
    /// The server asked a client.
    ServerRequest(ServerRequestSent),
    /// A client answered.
    ServerResponse(ServerResponseReceived),
    /// A request for permissions was answered, and this is what was really granted.
    EffectivePermissionsApprovalResponse(EffectivePermissionsApprovalResponse),
    /// A server request will not be answered any more.
    ServerRequestAborted(ServerRequestAborted),
    /// The server emitted a notification.
    Notification(Notification),
    /// The server itself started a thread.
    SubAgentThreadStarted(Box<SubAgentThreadStarted>),
    /// A compaction was attempted.
    Compaction(Box<Compaction>),
    /// An automatic review ended.
    GuardianReview(Box<GuardianReview>),
    /// A turn's settings were resolved.
    TurnResolvedConfig(Box<TurnResolvedConfig>),
    /// A turn's use of tokens is known.
    TurnTokenUsage(TurnTokenUsage),
    /// What a turn's time went into is known.
    TurnProfiled(Box<TurnProfiled>),
    /// A client interrupted a turn.
    TurnInterrupted(TurnInterrupted),
    /// The kind of error that ended a turn is known.
    TurnErrorKind(TurnErrorKind),
    /// Skills were used.
    SkillInvoked(SkillInvoked),
    /// The user named apps.
    AppMentioned(AppMentioned),
    /// An app's tool was called.
    AppUsed(AppUsed),
    /// A hook ran.
    HookRun(HookRun),
    /// The user named a plugin.
    PluginUsed(Box<PluginUsed>),
    /// A plugin was installed, removed, turned on or turned off.
    PluginStateChanged(PluginStateChanged),
    /// A goal was set, worked on or removed.
    GoalChanged(Box<GoalChanged>),
    /// A thread was archived, or taken back.
    ThreadArchived(ThreadArchived),
    /// A thread was given a hint.
    ThreadHinted(ThreadHinted),
    /// A plugin could not be installed.
    PluginInstallFailed(Box<PluginInstallFailed>),
    /// The agent suggested that plugins be installed.
    PluginInstallRequested(Box<PluginInstallRequested>),
    /// A plugin measured something.
    PluginMeasured(Box<PluginMeasured>),
    /// A plugin's skill began to make something.
    ArtifactOperated(Box<ArtifactOperated>),
    /// The second version of the automatic reviewer classified an action.
    GuardianV2Classified(Box<GuardianV2Classified>),
    /// The second version of the automatic reviewer decided at once.
    GuardianV2Decided(Box<GuardianV2Decided>),
    /// Settings of one kind were imported from another agent.
    AgentImportCompleted(Box<AgentImportCompleted>),
    /// Settings of one kind could not be imported from another agent.
    AgentImportFailed(Box<AgentImportFailed>),
    /// A request to the model completed, and asked for calls.
    ModelResponded(ModelResponded),
    /// A call has to do with a cell of code.
    CodeCall(CodeCall),
    /// The user was asked something in the course of an MCP call.
    McpElicited(McpElicited),
    /// A file tells who ran.
    SourceOpened(Box<SourceOpened>),
    /// A thread was opened, by nobody's request.
    ThreadOpened(Box<ThreadOpened>),
    /// A running turn took more input, by nobody's request.
    TurnSteered(TurnSteered),
    /// A thread works in these directories.
    DirectoriesNamed(DirectoriesNamed),
    /// The host answers a question about a repository.
    RepositoryAnswered(RepositoryAnswered),
    /// The host answers a question about a worktree.
    WorktreeAnswered(WorktreeAnswered),
    /// The host answers a question about a skill's place.
    SkillAnswered(SkillAnswered),
}

impl Fact {
    /// Reads a fact from its JSON text, as serde would, but with less code.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the text is no JSON, or no fact.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        read::from_str(text)
    }

    /// How many bytes of text it holds, for a host that bounds what waits: that of a diff exactly, of anything else as
    /// JSON.
    pub fn text_bytes(&self) -> u64 {
        let bytes = match self {
            Self::Notification(Notification::TurnDiffUpdated(updated)) => {
                updated.diff.expose().len() + updated.thread_id.len() + updated.turn_id.len()
            }
            fact => write::to_string(fact).len(),
        };
        bytes as u64
    }

    /// The fact's JSON text, which [`from_json`](Self::from_json) reads. It may hold a diff, a working directory, other
    /// paths and a remote's URL ([the list](self)): it stays on the machine, where nobody else reads it.
    pub fn to_private_json(&self) -> PrivateJson {
        PrivateJson::new(write::to_string(self))
    }
}

/// The turn that a custom fact belongs to, and its model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tracking {
    /// The model's slug; an observer may not know it.
    #[serde(default)]
    pub model_slug: Option<Id>,
    /// The thread.
    pub thread_id: Id,
    /// The turn; an observer may not know it.
    #[serde(default)]
    pub turn_id: Option<Id>,
    /// What started the thread, where the host says it (0.143 and later); else what the thread's response says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_client_id: Option<Id>,
}

impl Tracking {
    /// A turn of a thread, with a model that is not known unless it is set.
    pub fn new(thread_id: impl Into<Id>, turn_id: impl Into<Id>) -> Self {
        Self { thread_id: thread_id.into(), turn_id: Some(turn_id.into()), ..Self::default() }
    }
}
