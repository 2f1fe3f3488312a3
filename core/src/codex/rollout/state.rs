//! What a rollout's reader must remember to go on behind a line, as text.

use alloc::string::String;

use super::Rollout;
use super::call::Calls;
use super::compaction::Compactions;
use super::control::Responses;
use super::copied::Copied;
use super::line::{Line, SessionMeta, Settings};
use super::thread::Meta;
use crate::codex::catalog::TokenBreakdown;
use crate::codex::goals::KnownGoal;
use crate::dialect::Dialect;
use crate::id::{ConnectionId, Id};
use crate::json::read::{self, Read};
use crate::json::write::{self, Write};
use crate::restore::{RestoreError, VERSION, check_version};
use crate::time::UnixMillis;

/// The saved form. It holds neither a path nor a text of a file.
#[derive(Write, Read)]
struct Saved {
    version: u32,
    at: UnixMillis,
    thread: SavedThread,
    copied: Copied,
    settings: Option<Settings>,
    has_turn_ids: bool,
    turns: u64,
    has_reported_turn: bool,
    is_in_review: bool,
    last_model: Option<Id>,
    calls: Calls,
    #[serde(default)]
    responses: Responses,
    #[serde(default)]
    goal: Option<KnownGoal>,
    compactions: Compactions,
    total: Option<TokenBreakdown>,
    context_tokens: Option<i64>,
}

/// What the first line said, without the folder.
#[derive(Write, Read)]
struct SavedThread {
    id: Id,
    codex: Id,
    is_subagent: bool,
    is_review: bool,
    is_fork: bool,
    goes_on: bool,
    is_paginated: bool,
    is_bare: bool,
    created: Option<UnixMillis>,
    model_provider: Option<Id>,
    dynamic_tools: alloc::vec::Vec<Id>,
}

impl Rollout {
    /// What it must remember to go on behind the latest line, as text: no path, and nothing of the file's content but ids
    /// and counts. `None` while that is not enough: before the thread is open, within a turn, whose patches are held as
    /// text until it ends, and while a patch waits for its result.
    ///
    /// A host that stops within a turn goes on from the latest state that it got, behind the line of that state. The
    /// lines since then yield again what they yielded.
    pub fn save(&self) -> Option<String> {
        let meta = self.meta.as_ref()?;
        let has_text = self.turn.is_some() || self.context.is_some() || self.calls.has_patch();
        if !self.is_open || has_text || self.compactions.is_open() {
            return None;
        }
        let saved = Saved {
            version: VERSION,
            at: self.at,
            thread: SavedThread {
                id: meta.id.clone(),
                codex: meta.version.clone(),
                is_subagent: meta.is_subagent,
                is_review: meta.is_review,
                is_fork: meta.is_fork,
                goes_on: meta.goes_on,
                is_paginated: meta.is_paginated,
                is_bare: meta.is_bare,
                created: meta.created,
                model_provider: meta.model_provider.clone(),
                dynamic_tools: meta.dynamic_tools.clone(),
            },
            copied: self.copied,
            settings: self.settings.clone(),
            has_turn_ids: self.has_turn_ids,
            turns: self.turns,
            has_reported_turn: self.has_reported_turn,
            is_in_review: self.is_in_review,
            last_model: self.last_model.clone(),
            calls: self.calls.clone(),
            responses: self.responses.clone(),
            goal: self.goal.clone(),
            compactions: self.compactions.clone(),
            total: self.total,
            context_tokens: self.context_tokens,
        };
        Some(write::to_string(&saved))
    }

    /// Goes on from a saved state, as if there had been no break. `first` is the file's first line: it names the thread's
    /// folder, which no state holds.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] if the text is no state of this version, or is that of another file than `first` is from.
    pub fn restore(connection: impl Into<ConnectionId>, saved: &str, first: &[u8]) -> Result<Self, RestoreError> {
        check_version(saved)?;
        let saved: Saved = read::from_str(saved).map_err(|source| RestoreError::Damaged { source })?;
        let session = core::str::from_utf8(first).ok().and_then(session_in).ok_or(RestoreError::OtherFile)?;
        let SavedThread { id, codex, .. } = saved.thread;
        if session.id != id {
            return Err(RestoreError::OtherFile);
        }
        let meta = Meta {
            id,
            dialect: Dialect::of(&codex),
            version: codex,
            is_subagent: saved.thread.is_subagent,
            is_review: saved.thread.is_review,
            is_fork: saved.thread.is_fork,
            goes_on: saved.thread.goes_on,
            is_paginated: saved.thread.is_paginated,
            is_bare: saved.thread.is_bare,
            created: saved.thread.created,
            cwd: session.cwd,
            model_provider: saved.thread.model_provider,
            dynamic_tools: saved.thread.dynamic_tools,
            opening: None,
        };
        Ok(Self {
            at: saved.at,
            meta: Some(meta),
            is_open: true,
            copied: saved.copied,
            settings: saved.settings,
            has_turn_ids: saved.has_turn_ids,
            turns: saved.turns,
            has_reported_turn: saved.has_reported_turn,
            is_in_review: saved.is_in_review,
            last_model: saved.last_model,
            calls: saved.calls,
            responses: saved.responses,
            goal: saved.goal,
            compactions: saved.compactions,
            total: saved.total,
            context_tokens: saved.context_tokens,
            ..Self::new(connection)
        })
    }
}

/// The session of a file's first line: in its content, or, before 0.32, the line itself.
fn session_in(line: &str) -> Option<SessionMeta<'_>> {
    let around: Line<'_> = read::from_str(line).ok()?;
    match around.payload {
        Some(payload) => read::from_str(payload.0).ok(),
        None => read::from_str(line).ok(),
    }
}
