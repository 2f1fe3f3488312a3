//! serde's traits for the types that hosts write and read, through their JSON text.
//!
//! They work with every self-describing format, and within serde's `flatten`, `untagged` and `tag`. A deserialiser of
//! `serde_json` hands over its text as it stands; any other goes through a tree of values.

use crate::batch::{Batch, BatchLimits, Batcher};
use crate::capped::Cap;
use crate::codex::observer::ObserverLimits;
use crate::digest::{DigestValue, Scheme};
use crate::discard::{Reason, Stats, Subject};
use crate::event::Event;
use crate::event::accepted_lines::AcceptedLineFingerprints;
use crate::event::common::RpcTransport;
use crate::fact::{
    Fact, FactKind, answer, app, compaction, guardian, hook, plugin, protocol as recorded, skill, subagent,
    turn as config,
};
use crate::id::RequestId;
use crate::protocol::{approval, input, item, notification, request, thread, turn};
use crate::question::QuestionId;
use crate::time::UnixMillis;
use crate::{reducer, transcode};

macro_rules! through_json_text {
    ($($name:ty),+ $(,)?) => {
        read_through_json_text! { $($name),+ }
        $(
        /// Writes what its JSON text says, in any format.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                transcode::serialize(self, serializer)
            }
        }
    )+};
}

macro_rules! read_through_json_text {
    ($($name:ty),+ $(,)?) => {$(
        /// Reads what its JSON text says, in any self-describing format.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                transcode::deserialize(deserializer)
            }
        }
    )+};
}

// What holds a diff, a path or the URL of a remote is written by `Fact::to_private_json` alone.
read_through_json_text! {
    Fact, answer::RepositoryAnswered, answer::SkillAnswered, answer::WorktreeAnswered, recorded::ClientRequestReceived,
    recorded::ClientResponseSent, skill::SkillInvoked, config::TurnResolvedConfig, request::ClientRequest,
    request::ClientResponse, notification::Notification, thread::ThreadResponse, turn::TurnStartParams,
    turn::TurnSteerParams, input::UserInput,
}

// What goes in, and what comes out.
through_json_text! {
    app::AppMentioned, app::AppUsed, compaction::Compaction, guardian::GuardianReview, hook::HookRun,
    plugin::PluginStateChanged, plugin::PluginUsed, recorded::Initialize, recorded::ErrorResponseSent,
    recorded::ServerRequestSent, recorded::ServerResponseReceived, recorded::EffectivePermissionsApprovalResponse,
    recorded::ServerRequestAborted, subagent::SubAgentThreadStarted, config::TurnTokenUsage, Event,
    AcceptedLineFingerprints, Batch, Batcher,
}

// What an app-server has as JSON, or as types of its own.
through_json_text! {
    request::InitializeParams, request::TurnStartResponse, request::TurnSteerResponse, approval::ServerRequest,
    approval::ServerResponse, thread::Thread, turn::Turn, item::Item,
}

// What a host saves, counts or sets.
through_json_text! {
    BatchLimits, Cap, ObserverLimits, reducer::Limits, DigestValue, Scheme, FactKind, Subject, Reason, Stats, RequestId,
    QuestionId, UnixMillis, RpcTransport,
}
