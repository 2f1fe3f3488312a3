//! What the ledger's threads tell the thread of the hooks.

use crossbeam_channel::Sender;
use turnledger_core::{Discard, Event, Fact, Question, UnixMillis};

use super::queue::Flush;
use super::stats::Trouble;
use crate::delivery::account::Login;

/// What says in which repository a thread works.
pub(super) enum Note {
    Asked(UnixMillis, Question),
    Told(Fact),
}

/// What passes the hooks, in order.
pub(super) enum Passing {
    Event {
        at: UnixMillis,
        login: Login,
        event: Event,
        bytes: u64,
    },
    Discard(Discard),
    Note(Box<Note>),
    Trouble(Trouble),
    Sync(Sender<()>),
    Flush(Flush),
    /// Sending has ended for this flush.
    Sent {
        delivered: u64,
        reply: Sender<u64>,
    },
    /// There will be no more trouble.
    Ended,
}
