//! What a number of events add up to.

use super::maps::Set;
use super::numbers::{Amount, Gap, Number, Untold};

/// What an event is, as far as a report tells events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Turn,
    Call,
    Review,
    GuardianReview,
    Steer,
    Compaction,
    Lines,
    Hook,
    Skill,
    Other,
}

impl Kind {
    pub(super) fn of(event_type: &str) -> Self {
        match event_type {
            "codex_turn_event" => Self::Turn,
            "codex_command_execution_event"
            | "codex_file_change_event"
            | "codex_mcp_tool_call_event"
            | "codex_dynamic_tool_call_event"
            | "codex_collab_agent_tool_call_event"
            | "codex_web_search_event"
            | "codex_image_generation_event"
            | "codex_control_tool_call_event" => Self::Call,
            "codex_review_event" => Self::Review,
            "codex_guardian_review" => Self::GuardianReview,
            "codex_turn_steer_event" => Self::Steer,
            "codex_compaction_event" => Self::Compaction,
            "codex_accepted_line_fingerprints" => Self::Lines,
            "codex_hook_run" => Self::Hook,
            "skill_invocation" => Self::Skill,
            _ => Self::Other,
        }
    }
}

/// An event's row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) kind: Kind,
    pub(super) event_type: &'a str,
    pub(super) at_ms: Option<i64>,
    pub(super) thread: Option<i64>,
    /// The thread whose session it is.
    pub(super) root: Option<i64>,
    /// Who brought it.
    pub(super) origin: i64,
    /// Whether more than a file told it.
    pub(super) is_told: bool,
    pub(super) model: Option<&'a str>,
    pub(super) client: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) status: Option<&'a str>,
    pub(super) duration_ms: Option<u64>,
    /// Input, cached input, output, and reasoning.
    pub(super) tokens: [Option<u64>; 4],
    pub(super) added_lines: Option<u64>,
    pub(super) deleted_lines: Option<u64>,
    pub(super) reviewer: Option<&'a str>,
    /// What a turn cost, in femtodollars.
    pub(super) cost: Option<u128>,
}

/// A sum over what says a value.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    sum: u128,
    known: u64,
    unknown: u64,
}

impl Sum {
    fn add(&mut self, value: Option<impl Into<u128>>) {
        match value {
            Some(value) => {
                self.sum = self.sum.saturating_add(value.into());
                self.known += 1;
            }
            None => self.unknown += 1,
        }
    }

    const fn merge(&mut self, other: Self) {
        self.sum = self.sum.saturating_add(other.sum);
        self.known += other.known;
        self.unknown += other.unknown;
    }

    /// Null if something is there and nothing says.
    fn total(self) -> Option<u64> {
        (self.known > 0 || self.unknown == 0).then(|| u64::try_from(self.sum).unwrap_or(u64::MAX))
    }
}

const FEMTODOLLARS: f64 = 1e15;

/// Sums, counts, and the sessions that they are of.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sessions: Set<i64>,
    /// The sessions with an event that traffic or facts told.
    told: Set<i64>,
    threads: Set<i64>,
    last: Option<(i64, bool)>,
    span: Option<(i64, i64)>,
    events: u64,
    counts: Counts,
    turn_time: Sum,
    /// Input, cached input, output, reasoning, and input with output.
    tokens: [Sum; 5],
    cost: Sum,
    call_time: Sum,
    waits: Vec<u64>,
    wait: Sum,
    guardian_tokens: Sum,
}

/// What is counted one by one.
macro_rules! counts {
    ($($name:ident),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, Default)]
        struct Counts { $($name: u64),+ }

        impl Counts {
            const fn merge(&mut self, other: Self) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

counts!(
    turns,
    turns_completed,
    turns_failed,
    turns_interrupted,
    calls,
    calls_failed,
    calls_rejected,
    calls_interrupted,
    approvals,
    approvals_refused,
    approvals_aborted,
    automatic,
    automatic_refused,
    guardian_reviews,
    steers,
    steers_rejected,
    compactions,
    compactions_failed,
    hooks,
    hooks_failed,
    hooks_blocked,
    skills,
    added_lines,
    deleted_lines,
);

impl Tally {
    pub(super) fn add(&mut self, seen: &Seen<'_>) {
        if let (Some(thread), Some(root)) = (seen.thread, seen.root)
            && self.last != Some((thread, seen.is_told))
        {
            self.last = Some((thread, seen.is_told));
            self.threads.insert(thread);
            self.sessions.insert(root);
            if seen.is_told {
                self.told.insert(root);
            }
        }
        if let Some(at) = seen.at_ms {
            let (first, last) = self.span.unwrap_or((at, at));
            self.span = Some((first.min(at), last.max(at)));
        }
        self.events += 1;
        let counts = &mut self.counts;
        match seen.kind {
            Kind::Turn => self.add_turn(seen),
            Kind::Call => {
                counts.calls += 1;
                match seen.status {
                    Some("failed") => counts.calls_failed += 1,
                    Some("rejected") => counts.calls_rejected += 1,
                    Some("interrupted") => counts.calls_interrupted += 1,
                    _ => {}
                }
                self.call_time.add(seen.duration_ms);
            }
            Kind::Review if seen.reviewer == Some("user") => {
                counts.approvals += 1;
                match seen.status {
                    Some("denied") => counts.approvals_refused += 1,
                    Some("aborted") => counts.approvals_aborted += 1,
                    _ => {}
                }
                self.wait.add(seen.duration_ms);
                self.waits.extend(seen.duration_ms);
            }
            Kind::Review => {
                counts.automatic += 1;
                counts.automatic_refused += u64::from(seen.status == Some("denied"));
            }
            Kind::GuardianReview => {
                counts.guardian_reviews += 1;
                self.guardian_tokens.add(both(seen.tokens));
            }
            Kind::Steer if seen.status == Some("accepted") => counts.steers += 1,
            Kind::Steer => counts.steers_rejected += 1,
            Kind::Compaction => {
                counts.compactions += 1;
                counts.compactions_failed += u64::from(seen.status == Some("failed"));
            }
            Kind::Hook => {
                counts.hooks += 1;
                counts.hooks_failed += u64::from(seen.status == Some("failed"));
                counts.hooks_blocked += u64::from(matches!(seen.status, Some("blocked" | "stopped")));
            }
            Kind::Skill => counts.skills += 1,
            Kind::Lines => {
                counts.added_lines = counts.added_lines.saturating_add(seen.added_lines.unwrap_or(0));
                counts.deleted_lines = counts.deleted_lines.saturating_add(seen.deleted_lines.unwrap_or(0));
            }
            Kind::Other => {}
        }
    }

    fn add_turn(&mut self, seen: &Seen<'_>) {
        let counts = &mut self.counts;
        counts.turns += 1;
        match seen.status {
            Some("completed") => counts.turns_completed += 1,
            Some("failed") => counts.turns_failed += 1,
            Some("interrupted") => counts.turns_interrupted += 1,
            _ => {}
        }
        self.turn_time.add(seen.duration_ms);
        for (sum, tokens) in self.tokens.iter_mut().zip(seen.tokens) {
            sum.add(tokens);
        }
        self.tokens[4].add(both(seen.tokens));
        self.cost.add(seen.cost);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sessions.extend(other.sessions);
        self.told.extend(other.told);
        self.threads.extend(other.threads);
        let spans = self.span.into_iter().chain(other.span);
        self.span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        self.events += other.events;
        self.counts.merge(other.counts);
        self.turn_time.merge(other.turn_time);
        for (sum, tokens) in self.tokens.iter_mut().zip(other.tokens) {
            sum.merge(tokens);
        }
        self.cost.merge(other.cost);
        self.call_time.merge(other.call_time);
        self.waits.extend(other.waits);
        self.wait.merge(other.wait);
        self.guardian_tokens.merge(other.guardian_tokens);
    }

    pub(super) const fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// Whether nothing was added.
    pub(super) const fn is_empty(&self) -> bool {
        self.events == 0
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = i64> {
        self.sessions.iter().copied()
    }

    /// Sorted once, before the amounts are asked for.
    pub(super) fn sort(&mut self) {
        self.waits.sort_unstable();
    }

    pub(super) fn amount(&self, number: Number, has_prices: bool) -> Option<Amount> {
        let counts = &self.counts;
        let of_files = self.sessions.len() - self.told.len();
        // What no file tells is unknown, and not zero, where there are only files.
        if number.untold() == Untold::Files && !self.sessions.is_empty() && self.told.is_empty() {
            return None;
        }
        let size = |size: usize| Some(size as u64);
        let whole = match number {
            Number::Sessions => size(self.sessions.len()),
            Number::Threads => size(self.threads.len()),
            Number::SessionsOfFiles => size(of_files),
            Number::Turns => Some(counts.turns),
            Number::TurnsCompleted => Some(counts.turns_completed),
            Number::TurnsFailed => Some(counts.turns_failed),
            Number::TurnsInterrupted => Some(counts.turns_interrupted),
            Number::TurnTime => self.turn_time.total(),
            Number::Tokens => self.tokens[4].total(),
            Number::InputTokens => self.tokens[0].total(),
            Number::CachedTokens => self.tokens[1].total(),
            Number::OutputTokens => self.tokens[2].total(),
            Number::ReasoningTokens => self.tokens[3].total(),
            Number::Calls => Some(counts.calls),
            Number::CallsFailed => Some(counts.calls_failed),
            Number::CallsRejected => Some(counts.calls_rejected),
            Number::CallsInterrupted => Some(counts.calls_interrupted),
            Number::CallTime => self.call_time.total(),
            Number::Approvals => Some(counts.approvals),
            Number::ApprovalsRefused => Some(counts.approvals_refused),
            Number::ApprovalsAborted => Some(counts.approvals_aborted),
            Number::WaitMedian => self.wait_rank(50),
            Number::WaitP95 => self.wait_rank(95),
            Number::WaitTime => self.wait.total(),
            Number::AutomaticReviews => Some(counts.automatic),
            Number::AutomaticRefused => Some(counts.automatic_refused),
            Number::AutomaticTokens => self.guardian_tokens.total(),
            Number::Steers => Some(counts.steers),
            Number::SteersRejected => Some(counts.steers_rejected),
            Number::Compactions => Some(counts.compactions),
            Number::CompactionsFailed => Some(counts.compactions_failed),
            Number::Hooks => Some(counts.hooks),
            Number::HooksFailed => Some(counts.hooks_failed),
            Number::HooksBlocked => Some(counts.hooks_blocked),
            Number::Skills => Some(counts.skills),
            Number::AddedLines => Some(counts.added_lines),
            Number::DeletedLines => Some(counts.deleted_lines),
            Number::CallFailureRate => {
                return (counts.calls > 0).then(|| {
                    Amount::Real(Amount::Whole(counts.calls_failed).real() / Amount::Whole(counts.calls).real())
                });
            }
            Number::Cost => {
                let is_known = has_prices && (self.cost.known > 0 || counts.turns == 0);
                #[expect(clippy::cast_precision_loss, reason = "a millionth of a cent is no cost")]
                return is_known.then(|| Amount::Real(self.cost.sum as f64 / FEMTODOLLARS));
            }
        };
        whole.map(Amount::Whole)
    }

    /// The value below or at which a part of the waits lies: one that occurred.
    fn wait_rank(&self, percent: usize) -> Option<u64> {
        let rank = (percent * self.waits.len()).div_ceil(100);
        self.waits.get(rank.saturating_sub(1)).copied()
    }

    pub(super) fn gap(&self, number: Number, has_prices: bool) -> Option<Gap> {
        let counts = &self.counts;
        let turns = |unknown| (unknown, counts.turns, "turns");
        let (unknown, of, what) = match (number.untold(), number) {
            (Untold::Nobody, _) => return None,
            (Untold::Files, Number::WaitMedian | Number::WaitP95 | Number::WaitTime) if self.wait.unknown > 0 => {
                (self.wait.unknown, counts.approvals, "reviews")
            }
            (Untold::Files, Number::AutomaticTokens) if self.guardian_tokens.unknown > 0 => {
                (self.guardian_tokens.unknown, counts.guardian_reviews, "reviews")
            }
            (Untold::Files, _) => {
                ((self.sessions.len() - self.told.len()) as u64, self.sessions.len() as u64, "sessions")
            }
            (Untold::Events, Number::TurnsFailed | Number::TurnsInterrupted) => {
                turns(counts.turns - counts.turns_completed - counts.turns_failed - counts.turns_interrupted)
            }
            (Untold::Events, Number::TurnTime) => turns(self.turn_time.unknown),
            (Untold::Events, Number::InputTokens) => turns(self.tokens[0].unknown),
            (Untold::Events, Number::CachedTokens) => turns(self.tokens[1].unknown),
            (Untold::Events, Number::OutputTokens) => turns(self.tokens[2].unknown),
            (Untold::Events, Number::ReasoningTokens) => turns(self.tokens[3].unknown),
            (Untold::Events, Number::Cost) if !has_prices => return None,
            (Untold::Events, Number::Cost) => turns(self.cost.unknown),
            (Untold::Events, Number::CallTime) => (self.call_time.unknown, counts.calls, "calls"),
            (Untold::Events, _) => turns(self.tokens[4].unknown),
        };
        (unknown > 0).then_some(Gap { unknown, of, what })
    }
}

/// Input and output; null unless both are known.
fn both([input, _, output, _]: [Option<u64>; 4]) -> Option<u64> {
    Some(input?.saturating_add(output?))
}
