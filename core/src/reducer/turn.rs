//! `codex_turn_event` and the accepted lines that follow it (`docs/contract/rules.md` 4, 8.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Reducer;
use super::state::{Completed, Config, Diff, Turn};
use crate::accepted_lines::AcceptedLines;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::accepted_lines::{AcceptedLineFingerprints, InnerEventType, ProductSurface};
use crate::event::turn::{ApprovalsReviewer, Tokens, TurnEvent, TurnStatus};
use crate::fact::turn::{TurnResolvedConfig, TurnTokenUsage};
use crate::id::{ConnectionId, Id, TurnRef};
use crate::output::Output;
use crate::protocol::enums;
use crate::protocol::notification::{TurnDiffUpdated, TurnNotification};
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
        let config = Config::new(&fact);
        let repository = fact.permission_profile_cwd.take().map(|cwd| self.ask_repository(cwd, output));
        let turn = self.state.turn_or_new(&fact.thread_id, &fact.turn_id, output);
        turn.num_input_images = Some(fact.num_input_images);
        turn.config = Some(config);
        turn.repository = repository.or(turn.repository);
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
        self.try_emit_turn(at, &fact.thread_id, &fact.turn_id, output);
    }

    /// `turn/started`
    pub(super) fn turn_started(&mut self, started: &TurnNotification, output: &mut Output) {
        let turn = self.state.turn_or_new(&started.thread_id, &started.turn.id, output);
        turn.started_at = started.turn.started_at.and_then(to_u64);
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
        self.finish_skills_of_turn(&thread_id, &turn.id, output);
        let state = self.state.turn_or_new(&thread_id, &turn.id, output);
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

    /// Emits the turn's event once everything it needs is there (`docs/contract/rules.md` 4.2).
    fn try_emit_turn(&mut self, at: UnixMillis, thread_id: &Id, turn_id: &Id, output: &mut Output) {
        let key = TurnRef { thread: thread_id, turn: turn_id };
        let Some(turn) = self.state.turns.peek(&key) else { return };
        if turn.completed.is_none() || turn.config.is_none() {
            return;
        }
        let started_by = turn.connection_id;
        let Some(thread) = self.state.threads.get_mut(self.state.now, thread_id) else { return };
        let Some(metadata) = thread.metadata.clone() else { return };
        let thread_repository = thread.repository;
        // A turn without `turn/start` belongs to its thread's connection. But first wait for open requests: one
        // of them may have started this turn.
        let connection_id = started_by.or(if thread.open_turn_starts == 0 { thread.connection_id } else { None });
        let Some(connection) = connection_id.and_then(|id| self.state.connection(id)) else { return };
        let (connection, dialect) = (connection.context.clone(), connection.dialect);
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
                ..
            },
        )) = self.state.turns.remove(&key)
        else {
            return;
        };

        self.state.held_diff_bytes -= diff.as_ref().map_or(0, Diff::held_bytes);
        let repository = repository.or(thread_repository);
        let model = config.model.clone();
        output.events.push(Event::Turn(Box::new(TurnEvent {
            thread_id: thread_id.clone(),
            turn_id: turn_id.clone(),
            submission_type: config.submission_type,
            connection,
            ephemeral: config.ephemeral,
            thread_source: metadata.lineage.thread_source.clone(),
            initialization_mode: metadata.initialization_mode,
            subagent_source: metadata.lineage.subagent_source.clone(),
            parent_thread_id: metadata.lineage.parent_thread_id.clone(),
            model: config.model,
            model_provider: config.model_provider,
            sandbox_policy: config.sandbox_policy,
            reasoning_effort: config.reasoning_effort,
            reasoning_summary: config.reasoning_summary,
            service_tier: config.service_tier,
            approval_policy: config.approval_policy,
            approvals_reviewer: match config.approvals_reviewer {
                ApprovalsReviewer::GuardianSubagent => dialect.guardian,
                reviewer => reviewer,
            },
            sandbox_network_access: config.sandbox_network_access,
            collaboration_mode: config.collaboration_mode,
            personality: config.personality,
            num_input_images: num_input_images.unwrap_or(0),
            is_first_turn: config.is_first_turn,
            status: completed.status,
            turn_error: completed.error,
            steer_count,
            tools,
            tokens: tokens.unwrap_or_default(),
            duration_ms: completed.duration_ms,
            started_at,
            completed_at: completed.completed_at,
        })));
        if let Some(diff) = diff {
            let repo_hash = repository
                .and_then(|question| self.state.repositories.get_mut(self.state.now, &question)?.as_deref().copied());
            let lines = diff.into_lines(&self.digest);
            let event = AcceptedLineFingerprints {
                event_type: InnerEventType::default(),
                turn_id: turn_id.clone(),
                thread_id: thread_id.clone(),
                product_surface: ProductSurface::default(),
                model_slug: model,
                completed_at: at.as_secs(),
                repo_hash,
                accepted_added_lines: 0,
                accepted_deleted_lines: 0,
                line_fingerprints: Vec::new(),
                fingerprint_scheme: Some(self.digest.scheme()),
            };
            emit_accepted_lines(&event, lines, output);
        }
        if repository != thread_repository
            && let Some(question) = repository
        {
            self.state.repositories.remove(&question);
        }
    }
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
