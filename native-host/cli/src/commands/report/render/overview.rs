//! What a report says at a glance: lines of a label, a number, and what belongs to it.

use turnledger_archive::report::{Gap, Number, Report, Row};

use super::words::{self, count, percent, share};

/// A line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) label: &'static str,
    pub(super) value: String,
    /// What belongs to the number.
    pub(super) notes: Vec<String>,
    /// What the numbers leave out.
    pub(super) gaps: Vec<String>,
}

impl Line {
    fn new(row: &Row, number: Number) -> Self {
        let gaps = row.gap(number).iter().map(ToString::to_string).collect();
        Self { label: number.label(), value: words::number(row, number), notes: Vec::new(), gaps }
    }

    fn label(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    fn note(mut self, note: impl Into<Option<String>>) -> Self {
        self.notes.extend(note.into());
        self
    }

    /// What a note leaves out, if the number itself does not.
    fn gap(mut self, of: &str, gap: Option<Gap>) -> Self {
        let gap = gap.filter(|gap| !self.gaps.contains(&gap.to_string()));
        self.gaps.extend(gap.map(|gap| format!("{of}: {gap}")));
        self
    }
}

/// `12 failed`; nothing for zero.
fn some(row: &Row, number: Number, what: &str) -> Option<String> {
    let amount = row.get(number)?;
    (amount.whole() != Some(0)).then(|| format!("{} {what}", words::amount(number.unit(), amount)))
}

/// `47.1 M in (91 % cached)`
fn tokens(row: &Row, whole: Number, what: &str, part: Number, which: &str) -> Option<String> {
    let text = words::amount(whole.unit(), row.get(whole)?);
    let share = share(row.whole(part), row.whole(whole));
    Some(share.map_or_else(|| format!("{text} {what}"), |share| format!("{text} {what} ({} {which})", percent(share))))
}

/// What was done.
pub(super) fn work(report: &Report) -> Vec<Line> {
    let row = &report.total;
    let (sessions, threads) = (row.whole(Number::Sessions), row.whole(Number::Threads));
    let threads = threads.filter(|threads| sessions.is_some_and(|sessions| sessions != *threads));
    let mut lines = vec![
        Line::new(row, Number::Sessions)
            .note(threads.map(|threads| format!("{} threads with those of agents", count(threads))))
            .note(some(row, Number::SessionsOfFiles, "known from Codex's files alone")),
        Line::new(row, Number::Turns)
            .note(some(row, Number::TurnsFailed, "failed"))
            .note(some(row, Number::TurnsInterrupted, "interrupted"))
            .gap("how they ended", row.gap(Number::TurnsFailed)),
        Line::new(row, Number::TurnTime),
        Line::new(row, Number::Tokens)
            .note(tokens(row, Number::InputTokens, "in", Number::CachedTokens, "cached"))
            .note(tokens(row, Number::OutputTokens, "out", Number::ReasoningTokens, "reasoning")),
    ];
    if report.query.prices.is_some() {
        let mut cost = Line::new(row, Number::Cost);
        let gap = row
            .gap(Number::Cost)
            .into_iter()
            .map(|gap| format!("{} of {} turns have no tokens or no price", count(gap.unknown), count(gap.of)));
        cost.gaps = gap.collect();
        lines.push(cost);
    }
    lines.push(Line::new(row, Number::AddedLines).label("Accepted lines").note(some(
        row,
        Number::DeletedLines,
        "deleted",
    )));
    lines
}

/// What people and other programs did.
pub(super) fn others(report: &Report) -> Vec<Line> {
    let row = &report.total;
    let waits = || {
        let wait = |number: Number, which| Some(format!("{} {which}", words::amount(number.unit(), row.get(number)?)));
        Some(format!("waited {}, {}", wait(Number::WaitMedian, "(median)")?, wait(Number::WaitP95, "(95 %)")?))
    };
    let mut lines = vec![
        Line::new(row, Number::Approvals)
            .note(some(row, Number::ApprovalsRefused, "refused"))
            .note(some(row, Number::ApprovalsAborted, "aborted"))
            .note(waits()),
    ];
    if row.whole(Number::AutomaticReviews).is_some_and(|reviews| reviews > 0) {
        lines.push(
            Line::new(row, Number::AutomaticReviews).note(some(row, Number::AutomaticRefused, "refused")).note(some(
                row,
                Number::AutomaticTokens,
                "tokens, not among those of turns",
            )),
        );
    }
    lines.extend([
        Line::new(row, Number::Steers)
            .note(some(row, Number::SteersRejected, "refused"))
            .gap("refused ones", row.gap(Number::SteersRejected)),
        Line::new(row, Number::TurnsInterrupted),
        Line::new(row, Number::Compactions).note(some(row, Number::CompactionsFailed, "failed")),
        Line::new(row, Number::Hooks).note(some(row, Number::HooksFailed, "failed")).note(some(
            row,
            Number::HooksBlocked,
            "blocked something",
        )),
        Line::new(row, Number::Skills),
    ]);
    lines
}

/// What no number has, in sentences.
pub(super) fn missing(report: &Report) -> Vec<String> {
    let missing = &report.missing;
    let mut sentences = Vec::new();
    let plural =
        |number: u64, one: &str, many: &str| format!("{} {}", count(number), if number == 1 { one } else { many });
    if missing.events_without_time > 0 {
        let events = plural(missing.events_without_time, "event of the store says", "events of the store say");
        sentences.push(format!("{events} no time, and no period has them: --all adds them."));
    }
    if missing.events_of_later_versions > 0 {
        let events = plural(missing.events_of_later_versions, "event is", "events are");
        sentences.push(format!("{events} of a later version of this program, and in no number."));
    }
    if missing.sessions_without_beginning > 0 {
        let sessions = plural(missing.sessions_without_beginning, "session has", "sessions have");
        sentences.push(format!("{sessions} no known beginning: it may belong to another one."));
    }
    if !missing.models_without_price.is_empty() {
        let name = |(model, turns): &(String, u64)| {
            format!("{} ({})", words::printable(model), plural(*turns, "turn", "turns"))
        };
        let names: Vec<_> = missing.models_without_price.iter().map(name).collect();
        sentences.push(format!("The table has no price of {}.", names.join(", ")));
    }
    if !missing.models_with_tiers.is_empty() {
        let names: Vec<_> = missing.models_with_tiers.iter().map(|model| words::printable(model)).collect();
        sentences.push(format!("Large requests cost more than this says: {}.", names.join(", ")));
    }
    sentences
}
