//! Approvals that have not been answered.

use crate::discard::Ids;
use crate::event::review::{SubjectKind, Trigger};
use crate::id::{Id, RequestId};
use crate::json::read::Read;
use crate::json::write::Write;

/// An approval that waits for its answer.
#[derive(Clone, Debug, Write, Read)]
pub(crate) struct PendingReview {
    pub(crate) thread_id: Id,
    pub(crate) turn_id: Id,
    pub(crate) item_id: Id,
    pub(crate) started_at_ms: u64,
    pub(crate) subject: ReviewSubject,
}

impl PendingReview {
    pub(crate) fn ids(&self, request_id: &RequestId) -> Ids {
        Ids { request_id: Some(request_id.clone()), ..Ids::item(&self.thread_id, &self.turn_id, &self.item_id) }
    }
}

/// What a review is about and why it was needed.
#[derive(Clone, Debug, PartialEq, Write, Read)]
pub(crate) struct ReviewSubject {
    pub(crate) kind: SubjectKind,
    pub(crate) name: Id,
    pub(crate) trigger: Trigger,
    pub(crate) additional_permissions: bool,
    pub(crate) network_access: bool,
}
