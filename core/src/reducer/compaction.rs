//! `codex_compaction_event` (`docs/contract/events.md`): needs the thread's context.

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Subject};
use crate::event::Event;
use crate::event::common::ThreadContext;
use crate::event::compaction::CompactionEvent;
use crate::fact::compaction::Compaction;
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    pub(super) fn compacted(&mut self, fact: Compaction, output: &mut Output) {
        match self.state.thread_context(&fact.thread_id) {
            Ok(ThreadContext { connection, lineage }) => {
                output.events.push(Event::Compaction(Box::new(CompactionEvent {
                    thread_id: fact.thread_id,
                    turn_id: fact.turn_id,
                    connection,
                    lineage,
                    details: fact.details,
                })));
            }
            Err(reason) => {
                output.discard(self.state.at, Subject::Compaction, reason, Ids::turn(&fact.thread_id, &fact.turn_id));
            }
        }
    }
}
