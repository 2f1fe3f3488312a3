//! Turns that have not had their event.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::config::Config;
use crate::accepted_lines::AcceptedLines;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::error_kind::ErrorKind;
use crate::event::turn::{
    CriticalPath, ImagePreparation, Tokens, ToolCounts, TurnAgents, TurnBeginning, TurnProfile, TurnStatus,
};
use crate::fact::turn::TurnResolvedConfig;
use crate::id::{ConnectionId, Id, TurnKey};
use crate::json::read::Read;
use crate::json::write::Write;
use crate::output::Output;
use crate::private::DiffText;
use crate::protocol::Known;
use crate::protocol::error::{CodexErrorInfo, TurnError};
use crate::question::QuestionId;
use crate::time::UnixMillis;

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
    /// What only 0.169 and later report.
    #[serde(default)]
    pub(crate) newer: Option<Box<NewerTurn>>,
    /// Whether a host tells of the model's responses.
    #[serde(default)]
    pub(crate) has_responses: bool,
}

/// What only 0.169 and later report of a turn.
#[derive(Clone, Debug, Default, PartialEq, Write, Read)]
#[serde(default)]
pub(crate) struct NewerTurn {
    pub(crate) root_turn_id: Option<Id>,
    /// Unix milliseconds.
    pub(crate) interrupt_requested_at_ms: Option<u64>,
    pub(crate) cache_write_input_tokens: Option<i64>,
    pub(crate) profile: TurnProfile,
    pub(crate) critical_path: CriticalPath,
    pub(crate) image_preparations: Option<Vec<ImagePreparation>>,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) beginning: TurnBeginning,
    pub(crate) agents: TurnAgents,
    pub(crate) workspace_kind: Option<Id>,
    pub(crate) used_dictation: Option<bool>,
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
    pub(crate) fn newer(&mut self) -> &mut NewerTurn {
        self.newer.get_or_insert_default()
    }

    /// Takes what only 0.169 and later report of its settings.
    pub(crate) fn resolved(&mut self, fact: &mut TurnResolvedConfig) {
        let beginning = TurnBeginning {
            active_plugin_ids_at_turn_start: fact.active_plugin_ids_at_turn_start.take(),
            voice_session_id: fact.voice_session_id.take(),
            root_turn_id: None,
            turn_trigger: fact.turn_trigger.take(),
            codex_turn_source: fact.codex_turn_source.take(),
        };
        let agents =
            TurnAgents { guardian_v2_enabled: fact.guardian_v2_enabled, multi_agent_version: fact.multi_agent_version };
        let (workspace_kind, used_dictation) = (fact.workspace_kind.take(), fact.used_dictation);
        let settings = NewerTurn { beginning, agents, workspace_kind, used_dictation, ..NewerTurn::default() };
        if self.newer.is_none() && fact.root_turn_id.is_none() && settings == NewerTurn::default() {
            return;
        }
        let newer = self.newer();
        // The plugins are those of the first fact.
        let plugins = newer.beginning.active_plugin_ids_at_turn_start.take();
        newer.beginning = settings.beginning;
        if plugins.is_some() {
            newer.beginning.active_plugin_ids_at_turn_start = plugins;
        }
        newer.agents = settings.agents;
        newer.workspace_kind = settings.workspace_kind;
        newer.used_dictation = settings.used_dictation;
        if newer.root_turn_id.is_none() {
            newer.root_turn_id = fact.root_turn_id.take().filter(|root| !root.is_too_long());
        }
    }

    /// What kind of error ended it, where only the error's text tells it.
    pub(crate) fn failed_by(&mut self, error: &TurnError) {
        let is_told = self.newer.as_ref().is_some_and(|newer| newer.error.is_some());
        let told = ErrorKind::of(error.codex_error_info.as_ref());
        if !is_told
            && told.codex_error_kind.is_none()
            && let Some(text) = &error.message
        {
            self.newer().error = Some(told.or(|| Some(ErrorKind::of_text(text))));
        }
    }

    /// The turn's chain began with another turn.
    pub(crate) fn roots_in(&mut self, root_turn_id: Option<&Id>) {
        if let Some(root) = root_turn_id.filter(|root| !root.is_too_long()) {
            self.newer().root_turn_id = Some(root.clone());
        }
    }

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
