//! Turns that have not had their event.

use alloc::vec::Vec;

use super::config::Config;
use crate::accepted_lines::AcceptedLines;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::turn::{Tokens, ToolCounts, TurnStatus};
use crate::id::{ConnectionId, TurnKey};
use crate::output::Output;
use crate::private::DiffText;
use crate::protocol::Known;
use crate::protocol::error::CodexErrorInfo;
use crate::question::QuestionId;
use crate::read::Read;
use crate::time::UnixMillis;
use crate::write::Write;

/// What is known of a turn that has not had its event.
#[derive(Clone, Debug, Default, Write, Read)]
pub(crate) struct Turn {
    pub(crate) connection_id: Option<ConnectionId>,
    pub(crate) num_input_images: Option<u64>,
    pub(crate) config: Option<Config>,
    /// Unix seconds.
    pub(crate) started_at: Option<u64>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) completed: Option<Completed>,
    pub(crate) diff: Option<Diff>,
    pub(crate) steer_count: u64,
    pub(crate) tools: ToolCounts,
    pub(crate) repository: Option<QuestionId>,
}

/// How a turn ended.
#[derive(Clone, Debug, Write, Read)]
pub(crate) struct Completed {
    pub(crate) status: Option<TurnStatus>,
    pub(crate) error: Known<CodexErrorInfo>,
    /// Unix seconds.
    pub(crate) completed_at: u64,
    pub(crate) duration_ms: Option<u64>,
}

/// The latest diff of a turn.
#[derive(Clone, Debug, Write, Read)]
pub(crate) enum Diff {
    /// Its text; never saved.
    #[serde(skip)]
    Text(DiffText),
    /// A placeholder: for a diff in a snapshot, or for one that is too large to hold.
    Hashed(AcceptedLines),
}

impl Diff {
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.expose().len(),
            Self::Hashed(lines) => size_of_val(&*lines.fingerprints),
        }
    }

    pub(crate) fn into_lines(self, digest: &impl Digest) -> AcceptedLines {
        match self {
            Self::Text(text) => AcceptedLines::of(text.expose(), digest),
            Self::Hashed(lines) => lines,
        }
    }
}

impl Turn {
    /// The turn with hashes in place of its diff.
    pub(crate) fn without_text(&self, digest: &impl Digest) -> Self {
        let mut turn = self.clone();
        turn.diff = turn.diff.map(|diff| Diff::Hashed(diff.into_lines(digest)));
        turn
    }

    /// Lets go of the hashes of its lines.
    pub(crate) fn forget_lines(&mut self) {
        if let Some(Diff::Hashed(lines)) = &mut self.diff {
            lines.fingerprints = Vec::new();
        }
    }

    pub(crate) fn held_diff_bytes(&self) -> usize {
        self.diff.as_ref().map_or(0, Diff::held_bytes)
    }

    /// Discards a turn without an event. Without a `reason`, the reason is what the turn waited for.
    pub(crate) fn discard(self, at: UnixMillis, key: &TurnKey, reason: Option<Reason>, output: &mut Output) {
        let waited_for = || match self {
            Self { completed: None, .. } => Reason::NotCompleted,
            Self { config: None, .. } => Reason::NoResolvedConfig,
            _ => Reason::NoStartResponse,
        };
        output.discard(at, Subject::Turn, reason.unwrap_or_else(waited_for), Ids::turn(&key.thread, &key.turn));
    }
}
