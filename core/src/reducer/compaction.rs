//! `codex_compaction_event` (`docs/contract/events.md`): needs the thread's context.

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Subject};
use crate::event::Event;
use crate::event::common::{ThreadContext, VoiceSession};
use crate::event::compaction::{CompactionError, CompactionEvent, CompactionRequest};
use crate::event::error_kind::ErrorKind;
use crate::event::since::{ERROR_KIND_OF_COMPACTIONS, VOICE_OF_COMPACTIONS};
use crate::fact::compaction::Compaction;
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    pub(super) fn compacted(&mut self, fact: Compaction, output: &mut Output) {
        let Compaction { thread_id, turn_id, details } = fact;
        let ThreadContext { connection, lineage } = match self.state.thread_context(&thread_id) {
            Ok(context) => context,
            Err(reason) => {
                output.discard(self.state.at, Subject::Compaction, reason, Ids::turn(&thread_id, &turn_id));
                return;
            }
        };
        let dialect = self.state.dialect(&thread_id);
        let session = dialect.members(|| self.state.session(&thread_id));
        output.events.push(Event::Compaction(Box::new(CompactionEvent {
            thread_id,
            session,
            turn_id,
            connection,
            lineage,
            trigger: details.trigger,
            reason: details.reason,
            implementation: details.implementation,
            phase: details.phase,
            strategy: details.strategy,
            status: details.status,
            error_kind: dialect.members_since(ERROR_KIND_OF_COMPACTIONS, || {
                let told = ErrorKind {
                    codex_error_kind: details.codex_error_kind,
                    codex_error_http_status_code: details.codex_error_http_status_code,
                    usage_limit_window_minutes: details.usage_limit_window_minutes,
                };
                told.or(|| details.error.as_ref().map(ErrorKind::of_text))
            }),
            error: dialect.compaction_error(|| CompactionError { error: details.error }),
            voice: dialect.members_since(VOICE_OF_COMPACTIONS, VoiceSession::default),
            active_context_tokens_before: details.active_context_tokens_before,
            active_context_tokens_after: details.active_context_tokens_after,
            request: dialect.members(|| CompactionRequest {
                retained_image_count: details.retained_image_count,
                compaction_summary_tokens: details.compaction_summary_tokens,
                cached_input_tokens: details.cached_input_tokens,
                cache_write_input_tokens: details.cache_write_input_tokens,
            }),
            started_at: details.started_at,
            completed_at: details.completed_at,
            duration_ms: details.duration_ms,
        })));
    }
}
