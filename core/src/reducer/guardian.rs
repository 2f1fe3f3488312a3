//! `codex_guardian_review` (`docs/contract/events.md`): needs the thread's connection, and no more.

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Subject};
use crate::event::Event;
use crate::event::common::CacheWrites;
use crate::event::guardian::{GuardianAttempts, GuardianContext, GuardianModelChoice, GuardianReviewEvent};
use crate::event::turn::TokenUse;
use crate::fact::guardian::GuardianReview;
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    pub(super) fn guardian_reviewed(&mut self, review: GuardianReview, output: &mut Output) {
        let connection = match self.state.thread_connection(&review.thread_id) {
            Ok(connection) => connection,
            Err(reason) => {
                let ids = Ids { item_id: review.target_item_id, ..Ids::turn(&review.thread_id, &review.turn_id) };
                output.discard(self.state.at, Subject::GuardianReview, reason, ids);
                return;
            }
        };
        let dialect = self.state.dialect(&review.thread_id);
        let session = dialect.members(|| self.state.session(&review.thread_id));
        let cache_write_input_tokens = review.cache_write_input_tokens;
        output.events.push(Event::GuardianReview(Box::new(GuardianReviewEvent {
            session,
            connection,
            context: dialect.members(|| GuardianContext { guardian_context_mode: review.guardian_context_mode }),
            thread_id: review.thread_id,
            turn_id: review.turn_id,
            review_id: review.review_id,
            target_item_id: review.target_item_id,
            approval_request_source: review.approval_request_source,
            reviewed_action: if dialect.says_less_of_reviews() {
                review.reviewed_action.briefer()
            } else {
                review.reviewed_action
            },
            reviewed_action_truncated: review.reviewed_action_truncated,
            decision: review.decision,
            terminal_status: review.terminal_status,
            failure_reason: review.failure_reason,
            attempts: dialect.members(|| GuardianAttempts { attempt_count: review.attempt_count }),
            risk_level: review.risk_level,
            user_authorization: review.user_authorization,
            outcome: review.outcome,
            guardian_thread_id: review.guardian_thread_id,
            guardian_session_kind: review.guardian_session_kind,
            guardian_model: review.guardian_model,
            guardian_reasoning_effort: review.guardian_reasoning_effort,
            choice: dialect.members(|| GuardianModelChoice {
                guardian_default_review_model_id: review.guardian_default_review_model_id,
                guardian_catalog_contains_auto_review: review.guardian_catalog_contains_auto_review,
                guardian_review_model_overridden: review.guardian_review_model_overridden,
                guardian_review_model_override: review.guardian_review_model_override,
                guardian_model_provider_id: review.guardian_model_provider_id,
            }),
            had_prior_review_context: review.had_prior_review_context,
            review_timeout_ms: review.review_timeout_ms,
            tool_call_count: review.tool_call_count,
            time_to_first_token_ms: review.time_to_first_token_ms,
            completion_latency_ms: review.completion_latency_ms,
            started_at: review.started_at,
            completed_at: review.completed_at,
            tokens: TokenUse::new(review.tokens, dialect.members(|| CacheWrites { cache_write_input_tokens })),
        })));
    }
}
