//! What made tool calls, as far as a host says it.

use crate::event::tool::{ElicitationType, ToolBase};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::item::Item;
use crate::protocol::notification::ItemContext;

/// What made a call.
#[derive(Clone, Debug, Default, Write, Read)]
pub(crate) struct Call {
    /// The model's response that asked for it.
    pub(crate) response_id: Option<Id>,
    /// The cell of code that it runs, or whose code made it.
    pub(crate) cell_id: Option<Id>,
    /// Whether code made it.
    pub(crate) is_made_by_cell: bool,
}

/// A call that has ended, and whose event waits for the model's next response.
#[derive(Clone, Debug, Write, Read)]
pub(crate) struct WaitingCall {
    pub(crate) base: ToolBase,
    pub(crate) item: Item,
    pub(crate) settings: Option<ItemContext>,
    pub(crate) elicitation_type: Option<ElicitationType>,
}

impl WaitingCall {
    /// The response that asked for it, or for the cell that made it.
    pub(crate) fn response_id(&self) -> Option<&Id> {
        self.base.origin.get()?.originating_response_id.as_ref()
    }

    /// The turn's next response came.
    pub(crate) fn followed_by(&mut self, response_id: &Id) {
        if let Some(origin) = self.base.origin.get_mut() {
            origin.subsequent_response_id = Some(response_id.clone());
        }
    }
}
