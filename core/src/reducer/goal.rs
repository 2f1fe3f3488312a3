//! `codex_goal_event`, `codex_thread_archive_event`, `codex_thread_hint_status` (`docs/contract/rules.md` 9.6).

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Subject};
use crate::event::archive::{ThreadArchiveEvent, ThreadHintStatusEvent};
use crate::event::common::ThreadContext;
use crate::event::goal::GoalEvent;
use crate::event::{Event, Versioned};
use crate::fact::archive::{ThreadArchived, ThreadHinted};
use crate::fact::goal::GoalChanged;
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    pub(super) fn goal_changed(&mut self, fact: GoalChanged, output: &mut Output) {
        let GoalChanged { thread_id, turn_id, goal } = fact;
        match self.state.thread_context(&thread_id) {
            Ok(ThreadContext { connection, lineage }) => {
                let session = self.state.session(&thread_id);
                let event = GoalEvent { thread_id, session, turn_id, connection, lineage, goal };
                output.events.push(Event::Goal(Box::new(event)));
            }
            Err(reason) => {
                let ids = Ids { turn_id, ..Ids::thread(&thread_id) };
                output.discard(self.state.at, Subject::Goal, reason, ids);
            }
        }
    }

    /// What is not known of the thread is left out.
    pub(super) fn thread_archived(&mut self, fact: ThreadArchived, output: &mut Output) {
        let ThreadArchived { thread_id, action, occurred_at_ms } = fact;
        let connection = self.state.thread_connection(&thread_id).ok();
        let dialect = self.state.dialect(&thread_id);
        let lineage = self.state.lineage(&thread_id);
        let lineage = lineage.as_deref();
        output.events.push(Event::ThreadArchive(Box::new(ThreadArchiveEvent {
            action,
            occurred_at_ms,
            connection: connection.map_or(Versioned::ABSENT, |known| dialect.members(|| (*known).clone())),
            thread_source: lineage.and_then(|lineage| lineage.thread_source.get().cloned()),
            parent_thread_id: lineage.and_then(|lineage| lineage.parent_thread_id.clone()),
            thread_id,
        })));
    }

    pub(super) fn thread_hinted(&mut self, fact: ThreadHinted, output: &mut Output) {
        let ThreadHinted { thread_id, status, occurred_at_ms } = fact;
        match self.state.thread_context(&thread_id) {
            Ok(ThreadContext { connection, lineage }) => {
                let session = self.state.session(&thread_id);
                let event = ThreadHintStatusEvent { thread_id, session, connection, lineage, status, occurred_at_ms };
                output.events.push(Event::ThreadHintStatus(Box::new(event)));
            }
            Err(reason) => output.discard(self.state.at, Subject::Thread, reason, Ids::thread(&thread_id)),
        }
    }
}
