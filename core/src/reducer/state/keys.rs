//! What the maps are keyed by.

use crate::capped::Equivalent;
use crate::id::{ConnectionId, Id, RequestId};
use crate::json::read::Read;
use crate::json::write::Write;

/// An item, by its thread, its turn and its own id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Write, Read)]
pub(crate) struct ItemKey {
    pub(crate) thread: Id,
    pub(crate) turn: Id,
    pub(crate) item: Id,
}

/// A borrowed [`ItemKey`].
#[derive(Hash)]
pub(crate) struct ItemRef<'a> {
    pub(crate) thread: &'a Id,
    pub(crate) turn: &'a Id,
    pub(crate) item: &'a Id,
}

impl ItemRef<'_> {
    pub(crate) fn to_owned(&self) -> ItemKey {
        ItemKey { thread: self.thread.clone(), turn: self.turn.clone(), item: self.item.clone() }
    }
}

impl Equivalent<ItemKey> for ItemRef<'_> {
    fn equivalent(&self, key: &ItemKey) -> bool {
        *self.item == key.item && *self.turn == key.turn && *self.thread == key.thread
    }
}

/// A client's request, by its connection and its own id.
pub(crate) type RequestKey = (ConnectionId, RequestId);
