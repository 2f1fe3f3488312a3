//! How much an observer remembers.

use crate::capped::Cap;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::limits::limits;

/// The most bytes that open requests hold of mentions and of plugins to turn on or off. More is discarded.
pub(super) const MAX_MENTION_BYTES: usize = 16 << 20;

limits! {
    /// How much an observer remembers, and how long it keeps what nobody uses.
    #[derive(Write, Read)]
    pub struct ObserverLimits {
        /// Connections.
        pub connections: Cap,
        /// Requests of clients that were not answered.
        pub requests: Cap,
        /// Requests of the server, answered or not.
        pub approvals: Cap,
        /// Threads.
        pub threads: Cap,
        /// Turns that have not ended.
        pub turns: Cap,
        /// Notifications that another connection may repeat, and what is reported once a turn.
        pub repetitions: Cap,
        /// Skills, apps and plugins that were listed.
        pub catalog: Cap,
    }
}

impl ObserverLimits {
    /// The shortest time that an entry may go unused.
    pub(super) fn idle_ms(&self) -> u64 {
        let Self { connections, requests, approvals, threads, turns, repetitions, catalog } = self;
        [connections, requests, approvals, threads, turns, repetitions, catalog]
            .into_iter()
            .fold(u64::MAX, |least, cap| least.min(cap.idle_ms))
    }
}

impl Default for ObserverLimits {
    fn default() -> Self {
        Self {
            connections: Cap::days(1 << 16, 90),
            requests: Cap::days(1 << 14, 7),
            approvals: Cap::days(1 << 14, 7),
            threads: Cap::days(1 << 20, 90),
            turns: Cap::days(1 << 16, 7),
            repetitions: Cap::days(1 << 15, 7),
            catalog: Cap::days(1 << 12, 90),
        }
    }
}
