//! What yielded no event, and why. Discards are typed and counted. `docs/contract/discards.md` says how to mend each.

mod ids;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::fact::FactKind;
use crate::id::{ConnectionId, Id, RequestId};
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::{self, Write};
use crate::time::UnixMillis;
use crate::unknown::Unknown;

/// Something that should have yielded an event and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

impl Discard {
    /// The discard as JSON, for hosts in other languages: `at`, `subject`, `reason`, a sentence as `text`, and those of
    /// `connectionId`, `requestId`, `threadId`, `turnId`, `itemId` that are known.
    pub fn to_json(&self) -> String {
        #[derive(Write)]
        struct Form<'a> {
            at: UnixMillis,
            subject: Subject,
            reason: Reason,
            text: String,
            #[serde(flatten)]
            ids: &'a Ids,
        }
        let Self { at, subject, reason, ids } = self;
        let text = alloc::format!("no event ({subject}): {reason}");
        write::to_string(&Form { at: *at, subject: *subject, reason: *reason, text, ids })
    }
}

/// The ids that tell which thing was discarded, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is the id that its name says")]
#[non_exhaustive]
pub struct Ids {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<ConnectionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = $text] $variant,)+
        }

        impl $name {
            /// Each of them, in the order in which they are declared.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
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
        App = "app",
        Plugin = "plugin",
        Goal = "goal",
        Import = "import",
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
        UnknownMarketplace = "the name of the plugin's marketplace was never told",
        NeverStarted = "its start was never seen",
        NegativeTime = "its time is negative",
        NotFinal = "its status is not final",
        UnknownStatus = "its status is not known to this version",
        TooLarge = "it is larger than the limit",
        LongId = "one of its ids is longer than 250 bytes",
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

/// How much went through: messages, facts by kind, events by type, discards by subject and reason, and what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[non_exhaustive]
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
    #[json(write_with = "as_pairs", read_with = "of_pairs")]
    pub discards: BTreeMap<(Subject, Reason), u64>,
    /// What was seen and is not known to this version; in JSON an array of kind, name and count, absent if empty.
    #[serde(default, skip_serializing_if = "Unknown::is_empty")]
    pub unknown: Unknown,
}

type Discards = BTreeMap<(Subject, Reason), u64>;

/// JSON has no maps with pairs for keys.
fn as_pairs(discards: &Discards, text: &mut String) {
    discards.iter().collect::<Vec<_>>().write(text);
}

fn of_pairs(reader: &mut Reader<'_>) -> Result<Discards, Failed> {
    let mut discards = Discards::new();
    // Collecting would sort, which is more code.
    for (key, count) in Vec::read(reader)? {
        discards.insert(key, count);
    }
    Ok(discards)
}

impl Stats {
    /// The counters as JSON, for hosts in other languages: discards are pairs of subject and reason with their count.
    pub fn to_json(&self) -> String {
        write::to_string(self)
    }

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
        self.unknown.add(&other.unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::{Discard, Ids, Reason, Stats, Subject};
    use crate::fact::FactKind;
    use crate::time::UnixMillis;
    use crate::unknown::{Unknown, UnknownKind};

    #[test]
    fn discards_for_other_languages() {
        let ids = Ids { connection_id: Some(1.into()), ..Ids::item(&"t".into(), &"u".into(), &"i".into()) };
        let discard = Discard { at: UnixMillis(7), subject: Subject::Item, reason: Reason::Evicted, ids };
        assert_eq!(
            discard.to_json(),
            r#"{"at":7,"subject":"item","reason":"evicted","text":"no event (item): it made room for others","connectionId":1,"threadId":"t","turnId":"u","itemId":"i"}"#
        );
    }

    #[test]
    fn counters_add_up_and_come_back() {
        let stats = |factor: u64| Stats {
            messages: 5 * factor,
            irrelevant_messages: 2 * factor,
            facts: [(FactKind::Compaction, 3 * factor)].into(),
            events: [("codex_hook_run".into(), 4 * factor)].into(),
            discards: [((Subject::Item, Reason::Evicted), 6 * factor)].into(),
            unknown: {
                let mut unknown = Unknown::default();
                unknown.count(UnknownKind::Item, "imageView", 7 * factor);
                unknown
            },
        };
        let mut sum = Stats::default();
        sum.add(&stats(1));
        sum.add(&stats(10));
        assert_eq!(sum, stats(11));
        let json = sum.to_json();
        assert_eq!(crate::json::read::from_str::<Stats>(&json), Ok(sum));
        assert_eq!(
            json,
            r#"{"messages":55,"irrelevant_messages":22,"facts":{"compaction":33},"events":{"codex_hook_run":44},"discards":[[["item","evicted"],66]],"unknown":[["item","imageView",77]]}"#
        );
    }
}
