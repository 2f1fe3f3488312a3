//! Requests of clients.

use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::question::QuestionId;

/// A client's request that waits for its response.
#[derive(Clone, Debug, Write, Read)]
pub(crate) struct PendingRequest {
    pub(crate) thread_id: Id,
    pub(crate) num_input_images: u64,
    pub(crate) kind: RequestKind,
}

/// What it asks for.
#[derive(Clone, Debug, Write, Read)]
pub(crate) enum RequestKind {
    TurnStart {
        /// The question about the turn's new working directory.
        repository: Option<QuestionId>,
    },
    TurnSteer {
        expected_turn_id: Id,
        /// Unix seconds.
        created_at: u64,
    },
}
