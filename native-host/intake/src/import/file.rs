//! One rollout through the core.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use turnledger::lines::{MAX_LINE, read_line};
use turnledger_core::digest::Sha2;
use turnledger_core::discard::Reason;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Digest as _, Event, Limits, Output, Pipeline, Rollout};

use super::memory::{Key, Place, Told};
use super::merge::Events;
use super::{Found, Options, Summary};
use crate::kind::Kind;
use crate::recording::{BadLine, Complaints, Source};
use crate::replay::explain;

/// A state is kept at most once in so many bytes: to make one costs as much as to read some lines.
const BETWEEN_STATES: u64 = 1 << 16;
const BUFFER: usize = 1 << 16;

/// What a file amounts to.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    pub(crate) events: Events,
    pub(crate) notes: Vec<String>,
    pub(crate) summary: Summary,
}

/// A file that is being read.
pub(crate) struct Reading {
    name: String,
    /// The file; none of what a host reads itself.
    source: Option<Source>,
    reader: Counted,
    line: Vec<u8>,
    /// The beginning of a line whose end is not written yet.
    cut: Vec<u8>,
    lines: u64,
    pipeline: Pipeline<Sha2>,
    rollout: Rollout,
    output: Output,
    complaints: Complaints,
    /// How many events the lines have made.
    made: u64,
    /// What was told before.
    told: Told,
    /// The thread that was told.
    expected: Option<String>,
    at_end: Vec<u64>,
    place: Option<Place>,
    key: Key,
    /// Whether bytes are places: the file is not packed.
    is_plain: bool,
    explain: bool,
    imported: Imported,
}

impl Reading {
    /// Opens a file, where an earlier import left off if it is known.
    pub(super) fn open(found: &Found, options: &Options) -> io::Result<Self> {
        let source = Source::File(found.path.clone());
        let mut reading = Self::of(source.name(), Box::new(io::empty()), options);
        reading.key = found.key.clone();
        reading.expected.clone_from(&found.thread);
        reading.told = found.told.clone().unwrap_or_default();
        if !reading.go_on_from_place(&found.path, options)? {
            let mut file = BufReader::with_capacity(BUFFER, File::open(&found.path)?);
            reading.is_plain = file.fill_buf()?.first() == Some(&b'{');
            let reader = if reading.is_plain { Box::new(file) } else { source.open(|reader| reader)? };
            reading.reader = Counted::new(reader, 0);
        }
        reading.source = Some(source);
        Ok(reading)
    }

    /// What a host reads itself, from its start; nothing is remembered of it.
    pub(crate) fn of(name: String, reader: Box<dyn BufRead + Send>, options: &Options) -> Self {
        Self {
            name,
            source: None,
            reader: Counted::new(reader, 0),
            line: Vec::new(),
            cut: Vec::new(),
            lines: 0,
            pipeline: Pipeline::new(options.digest.clone(), RpcTransport::Stdio, Limits::default()),
            rollout: Rollout::new(1),
            output: Output::default(),
            complaints: Complaints::default(),
            made: 0,
            at_end: Vec::new(),
            place: None,
            key: Key::default(),
            is_plain: false,
            explain: options.explain,
            imported: Imported::default(),
            expected: None,
            told: Told::default(),
        }
    }

    /// Goes on from the place that is remembered, if it is one of this file.
    fn go_on_from_place(&mut self, path: &Path, options: &Options) -> io::Result<bool> {
        let Some(place) = self.told.place.clone().filter(|place| place.file == self.key) else { return Ok(false) };
        let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
        if file.get_ref().metadata()?.len() < place.bytes {
            return Ok(false);
        }
        if !matches!(read_line(&mut file, &mut self.line), Ok(Some(true))) {
            return Ok(false);
        }
        let restored = Rollout::restore(1, &place.rollout, &self.line).and_then(|rollout| {
            Ok((rollout, Pipeline::restore(options.digest.clone(), Limits::default(), &place.pipeline)?))
        });
        // A state of another version, or made with another key, cannot be used: the file is read from its start.
        let Ok((rollout, pipeline)) = restored else { return Ok(false) };
        let mut last = [0];
        file.seek(SeekFrom::Start(place.bytes.saturating_sub(1)))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            return Ok(false);
        }
        (self.rollout, self.pipeline, self.is_plain) = (rollout, pipeline, true);
        (self.lines, self.made) = (place.lines, place.events);
        self.reader = Counted::new(Box::new(file), place.bytes);
        self.place = Some(place);
        Ok(true)
    }

    /// Reads the lines that there are. A last one without its end waits: it may be still being written.
    pub(super) fn go_on(&mut self, options: &Options) -> io::Result<()> {
        while self.step(options)? {}
        Ok(())
    }

    /// Takes the next line, or the beginning of it that is there. Returns whether there may be more.
    pub(crate) fn step(&mut self, options: &Options) -> io::Result<bool> {
        let mut line = std::mem::take(&mut self.line);
        let is_whole = match read_line(&mut self.reader, &mut line) {
            Ok(Some(is_whole)) => is_whole,
            Ok(None) => return Ok(false),
            Err(error) => {
                let note = format!("{}:{}: cannot be read further: {error}", self.name, self.lines + 1);
                self.imported.notes.push(note);
                self.imported.summary.unreadable_files += 1;
                return Ok(false);
            }
        };
        if !self.cut.is_empty() {
            self.cut.append(&mut line);
            std::mem::swap(&mut self.cut, &mut line);
        }
        if self.reader.last == b'\n' {
            self.lines += 1;
            let read = self.line(&line, is_whole, options)?;
            self.check_thread();
            match read {
                Some(bad) => self.bad_line(bad),
                None => self.keep_place(),
            }
        } else {
            std::mem::swap(&mut self.cut, &mut line);
        }
        self.line = line;
        Ok(true)
    }

    /// What was told is of the thread that the file's name says. A file may have another's name.
    fn check_thread(&mut self) {
        if let (Some(expected), Some(thread)) = (&self.expected, self.rollout.thread_id()) {
            if **expected != **thread {
                self.told = Told::default();
            }
            self.expected = None;
        }
    }

    fn line(&mut self, line: &[u8], is_whole: bool, options: &Options) -> io::Result<Option<BadLine>> {
        if !is_whole {
            return Ok(Some(BadLine::TooLong(MAX_LINE)));
        }
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        let read = self.pipeline.read(&mut self.rollout, line, &mut self.output);
        let bad = read.err().map(|bad| {
            let is_syntax = self.output.discards.iter().any(|discard| discard.reason == Reason::NotJson);
            if is_syntax { BadLine::NotJson(bad.column) } else { BadLine::BadMember(bad.column) }
        });
        self.drain(Some(self.lines), options)?;
        Ok(bad)
    }

    /// Remembers the state behind the latest line, if there is one, and the latest is long ago.
    fn keep_place(&mut self) {
        let bytes = self.reader.taken;
        let from = self.place.as_ref().map_or(0, |place| place.bytes);
        if !self.is_plain || bytes < from + BETWEEN_STATES {
            return;
        }
        if let Some(rollout) = self.rollout.save() {
            let (file, pipeline) = (self.key.clone(), self.pipeline.snapshot());
            self.place = Some(Place { file, bytes, lines: self.lines, events: self.made, rollout, pipeline });
        }
    }

    /// Takes note that the latest line could not be read.
    fn bad_line(&mut self, bad: BadLine) {
        self.imported.summary.bad_lines += 1;
        self.complaints.add(self.lines, &bad.to_string());
    }

    /// Takes over the events and discards that came out of a line; `line` is `None` for those of the file's end.
    fn drain(&mut self, line: Option<u64>, options: &Options) -> io::Result<()> {
        let at = self.rollout.at();
        let wants = options.wants(at);
        for event in &self.output.events {
            if line.is_some() {
                self.made += 1;
            } else {
                self.at_end.push(about(event));
            }
            let is_behind = line.is_none() || self.made > self.told.events;
            let is_new = is_behind && !take(&mut self.told.at_end, event);
            if is_new && wants {
                self.imported.summary.count(at, event);
                self.imported.events.add(at, &event.to_json())?;
            }
        }
        for discard in &self.output.discards {
            self.imported.summary.count_discard(discard);
            if self.explain {
                self.imported.notes.push(explain(&self.name, line, discard));
            }
        }
        self.output.clear();
        Ok(())
    }

    /// Takes note that the file has no more, or, if it goes on, no more yet.
    pub(crate) fn end(&mut self, goes_on: bool, options: &Options) -> io::Result<()> {
        if !goes_on {
            self.end_session(options)?;
        }
        let summary = &mut self.imported.summary;
        summary.files += 1;
        if self.rollout.thread_id().is_some() {
            summary.sessions += 1;
        } else if !goes_on {
            // What is wrong with each of its lines is of no interest.
            (summary.other_files, summary.bad_lines, summary.cut_files) = (1, 0, 0);
            let kind = self.source.as_ref().and_then(|source| Kind::of(source).ok()).unwrap_or(Kind::Other);
            let note = match kind.hint().filter(|_| kind != Kind::Rollout) {
                Some(hint) => format!("{}: {kind}, no rollout: {hint}", self.name),
                None => format!("{}:1: no rollout: no line of the file names a session", self.name),
            };
            self.imported.notes.push(note);
            return Ok(());
        }
        self.complain();
        Ok(())
    }

    /// Tells what was wrong with lines.
    pub(super) fn complain(&mut self) {
        let complaints = self.complaints.tell(&self.name);
        self.imported.notes.extend(complaints);
    }

    fn end_session(&mut self, options: &Options) -> io::Result<()> {
        let cut = std::mem::take(&mut self.cut);
        if !cut.is_empty() {
            self.lines += 1;
            match self.line(&cut, true, options)? {
                Some(BadLine::NotJson(_)) if self.lines > 1 => self.imported.summary.cut_files += 1,
                Some(bad) => self.bad_line(bad),
                None => {}
            }
        }
        self.pipeline.end(&mut self.rollout, &mut self.output);
        self.drain(None, options)
    }

    /// What came out since the last time.
    pub(crate) fn take(&mut self) -> Imported {
        std::mem::take(&mut self.imported)
    }

    /// What is told of its thread, once all that came out is written.
    pub(super) fn told(&self) -> Option<(String, Told)> {
        let thread = self.rollout.thread_id()?.to_string();
        let events = self.made.max(self.told.events);
        // What an earlier end told, and no line has told again.
        let at_end = self.at_end.iter().chain(&self.told.at_end).copied().collect();
        Some((thread, Told { events, at_end, place: self.place.clone() }))
    }

    /// Whether its end would tell nothing more.
    pub(super) fn is_settled(&self) -> bool {
        self.cut.is_empty() && self.rollout.save().is_some()
    }

    /// Whether more can be read from the file as it is now: it is not packed, and no shorter than what was read.
    pub(super) fn can_go_on(&self, bytes: u64) -> bool {
        self.is_plain && bytes >= self.reader.taken
    }
}

/// The kind of an event and what it is about, as a number.
fn about(event: &Event) -> u64 {
    let ids = event.ids();
    let ids = [ids.thread_id, ids.turn_id, ids.item_id, ids.review_id].map(|id| id.map_or("", |id| &**id).as_bytes());
    let [thread, turn, item, review] = ids;
    let hash =
        Sha2::default().digest(&[event.event_type().as_bytes(), thread, b"\n", turn, b"\n", item, b"\n", review]);
    hash.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Whether an event was told at an earlier end. It counts once.
fn take(at_end: &mut Vec<u64>, event: &Event) -> bool {
    if at_end.is_empty() {
        return false;
    }
    let about = about(event);
    let place = at_end.iter().position(|told| *told == about);
    place.map(|place| at_end.swap_remove(place)).is_some()
}

/// A reader that knows how much was taken, and the last byte.
struct Counted {
    reader: Box<dyn BufRead + Send>,
    taken: u64,
    last: u8,
}

impl Counted {
    fn new(reader: Box<dyn BufRead + Send>, taken: u64) -> Self {
        Self { reader, taken, last: b'\n' }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if count > 0 {
            // What is consumed is in the buffer.
            if let Ok(buffer) = self.reader.fill_buf() {
                self.last = buffer[count - 1];
            }
            self.taken += count as u64;
        }
        self.reader.consume(count);
    }
}
