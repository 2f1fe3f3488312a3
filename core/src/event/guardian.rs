//! `codex_guardian_review` (contract `events.md` 7): the details of an automatic review.

use super::Shared;
use super::common::{ConnectionContext, event_structs};
use crate::fact::guardian::GuardianReview;

event_structs! {
    /// The details of an automatic review.
    GuardianReviewEvent {
        #[serde(flatten)]
        connection: Shared<ConnectionContext>,
        /// The fact is written as it is.
        #[serde(flatten)]
        review: GuardianReview,
    }
}
