//! Threads.

use alloc::string::String;
use alloc::sync::Arc;

use crate::event::Shared;
use crate::event::common::{InitializationMode, Lineage};
use crate::id::{ConnectionId, Id};
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;
use crate::question::QuestionId;

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
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) origin: Arc<Origin>,
    pub(crate) initialization_mode: InitializationMode,
}

/// Where threads come from that have it in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Origin {
    pub(crate) lineage: Shared<Lineage>,
    pub(crate) session: SessionOf,
    /// What started the thread, where that is not its client.
    pub(crate) originator: Option<Id>,
}

/// The session of a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
pub(crate) enum SessionOf {
    #[default]
    Unknown,
    /// It began with the thread and has its id.
    Own,
    Other(Id),
}

impl SessionOf {
    pub(crate) fn new(thread_id: &Id, session_id: Option<Id>) -> Self {
        // A part of an id is another id.
        match session_id.filter(|id| !id.is_too_long()) {
            None => Self::Unknown,
            Some(session_id) if session_id == *thread_id => Self::Own,
            Some(session_id) => Self::Other(session_id),
        }
    }

    /// The session's id, for a thread with this session.
    pub(crate) fn id(&self, thread_id: &Id) -> Option<Id> {
        match self {
            Self::Unknown => None,
            Self::Own => Some(thread_id.clone()),
            Self::Other(session_id) => Some(session_id.clone()),
        }
    }
}

/// The saved form of [`Metadata`].
#[derive(Write, Read)]
struct SavedMetadata {
    lineage: Shared<Lineage>,
    initialization_mode: InitializationMode,
    #[serde(default)]
    session: SessionOf,
    #[serde(default)]
    originator: Option<Id>,
}

impl Write for Metadata {
    fn write(&self, text: &mut String) {
        let Origin { lineage, session, originator } = Origin::clone(&self.origin);
        SavedMetadata { lineage, initialization_mode: self.initialization_mode, session, originator }.write(text);
    }
}

impl<'text> Read<'text> for Metadata {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        let SavedMetadata { lineage, initialization_mode, session, originator } = Read::read(reader)?;
        Ok(Self { origin: Arc::new(Origin { lineage, session, originator }), initialization_mode })
    }
}
