//! Accepted-line events of diffs that no session has: a patch, a range of commits.

use std::io::{self, BufRead, Seek, Write};

use tempfile::SpooledTempFile;
use turnledger_core::accepted_lines::{Chunker, Fingerprinter, LineBuffer, line_hash, path_hash};
use turnledger_core::event::accepted_lines::{AcceptedLineFingerprints, LineFingerprint};
use turnledger_core::{Digest, DigestValue, Event, Id};

use crate::repository::FileChange;
use turnledger::lines::read_line;
use turnledger_core::digest::Sha2;

/// What the events say beside the lines.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Labels {
    /// The thread that accepted the lines.
    pub thread_id: Id,
    /// Its turn.
    pub turn_id: Id,
    /// The model that wrote them.
    pub model_slug: Option<Id>,
    /// When, in Unix seconds.
    pub completed_at: u64,
    /// The repository.
    pub repo_hash: Option<DigestValue>,
}

impl Labels {
    /// The turn that wrote the lines, and when, in Unix seconds. The model and the repository are not known unless they
    /// are set.
    pub fn new(thread_id: impl Into<Id>, turn_id: impl Into<Id>, completed_at: u64) -> Self {
        let (thread_id, turn_id) = (thread_id.into(), turn_id.into());
        Self { thread_id, turn_id, model_slug: None, completed_at, repo_hash: None }
    }

    /// The model that wrote them.
    #[must_use]
    pub fn model_slug(mut self, model_slug: impl Into<Option<Id>>) -> Self {
        self.model_slug = model_slug.into();
        self
    }

    /// The repository.
    #[must_use]
    pub fn repo_hash(mut self, repo_hash: impl Into<Option<DigestValue>>) -> Self {
        self.repo_hash = repo_hash.into();
        self
    }
}

/// Writes the accepted-line events of a change, one a line.
///
/// Memory does not grow with the change: the first event tells the totals, which are known at the
/// end, so that the events after it wait in a temporary file. It has hashes alone.
#[derive(Debug)]
pub struct EventWriter {
    event: AcceptedLineFingerprints,
    digest: Sha2,
    chunker: Chunker,
    first: Option<Vec<LineFingerprint>>,
    rest: SpooledTempFile,
    added: u64,
    deleted: u64,
    buffer: LineBuffer,
}

/// The thread and the turn of events that name none.
pub const UNNAMED: &str = "unknown";

/// How much of the events after the first stays in memory.
const IN_MEMORY: usize = 16 << 20;

impl EventWriter {
    /// A writer of events with these labels.
    pub fn new(digest: Sha2, labels: Labels) -> Self {
        let Labels { thread_id, turn_id, model_slug, completed_at, repo_hash } = labels;
        let mut event = AcceptedLineFingerprints::new(thread_id, turn_id, completed_at, digest.scheme());
        (event.model_slug, event.repo_hash) = (model_slug, repo_hash);
        Self {
            event,
            digest,
            chunker: Chunker::default(),
            first: None,
            rest: SpooledTempFile::new(IN_MEMORY),
            added: 0,
            deleted: 0,
            buffer: LineBuffer::default(),
        }
    }

    /// Takes a diff. Returns whether it was one: what is empty is, what has lines and no header is not.
    ///
    /// # Errors
    ///
    /// What the reader or the temporary file says.
    pub fn diff(&mut self, diff: &mut dyn BufRead) -> io::Result<bool> {
        let mut fingerprinter = Fingerprinter::new(self.digest.clone());
        let mut line = Vec::new();
        let mut is_empty = true;
        while read_line(diff, &mut line)?.is_some() {
            is_empty = false;
            let text = line.strip_suffix(b"\r").unwrap_or(&line);
            if let Some(fingerprint) = fingerprinter.line(text) {
                self.push(fingerprint)?;
            }
        }
        self.added += fingerprinter.added();
        self.deleted += fingerprinter.deleted();
        Ok(is_empty || fingerprinter.is_diff())
    }

    /// Takes what a step of a repository's history did to a file.
    ///
    /// # Errors
    ///
    /// What the temporary file says.
    pub fn file(&mut self, change: &FileChange<'_>) -> io::Result<()> {
        let path_hash = path_hash(&self.digest, &change.path);
        for line in &change.added {
            if let Some(line_hash) = line_hash(&self.digest, line.text, &mut self.buffer) {
                self.push(LineFingerprint::new(path_hash, line_hash))?;
            }
        }
        self.added += change.added.len() as u64;
        self.deleted += change.deleted.len() as u64;
        Ok(())
    }

    /// Added and deleted lines so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.added, self.deleted)
    }

    /// Writes the events: none if nothing was added or deleted.
    ///
    /// # Errors
    ///
    /// What the writer or the temporary file says.
    pub fn finish(mut self, output: &mut dyn Write) -> io::Result<()> {
        if (self.added, self.deleted) == (0, 0) {
            return Ok(());
        }
        let last = std::mem::take(&mut self.chunker).finish();
        let first = match self.first.take() {
            None => last,
            Some(first) => {
                let event = self.with(last);
                writeln!(self.rest, "{event}")?;
                first
            }
        };
        (self.event.accepted_added_lines, self.event.accepted_deleted_lines) = (self.added, self.deleted);
        writeln!(output, "{}", self.with(first))?;
        self.rest.rewind()?;
        io::copy(&mut self.rest, output)?;
        output.flush()
    }

    fn push(&mut self, fingerprint: LineFingerprint) -> io::Result<()> {
        match self.chunker.push(fingerprint) {
            None => Ok(()),
            Some(chunk) if self.first.is_none() => {
                self.first = Some(chunk);
                Ok(())
            }
            Some(chunk) => {
                let event = self.with(chunk);
                writeln!(self.rest, "{event}")
            }
        }
    }

    fn with(&self, line_fingerprints: Vec<LineFingerprint>) -> Event {
        let mut event = self.event.clone();
        event.line_fingerprints = line_fingerprints;
        Event::AcceptedLineFingerprints(Box::new(event))
    }
}
