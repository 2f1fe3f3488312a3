//! What the ledger's threads tell the thread of the hooks.

use crossbeam_channel::Sender;
use turnledger_core::{Discard, Event, UnixMillis};

use super::queue::Flush;
use super::stats::Trouble;
use crate::delivery::account::Login;

/// What passes the hooks, in order.
pub(super) enum Passing {
    Event {
        at: UnixMillis,
        login: Login,
        event: Event,
        bytes: u64,
    },
    Discard(Discard),
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
