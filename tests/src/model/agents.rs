//! What agents are told (`docs/contract/derived.md` 14).

use serde_json::{Value, json};

use super::{Model, text};

/// The news that an agent was told something, until it shows what: the parameters of the item's end.
pub(super) type Told = Value;

/// Newer servers tell of an agent in place of the call by which it was started, told something or interrupted: news of an
/// item, with that call.
pub(super) fn with_call_of_agent(params: &Value) -> Value {
    let (mut params, item) = (params.clone(), &params["item"]);
    if item["type"] == "subAgentActivity" {
        let tool = match item["kind"].as_str().unwrap_or_default() {
            "started" => Some("spawnAgent"),
            "interacted" => Some("sendMessage"),
            "interrupted" => Some("interruptAgent"),
            _ => None,
        };
        let states = |agent: &str| {
            if tool == Some("spawnAgent") { json!({ agent: { "status": "running" } }) } else { json!({}) }
        };
        let agent = item["agentThreadId"].as_str();
        params["item"] = tool.zip(agent).map_or(Value::Null, |(tool, agent)| {
            json!({ "type": "collabAgentToolCall", "isNews": true, "id": item["id"], "tool": tool, "status": "completed",
                "senderThreadId": params["threadId"], "receiverThreadIds": [agent], "model": item["model"],
                "reasoningEffort": item["reasoningEffort"], "agentsStates": states(agent) })
        });
    }
    params
}

impl Model {
    /// Whether the end of an item waits: the agent's next turn may begin, and then it was a task.
    pub(super) fn agent_told(&mut self, params: &Value) -> bool {
        let (thread, item) = (text(&params["threadId"]), &params["item"]);
        if item["isNews"] != true || item["tool"] != "sendMessage" || !self.server(&thread).is_since(150) {
            return false;
        }
        let agent = text(&item["receiverThreadIds"][0]);
        let turn = self.turns.entry((thread, text(&params["turnId"]))).or_default();
        turn.agent_told = Some(agent.clone());
        // What it was told before was a message.
        if let Some(before) = self.told_agents.insert(agent, params.clone()) {
            self.call_completed(&before);
        }
        true
    }

    /// A thread's turn begins: what it was told was a task.
    pub(super) fn agent_began(&mut self, thread: &str) {
        if let Some(mut told) = self.told_agents.remove(thread) {
            told["item"]["tool"] = json!("followupTask");
            self.call_completed(&told);
        }
    }

    /// A turn goes on: what it told an agent was a message.
    pub(super) fn agent_not_begun(&mut self, thread: &str, turn: &str) {
        let turn = self.turns.get_mut(&(thread.to_owned(), turn.to_owned()));
        let told = turn.and_then(|turn| turn.agent_told.take());
        if let Some(told) = told.and_then(|agent| self.told_agents.remove(&agent)) {
            self.call_completed(&told);
        }
    }
}
