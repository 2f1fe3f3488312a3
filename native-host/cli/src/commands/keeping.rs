//! Events on their way into the store.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use anyhow::bail;
use turnledger_archive::{Added, Archive, Entry, Reading};
use turnledger_core::UnixMillis;

use super::counted;
use super::line_buffer::LineBuffer;

/// How many events go into the store at once.
const AT_ONCE: usize = 1000;

/// Takes events line by line, and keeps them. A line may begin with the number of its recording and a time, each with a
/// tab behind it. What is written is kept by [`flush`](Write::flush) at the latest.
pub(super) struct Keeping {
    archive: Archive,
    /// The number of the recording that is being read.
    recording: Option<u64>,
    reading: Reading,
    entries: Vec<Entry>,
    lines: LineBuffer,
    added: Added,
}

impl Keeping {
    /// Keeps events in the store at `path`, which is made if it is not there.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let archive = Archive::open(path)?;
        Ok(Self {
            archive,
            recording: None,
            reading: Reading::default(),
            entries: Vec::new(),
            lines: LineBuffer::default(),
            added: Added::default(),
        })
    }

    /// What tells the store from others.
    pub(super) fn store_id(&self) -> anyhow::Result<Vec<u8>> {
        Ok(self.archive.id()?)
    }

    /// What comes from now on is read from its beginning: another file.
    pub(super) fn begin(&mut self) {
        self.reading = Reading::default();
    }

    /// Keeps an event, given as JSON. False if it is none.
    pub(super) fn keep(&mut self, at: Option<UnixMillis>, json: &[u8]) -> anyhow::Result<bool> {
        let Some(Ok(entry)) = std::str::from_utf8(json).ok().map(|json| self.reading.read(at, json)) else {
            return Ok(false);
        };
        self.entries.push(entry);
        if self.entries.len() >= AT_ONCE {
            self.commit()?;
        }
        Ok(true)
    }

    /// Keeps what waits.
    pub(super) fn commit(&mut self) -> anyhow::Result<()> {
        if !self.entries.is_empty() {
            self.added.add(self.archive.add(&self.entries)?);
            self.entries.clear();
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let mut parts = line.splitn(3, |byte| *byte == b'\t');
        let (first, second, third) = (parts.next(), parts.next(), parts.next());
        let (at, json) = match (first, second, third) {
            (Some(recording), Some(at), Some(json)) if !line.starts_with(b"{") => {
                let recording = number(recording);
                if self.recording != recording {
                    self.recording = recording;
                    self.begin();
                }
                (number(at).map(UnixMillis), json)
            }
            _ => (None, line),
        };
        if !self.keep(at, json)? {
            bail!("what was made is no event");
        }
        Ok(())
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl Write for Keeping {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = std::mem::take(&mut self.lines);
        let added = lines.add(bytes, |line| self.take_line(line));
        self.lines = lines;
        added.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.commit().map_err(io::Error::other)
    }
}

impl fmt::Display for Keeping {
    /// What became of the events: a line for a person.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Added { new, improved, known, .. } = self.added;
        write!(formatter, "{}: {}", self.archive.path().display(), counted(new, "new event"))?;
        if improved > 0 {
            write!(formatter, ", {improved} better known")?;
        }
        if known > 0 {
            write!(formatter, ", {known} there already")?;
        }
        Ok(())
    }
}
