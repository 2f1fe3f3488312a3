//! Threads that the server starts by itself (`docs/contract/derived.md` 11).

use alloc::boxed::Box;

use super::{Observer, Step};
use crate::codex::catalog::TokenBreakdown;
use crate::fact::Fact;
use crate::fact::subagent::SubAgentThreadStarted;
use crate::id::Id;
use crate::protocol::enums::{CollabTool, ItemStatus, ReasoningEffort};
use crate::protocol::item::{CollabAgentToolCall, Item};
use crate::protocol::notification::{ItemCompleted, Notification};
use crate::protocol::thread::{SubAgentSource, Thread};
use crate::time::to_u64;

impl Observer {
    /// A collaboration tool was called. A completed spawn names the new thread.
    pub(super) fn agents_called(
        &mut self,
        thread_id: &Id,
        call: &CollabAgentToolCall,
        completed_at_ms: i64,
        step: &mut Step<'_>,
    ) {
        // A call that only its news shows names no sender.
        if call.sender_thread_id.is_empty() {
            self.state.thread_or_new(thread_id).has_agents_v2 = true;
        }
        if call.tool != CollabTool::SpawnAgent || call.status != ItemStatus::Completed {
            return;
        }
        let Some(agent) = call.receiver_thread_ids.first() else { return };
        let parent = if call.sender_thread_id.is_empty() { thread_id } else { &call.sender_thread_id };
        let created_at = created_at(agent).or_else(|| to_u64(completed_at_ms).map(|at| at / 1000)).unwrap_or(0);
        let model = call.model.clone().filter(|model| !model.is_empty());
        let source = SubAgentSource::ThreadSpawn { parent_thread_id: parent.clone() };
        self.spawned(
            agent,
            parent,
            source,
            Spawn {
                model,
                effort: call.reasoning_effort,
                ephemeral: false,
                created_at,
                session_id: None,
                // Agents of the second version are given their parent's history, unless their parent asks for less,
                // which is not on the wire.
                forked_from_id: call.sender_thread_id.is_empty().then(|| parent.clone()),
            },
            step,
        );
    }

    /// An agent was told something: a message, or a new task if its turn begins next. Gives back the call if that is
    /// known already.
    pub(super) fn agent_told(&mut self, completed: Box<ItemCompleted>) -> Option<Box<ItemCompleted>> {
        let Item::CollabAgentToolCall(call) = &completed.item else { return Some(completed) };
        let agent = call.receiver_thread_ids.first().filter(|_| call.tool == CollabTool::SendMessage).cloned();
        let Some(agent) = agent.filter(|_| self.state.dialect(&completed.thread_id).reports_news_of_agents()) else {
            return Some(completed);
        };
        self.state.turn_or_new(&completed.thread_id, &completed.turn_id).agent_told = Some(agent.clone());
        self.state.agents_told.insert(agent, completed)
    }

    /// A thread's turn begins: what it was told was a new task.
    pub(super) fn agent_began(&mut self, agent: &Id, step: &mut Step<'_>) {
        if !self.state.reports_more {
            return;
        }
        let Some(mut completed) = self.state.agents_told.remove(agent) else { return };
        if let Item::CollabAgentToolCall(call) = &mut completed.item {
            call.tool = CollabTool::FollowupTask;
        }
        step.notification(Notification::ItemCompleted(completed));
    }

    /// A turn goes on or ends: what it told an agent was a message.
    pub(super) fn agent_not_begun(&mut self, thread_id: &Id, turn_id: &Id, step: &mut Step<'_>) {
        if !self.state.reports_more {
            return;
        }
        let told = self.state.turn(thread_id, turn_id).and_then(|turn| turn.agent_told.take());
        if let Some(completed) = told.and_then(|agent| self.state.agents_told.remove(&agent)) {
            step.notification(Notification::ItemCompleted(completed));
        }
    }

    /// The session ends: what agents were told were messages.
    pub(super) fn finish_agents(&mut self, step: &mut Step<'_>) {
        for completed in self.state.agents_told.take_where(|_, _| true) {
            step.notification(Notification::ItemCompleted(completed));
        }
    }

    /// `thread/started` of a thread that the server started.
    pub(super) fn thread_started(&mut self, thread: &Thread, step: &mut Step<'_>) {
        let Some(source) = thread.source.subagent() else {
            step.out.irrelevant = true;
            return;
        };
        let Some(parent) = source.parent_thread_id().or(thread.forked_from_id.as_ref()).cloned() else {
            step.out.irrelevant = true;
            return;
        };
        let spawn = Spawn {
            model: None,
            effort: None,
            ephemeral: thread.ephemeral,
            created_at: to_u64(thread.created_at).unwrap_or(0),
            session_id: thread.session_id.clone(),
            forked_from_id: thread.forked_from_id.clone(),
        };
        self.spawned(&thread.id, &parent, source.clone(), spawn, step);
    }

    /// A thread of the server's own is reported once, under its parent's client; not at all if that
    /// client is not known.
    fn spawned(&mut self, id: &Id, parent_id: &Id, source: SubAgentSource, spawn: Spawn, step: &mut Step<'_>) {
        if self.state.thread_or_new(id).is_known {
            return;
        }
        let Some(parent) = self.state.thread(parent_id) else { return };
        let (connection, settings, has_agents_v2) = (parent.connection, parent.settings.clone(), parent.has_agents_v2);
        let Some(client) = connection.and_then(|id| self.state.connections.get_mut(self.state.now, &id)) else {
            return;
        };
        let (client_name, client_version) = (client.client_name.clone(), client.client_version.clone());

        let settings = self.state.change_settings(id, |spawned| {
            *spawned = settings.spawn(spawn.model, spawn.effort, spawn.ephemeral);
        });
        let model = settings.model.clone().unwrap_or_default();
        let dialect = self.state.dialect(parent_id);
        let thread = self.state.thread_or_new(id);
        thread.connection = connection;
        thread.is_known = true;
        thread.is_spawned = true;
        thread.has_agents_v2 = has_agents_v2;
        // A history that was given to it has the first turn.
        thread.first_turn = !(dialect.knows_forks_of_agents() && spawn.forked_from_id.is_some());
        thread.last_total.get_or_insert_with(TokenBreakdown::default);
        step.fact(Fact::SubAgentThreadStarted(Box::new(SubAgentThreadStarted {
            thread_id: id.clone(),
            parent_thread_id: Some(parent_id.clone()),
            product_client_id: client_name.clone(),
            client_name,
            client_version,
            model,
            ephemeral: spawn.ephemeral,
            subagent_source: source,
            created_at: spawn.created_at,
            thread_source: None,
            session_id: spawn.session_id,
            forked_from_thread_id: spawn.forked_from_id,
        })));
    }
}

/// What is known of a spawned thread.
struct Spawn {
    model: Option<Id>,
    effort: Option<ReasoningEffort>,
    ephemeral: bool,
    /// Unix seconds.
    created_at: u64,
    session_id: Option<Id>,
    /// The thread whose history it was given.
    forked_from_id: Option<Id>,
}

/// The Unix seconds in a thread's id, if it is a UUID of version 7: those begin with the
/// milliseconds of their making.
fn created_at(id: &str) -> Option<u64> {
    let bytes = id.as_bytes();
    let is_uuid7 = bytes.len() == 36 && bytes[8] == b'-' && bytes[13] == b'-' && bytes[14] == b'7';
    if !is_uuid7 {
        return None;
    }
    let high = u64::from_str_radix(id.get(..8)?, 16).ok()?;
    let low = u64::from_str_radix(id.get(9..13)?, 16).ok()?;
    Some((high << 16 | low) / 1000)
}

#[cfg(test)]
mod tests {
    use super::created_at;

    #[test]
    fn the_time_in_a_uuid() {
        assert_eq!(created_at("01a1fc2f-49da-70f3-be8f-17ddc963e85d"), Some(1_795_232_319));
        for other in [
            "T1",
            "01a1fc2f-49da-40f3-be8f-17ddc963e85d",
            "01a1fc2g-49da-70f3-be8f-17ddc963e85d",
            "é1a1fc2f-49da-70f3-be8f-17ddc963e85",
        ] {
            assert_eq!(created_at(other), None, "{other}");
        }
    }
}
