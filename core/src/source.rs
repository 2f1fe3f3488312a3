//! What a reader of an agent's messages or files yields: facts, and what should have been facts.

use alloc::vec::Vec;

use crate::discard::Discard;
use crate::fact::Fact;
use crate::time::UnixMillis;
use crate::unknown::Unknown;

/// A message that cannot be read. A discard says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be read at byte {column}")]
#[non_exhaustive]
pub struct Unreadable {
    /// The byte, counted from 1, at which it could not be read.
    pub column: usize,
}

/// What one message amounts to.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Observation {
    /// The facts, in the order in which the reducer must take them.
    pub facts: Vec<Fact>,
    /// What should have become a fact and did not.
    pub discards: Vec<Discard>,
    /// The byte, counted from 1, at which the message could not be read.
    pub malformed_at: Option<usize>,
    /// Whether the message is of no interest to analytics.
    pub irrelevant: bool,
    /// When the server says that it sent the message, if that is within five minutes of the host's clock: the time of the
    /// facts.
    pub emitted_at: Option<UnixMillis>,
    /// What of it is not known to this version.
    pub unknown: Unknown,
    /// When it was, where it says so itself, as a line of a file does.
    pub at: Option<UnixMillis>,
}

impl Observation {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.facts.clear();
        self.discards.clear();
        self.malformed_at = None;
        self.irrelevant = false;
        self.emitted_at = None;
        if !self.unknown.is_empty() {
            self.unknown.clear();
        }
        self.at = None;
    }
}

/// A file that an agent writes for itself, line by line. The host opens it, and hands on its lines in their order.
///
/// A source keeps what later lines need, and no more: it is bounded, whatever the file.
pub trait Source {
    /// Appends what a line amounts to. [`Observation::at`] is the line's own time, if it has one.
    fn line(&mut self, text: &[u8], out: &mut Observation);

    /// Appends what waited for a line that will not come: the file has no more.
    fn end(&mut self, out: &mut Observation);
}
