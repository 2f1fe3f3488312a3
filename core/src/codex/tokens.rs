//! Totals of a session become the tokens of a turn.

use crate::codex::catalog::TokenBreakdown;
use crate::fact::turn::TurnTokenUsage;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A turn's tokens so far.
#[derive(Clone, Copy, Debug, Default, Write, Read)]
pub(crate) struct Tokens {
    /// The session's tokens before the turn; set at the turn's first update.
    pub(crate) baseline: Option<TokenBreakdown>,
    pub(crate) latest: Option<TokenBreakdown>,
    /// The sum over the turn's model requests, used if the baseline is unknown.
    pub(crate) sum: TokenBreakdown,
}

impl Tokens {
    /// Returns whether a request to the model used more.
    pub(crate) fn update(
        &mut self,
        before: Option<TokenBreakdown>,
        total: TokenBreakdown,
        last: TokenBreakdown,
    ) -> bool {
        if self.latest.is_none() {
            self.baseline = before;
        }
        // A repeated update is no new request.
        let is_new = self.latest.or(before) != Some(total);
        if is_new {
            for (sum, part) in self.sum.parts_mut().into_iter().zip(last.parts()) {
                *sum = sum.saturating_add(part);
            }
        }
        self.latest = Some(total);
        is_new
    }

    /// Session total at the end less that at the start, never negative (`docs/contract/derived.md` 4).
    /// `reports_cache_writes` says whether the server counts what was written to the cache.
    pub(crate) fn used(self, thread_id: Id, turn_id: Id, reports_cache_writes: bool) -> TurnTokenUsage {
        let mut used = match (self.latest, self.baseline) {
            (None, _) => TokenBreakdown::default(),
            (Some(_), None) => self.sum,
            (Some(mut latest), Some(baseline)) => {
                for (end, start) in latest.parts_mut().into_iter().zip(baseline.parts()) {
                    *end = end.saturating_sub(start);
                }
                latest
            }
        };
        used.parts_mut().into_iter().for_each(|part| *part = (*part).max(0));
        TurnTokenUsage {
            turn_id,
            thread_id,
            input_tokens: used.input_tokens,
            cached_input_tokens: used.cached_input_tokens,
            output_tokens: used.output_tokens,
            reasoning_output_tokens: used.reasoning_output_tokens,
            total_tokens: used.total_tokens,
            cache_write_input_tokens: reports_cache_writes.then_some(used.cache_write_input_tokens),
        }
    }
}

impl TokenBreakdown {
    /// Whether this total and the latest use mean that the session's count began anew, behind a total that is known.
    pub(crate) fn starts_again(&self, total: Self, last: Self) -> bool {
        total == last && 0 < total.input_tokens && total.input_tokens < self.input_tokens
    }

    fn parts(self) -> [i64; 6] {
        [
            self.total_tokens,
            self.input_tokens,
            self.cached_input_tokens,
            self.output_tokens,
            self.reasoning_output_tokens,
            self.cache_write_input_tokens,
        ]
    }

    fn parts_mut(&mut self) -> [&mut i64; 6] {
        [
            &mut self.total_tokens,
            &mut self.input_tokens,
            &mut self.cached_input_tokens,
            &mut self.output_tokens,
            &mut self.reasoning_output_tokens,
            &mut self.cache_write_input_tokens,
        ]
    }
}
