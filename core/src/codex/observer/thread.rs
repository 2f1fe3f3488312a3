//! What an observer remembers of a thread and of a turn.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::compaction::OpenCompaction;
use super::profile::{Times, TurnRequest};
use crate::codex::catalog::TokenBreakdown;
use crate::codex::goals::KnownGoal;
use crate::codex::settings::Settings;
use crate::codex::tokens::Tokens;
use crate::id::{ConnectionId, Id, RequestId};
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::TextKey;
use crate::protocol::enums::TurnStatus;

#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Thread {
    /// The connection that opened it last and whose `initialize` was seen.
    pub(super) connection: Option<ConnectionId>,
    /// Whether a response opened it or another thread spawned it. Only then are its turns reported.
    pub(super) is_known: bool,
    /// Whether another thread spawned it.
    pub(super) is_spawned: bool,
    pub(super) settings: Arc<Settings>,
    /// Whether the next turn is the session's first.
    pub(super) first_turn: bool,
    /// The session's tokens by the latest update.
    pub(super) last_total: Option<TokenBreakdown>,
    /// The tokens of the latest model request, which are those in the context.
    pub(super) context_tokens: i64,
    /// The model of the latest turn that had an event.
    pub(super) last_model: Option<Id>,
    /// The working directory, by hash.
    pub(super) cwd: Option<TextKey>,
    /// Whether its agents work together by the tools of the second version.
    #[serde(default)]
    pub(super) has_agents_v2: bool,
    /// Its goal, as it was told last.
    #[serde(default)]
    pub(super) goal: Option<Box<KnownGoal>>,
    /// What is open in it; most threads are idle.
    pub(super) open: Option<Box<Open>>,
}

/// What is open in a thread.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Open {
    pub(super) running_turn: Option<Id>,
    /// A turn that was accepted (`turn/start` succeeded) and has not started.
    pub(super) starting_turn: Option<Id>,
    pub(super) turn_starts: u32,
    /// Whether the server has already reported the settings after an open `turn/start`.
    pub(super) settings_shown: bool,
    /// How many `thread/compact/start` still wait for their compaction.
    pub(super) manual_compactions: u32,
    /// Whether the queue of turns has moved since a turn started.
    #[serde(default)]
    pub(super) queue_moved: bool,
    /// Server requests that wait for an answer.
    pub(super) approvals: VecDeque<RequestId>,
}

impl Thread {
    pub(super) fn open(&mut self) -> &mut Open {
        self.open.get_or_insert_default()
    }

    /// Lets go of what was open once nothing is.
    pub(super) fn settle(&mut self) {
        self.open.take_if(|open| {
            open.running_turn.is_none()
                && open.starting_turn.is_none()
                && open.turn_starts == 0
                && open.manual_compactions == 0
                && open.approvals.is_empty()
                && !open.queue_moved
        });
    }
}

#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Turn {
    /// Settings and images, once its `turn/start` is known.
    pub(super) accepted: Option<(Arc<Settings>, u64)>,
    pub(super) user_message: bool,
    /// Whether the model did anything: a message, reasoning or a tool item.
    pub(super) model_phase: bool,
    /// Whether a compaction before the first user message failed. The model is then not asked.
    pub(super) blocked: bool,
    pub(super) tokens: Tokens,
    pub(super) compaction: Option<OpenCompaction>,
    pub(super) had_compaction: bool,
    /// How it ended, if it ended before its `turn/start` was answered.
    pub(super) completed: Option<TurnStatus>,
    /// Whether its start was seen, or told when the client joined.
    #[serde(default)]
    pub(super) is_started: bool,
    /// What its `turn/start` says of it.
    #[serde(default)]
    pub(super) request: Option<Box<TurnRequest>>,
    /// What its time goes into.
    #[serde(default)]
    pub(super) times: Times,
    /// Whether a tool or a steer showed the model an image.
    #[serde(default)]
    pub(super) has_images: bool,
    /// The agent that the turn's latest call told something. The call waits: it may turn out to be a new task.
    #[serde(default)]
    pub(super) agent_told: Option<Id>,
    /// Calls of MCP tools that have not ended, with their servers; the latest, of so many that are open at once.
    #[serde(default)]
    pub(super) mcp_calls: Vec<(Id, Id)>,
}

/// How many calls of MCP tools are looked through for the one that an approval is about.
pub(super) const MAX_MCP_CALLS: usize = 16;

impl Turn {
    /// Something began the turn that is no request of a client.
    pub(super) fn trigger_by(&mut self, trigger: Option<&str>) {
        if let Some(trigger) = trigger {
            self.request.get_or_insert_default().trigger = Some(trigger.into());
        }
    }

    pub(super) fn mcp_call_began(&mut self, item_id: Id, server: Id) {
        if self.mcp_calls.len() == MAX_MCP_CALLS {
            self.mcp_calls.remove(0);
        }
        self.mcp_calls.push((item_id, server));
    }

    /// The latest open call of an MCP server's tool.
    pub(super) fn mcp_call(&self, server: &Id) -> Option<Id> {
        self.mcp_calls.iter().rev().find(|(_, known)| known == server).map(|(item_id, _)| item_id.clone())
    }

    /// Whether the turn is past what precedes its first model request.
    pub(super) fn is_underway(&self) -> bool {
        self.user_message || self.model_phase
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::{Open, Settings, Thread};
    use crate::codex::observer::ObserverLimits;
    use crate::codex::observer::state::State;
    use crate::event::common::RpcTransport;
    use crate::id::RequestId;
    use crate::time::Clock;

    #[test]
    fn a_thread_keeps_what_is_open() {
        let is_kept = |change: fn(&mut Open)| {
            let mut thread = Thread::default();
            change(thread.open());
            thread.settle();
            thread.open.is_some()
        };
        assert!(is_kept(|open| open.running_turn = Some("turn".into())));
        assert!(is_kept(|open| open.starting_turn = Some("turn".into())));
        assert!(is_kept(|open| open.turn_starts = 1));
        assert!(is_kept(|open| open.manual_compactions = 1));
        assert!(is_kept(|open| open.approvals.push_back(RequestId::Number(1))));
        assert!(!is_kept(|open| open.settings_shown = true));
    }

    #[test]
    fn threads_share_equal_settings() {
        let limits = ObserverLimits::default();
        let mut state = State::new(&limits);
        let model = |name: &str| {
            let model = Some(name.into());
            move |settings: &mut Settings| settings.model = model
        };
        for (thread, name) in [("A", "large"), ("B", "large"), ("C", "small"), ("B", "large")] {
            let changed = state.change_settings(&thread.into(), model(name));
            let mut expected = Settings::default();
            model(name)(&mut expected);
            assert_eq!(*changed, expected);
        }
        // Equal settings stay shared, even after many others.
        for other in 0..9 {
            state.change_settings(&"D".into(), model(&alloc::format!("{other}")));
        }
        state.change_settings(&"A".into(), model("large"));
        let (.., mut restored) = State::load(&limits, state.save(RpcTransport::Stdio, &Clock::default()));
        for state in [&mut state, &mut restored] {
            let [a, b, c] = ["A", "B", "C"].map(|thread| state.thread_or_new(&thread.into()).settings.clone());
            assert!(Arc::ptr_eq(&a, &b));
            assert_ne!(a, c);
        }
    }
}
