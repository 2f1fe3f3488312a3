//! Rollouts in, facts out: the files that Codex writes of its threads (`docs/import.md`).
//!
//! A file holds one thread. Its lines become the facts that the observer makes of the same thread's messages, as far as
//! they say them. What they do not say stays unknown. A file below 0.145 may begin with another thread's history, copied:
//! that history yields nothing.

mod call;
mod clock;
mod compaction;
mod control;
mod copied;
mod edit;
mod item;
mod line;
mod minimal;
mod output;
mod patch;
mod shape;
mod state;
mod thread;
mod tool;
mod turn;

use alloc::borrow::Cow;

use call::Calls;
use compaction::Compactions;
use control::Responses;
use copied::Copied;
use line::{Line, SessionMeta, Settings};
use thread::Meta;
use turn::{Context, Turn};

use crate::codex::catalog::TokenBreakdown;
use crate::codex::goals::KnownGoal;
use crate::discard::{Discard, Ids, Reason, Subject};
use crate::fact::Fact;
use crate::id::{ConnectionId, Id};
use crate::json::read::{self, Raw, Read, ReadError, Reader};
use crate::protocol::notification::Notification;
use crate::source::{Observation, Source};
use crate::time::UnixMillis;

/// Reads one rollout: a file of `~/.codex/sessions`, line by line.
///
/// ```
/// # #[cfg(feature = "sha2")] {
/// use turnledger_core::digest::Sha2;
/// use turnledger_core::event::common::RpcTransport;
/// use turnledger_core::{Limits, Output, Pipeline, Rollout};
///
/// let file = [
///     r#"{"timestamp":"2026-11-28T08:00:00.000Z","type":"session_meta","payload":{"id":"thread-1","cli_version":"0.131.0"}}"#,
///     r#"{"timestamp":"2026-11-28T08:00:01.000Z","type":"turn_context","payload":{"turn_id":"turn-1","model":"gpt-5"}}"#,
/// ];
/// let (mut rollout, mut output) = (Rollout::new(1), Output::default());
/// let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
/// for line in file {
///     assert_eq!(pipeline.read(&mut rollout, line.as_bytes(), &mut output), Ok(()));
/// }
/// pipeline.end(&mut rollout, &mut output);
/// let types: Vec<_> = output.events.iter().map(|event| event.event_type()).collect();
/// assert_eq!(types, ["codex_thread_initialized"]);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Rollout {
    connection: ConnectionId,
    /// The time of the latest line.
    at: UnixMillis,
    meta: Option<Meta>,
    /// Whether the thread's opening was told.
    is_open: bool,
    copied: Copied,
    /// The settings of the latest `thread_settings_applied`.
    settings: Option<Settings>,
    /// The settings of a turn that has not begun: in files without ids of turns.
    context: Option<Context>,
    turn: Option<Turn>,
    /// Whether turns have ids.
    has_turn_ids: bool,
    /// How many turns without an id have begun.
    turns: u64,
    has_reported_turn: bool,
    /// Whether a review runs within the turn.
    is_in_review: bool,
    /// The model of the latest turn that was reported.
    last_model: Option<Id>,
    calls: Calls,
    responses: Responses,
    /// The thread's goal, by the latest call about it.
    goal: Option<KnownGoal>,
    compactions: Compactions,
    /// The session's tokens by the latest count.
    total: Option<TokenBreakdown>,
    /// The tokens in the context, by the latest count.
    context_tokens: Option<i64>,
}

/// Where a line's facts go.
struct Step<'o> {
    out: &'o mut Observation,
}

impl Step<'_> {
    fn fact(&mut self, fact: impl Into<Fact>) {
        self.out.facts.push(fact.into());
    }

    fn notification(&mut self, notification: Notification) {
        self.fact(notification);
    }
}

/// The kind of a line's content, which stands in the content itself.
fn kind_of(payload: Raw<'_>) -> Result<Cow<'_, str>, ReadError> {
    let mut reader = Reader::new(payload.0);
    reader.tag("type").map_err(|_| reader.error())
}

fn is_json(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.skip().and_then(|()| reader.end()).is_ok()
}

fn content<'t, T: Read<'t>>(payload: Raw<'t>) -> Result<T, ReadError> {
    read::from_str(payload.0)
}

impl Rollout {
    /// A file of which nothing was read. `connection` stands for the connection that its thread had.
    pub fn new(connection: impl Into<ConnectionId>) -> Self {
        Self {
            connection: connection.into(),
            at: UnixMillis::default(),
            meta: None,
            is_open: false,
            copied: Copied::default(),
            settings: None,
            context: None,
            turn: None,
            has_turn_ids: false,
            turns: 0,
            has_reported_turn: false,
            is_in_review: false,
            last_model: None,
            calls: Calls::default(),
            responses: Responses::default(),
            goal: None,
            compactions: Compactions::default(),
            total: None,
            context_tokens: None,
        }
    }

    /// The file's thread, once its first line was read.
    pub fn thread_id(&self) -> Option<&Id> {
        self.meta.as_ref().map(|meta| &meta.id)
    }

    /// When the latest line was written, by its own time.
    pub fn at(&self) -> UnixMillis {
        self.at
    }

    /// The text as a line: with its content in `payload`, or, before 0.32, as the content itself.
    fn take(&mut self, text: &str, step: &mut Step<'_>) -> Result<(), ReadError> {
        let line: Line<'_> = read::from_str(text)?;
        let before = self.at;
        if let Some(at) = line.timestamp.as_ref().and_then(|text| UnixMillis::from_iso_8601(&text.0)) {
            self.at = at;
        }
        step.out.at = Some(self.at);
        let Some(payload) = line.payload else { return self.take_bare(text, line.kind.is_some(), step) };
        let kind = line.kind.as_ref().map_or("", |kind| &kind.0);
        if kind == "session_meta" {
            let meta = content(payload)?;
            self.session(meta, step);
            return Ok(());
        }
        if self.meta.is_none() {
            step.out.discards.push(self.discard(Subject::Message, Reason::UnknownThread, Ids::default()));
            return Ok(());
        }
        if self.is_copied(kind, line.ordinal, payload, before) {
            step.out.irrelevant = true;
            return Ok(());
        }
        // Where the content stands in the line.
        let place = payload.0.as_ptr() as usize - text.as_ptr() as usize;
        self.take_content(kind, payload, before, step).map_err(|error| error.behind(place))
    }

    fn take_content(
        &mut self,
        kind: &str,
        payload: Raw<'_>,
        before: UnixMillis,
        step: &mut Step<'_>,
    ) -> Result<(), ReadError> {
        // A compaction is a response, too, but it is not one of the turn's.
        if kind == "compacted" {
            self.responses.forget();
        } else {
            self.responded(step);
        }
        match kind {
            "turn_context" => self.turn_context(content(payload)?, step),
            "event_msg" => return self.event(payload, before, step),
            "response_item" => return self.response(payload, step),
            "compacted" => self.compacted(&content(payload)?),
            "token_usage_record" => {
                let record = content(payload)?;
                self.responses.completed(&record);
                self.response_used(record);
            }
            _ => step.out.irrelevant = true,
        }
        Ok(())
    }

    /// A line of a file before 0.32: the session first, then the items that the model saw. They have no times.
    fn take_bare(&mut self, text: &str, has_kind: bool, step: &mut Step<'_>) -> Result<(), ReadError> {
        if self.meta.is_none() && !has_kind {
            let meta: SessionMeta<'_> = read::from_str(text)?;
            if let Some(at) = meta.timestamp.as_ref().and_then(|text| UnixMillis::from_iso_8601(&text.0)) {
                (self.at, step.out.at) = (at, Some(at));
            }
            self.session(meta, step);
            if let Some(meta) = &mut self.meta {
                meta.is_bare = true;
            }
            return Ok(());
        }
        if self.meta.is_none() || !has_kind {
            step.out.irrelevant = true;
            return Ok(());
        }
        self.response(Raw(text), step)
    }

    fn event(&mut self, payload: Raw<'_>, before: UnixMillis, step: &mut Step<'_>) -> Result<(), ReadError> {
        let kind = kind_of(payload)?;
        // A review within a turn is another thread, whose events stand here, too.
        if self.is_in_review
            && !matches!(&*kind, "exited_review_mode" | "item_completed" | "task_complete" | "turn_aborted")
        {
            step.out.irrelevant = true;
            return Ok(());
        }
        match &*kind {
            "entered_review_mode" => self.is_in_review = true,
            "exited_review_mode" => self.is_in_review = false,
            "task_started" | "turn_started" => self.task_started(content(payload)?, step),
            "task_complete" | "turn_complete" => self.task_complete(&content(payload)?, step),
            "turn_aborted" => self.turn_aborted(&content(payload)?, step),
            "user_message" => self.user_message(&content(payload)?, before, step),
            "token_count" => self.token_count(&content(payload)?),
            "thread_settings_applied" => self.settings_applied(content(payload)?, step),
            "item_completed" => self.item_completed(content(payload)?, step),
            "agent_message" | "agent_reasoning" => self.worked(step),
            "context_compacted" => self.context_compacted(),
            "patch_apply_end" => self.patch_ended(content(payload)?, step),
            "mcp_tool_call_end" => self.mcp_call_ended(content(payload)?, step),
            "exec_command_end" => self.command_ended(content(payload)?, step),
            "web_search_end" => self.search_ended(content(payload)?, step),
            "image_generation_end" => self.image_ended(content(payload)?, step),
            _ => step.out.irrelevant = true,
        }
        Ok(())
    }

    fn response(&mut self, payload: Raw<'_>, step: &mut Step<'_>) -> Result<(), ReadError> {
        match &*kind_of(payload)? {
            "message" => self.message(&content(payload)?, step),
            "reasoning" => self.worked(step),
            "function_call" => self.function_called(&content(payload)?, step),
            "custom_tool_call" => self.custom_tool_called(content(payload)?, step),
            "local_shell_call" => self.shell_called(&content(payload)?, step),
            "function_call_output" | "custom_tool_call_output" => self.call_returned(content(payload)?, step),
            "web_search_call" => self.search_called(&content(payload)?, step),
            // Any other call is the model's work, too.
            kind if kind.ends_with("_call") => self.worked(step),
            _ => step.out.irrelevant = true,
        }
        Ok(())
    }

    fn discard(&self, subject: Subject, reason: Reason, ids: Ids) -> Discard {
        Discard { at: self.at, subject, reason, ids }
    }
}

impl Source for Rollout {
    fn line(&mut self, text: &[u8], out: &mut Observation) {
        let (at, malformed) = match core::str::from_utf8(text) {
            Ok(text) => {
                let read = self.take(text, &mut Step { out });
                (self.at, read.err().map(|error| (error.column(), !is_json(text))))
            }
            Err(error) => (self.at, Some((error.valid_up_to() + 1, true))),
        };
        out.at = Some(at);
        if let Some((column, is_syntax)) = malformed {
            let reason = if is_syntax { Reason::NotJson } else { Reason::WrongShape };
            out.malformed_at = Some(column);
            out.discards.push(self.discard(Subject::Message, reason, Ids::default()));
        }
    }

    fn end(&mut self, out: &mut Observation) {
        out.at = Some(self.at);
        let mut step = Step { out };
        if self.meta.is_some() {
            if !self.has_turn_ids {
                self.end_of_turn_without_id(self.at, &mut step);
            }
            self.open(&mut step);
        }
    }
}
