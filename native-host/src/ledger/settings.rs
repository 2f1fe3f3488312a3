//! What a host sets that other files of the ledger need.

use turnledger_core::{Discard, Event};

use super::stats::Trouble;

pub(super) type BeforeSend = Box<dyn FnMut(Event) -> Option<Event> + Send>;
pub(super) type OnDiscard = Box<dyn FnMut(&Discard) + Send>;
pub(super) type OnTrouble = Box<dyn FnMut(&Trouble) + Send>;
