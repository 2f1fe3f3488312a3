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
    /// The sender has ended: there will be no more trouble.
    Ended,
}
