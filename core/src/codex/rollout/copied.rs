//! Another thread's history at the beginning of a file.
//!
//! Below 0.145 the file of a fork, and of an agent that was given its parent's history, begins with a copy of that
//! history: with its own times, or with those of the copy. From 0.145 on a file names the history, and a spawned agent's
//! says where its own begins. A turn's id of version 7 tells when the turn began, however often it is copied.

use super::clock::made_at;
use super::line::{TaskStarted, TokenCount};
use super::{Rollout, content, kind_of};
use crate::json::read::{Raw, Read};
use crate::json::write::Write;
use crate::time::UnixMillis;

/// Whether the lines that come are copied.
#[derive(Clone, Copy, Debug, Default, Write, Read)]
pub(super) enum Copied {
    #[default]
    No,
    /// Those with a smaller number are.
    Below(u64),
    /// Until a turn begins that is younger than the thread, which was made then.
    UntilOwnTurn {
        made: UnixMillis,
        has_turn_ids: bool,
        /// Whether a line was written by itself since then: a turn without an id may have begun.
        is_apart: bool,
    },
}

/// Lines that are written together are closer than this.
const TOGETHER_MS: u64 = 50;

impl Rollout {
    /// Takes note that lines may be copied from here on.
    pub(super) fn expect_copy(&mut self) {
        if matches!(self.copied, Copied::No) && self.turn.is_none() {
            let made = self.meta.as_ref().and_then(|meta| made_at(&meta.id).or(meta.created)).unwrap_or(self.at);
            self.copied = Copied::UntilOwnTurn { made, has_turn_ids: false, is_apart: false };
        }
    }

    /// Whether a line is copied. `before` is the time of the line before it.
    pub(super) fn is_copied(&mut self, kind: &str, ordinal: Option<u64>, payload: Raw<'_>, before: UnixMillis) -> bool {
        match self.copied {
            Copied::No => return false,
            Copied::Below(first) => {
                // A line without a number is not the first of its own.
                let is_copied = ordinal.is_none_or(|ordinal| ordinal < first);
                if !is_copied {
                    self.copied = Copied::No;
                } else if kind == "event_msg" && matches!(kind_of(payload).as_deref(), Ok("token_count")) {
                    self.used_before(payload);
                }
                return is_copied;
            }
            Copied::UntilOwnTurn { made, ref mut is_apart, .. } => *is_apart |= is_later(self.at, before, made),
        }
        let is_event = kind == "event_msg";
        match kind_of(payload).as_deref() {
            Ok("task_started" | "turn_started") if is_event => {
                let id = content(payload).ok().and_then(|started: TaskStarted| started.turn_id);
                self.ends_with_turn(id.as_deref(), before)
            }
            Ok("user_message") if is_event => self.ends_with_message(),
            Ok("token_count") if is_event => {
                self.used_before(payload);
                true
            }
            // The settings of the thread's own first turn, where they come before its message.
            _ if kind == "turn_context" => !self.may_be_own(),
            _ => !matches!(self.copied, Copied::No),
        }
    }

    /// Takes note of what was used before the thread.
    fn used_before(&mut self, payload: Raw<'_>) {
        if let Ok(TokenCount { info: Some(info) }) = content(payload) {
            self.total = Some(info.total_token_usage.into());
            self.context_tokens = Some(info.last_token_usage.total_tokens());
        }
    }

    fn ends_with_turn(&mut self, id: Option<&str>, before: UnixMillis) -> bool {
        let Copied::UntilOwnTurn { made, has_turn_ids, .. } = &mut self.copied else { return false };
        *has_turn_ids = true;
        let is_own = match id.and_then(made_at) {
            Some(began) => began >= *made,
            None => is_later(self.at, before, *made),
        };
        if is_own {
            self.copied = Copied::No;
        }
        !is_own
    }

    fn ends_with_message(&mut self) -> bool {
        let is_own = self.may_be_own();
        if is_own {
            self.copied = Copied::No;
        }
        !is_own
    }

    /// Whether a turn without an id may have begun: the message that the model is shown stands right before that of the user.
    fn may_be_own(&self) -> bool {
        matches!(self.copied, Copied::UntilOwnTurn { has_turn_ids: false, is_apart: true, .. })
    }
}

/// Whether a line came after the thread was made, and by itself.
fn is_later(at: UnixMillis, before: UnixMillis, made: UnixMillis) -> bool {
    at >= made && at.0 > before.0.saturating_add(TOGETHER_MS)
}

/// When a session was made, as its first line says.
pub(super) fn made(timestamp: Option<&str>) -> Option<UnixMillis> {
    timestamp.and_then(UnixMillis::from_iso_8601)
}
