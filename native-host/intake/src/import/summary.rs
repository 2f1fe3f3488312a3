//! How much went through an import.

use std::fmt;

use turnledger_core::event::Event;
use turnledger_core::{Stats, discard};

/// How much went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Files that were read.
    pub files: u64,
    /// Files of a thread that another file has; they were not read.
    pub duplicates: u64,
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
    /// What the core counted, of all that was read.
    pub stats: Stats,
}

impl Summary {
    pub(super) fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.duplicates += other.duplicates;
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
        self.stats.add(&other.stats);
    }

    /// Counts an event that is written.
    pub(super) fn count(&mut self, event: &Event) {
        self.events += 1;
        if let Event::Turn(turn) = event {
            self.turns += 1;
            let tokens = |tokens: Option<i64>| tokens.and_then(|tokens| u64::try_from(tokens).ok());
            self.turns_without_tokens += u64::from(turn.tokens.input_tokens.is_none());
            self.input_tokens += tokens(turn.tokens.input_tokens).unwrap_or(0);
            self.output_tokens += tokens(turn.tokens.output_tokens).unwrap_or(0);
        }
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
            (self.turns_without_tokens, "turns without known tokens"),
            (self.duplicates, "files of a thread that another file has"),
            (self.cut_files, "files with a last line that is cut off"),
            (self.other_files, "files that are no rollouts"),
            (self.unreadable_files, "files that cannot be read"),
            (self.bad_lines, "bad lines"),
        ];
        for (number, what) in apart.into_iter().filter(|(number, _)| *number > 0) {
            write!(formatter, "\n  {number:>8}  {what}")?;
        }
        for ((subject, reason), count) in &self.stats.discards {
            // Bad lines are told apart.
            if *subject != discard::Subject::Message {
                write!(formatter, "\n  {count:>8}  no event ({subject}): {reason}")?;
            }
        }
        if self.sessions > 0 {
            write!(formatter, "\nRollouts say nothing of approvals, hooks, skills, and refused steers.")?;
        }
        Ok(())
    }
}
