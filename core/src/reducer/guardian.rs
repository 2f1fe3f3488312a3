//! `codex_guardian_review` (`docs/contract/events.md`): needs the thread's connection, and no more.

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Subject};
use crate::event::Event;
use crate::event::guardian::GuardianReviewEvent;
use crate::fact::guardian::GuardianReview;
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    pub(super) fn guardian_reviewed(&mut self, review: GuardianReview, output: &mut Output) {
        match self.state.thread_connection(&review.thread_id) {
            Ok(connection) => {
                output.events.push(Event::GuardianReview(Box::new(GuardianReviewEvent { connection, review })));
            }
            Err(reason) => {
                let ids = Ids { item_id: review.target_item_id, ..Ids::turn(&review.thread_id, &review.turn_id) };
                output.discard(self.state.at, Subject::GuardianReview, reason, ids);
            }
        }
    }
}
