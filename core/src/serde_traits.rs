//! serde's traits for the types that hosts write and read, by way of their JSON text.
//!
//! `serde_json`'s serialisers and deserialisers take a JSON text as it is; no other can, and neither can a type of the
//! host's that takes one of these in with serde's `flatten`, `untagged` or `tag`: there the text itself is the way.

use crate::batch::{Batch, BatchLimits, Batcher};
use crate::capped::Cap;
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
use crate::observer::ObserverLimits;
use crate::protocol::{approval, input, item, notification, request, thread, turn};
use crate::question::QuestionId;
use crate::time::UnixMillis;
use crate::{read, reducer, write};

macro_rules! through_json_text {
    ($($name:ty),+ $(,)?) => {$(
        /// Writes with the serialisers of `serde_json`, and with no other; not within serde's `flatten`.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                write::serialize(self, serializer)
            }
        }

        /// Reads with the deserialisers of `serde_json`, and with no other; not within serde's `flatten`.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read::deserialize(deserializer)
            }
        }
    )+};
}

// What goes in, and what comes out.
through_json_text! {
    Fact, answer::RepositoryAnswered, answer::SkillAnswered, app::AppMentioned, app::AppUsed, compaction::Compaction,
    guardian::GuardianReview, hook::HookRun, plugin::PluginStateChanged, plugin::PluginUsed, recorded::Initialize,
    recorded::ClientRequestReceived, recorded::ClientResponseSent, recorded::ErrorResponseSent,
    recorded::ServerRequestSent, recorded::ServerResponseReceived, recorded::EffectivePermissionsApprovalResponse,
    recorded::ServerRequestAborted, skill::SkillInvoked, subagent::SubAgentThreadStarted, config::TurnResolvedConfig,
    config::TurnTokenUsage, Event, AcceptedLineFingerprints, Batch, Batcher,
}

// What an app-server has as JSON, or as types of its own.
through_json_text! {
    request::InitializeParams, request::ClientRequest, request::ClientResponse, request::TurnStartResponse,
    request::TurnSteerResponse, approval::ServerRequest, approval::ServerResponse, notification::Notification,
    thread::ThreadResponse, thread::Thread, turn::TurnStartParams, turn::TurnSteerParams, turn::Turn, item::Item,
    input::UserInput,
}

// What a host saves, counts or sets.
through_json_text! {
    BatchLimits, Cap, ObserverLimits, reducer::Limits, DigestValue, Scheme, FactKind, Subject, Reason, Stats, RequestId,
    QuestionId, UnixMillis, RpcTransport,
}
