//! Threads.

use crate::event::Shared;
use crate::event::common::{InitializationMode, Lineage};
use crate::id::ConnectionId;
use crate::question::QuestionId;
use crate::read::Read;
use crate::write::Write;

/// What is known of a thread.
#[derive(Clone, Debug, Default, Write, Read)]
pub(crate) struct Thread {
    pub(crate) connection_id: Option<ConnectionId>,
    pub(crate) metadata: Option<Metadata>,
    /// The question about the repository at the thread's working directory.
    pub(crate) repository: Option<QuestionId>,
    /// How many `turn/start` requests wait for their response.
    pub(crate) open_turn_starts: u32,
}

/// What its events say of it.
#[derive(Clone, Debug, Write, Read)]
pub(crate) struct Metadata {
    pub(crate) lineage: Shared<Lineage>,
    pub(crate) initialization_mode: InitializationMode,
}
