//! What yielded no event, and why: typed, counted, never silent.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use serde::{Serialize, Serializer};

use crate::fact::FactKind;
use crate::id::{ConnectionId, Id, RequestId};
use crate::read::{Failed, Read, Reader};
use crate::time::UnixMillis;

/// Something that yielded no event although it was meant to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discard {
    /// When it was given up.
    pub at: UnixMillis,
    /// What was given up.
    pub subject: Subject,
    /// Why.
    pub reason: Reason,
    /// Which one.
    pub ids: Ids,
}

/// The ids that tell which thing was discarded, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the id that its name says")]
pub struct Ids {
    pub connection_id: Option<ConnectionId>,
    pub request_id: Option<RequestId>,
    pub thread_id: Option<Id>,
    pub turn_id: Option<Id>,
    pub item_id: Option<Id>,
}

impl Ids {
    pub(crate) fn thread(thread_id: &Id) -> Self {
        Self { thread_id: Some(thread_id.clone()), ..Self::default() }
    }

    pub(crate) fn turn(thread_id: &Id, turn_id: &Id) -> Self {
        Self { turn_id: Some(turn_id.clone()), ..Self::thread(thread_id) }
    }

    pub(crate) fn item(thread_id: &Id, turn_id: &Id, item_id: &Id) -> Self {
        Self { item_id: Some(item_id.clone()), ..Self::turn(thread_id, turn_id) }
    }

    pub(crate) fn request(connection_id: Option<ConnectionId>, request_id: &RequestId) -> Self {
        Self { connection_id, request_id: Some(request_id.clone()), ..Self::default() }
    }
}

/// Declares enums with the text that a person reads.
macro_rules! worded_enums {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Read)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = $text] $variant,)+
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self {
                    $(Self::$variant => $text,)+
                })
            }
        }
    )+};
}

worded_enums! {
    /// What was given up.
    Subject {
        Message = "message",
        Connection = "connection",
        Thread = "thread",
        Turn = "turn",
        Steer = "steer",
        Item = "item",
        Review = "review",
        Request = "request",
        Compaction = "compaction",
        GuardianReview = "guardian review",
        Diff = "diff",
        Skill = "skill",
        Hook = "hook",
        Answer = "answer",
    }

    /// Why something was given up.
    Reason {
        NotJson = "it is not JSON",
        WrongShape = "a member that counts is missing or of the wrong type",
        UnfittingResult = "the result does not fit its request",
        UnknownConnection = "the connection was never initialised",
        UnknownThread = "the thread was never started, resumed or forked",
        ThreadWithoutConnection = "no connection has the thread",
        UnknownTurn = "no such turn is open: it never started, or it is already reported",
        UnknownRequest = "no such request is open",
        UnknownQuestion = "no such question is open",
        NeverStarted = "its start was never seen",
        NegativeTime = "its time is negative",
        NotFinal = "its status is not final",
        UnknownStatus = "its status is not known to this version",
        TooLarge = "it is larger than the limit",
        Interrupted = "the turn was interrupted first",
        NoResolvedConfig = "the turn's settings were never resolved: no model request was made",
        NotCompleted = "the turn has not completed",
        NoStartResponse = "the response to turn/start was never seen",
        NotAnswered = "it was never answered",
        NotCompletedItem = "the item has not completed",
        Evicted = "it made room for others",
        Expired = "it was idle for too long",
    }
}

/// How much went through: messages, facts by kind, events by type, discards by subject and reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Read)]
pub struct Stats {
    /// Messages that were observed.
    pub messages: u64,
    /// Of these, messages of no interest.
    pub irrelevant_messages: u64,
    /// Facts that were reduced.
    pub facts: BTreeMap<FactKind, u64>,
    /// Events that came out, by `event_type`.
    pub events: BTreeMap<alloc::borrow::Cow<'static, str>, u64>,
    /// Discards.
    #[serde(serialize_with = "as_pairs", deserialize_with = "of_pairs")]
    pub discards: BTreeMap<(Subject, Reason), u64>,
}

type Discards = BTreeMap<(Subject, Reason), u64>;

/// JSON has no maps with pairs for keys.
fn as_pairs<S: Serializer>(discards: &Discards, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(discards)
}

fn of_pairs(reader: &mut Reader<'_>) -> Result<Discards, Failed> {
    Vec::read(reader).map(|pairs: Vec<_>| pairs.into_iter().collect())
}

impl Stats {
    /// Adds what another session counted.
    pub fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.irrelevant_messages += other.irrelevant_messages;
        for (kind, count) in &other.facts {
            *self.facts.entry(*kind).or_default() += count;
        }
        for (name, count) in &other.events {
            *self.events.entry(name.clone()).or_default() += count;
        }
        for (key, count) in &other.discards {
            *self.discards.entry(*key).or_default() += count;
        }
    }
}
