//! `codex_turn_event` and the accepted lines that follow it (`docs/contract/rules.md` 4, 8.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Reducer;
use super::state::{Completed, Config, Diff, Metadata, Turn};
use crate::accepted_lines::AcceptedLines;
use crate::dialect::Dialect;
use crate::digest::{Digest, DigestValue};
use crate::discard::{Ids, Reason, Subject};
use crate::event::accepted_lines::{AcceptedLineFingerprints, InnerEventType, ProductSurface};
use crate::event::common::{CacheWrites, ConnectionContext, Session};
use crate::event::error_kind::ErrorKind;
use crate::event::turn::{
    ApprovalsReviewer, TokenUse, Tokens, TurnBeginning, TurnEvent, TurnImages, TurnInterrupt, TurnStatus, TurnWorkspace,
};
use crate::event::{Event, Shared};
use crate::fact::turn::{TurnErrorKind, TurnInterrupted, TurnProfiled, TurnResolvedConfig, TurnTokenUsage};
use crate::id::{ConnectionId, Id, TurnRef};
use crate::output::Output;
use crate::protocol::enums;
use crate::protocol::notification::{TurnDiffUpdated, TurnNotification};
use crate::question::QuestionId;
use crate::time::{UnixMillis, to_u64};

impl<D: Digest> Reducer<D> {
    /// A client started a turn.
    pub(super) fn turn_accepted(
        &mut self,
        at: UnixMillis,
        connection_id: ConnectionId,
        thread_id: &Id,
        turn_id: &Id,
        num_input_images: u64,
        output: &mut Output,
    ) {
        let turn = self.state.turn_or_new(thread_id, turn_id, output);
        turn.connection_id = Some(connection_id);
        turn.num_input_images = Some(num_input_images);
        self.try_emit_turn(at, thread_id, turn_id, output);
    }

    /// The turn's settings. The last number of images wins.
    pub(super) fn turn_config_resolved(&mut self, at: UnixMillis, mut fact: TurnResolvedConfig, output: &mut Output) {
        let is_of_file =
            self.state.thread_connection(&fact.thread_id).is_ok_and(|connection| connection.source.is_some());
        let config = Config::new(&fact, is_of_file);
        let repository = fact.permission_profile_cwd.take();
        let repository = repository.map(|cwd| self.ask_repository(cwd, fact.thread_id.clone(), output));
        let turn = self.state.turn_or_new(&fact.thread_id, &fact.turn_id, output);
        turn.num_input_images = Some(fact.num_input_images);
        turn.config = Some(config);
        turn.repository = repository.or(turn.repository);
        turn.resolved(&mut fact);
        self.try_emit_turn(at, &fact.thread_id, &fact.turn_id, output);
    }

    /// The turn's use of tokens.
    pub(super) fn turn_tokens_used(&mut self, at: UnixMillis, fact: &TurnTokenUsage, output: &mut Output) {
        let turn = self.state.turn_or_new(&fact.thread_id, &fact.turn_id, output);
        turn.tokens = Some(Tokens {
            input_tokens: Some(fact.input_tokens),
            cached_input_tokens: Some(fact.cached_input_tokens),
            output_tokens: Some(fact.output_tokens),
            reasoning_output_tokens: Some(fact.reasoning_output_tokens),
            total_tokens: Some(fact.total_tokens),
        });
        if fact.cache_write_input_tokens.is_some() {
            turn.newer().cache_write_input_tokens = fact.cache_write_input_tokens;
        }
        self.try_emit_turn(at, &fact.thread_id, &fact.turn_id, output);
    }

    /// What the turn's time went into. It comes before the turn's end.
    pub(super) fn turn_profiled(&mut self, fact: TurnProfiled, output: &mut Output) {
        let newer = self.state.turn_or_new(&fact.thread_id, &fact.turn_id, output).newer();
        newer.profile = fact.profile;
        newer.critical_path = fact.critical_path.unwrap_or_default();
        newer.image_preparations = fact.image_preparations;
    }

    /// A client interrupted the turn: the earliest request counts.
    pub(super) fn turn_interrupted(&mut self, fact: &TurnInterrupted) {
        // A turn that has had its event does not begin again.
        let Some(turn) = self.state.turn_mut(&fact.thread_id, &fact.turn_id) else { return };
        let newer = turn.newer();
        let earliest = newer.interrupt_requested_at_ms.map_or(fact.requested_at_ms, |at| at.min(fact.requested_at_ms));
        newer.interrupt_requested_at_ms = Some(earliest);
    }

    /// The kind of error that ended the turn.
    pub(super) fn turn_failed(&mut self, fact: &TurnErrorKind, output: &mut Output) {
        self.state.turn_or_new(&fact.thread_id, &fact.turn_id, output).newer().error = Some(fact.error);
    }

    /// `turn/started`
    pub(super) fn turn_started(&mut self, started: &TurnNotification, output: &mut Output) {
        let turn = self.state.turn_or_new(&started.thread_id, &started.turn.id, output);
        turn.started_at = started.turn.started_at.and_then(to_u64);
        turn.roots_in(started.turn.root_turn_id.as_ref());
    }

    /// `turn/diff/updated`: the latest diff replaces the earlier one.
    pub(super) fn turn_diff_updated(&mut self, updated: TurnDiffUpdated, output: &mut Output) {
        let TurnDiffUpdated { thread_id, turn_id, diff } = updated;
        let replaced = self.state.turn_or_new(&thread_id, &turn_id, output).diff.take();
        self.state.held_diff_bytes -= replaced.as_ref().map_or(0, Diff::held_bytes);
        let size = diff.expose().len();
        let too_large = size > self.limits.max_diff_bytes
            || self.state.held_diff_bytes.saturating_add(size) > self.limits.max_held_diff_bytes;
        let diff = if too_large {
            output.discard(self.state.at, Subject::Diff, Reason::TooLarge, Ids::turn(&thread_id, &turn_id));
            Diff::Hashed(AcceptedLines::count(diff.expose()))
        } else {
            self.state.held_diff_bytes += size;
            Diff::Text(diff)
        };
        self.state.turn_or_new(&thread_id, &turn_id, output).diff = Some(diff);
    }

    /// `turn/completed`: skills of the turn that still wait for an answer are reported now.
    pub(super) fn turn_completed(&mut self, at: UnixMillis, completed: TurnNotification, output: &mut Output) {
        let TurnNotification { thread_id, turn } = completed;
        self.release_thread(&thread_id, output);
        self.finish_skills_of_turn(&thread_id, &turn.id, output);
        self.release_calls_of_turn(&thread_id, &turn.id, output);
        let state = self.state.turn_or_new(&thread_id, &turn.id, output);
        state.roots_in(turn.root_turn_id.as_ref());
        if let Some(error) = &turn.error {
            state.failed_by(error);
        }
        state.completed = Some(Completed {
            status: match turn.status {
                enums::TurnStatus::Completed => Some(TurnStatus::Completed),
                enums::TurnStatus::Failed => Some(TurnStatus::Failed),
                enums::TurnStatus::Interrupted => Some(TurnStatus::Interrupted),
                enums::TurnStatus::InProgress | enums::TurnStatus::Unknown => None,
            },
            error: turn.error.and_then(|error| error.codex_error_info).into(),
            completed_at: turn.completed_at.and_then(to_u64).unwrap_or(0),
            duration_ms: turn.duration_ms.and_then(to_u64),
        });
        self.try_emit_turn(at, &thread_id, &turn.id, output);
    }

    /// What a turn's event needs beside the turn, once all of it is there (`docs/contract/rules.md` 4.2).
    fn turn_context(&mut self, key: &TurnRef<'_>) -> Option<TurnContext> {
        let turn = self.state.turns.peek(key)?;
        if turn.completed.is_none() || turn.config.is_none() {
            return None;
        }
        let started_by = turn.connection_id;
        let thread = self.state.threads.get_mut(self.state.now, key.thread)?;
        let (metadata, repository) = (thread.metadata.clone()?, thread.repository);
        // A turn without `turn/start` belongs to its thread's connection. But first wait for open requests: one
        // of them may have started this turn.
        let connection_id = started_by.or(if thread.open_turn_starts == 0 { thread.connection_id } else { None })?;
        let connection = self.state.connection(connection_id)?;
        Some(TurnContext {
            connection: connection.context_of(Some(&metadata.origin)),
            dialect: connection.dialect,
            metadata,
            thread_repository: repository,
        })
    }

    /// Emits the turn's event once everything it needs is there.
    fn try_emit_turn(&mut self, at: UnixMillis, thread_id: &Id, turn_id: &Id, output: &mut Output) {
        let key = TurnRef { thread: thread_id, turn: turn_id };
        let Some(TurnContext { connection, dialect, metadata, thread_repository }) = self.turn_context(&key) else {
            return;
        };
        let Some((
            _,
            Turn {
                num_input_images,
                config: Some(config),
                started_at,
                tokens,
                completed: Some(completed),
                diff,
                steer_count,
                tools,
                repository,
                newer,
                ..
            },
        )) = self.state.turns.remove(&key)
        else {
            return;
        };

        self.state.held_diff_bytes -= diff.as_ref().map_or(0, Diff::held_bytes);
        let repository = repository.or(thread_repository);
        let (model, source) = (config.model.clone(), connection.source);
        let newer = newer.map(|newer| *newer).unwrap_or_default();
        let lineage = &metadata.origin.lineage;
        let num_input_images = num_input_images.unwrap_or(0);
        let error_kind = newer.error.unwrap_or_else(|| ErrorKind::of(completed.error.get()));
        let writes = CacheWrites { cache_write_input_tokens: newer.cache_write_input_tokens };
        output.events.push(Event::Turn(Box::new(TurnEvent {
            critical_path: dialect.members(|| newer.critical_path),
            thread_id: thread_id.clone(),
            session: dialect.members(|| Session { session_id: metadata.origin.session.id(thread_id) }),
            turn_id: turn_id.clone(),
            beginning: dialect.members(|| TurnBeginning { root_turn_id: newer.root_turn_id, ..newer.beginning }),
            submission_type: config.submission_type,
            connection,
            ephemeral: config.ephemeral,
            thread_source: lineage.thread_source.clone(),
            initialization_mode: metadata.initialization_mode,
            subagent_source: lineage.subagent_source.clone(),
            parent_thread_id: lineage.parent_thread_id.clone(),
            model: config.model,
            model_provider: config.model_provider,
            sandbox_policy: config.sandbox_policy,
            reasoning_effort: config.reasoning_effort,
            reasoning_summary: config.reasoning_summary,
            service_tier: config.service_tier,
            approval_policy: config.approval_policy,
            approvals_reviewer: match config.approvals_reviewer {
                Some(ApprovalsReviewer::GuardianSubagent) => Some(dialect.guardian()),
                reviewer => reviewer,
            },
            agents: dialect.members(|| newer.agents),
            sandbox_network_access: config.sandbox_network_access,
            collaboration_mode: config.collaboration_mode,
            personality: config.personality,
            workspace: dialect.members(|| TurnWorkspace { workspace_kind: newer.workspace_kind }),
            num_input_images,
            images: dialect.members(|| TurnImages { image_preparations: newer.image_preparations }),
            is_first_turn: config.is_first_turn,
            status: completed.status,
            interrupt: dialect.members(|| TurnInterrupt {
                explicit_client_interrupt_requested_at_ms: newer.interrupt_requested_at_ms,
            }),
            turn_error: completed.error,
            error_kind: dialect.members(|| error_kind),
            steer_count,
            used_dictation: newer.used_dictation.filter(|_| dialect.reports_dictation()),
            tools,
            tokens: TokenUse::new(tokens.unwrap_or_default(), dialect.members(|| writes)),
            profile: dialect.members(|| newer.profile),
            duration_ms: completed.duration_ms,
            started_at,
            completed_at: completed.completed_at,
        })));
        if let Some(diff) = diff {
            let event = AcceptedLineFingerprints {
                event_type: InnerEventType::default(),
                turn_id: turn_id.clone(),
                thread_id: thread_id.clone(),
                product_surface: ProductSurface::default(),
                model_slug: model,
                completed_at: at.as_secs(),
                repo_hash: self.repo_hash(repository),
                accepted_added_lines: 0,
                accepted_deleted_lines: 0,
                line_fingerprints: Vec::new(),
                fingerprint_scheme: Some(self.digest.scheme()),
                source,
            };
            emit_accepted_lines(&event, diff.into_lines(&self.digest), output);
        }
        if repository != thread_repository
            && let Some(question) = repository
        {
            self.state.repositories.remove(&question);
        }
    }

    /// What the host answered to a question about a repository.
    fn repo_hash(&mut self, question: Option<QuestionId>) -> Option<DigestValue> {
        self.state.repositories.get_mut(self.state.now, &question?)?.as_deref().copied()
    }
}

/// What a turn's event needs beside the turn.
struct TurnContext {
    connection: Shared<ConnectionContext>,
    dialect: &'static Dialect,
    metadata: Metadata,
    thread_repository: Option<QuestionId>,
}

/// Chunks of `event` that fit a request, each with its part of `lines`.
fn emit_accepted_lines(event: &AcceptedLineFingerprints, lines: AcceptedLines, output: &mut Output) {
    if lines.is_empty() {
        return;
    }
    output.events.extend(lines.into_chunks().map(|chunk| {
        Event::AcceptedLineFingerprints(Box::new(AcceptedLineFingerprints {
            accepted_added_lines: chunk.added,
            accepted_deleted_lines: chunk.deleted,
            line_fingerprints: chunk.fingerprints,
            ..event.clone()
        }))
    }));
}
