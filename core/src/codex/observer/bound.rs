//! How many bytes an observer's limits amount to.

use alloc::boxed::Box;

use super::catalog::{Install, MAX_CAPABILITIES, MAX_INSTALLS};
use super::inquiries::OpenInquiry;
use super::limits::{MAX_MENTION_BYTES, ObserverLimits};
use super::mentions::{Connector, KnownPlugin, KnownSkill};
use super::state::{Approval, Connection, Pending, PendingTurn};
use super::thread::{MAX_MCP_CALLS, Open, Thread, Turn};
use crate::capped::{Capped, Few};
use crate::codex::goals::KnownGoal;
use crate::codex::settings::Settings;
use crate::id::{ConnectionId, Id, RequestId, TEXT_BYTES, TurnKey};
use crate::private::TextKey;
use crate::protocol::enums::ReasoningEffort;
use crate::protocol::notification::ItemCompleted;
use crate::protocol::sentence::MAX_ERROR_BYTES;

impl ObserverLimits {
    /// The most bytes that an observer of these limits can hold, if each text of each entry is as long as can be.
    pub fn most_bytes(&self) -> u64 {
        let settings = size_of::<Settings>() + 2 * TEXT_BYTES;
        let capabilities = 2 * MAX_CAPABILITIES * (2 * size_of::<Id>() + TEXT_BYTES);
        let calls = 2 * MAX_MCP_CALLS * (size_of::<(Id, Id)>() + 2 * TEXT_BYTES);
        [
            Capped::<ConnectionId, Connection>::most_bytes(self.connections, 2 * TEXT_BYTES),
            Capped::<(ConnectionId, RequestId), Pending>::most_bytes(
                self.requests,
                size_of::<PendingTurn>() + 3 * TEXT_BYTES,
            ),
            // The vectors of mentions have at most twice the room that they need.
            2 * MAX_MENTION_BYTES as u64,
            // Its id stands in its thread as well.
            Capped::<RequestId, Approval>::most_bytes(self.approvals, 2 * size_of::<RequestId>() + 4 * TEXT_BYTES),
            Capped::<Id, Thread>::most_bytes(
                self.threads,
                settings + size_of::<Open>() + size_of::<KnownGoal>() + 4 * TEXT_BYTES,
            ),
            Capped::<TurnKey, Turn>::most_bytes(self.turns, settings + MAX_ERROR_BYTES + 2 * TEXT_BYTES + calls),
            2 * Capped::<TextKey, ConnectionId>::most_bytes(self.repetitions, 0),
            Capped::<TextKey, Connector>::most_bytes(self.repetitions, 2 * TEXT_BYTES),
            Capped::<TextKey, KnownSkill>::most_bytes(self.catalog, TEXT_BYTES),
            Capped::<Id, Option<Id>>::most_bytes(self.catalog, 2 * TEXT_BYTES),
            2 * Capped::<TextKey, Id>::most_bytes(self.catalog, TEXT_BYTES),
            MAX_INSTALLS as u64 * 2 * (size_of::<Install>() + 2 * TEXT_BYTES) as u64,
            Few::<Id, Box<ItemCompleted>>::most_bytes(size_of::<ItemCompleted>() + 8 * TEXT_BYTES),
            Few::<Id, ReasoningEffort>::most_bytes(TEXT_BYTES),
            Few::<Id, (Option<Id>, Id)>::most_bytes(3 * TEXT_BYTES),
            Few::<RequestId, OpenInquiry>::most_bytes(4 * TEXT_BYTES),
            Capped::<Id, KnownPlugin>::most_bytes(self.catalog, capabilities + 2 * TEXT_BYTES),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}
