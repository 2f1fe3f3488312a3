//! Items that have not completed.

use crate::event::tool::ReviewSummary;
use crate::read::Read;
use crate::write::Write;

/// What is known of an item that has not completed.
#[derive(Clone, Debug, Default, Write, Read)]
pub(crate) struct ItemState {
    /// Unix milliseconds; `None` for an item that has only reviews so far.
    pub(crate) started_at_ms: Option<u64>,
    pub(crate) reviews: ReviewSummary,
    pub(crate) requested_additional_permissions: bool,
    pub(crate) requested_network_access: bool,
}
