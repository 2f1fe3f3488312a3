//! What a ledger counts, and what it says at the end.

use turnledger_core::Stats;

use crate::store::Waiting;

/// How much went through a ledger, and what is still there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerStats {
    /// What the core counted: facts, events, discards by reason.
    pub core: Stats,
    /// Facts and messages in the queue now.
    pub queued: u64,
    /// Facts and messages that were dropped, because the queue was full or the worker has ended.
    pub dropped: u64,
    /// Messages of no interest and repeated uses, which never came into the queue.
    pub filtered: u64,
    /// Events that `before_send` held back.
    pub vetoed: u64,
    /// Events that the server took.
    pub delivered: u64,
    /// Events that were not uploaded because the user's mode does not use the backend.
    pub not_backend: u64,
    /// Events that had to go because too much waited, or for too long.
    pub evicted: u64,
    /// Events that wait, with their bytes, and events that the server refused for good.
    pub waiting: Waiting,
    /// Requests that the server took.
    pub requests_delivered: u64,
    /// Requests that failed and are tried again.
    pub requests_failed: u64,
    /// Requests that the server refused for good.
    pub requests_refused: u64,
    /// Bytes of bodies that the server took, before any packing.
    pub bytes_delivered: u64,
    /// What went wrong with the spool, if anything: events wait in memory since.
    pub spool_problem: Option<String>,
}

/// What came of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// The ledger does nothing.
    Nothing,
    /// Everything that was taken is reduced and stored. Of the events some are delivered, by this flush,
    /// and others wait.
    Stored {
        /// Events that this flush delivered.
        delivered: u64,
        /// Events that still wait.
        waiting: u64,
    },
    /// There was not enough time.
    TimedOut,
    /// The worker had ended before.
    Ended,
}

impl Flushed {
    /// Whether the worker has answered.
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Stored { .. })
    }
}
