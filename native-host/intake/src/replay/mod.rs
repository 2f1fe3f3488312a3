//! Recorded sessions through the core: events or request bodies out, one a line.

mod overflow;
mod parallel;
mod repository;
mod session;
mod summary;

use turnledger::ledger::Answers;
use turnledger_core::digest::Sha2;
use turnledger_core::event::common::RpcTransport;

pub use parallel::replay;
pub use session::answer;
pub(crate) use session::{Session, explain};
pub use summary::Summary;

/// What a replay writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One event a line.
    #[default]
    Events,
    /// One request body a line, as it would be uploaded.
    Batches,
    /// One event a line, behind the number of its recording, from 0 on, a tab, the time at which the recorder saw what it
    /// came of, in Unix milliseconds, and a tab: what a store wants to know of an event.
    Placed,
}

/// How recordings are replayed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What is written.
    pub format: Format,
    /// The answer to the core's question which remote a thread's repository has.
    pub remote: Option<String>,
    /// What answers the core's questions where neither `remote` nor the recording does: made anew for each recording.
    pub answers: Option<fn() -> Box<dyn Answers>>,
    /// What makes the hashes.
    pub digest: Sha2,
    /// How the recorded connections reached the server.
    pub rpc_transport: RpcTransport,
    /// Whether every discard is explained.
    pub explain: bool,
    /// Whether the first bad line ends the replay.
    pub strict: bool,
}

/// Events without explanations, of sessions over standard input and output, to the end, and without an answer.
impl Default for Options {
    fn default() -> Self {
        Self {
            format: Format::default(),
            remote: None,
            answers: None,
            digest: Sha2::default(),
            rpc_transport: RpcTransport::Stdio,
            explain: false,
            strict: false,
        }
    }
}

impl Options {
    /// What is written.
    #[must_use]
    pub const fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// The answer to the core's question which remote a thread's repository has.
    #[must_use]
    pub fn remote(mut self, remote: impl Into<Option<String>>) -> Self {
        self.remote = remote.into();
        self
    }

    /// What answers the core's questions where neither `remote` nor the recording does.
    #[must_use]
    pub fn answers(mut self, answers: impl Into<Option<fn() -> Box<dyn Answers>>>) -> Self {
        self.answers = answers.into();
        self
    }

    /// What makes the hashes.
    #[must_use]
    pub fn digest(mut self, digest: Sha2) -> Self {
        self.digest = digest;
        self
    }

    /// How the recorded connections reached the server.
    #[must_use]
    pub const fn rpc_transport(mut self, rpc_transport: RpcTransport) -> Self {
        self.rpc_transport = rpc_transport;
        self
    }

    /// Whether every discard is explained.
    #[must_use]
    pub const fn explain(mut self, explain: bool) -> Self {
        self.explain = explain;
        self
    }

    /// Whether the first bad line ends the replay.
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }
}

/// What a replay tells its host, in the order of the sessions and of their lines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// Lines to write, each with its end.
    Lines(Vec<u8>),
    /// Something to tell the person who waits: a bad line, or a discard.
    Note(String),
}

/// A recording that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {name}")]
#[non_exhaustive]
pub struct Unreadable {
    /// The recording.
    pub name: String,
    /// What the system says.
    #[source]
    pub error: std::io::Error,
}

impl Unreadable {
    /// What the system says of a recording.
    pub fn new(name: &str, error: std::io::Error) -> Self {
        Self { name: name.into(), error }
    }
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A recording cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// What was replayed cannot be written.
    #[error("cannot write the output")]
    Write(#[source] std::io::Error),
    /// What waited for its turn in a temporary file cannot be read again.
    #[error("cannot read back a temporary file")]
    Waiting(#[source] std::io::Error),
}
