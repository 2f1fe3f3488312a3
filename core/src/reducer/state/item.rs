//! Items that have not completed.

use alloc::boxed::Box;

use crate::event::tool::{ElicitationType, ReviewSummary};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::notification::ItemContext;

/// What is known of an item that has not completed.
#[derive(Clone, Debug, Default, Write, Read)]
pub(crate) struct ItemState {
    /// Unix milliseconds; `None` for an item that has only reviews so far.
    pub(crate) started_at_ms: Option<u64>,
    pub(crate) reviews: ReviewSummary,
    pub(crate) requested_additional_permissions: bool,
    pub(crate) requested_network_access: bool,
    /// What the user was asked in its course.
    #[serde(default)]
    pub(crate) elicitation_type: Option<ElicitationType>,
    /// What only 0.169 and later report.
    #[serde(default)]
    pub(crate) newer: Option<Box<NewerItem>>,
}

/// What only 0.169 and later report of an item.
#[derive(Clone, Debug, Default, Write, Read)]
#[serde(default)]
pub(crate) struct NewerItem {
    /// The settings under which it runs.
    pub(crate) context: ItemContext,
    /// The turn with which its turn's chain began.
    pub(crate) root_turn_id: Option<Id>,
}
