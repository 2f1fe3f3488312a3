//! What the server asks the user in the course of a call (`docs/contract/derived.md` 15).

use serde_json::{Value, json};

use super::{Model, text};

/// A question without an answer.
#[derive(Clone, Debug)]
pub(super) enum Inquiry {
    /// A tool's own, which is its call: thread, turn and item.
    Tool(String, String, Value),
    /// Whether an MCP call may be made: its thread, turn and item.
    Call(String, String, String),
}

impl Model {
    pub(super) fn inquired(&mut self, method: &str, id: &str, params: &Value) {
        if !self.latest.is_since(135) || self.inquiries.contains_key(id) {
            return;
        }
        let thread = text(&params["threadId"]);
        let inquiry = if method == "item/tool/requestUserInput" {
            if !self.server(&thread).is_since(149) {
                return;
            }
            let turn = text(&params["turnId"]);
            let item = json!({ "type": "controlToolCall", "id": params["itemId"], "tool": "request_user_input",
                "status": "completed" });
            self.control_tool(&thread, &turn, &item, "item/started");
            Inquiry::Tool(thread, turn, item)
        } else {
            if params["_meta"]["codex_approval_kind"] != "mcp_tool_call" {
                return;
            }
            let running = || self.threads.get(&thread)?.running.clone();
            let Some(turn) = params["turnId"].as_str().map(str::to_owned).or_else(running) else { return };
            let calls = self.turns.get(&(thread.clone(), turn.clone())).map(|turn| turn.mcp_calls.clone());
            // The latest call of that server's tool that is open.
            let of_server = |(_, server): &&(String, String)| params["serverName"] == *server.as_str();
            let Some((item, _)) = calls.unwrap_or_default().iter().rev().find(of_server).cloned() else { return };
            Inquiry::Call(thread, turn, item)
        };
        self.inquiries.insert(id.to_owned(), inquiry);
    }

    pub(super) fn inquiry_answered(&mut self, id: &str, answer: &Value) {
        match self.inquiries.remove(id) {
            // One that has no answer has no event.
            Some(Inquiry::Tool(thread, turn, item)) if answer.get("result").is_some() => {
                self.control_tool(&thread, &turn, &item, "item/completed");
            }
            Some(Inquiry::Call(thread, turn, item)) => {
                let action = &answer["result"]["action"];
                if action == "decline" || action == "cancel" {
                    self.elicitations.entry((thread, turn, item)).or_insert("approval");
                }
            }
            _ => {}
        }
    }

    /// Something acted on the session that is no item of the server's.
    pub(super) fn control_tool(&mut self, thread: &str, turn: &str, item: &Value, method: &str) {
        let mut params = json!({ "threadId": thread, "turnId": turn, "item": item });
        if method == "item/started" {
            params["startedAtMs"] = json!(self.at);
            self.call_started(&params);
        } else {
            params["completedAtMs"] = json!(self.at);
            self.call_completed(&params);
        }
    }
}
