//! What an observer remembers of a thread and of a turn.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::compaction::OpenCompaction;
use super::settings::Settings;
use crate::id::{ConnectionId, Id, RequestId};
use crate::private::TextKey;
use crate::protocol::catalog::TokenBreakdown;
use crate::protocol::enums::TurnStatus;
use crate::read::Read;
use crate::write::Write;

#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Thread {
    /// The connection that opened it last, of those whose `initialize` was seen.
    pub(super) connection: Option<ConnectionId>,
    /// Whether a response opened it or another thread spawned it: its turns are reported.
    pub(super) is_known: bool,
    /// Whether another thread spawned it.
    pub(super) is_spawned: bool,
    pub(super) settings: Arc<Settings>,
    /// Whether the next turn is the session's first.
    pub(super) first_turn: bool,
    /// The session's tokens by the latest update.
    pub(super) last_total: Option<TokenBreakdown>,
    /// The tokens of the latest model request: what the context holds.
    pub(super) context_tokens: i64,
    /// The model of the latest turn that had an event.
    pub(super) last_model: Option<Id>,
    /// The working directory, by hash.
    pub(super) cwd: Option<TextKey>,
    /// The apps that the user has named, if any.
    #[allow(clippy::box_collection, reason = "a word instead of three in each of a million threads")]
    pub(super) mentioned_apps: Option<Box<Vec<Id>>>,
    /// What is open in it; most threads are idle.
    pub(super) open: Option<Box<Open>>,
}

/// What is open in a thread.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Open {
    pub(super) running_turn: Option<Id>,
    /// A turn whose `turn/start` succeeded and that has not started.
    pub(super) starting_turn: Option<Id>,
    pub(super) turn_starts: u32,
    /// Whether the server has shown what an open `turn/start` makes of the settings.
    pub(super) settings_shown: bool,
    /// How many `thread/compact/start` have had no compaction yet.
    pub(super) manual_compactions: u32,
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
        });
    }
}

#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct Turn {
    /// Settings and images, once a `turn/start` is known to have started it.
    pub(super) accepted: Option<(Arc<Settings>, u64)>,
    pub(super) user_message: bool,
    /// Whether the model came to work: any message, reasoning or tool item.
    pub(super) model_phase: bool,
    /// Whether a compaction before the first user message did not complete: the model is not asked.
    pub(super) blocked: bool,
    pub(super) tokens: Tokens,
    pub(super) compaction: Option<OpenCompaction>,
    pub(super) had_compaction: bool,
    /// How it ended, if that was before its `turn/start` was answered.
    pub(super) completed: Option<TurnStatus>,
}

impl Turn {
    /// Whether the turn is past what precedes its first model request.
    pub(super) fn is_underway(&self) -> bool {
        self.user_message || self.model_phase
    }
}

/// A turn's tokens so far.
#[derive(Clone, Copy, Debug, Default, Write, Read)]
pub(super) struct Tokens {
    /// The session's tokens before the turn; set at the turn's first update.
    pub(super) baseline: Option<TokenBreakdown>,
    pub(super) latest: Option<TokenBreakdown>,
    /// The sum over the turn's requests, for turns whose baseline is not known.
    pub(super) sum: TokenBreakdown,
}

#[cfg(test)]
mod tests {
    use crate::id::RequestId;

    use super::{Open, Thread};

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
}
