//! How much went through a replay.

use std::fmt;

use turnledger_core::Stats;

/// How much went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Recordings.
    pub sessions: u64,
    /// Lines that could not be read.
    pub bad_lines: u64,
    /// What the core counted.
    pub stats: Stats,
}

impl Summary {
    pub(super) fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.bad_lines += other.bad_lines;
        self.stats.add(&other.stats);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { messages, irrelevant_messages, facts, events, discards, unknown, .. } = &self.stats;
        let count = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        write!(
            formatter,
            "{}: {} ({irrelevant_messages} of no interest), {}, {}, {}",
            count(self.sessions, "session"),
            count(*messages, "message"),
            count(facts.values().sum(), "fact"),
            count(events.values().sum(), "event"),
            count(discards.values().sum(), "discard"),
        )?;
        if self.bad_lines > 0 {
            write!(formatter, ", {}", count(self.bad_lines, "bad line"))?;
        }
        for (name, count) in events {
            write!(formatter, "\n  {count:>8}  {name}")?;
        }
        for ((subject, reason), count) in discards {
            write!(formatter, "\n  {count:>8}  no event ({subject}): {reason}")?;
        }
        if !unknown.is_empty() {
            write!(formatter, "\n{unknown}")?;
        }
        Ok(())
    }
}
