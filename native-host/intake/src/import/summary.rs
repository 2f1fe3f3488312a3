//! How much went through an import.

use std::collections::BTreeMap;
use std::fmt;

use turnledger_core::discard::{Reason, Subject};
use turnledger_core::event::Event;
use turnledger_core::{Discard, UnixMillis};

/// How much went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Files that were read.
    pub files: u64,
    /// Files of a thread that another file has; they were not read.
    pub duplicates: u64,
    /// Files that are as they were when they were imported; they were not read.
    pub unchanged: u64,
    /// Files that are no rollouts.
    pub other_files: u64,
    /// Files that could not be read, or not to their end.
    pub unreadable_files: u64,
    /// Files whose last line is cut off: they are being written, or their session was killed.
    pub cut_files: u64,
    /// Files that are rollouts: each has one session.
    pub sessions: u64,
    /// Turns among the events that were written.
    pub turns: u64,
    /// Events that were written.
    pub events: u64,
    /// The tokens that went to the model in these turns.
    pub input_tokens: u64,
    /// The tokens that came from the model in these turns.
    pub output_tokens: u64,
    /// Turns of which the tokens are not known.
    pub turns_without_tokens: u64,
    /// Lines that could not be read.
    pub bad_lines: u64,
    /// What yielded no event, by kind and reason.
    pub discards: BTreeMap<(Subject, Reason), u64>,
    /// By month, as in `2026-11`, and model, which is empty where a file does not say.
    pub rows: BTreeMap<(String, String), Row>,
}

/// What one model did in one month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// Sessions that began.
    pub sessions: u64,
    /// Turns that ended.
    pub turns: u64,
    /// The tokens that went to the model in these turns.
    pub input_tokens: u64,
    /// The tokens that came from the model in these turns.
    pub output_tokens: u64,
    /// Lines that these turns added and left.
    pub accepted_lines: u64,
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.turns += other.turns;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.accepted_lines += other.accepted_lines;
    }
}

/// The month of a time, in UTC.
fn month(at: UnixMillis) -> String {
    // Days since 1970 become years and months of the Gregorian calendar, with the year beginning in March.
    let days = at.0 / (24 * 60 * 60 * 1000) + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}", era * 400 + year + u64::from(month <= 2))
}

impl Summary {
    pub(super) fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.duplicates += other.duplicates;
        self.unchanged += other.unchanged;
        self.other_files += other.other_files;
        self.unreadable_files += other.unreadable_files;
        self.cut_files += other.cut_files;
        self.sessions += other.sessions;
        self.turns += other.turns;
        self.events += other.events;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.turns_without_tokens += other.turns_without_tokens;
        self.bad_lines += other.bad_lines;
        for (what, count) in &other.discards {
            *self.discards.entry(*what).or_default() += count;
        }
        for (of, row) in &other.rows {
            self.rows.entry(of.clone()).or_default().add(row);
        }
    }

    /// Counts an event that is written.
    pub(super) fn count(&mut self, at: UnixMillis, event: &Event) {
        self.events += 1;
        let mut row = Row::default();
        let model = match event {
            Event::ThreadInitialized(thread) => {
                row.sessions = 1;
                &thread.model
            }
            Event::Turn(turn) => {
                let tokens = |tokens: Option<i64>| tokens.and_then(|tokens| u64::try_from(tokens).ok()).unwrap_or(0);
                row.turns = 1;
                row.input_tokens = tokens(turn.tokens.input_tokens);
                row.output_tokens = tokens(turn.tokens.output_tokens);
                self.turns += 1;
                self.turns_without_tokens += u64::from(turn.tokens.input_tokens.is_none());
                self.input_tokens += row.input_tokens;
                self.output_tokens += row.output_tokens;
                &turn.model
            }
            Event::AcceptedLineFingerprints(lines) => {
                row.accepted_lines = lines.accepted_added_lines;
                &lines.model_slug
            }
            _ => return,
        };
        let model = model.as_ref().map(ToString::to_string).unwrap_or_default();
        self.rows.entry((month(at), model)).or_default().add(&row);
    }

    pub(super) fn count_discard(&mut self, discard: &Discard) {
        *self.discards.entry((discard.subject, discard.reason)).or_default() += 1;
    }

    /// Whether something could not be used.
    pub fn has_bad_input(&self) -> bool {
        self.bad_lines > 0 || self.other_files > 0 || self.unreadable_files > 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        write!(
            formatter,
            "{}: {}, {}, {}; {} tokens in, {} out",
            count(self.files, "file"),
            count(self.sessions, "session"),
            count(self.turns, "turn"),
            count(self.events, "event"),
            self.input_tokens,
            self.output_tokens,
        )?;
        let apart = [
            (self.turns_without_tokens, "turn", "without known tokens"),
            (self.duplicates, "file", "of a thread that another file has"),
            (self.cut_files, "file", "with a last line that is cut off"),
            (self.other_files, "file", "without a session"),
            (self.unreadable_files, "file", "not read to the end"),
            (self.bad_lines, "line", "that cannot be used"),
        ];
        for (number, what, which) in apart.into_iter().filter(|(number, ..)| *number > 0) {
            write!(formatter, "\n  {number:>8}  {what}{} {which}", if number == 1 { "" } else { "s" })?;
        }
        for ((subject, reason), count) in &self.discards {
            // Bad lines are told apart.
            if *subject != Subject::Message {
                write!(formatter, "\n  {count:>8}  no event ({subject}): {reason}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use turnledger_core::UnixMillis;

    use super::month;

    #[test]
    fn months() {
        for (at, expected) in [
            ("1970-01-01T00:00:00Z", "1970-01"),
            ("2024-02-29T23:59:59Z", "2024-02"),
            ("2024-03-01T00:00:00Z", "2024-03"),
            ("2026-11-30T23:59:59Z", "2026-11"),
            ("2026-12-31T23:59:59Z", "2026-12"),
            ("2027-01-01T00:00:00Z", "2027-01"),
        ] {
            assert_eq!(month(UnixMillis::from_iso_8601(at).expect("a time")), expected);
        }
    }
}
