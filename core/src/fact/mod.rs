//! What goes in: typed facts (contract `facts.md`).
//!
//! An app-server makes them itself; a host that only sees traffic gets them from the
//! [`Observer`](crate::Observer). Facts have a JSON form ([`Fact::from_json`], and serde's traits for `serde_json`), so
//! that a session can be recorded and replayed.

pub mod answer;
pub mod app;
pub mod compaction;
pub mod guardian;
pub mod hook;
pub mod permission;
pub mod plugin;
pub mod protocol;
pub mod skill;
pub mod subagent;
pub mod turn;

use alloc::boxed::Box;

use crate::id::Id;
use crate::protocol::notification::Notification;
use crate::read::{self, Read, ReadError};
use crate::write::Write;
use answer::{RepositoryAnswered, SkillAnswered};
use app::{AppMentioned, AppUsed};
use compaction::Compaction;
use guardian::GuardianReview;
use hook::HookRun;
use plugin::{PluginStateChanged, PluginUsed};
use protocol::{
    ClientRequestReceived, ClientResponseSent, EffectivePermissionsApprovalResponse, ErrorResponseSent, Initialize,
    ServerRequestAborted, ServerRequestSent, ServerResponseReceived,
};
use skill::SkillInvoked;
use subagent::SubAgentThreadStarted;
use turn::{TurnResolvedConfig, TurnTokenUsage};

/// One input of the [`Reducer`](crate::Reducer).
#[derive(Clone, Debug, PartialEq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fact {
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
    /// The host answers a question about a repository.
    RepositoryAnswered(RepositoryAnswered),
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
}

/// Declares the kinds of facts and the map from a fact to its kind.
macro_rules! fact_kinds {
    ($($kind:ident),+ $(,)?) => {
        /// A kind of fact, for counters and discards.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "`Fact` has the docs of each kind")]
        #[non_exhaustive]
        pub enum FactKind {
            $($kind,)+
        }

        impl Fact {
            /// The fact's kind.
            pub fn kind(&self) -> FactKind {
                match self {
                    $(Self::$kind(_) => FactKind::$kind,)+
                }
            }
        }
    };
}

fact_kinds! {
    Initialize, ClientRequest, ClientResponse, ErrorResponse, ServerRequest, ServerResponse,
    EffectivePermissionsApprovalResponse, ServerRequestAborted, Notification, SubAgentThreadStarted, Compaction,
    GuardianReview, TurnResolvedConfig, TurnTokenUsage, SkillInvoked, AppMentioned, AppUsed, HookRun, PluginUsed,
    PluginStateChanged, RepositoryAnswered, SkillAnswered,
}

/// The turn that a custom fact belongs to, and its model.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
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
}
