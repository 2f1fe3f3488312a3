//! `codex_guardian_v2_classification` and `codex_guardian_v2_fast_decision` (`docs/contract/rules.md` 9.6).

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Subject};
use crate::event::Event;
use crate::event::common::{Session, ThreadContext};
use crate::event::guardian_v2::{GuardianV2ClassificationEvent, GuardianV2FastDecisionEvent, GuardianV2Subject};
use crate::fact::guardian_v2::{GuardianV2Classified, GuardianV2Decided};
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    pub(super) fn guardian_v2_classified(&mut self, fact: GuardianV2Classified, output: &mut Output) {
        let GuardianV2Classified { subject, classification } = fact;
        let Some((session, ThreadContext { connection, lineage })) = self.guardian_context(&subject, output) else {
            return;
        };
        let event = GuardianV2ClassificationEvent { session, connection, lineage, subject, classification };
        output.events.push(Event::GuardianV2Classification(Box::new(event)));
    }

    pub(super) fn guardian_v2_decided(&mut self, fact: GuardianV2Decided, output: &mut Output) {
        let GuardianV2Decided { subject, decision } = fact;
        let Some((session, ThreadContext { connection, lineage })) = self.guardian_context(&subject, output) else {
            return;
        };
        let event = GuardianV2FastDecisionEvent { session, connection, lineage, subject, decision };
        output.events.push(Event::GuardianV2FastDecision(Box::new(event)));
    }

    fn guardian_context(
        &mut self,
        subject: &GuardianV2Subject,
        output: &mut Output,
    ) -> Option<(Session, ThreadContext)> {
        match self.state.thread_context(&subject.thread_id) {
            Ok(context) => Some((self.state.session(&subject.thread_id), context)),
            Err(reason) => {
                let ids = Ids { item_id: subject.item_id.clone(), ..Ids::turn(&subject.thread_id, &subject.turn_id) };
                output.discard(self.state.at, Subject::GuardianReview, reason, ids);
                None
            }
        }
    }
}
