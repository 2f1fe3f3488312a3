//! How much state a reducer holds.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::{
    Call, Connection, ItemKey, ItemState, ParkedSkill, PendingRequest, PendingReview, RequestKey, Thread, Turn,
    WaitingCall,
};
use crate::capped::{Cap, Capped, Few};
use crate::digest::DigestValue;
use crate::event::common::{ConnectionContext, Lineage};
use crate::event::thread::ThreadInitialized;
use crate::id::{ConnectionId, Id, MAX_NAME_BYTES, RequestId, TEXT_BYTES, TurnKey};
use crate::json::read::Read;
use crate::json::write::Write;
use crate::limits::limits;
use crate::question::QuestionId;

limits! {
    /// How much state a reducer holds, and how long it keeps what nobody uses.
    #[derive(Write, Read)]
    pub struct Limits {
        /// Connections.
        pub connections: Cap,
        /// Threads.
        pub threads: Cap,
        /// Turns that have not had their event.
        pub turns: Cap,
        /// Items that have not completed.
        pub items: Cap,
        /// Requests of clients that were not answered.
        pub requests: Cap,
        /// Approvals that were not answered.
        pub reviews: Cap,
        /// Questions about repositories, and their answers, which only fingerprints of accepted lines use.
        pub repositories: Cap,
        /// Skills that wait for an answer.
        pub skills: Cap,
        /// Tool calls of which a host says what made them.
        pub calls: Cap,
        /// The most bytes of a diff that is held until its turn ends.
        pub max_diff_bytes: usize,
        /// The most bytes of the diffs of all running turns.
        pub max_held_diff_bytes: usize,
    }
}

impl Limits {
    /// The shortest time that an entry may go unused.
    pub(crate) fn idle_ms(&self) -> u64 {
        let Self { connections, threads, turns, items, requests, reviews, repositories, skills, calls, .. } = self;
        [connections, threads, turns, items, requests, reviews, repositories, skills, calls]
            .into_iter()
            .fold(u64::MAX, |least, cap| least.min(cap.idle_ms))
    }
}

impl Limits {
    /// The most bytes that a reducer with these limits can hold, with every text at its longest.
    pub fn most_bytes(&self) -> u64 {
        // Shared values are also held as JSON text, where a text can take six times its bytes.
        let context = size_of::<ConnectionContext>() + 1024 + 7 * (TEXT_BYTES + 6 * MAX_NAME_BYTES);
        // One of its three texts is a word of at most 64 bytes.
        let lineage = size_of::<Lineage>() + 512 + TEXT_BYTES + 2 * (TEXT_BYTES + 6 * MAX_NAME_BYTES);
        let hash = size_of::<DigestValue>() + 32;
        [
            Capped::<ConnectionId, Connection>::most_bytes(self.connections, context),
            Capped::<Id, Thread>::most_bytes(self.threads, lineage + TEXT_BYTES),
            Capped::<TurnKey, Turn>::most_bytes(self.turns, 5 * TEXT_BYTES),
            Capped::<ItemKey, ItemState>::most_bytes(self.items, 3 * TEXT_BYTES),
            Capped::<RequestKey, PendingRequest>::most_bytes(self.requests, 3 * TEXT_BYTES),
            Capped::<RequestId, PendingReview>::most_bytes(self.reviews, 5 * TEXT_BYTES),
            Capped::<QuestionId, Option<Arc<DigestValue>>>::most_bytes(self.repositories, hash),
            Capped::<QuestionId, ParkedSkill>::most_bytes(self.skills, 5 * TEXT_BYTES),
            Few::<QuestionId, Box<ThreadInitialized>>::most_bytes(size_of::<ThreadInitialized>() + context + lineage),
            Capped::<ItemKey, Call>::most_bytes(self.calls, 5 * TEXT_BYTES),
            Few::<ItemKey, Id>::most_bytes(4 * TEXT_BYTES),
            // Of an agent's call, which has most, the receivers.
            Few::<ItemKey, WaitingCall>::most_bytes(300 * (size_of::<Id>() + TEXT_BYTES)),
            self.max_held_diff_bytes as u64,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: Cap::days(1 << 16, 90),
            threads: Cap::days(1 << 20, 90),
            turns: Cap::days(1 << 16, 7),
            items: Cap::days(1 << 16, 7),
            requests: Cap::days(1 << 14, 7),
            reviews: Cap::days(1 << 14, 7),
            repositories: Cap::days(1 << 20, 90),
            skills: Cap::days(1 << 12, 7),
            calls: Cap::days(1 << 12, 7),
            max_diff_bytes: 16 << 20,
            max_held_diff_bytes: 256 << 20,
        }
    }
}
