//! What the server asks the user in the course of a tool's call (`docs/contract/derived.md` 15).

use alloc::boxed::Box;

use super::{Observer, Step};
use crate::codex::newer::{Inquiry, InquiryAnswer};
use crate::discard::{Ids, Reason, Subject};
use crate::event::tool::ElicitationType;
use crate::fact::Fact;
use crate::fact::calls::McpElicited;
use crate::id::{Id, RequestId};
use crate::json::read::{self, Read};
use crate::json::write::Write;
use crate::protocol::enums::ItemStatus;
use crate::protocol::item::{ControlToolCall, Item};
use crate::protocol::notification::{ItemCompleted, ItemStarted, Notification};

/// What the server asked and was not answered.
#[derive(Clone, Debug, Write, Read)]
pub(super) enum OpenInquiry {
    /// A tool's own question, which is its call.
    UserInput { thread_id: Id, turn_id: Id, item_id: Id },
    /// Whether an MCP call may be made.
    McpCall { thread_id: Id, turn_id: Id, item_id: Id },
}

impl Observer {
    pub(super) fn server_inquired(&mut self, id: RequestId, inquiry: Inquiry, step: &mut Step<'_>) {
        if !self.state.reports_more || self.state.inquiries.get(&id).is_some() {
            step.out.irrelevant = true;
            return;
        }
        let open = match inquiry {
            Inquiry::UserInput(asked) => {
                let (thread_id, turn_id, item_id) = (asked.thread_id, asked.turn_id, asked.item_id);
                if !self.state.dialect(&thread_id).reports_control_tools() {
                    step.out.irrelevant = true;
                    return;
                }
                let at = i64::try_from(step.at.0).unwrap_or(i64::MAX);
                let context = self.context_of_item(&thread_id, &turn_id);
                let item = asks_the_user(item_id.clone(), ItemStatus::InProgress);
                let started = ItemStarted::new(thread_id.clone(), turn_id.clone(), at, item);
                step.notification(Notification::ItemStarted(Box::new(ItemStarted { context, ..started })));
                OpenInquiry::UserInput { thread_id, turn_id, item_id }
            }
            Inquiry::Elicitation(asked) => {
                let thread_id = asked.thread_id;
                let thread = self.state.thread(&thread_id);
                let running = || thread?.open.as_ref()?.running_turn.clone();
                let is_approval = asked.meta.is_some_and(|meta| meta.asks_for_mcp_call());
                let turn_id = asked.turn_id.or_else(running).filter(|_| is_approval);
                let call = turn_id.and_then(|turn_id| {
                    let item_id = self.state.turn(&thread_id, &turn_id)?.mcp_call(&asked.server_name)?;
                    Some(OpenInquiry::McpCall { thread_id, turn_id, item_id })
                });
                let Some(call) = call else {
                    step.out.irrelevant = true;
                    return;
                };
                call
            }
        };
        self.state.inquiries.insert(id, open);
    }

    /// A client answers; `None` is an error. Returns whether there was such a question.
    pub(super) fn inquiry_answered(&mut self, id: &RequestId, result: Option<&str>, step: &mut Step<'_>) -> bool {
        let Some(open) = self.state.inquiries.remove(id) else { return false };
        match open {
            OpenInquiry::UserInput { thread_id, turn_id, item_id } => {
                if result.is_none() {
                    let ids = Ids { request_id: Some(id.clone()), ..Ids::item(&thread_id, &turn_id, &item_id) };
                    step.discard(Subject::Item, Reason::NotAnswered, ids);
                    return true;
                }
                let at = i64::try_from(step.at.0).unwrap_or(i64::MAX);
                let item = asks_the_user(item_id, ItemStatus::Completed);
                let completed = ItemCompleted::new(thread_id, turn_id, at, item);
                step.notification(Notification::ItemCompleted(Box::new(completed)));
            }
            OpenInquiry::McpCall { thread_id, turn_id, item_id } => {
                let answer = result.and_then(|result| read::from_str::<InquiryAnswer>(result).ok());
                if answer.is_some_and(|answer| answer.is_refusal()) {
                    let elicitation_type = ElicitationType::Approval;
                    step.fact(Fact::McpElicited(McpElicited { thread_id, turn_id, item_id, elicitation_type }));
                } else {
                    step.out.irrelevant = true;
                }
            }
        }
        true
    }
}

fn asks_the_user(id: Id, status: ItemStatus) -> Item {
    Item::ControlToolCall(ControlToolCall { id, tool: "request_user_input".into(), status, is_untimed: false })
}
