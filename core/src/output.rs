//! What comes out of one step.

use alloc::vec::Vec;

use crate::discard::{Discard, Ids, Reason, Subject};
use crate::event::Event;
use crate::question::Question;
use crate::time::UnixMillis;

/// Events, questions and discards, in the order in which they came about.
///
/// The core only ever appends, so a host may collect the output of several steps in one.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Output {
    /// Events to upload.
    pub events: Vec<Event>,
    /// Questions for the host.
    pub questions: Vec<Question>,
    /// What yielded no event.
    pub discards: Vec<Discard>,
}

impl Output {
    /// Empties the output, keeping its memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.questions.clear();
        self.discards.clear();
    }

    pub(crate) fn discard(&mut self, at: UnixMillis, subject: Subject, reason: Reason, ids: Ids) {
        self.discards.push(Discard { at, subject, reason, ids });
    }
}
