//! What made tool calls, and calls that wait for the model's next response (`docs/contract/rules.md` 6.6).

use super::Reducer;
use super::state::{Call, ItemKey, ItemRef, State, WaitingCall};
use crate::digest::Digest;
use crate::event::tool::{ToolEventType, ToolOrigin};
use crate::fact::calls::{CodeCall, CodeCallRole, McpElicited, ModelResponded};
use crate::id::Id;
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    /// A request to the model completed: calls that an earlier response asked for wait no longer.
    pub(super) fn model_responded(&mut self, fact: ModelResponded, output: &mut Output) {
        let ModelResponded { thread_id, turn_id, response_id, call_ids } = fact;
        self.state.turn_or_new(&thread_id, &turn_id, output).has_responses = true;
        let is_ready = |key: &ItemKey, call: &WaitingCall| {
            key.turn == turn_id && key.thread == thread_id && call.response_id() != Some(&response_id)
        };
        for mut call in self.state.waiting_calls.take_where(is_ready) {
            call.followed_by(&response_id);
            self.call_ended(call, output);
        }
        for item in &call_ids {
            let key = ItemRef { thread: &thread_id, turn: &turn_id, item };
            self.state.call_or_new(&key).response_id.get_or_insert_with(|| response_id.clone());
        }
    }

    pub(super) fn code_called(&mut self, fact: CodeCall) {
        let CodeCall { thread_id, turn_id, call_id, cell_id, role } = fact;
        let call = self.state.call_or_new(&ItemRef { thread: &thread_id, turn: &turn_id, item: &call_id });
        if call.cell_id.is_some() {
            return;
        }
        call.cell_id = Some(cell_id.clone());
        call.is_made_by_cell = role == CodeCallRole::MadeByCell;
        if role == CodeCallRole::RunsCell {
            let cell = ItemKey { thread: thread_id, turn: turn_id, item: cell_id };
            self.state.cells.insert(cell, call_id);
        }
    }

    pub(super) fn mcp_elicited(&mut self, fact: &McpElicited, output: &mut Output) {
        let item = self.item_or_new(&fact.thread_id, &fact.turn_id, &fact.item_id, output);
        item.elicitation_type.get_or_insert(fact.elicitation_type);
    }

    /// A call waits for the next response of its turn.
    pub(super) fn wait_for_response(&mut self, key: ItemKey, call: WaitingCall, output: &mut Output) {
        if let Some(longest_waiting) = self.state.waiting_calls.insert(key, call) {
            self.call_ended(longest_waiting, output);
        }
    }

    /// The turn ends: no response comes any more.
    pub(super) fn release_calls_of_turn(&mut self, thread_id: &Id, turn_id: &Id, output: &mut Output) {
        let of_turn = |key: &ItemKey, _: &WaitingCall| key.turn == *turn_id && key.thread == *thread_id;
        for call in self.state.waiting_calls.take_where(of_turn) {
            self.call_ended(call, output);
        }
    }

    /// The session ends.
    pub(super) fn release_calls(&mut self, output: &mut Output) {
        for call in self.state.waiting_calls.take_where(|_, _| true) {
            self.call_ended(call, output);
        }
    }
}

impl State {
    fn call_or_new(&mut self, key: &ItemRef<'_>) -> &mut Call {
        if !self.calls.contains(key) {
            self.calls.insert(self.now, key.to_owned(), Call::default());
        }
        // It was there or was just inserted, and the cap is at least one.
        self.calls.get_mut(self.now, key).unwrap_or_else(|| unreachable!("the call was just inserted"))
    }

    /// What made a call and whose it was, if a host has said so: the model's if only a response asked for it, code's if
    /// only a cell made it.
    pub(super) fn call_origin(&self, key: &ItemRef<'_>) -> Option<(ToolOrigin, Option<ToolEventType>)> {
        let call = self.calls.peek(key)?;
        let of_turn = |item| ItemRef { thread: key.thread, turn: key.turn, item };
        let cell = call.cell_id.as_ref().map(of_turn);
        let parent = cell.and_then(|cell| self.cells.get(&cell.to_owned())).filter(|parent| *parent != key.item);
        let of_parent = || self.calls.peek(&of_turn(parent?))?.response_id.as_ref();
        let origin = ToolOrigin {
            cell_id: call.cell_id.clone(),
            parent_call_id: parent.cloned(),
            originating_response_id: call.response_id.as_ref().or_else(of_parent).cloned(),
            subsequent_response_id: None,
        };
        let kind = match (&call.response_id, call.is_made_by_cell) {
            (Some(_), false) => Some(ToolEventType::ModelToolCall),
            (None, true) => Some(ToolEventType::InnerToolCall),
            _ => None,
        };
        Some((origin, kind))
    }
}
