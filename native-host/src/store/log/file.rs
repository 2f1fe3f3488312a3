//! The files of a log: who may write, what was appended, and what is damaged.
//!
//! ```text
//! spool/lock                     held by who reads or writes, for as long as that takes
//! spool/00000002-1f0c9a3e.log    the records; the highest number counts
//! spool/00000003-….log.new       one that is being written, to take its place
//! spool/damaged                  what could not be read
//! ```
//!
//! A log's name has a random part: one that is gone was replaced, or its folder was.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::record::{self, EventRecord, Found, Record};
use super::state::{Entry, State};
use super::{DAMAGED, VERSION};
use crate::private_file::{narrow, open_private};
use crate::store::{Damage, SpoolError};

const LOCK: &str = "lock";
const LOG: &str = ".log";
const NEW: &str = ".new";
/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;
/// How soon a lock is tried again.
const PAUSE: Duration = Duration::from_millis(1);
/// A log with fewer bytes is not rewritten, whatever is in it.
const SMALL: u64 = 1 << 20;

/// The last bytes of a record.
type Tail = [u8; record::HEADER];

/// The files, and what they amount to up to some place.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    lock: File,
    log: File,
    /// The log's.
    path: PathBuf,
    pub(super) state: State,
    /// Bytes of the log that are in the state.
    end: u64,
    /// Where the last record that was read or written ends, and its last bytes: a log that is another there was
    /// written over.
    last: (u64, Tail),
    pub(super) damage: Damage,
}

impl Files {
    /// Opens a folder's files, and makes what is missing. The lock is held then, and the state is that of the log.
    pub(super) fn open(folder: &Path, patience: Duration) -> Result<Self, SpoolError> {
        let file = |source| SpoolError::File { path: folder.into(), source };
        make_folder(folder).map_err(file)?;
        let lock = open_private(OpenOptions::new().read(true).write(true).truncate(false), &folder.join(LOCK));
        let lock = lock.map_err(file)?;
        acquire(&lock, folder, patience)?;
        let (log, path) = current(folder).map_err(file)?;
        let (state, end, last, damage) = Default::default();
        let mut files = Self { folder: folder.into(), lock, log, path, state, end, last, damage };
        files.catch_up()?;
        Ok(files)
    }

    /// Takes the lock, and reads what others have appended.
    pub(super) fn enter(&mut self, patience: Duration) -> Result<(), SpoolError> {
        acquire(&self.lock, &self.folder, patience)?;
        let entered = match self.path.try_exists() {
            Ok(true) => self.catch_up(),
            Err(source) => Err(self.error(source)),
            Ok(false) => {
                let damage = self.damage;
                self.leave();
                *self = Self::open(&self.folder, patience)?;
                self.damage.places += damage.places;
                self.damage.bytes += damage.bytes;
                Ok(())
            }
        };
        if entered.is_err() {
            self.leave();
        }
        entered
    }

    /// Gives the lock back.
    pub(super) fn leave(&self) {
        if let Err(problem) = self.lock.unlock() {
            tracing::debug!(%problem, "cannot give the lock of the spool back");
        }
    }

    pub(super) fn error(&self, source: io::Error) -> SpoolError {
        SpoolError::File { path: self.folder.clone(), source }
    }

    /// Reads what was appended. What cannot be read is set aside.
    fn catch_up(&mut self) -> Result<(), SpoolError> {
        let bad = self.read_on().map_err(|source| self.error(source))?;
        if self.state.version > VERSION {
            let found = i64::from(self.state.version);
            return Err(SpoolError::Version { path: self.folder.clone(), found, known: i64::from(VERSION) });
        }
        if bad.is_empty() { Ok(()) } else { self.heal(&bad).map_err(|source| self.error(source)) }
    }

    /// Applies the records behind those that are applied. Returns the places that have none.
    fn read_on(&mut self) -> io::Result<Vec<(u64, u64)>> {
        let length = self.log.metadata()?.len();
        if length < self.end || !self.is_same()? {
            self.forget();
        }
        let mut bad: Vec<(u64, u64)> = Vec::new();
        // Bytes of the log that are not applied yet, from `self.end` on.
        let mut bytes = Vec::new();
        let mut read = self.end;
        self.log.seek(SeekFrom::Start(read))?;
        loop {
            let mut place = 0;
            let wanted = loop {
                let rest = &bytes[place..];
                let skipped = match record::read(rest) {
                    _ if rest.is_empty() => break CHUNK,
                    Found::Record(found, size) => {
                        self.state.apply(&found, self.end, size);
                        place += size;
                        self.end += size as u64;
                        self.last = (self.end, tail(&bytes[..place]));
                        continue;
                    }
                    Found::Part(least) if read + ((least - rest.len()) as u64) <= length => break least - rest.len(),
                    Found::Part(_) | Found::Noise => record::resume(rest),
                };
                let behind = self.end + skipped as u64;
                match bad.last_mut() {
                    Some((_, end)) if *end == self.end => *end = behind,
                    _ => bad.push((self.end, behind)),
                }
                place += skipped;
                self.end = behind;
            };
            bytes.drain(..place);
            if read >= length {
                return Ok(bad);
            }
            let more = (length - read).min(wanted.max(CHUNK) as u64);
            let added = (&self.log).take(more).read_to_end(&mut bytes)?;
            if added == 0 {
                return Ok(bad);
            }
            read += added as u64;
        }
    }

    /// Sets aside what cannot be read: the end is cut off, and a log with damage before that is written anew.
    fn heal(&mut self, bad: &[(u64, u64)]) -> io::Result<()> {
        self.damage.places += bad.len() as u64;
        self.damage.bytes += bad.iter().map(|(start, end)| end - start).sum::<u64>();
        tracing::warn!(spool = %self.folder.display(), places = bad.len(), "the spool was damaged");
        // A disk that is full has no room for what is of no use.
        let _ = self.keep(bad);
        if let [.., (start, end)] = *bad
            && end == self.end
        {
            self.log.set_len(start)?;
            self.end = start;
        }
        let is_inside = bad.iter().any(|(start, end)| *end < self.end || *start == 0);
        if is_inside { self.compact() } else { Ok(()) }
    }

    fn keep(&mut self, bad: &[(u64, u64)]) -> io::Result<()> {
        let mut kept = open_private(OpenOptions::new().append(true), &self.folder.join(DAMAGED))?;
        for (start, end) in bad {
            self.log.seek(SeekFrom::Start(*start))?;
            io::copy(&mut (&self.log).take(end - start), &mut kept)?;
        }
        Ok(())
    }

    /// Whether the log still has the record that was its last one.
    fn is_same(&self) -> io::Result<bool> {
        let (end, expected) = self.last;
        let Some(start) = end.checked_sub(expected.len() as u64) else { return Ok(true) };
        let mut found = Tail::default();
        let mut log = &self.log;
        log.seek(SeekFrom::Start(start))?;
        match log.read_exact(&mut found) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| found == expected),
        }
    }

    /// Everything is read again when it is needed next. Numbers are not used again.
    pub(super) fn forget(&mut self) {
        let State { next_event, next_batch, .. } = self.state;
        self.state = State { next_event, next_batch, ..State::default() };
        (self.end, self.last) = Default::default();
    }

    /// Where the next record goes.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Appends records that the state has already. If that fails, none of them is in the log.
    pub(super) fn append(&mut self, records: &[u8], is_synced: bool) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let append = || {
            let mut log = &self.log;
            log.seek(SeekFrom::Start(self.end))?;
            log.write_all(records)?;
            if is_synced { log.sync_data() } else { Ok(()) }
        };
        let appended = append();
        if appended.is_ok() {
            self.end += records.len() as u64;
            self.last = (self.end, tail(records));
        } else {
            let _ = self.log.set_len(self.end);
            self.forget();
        }
        appended
    }

    /// Writes the log anew if most of it is of no use.
    pub(super) fn tidy(&mut self) {
        if self.end >= SMALL
            && self.is_mostly_garbage()
            && let Err(problem) = self.compact()
        {
            tracing::debug!(%problem, "cannot rewrite the log of the spool");
        }
    }

    /// Makes room on a disk that has none, if there is something to be rid of.
    pub(super) fn make_room(&mut self) -> io::Result<()> {
        self.read_on()?;
        if self.is_mostly_garbage() { self.compact() } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn is_mostly_garbage(&self) -> bool {
        self.state.live < self.end / 2
    }

    /// Writes what is there to a new log, which takes the place of this one.
    pub(super) fn compact(&mut self) -> io::Result<()> {
        let number = number_of(&self.path).unwrap_or(0) + 1;
        let path = self.folder.join(name(number));
        let new = self.folder.join(name(number) + NEW);
        let written = self.write_to(&new).and_then(|log| fs::rename(&new, &path).map(|()| log));
        self.log = match written {
            Ok(log) => log,
            Err(error) => {
                let _ = fs::remove_file(&new);
                return Err(error);
            }
        };
        sync_folder(&self.folder);
        let old = std::mem::replace(&mut self.path, path);
        self.forget();
        let _ = fs::remove_file(old);
        // It was written this moment.
        self.read_on().map(drop)
    }

    fn write_to(&self, path: &Path) -> io::Result<File> {
        let mut new = open_private(OpenOptions::new().read(true).write(true).truncate(true), path)?;
        let mut bytes = Vec::new();
        let State { next_event: event, next_batch: batch, .. } = self.state;
        record::write(&Record::Head { version: VERSION, event, batch }, &mut bytes)?;
        let now = crate::now();
        for (server, until) in self.state.asked.iter().filter(|(_, until)| now < **until) {
            record::write(&Record::Asked { server: *server, until: *until }, &mut bytes)?;
        }
        // Before their events, which name them.
        for held in self.state.batches.values().filter(|held| held.left > 0) {
            record::write(&Record::Batch(held.record.clone()), &mut bytes)?;
        }
        let mut texts = self.texts();
        for (number, entry) in &self.state.events {
            let Some(json) = texts.read(*number, entry)? else { continue };
            let Entry { at, account, is_isolated, batch, .. } = *entry;
            let event = EventRecord { number: *number, batch, at, account, is_isolated, json: &json };
            record::write(&Record::Event(event), &mut bytes)?;
            if bytes.len() >= CHUNK {
                new.write_all(&bytes)?;
                bytes.clear();
            }
        }
        new.write_all(&bytes)?;
        new.sync_data()?;
        Ok(new)
    }

    /// The texts of events, which are on disk.
    pub(super) fn texts(&self) -> Texts<'_> {
        Texts { log: &self.log, start: 0, bytes: Vec::new() }
    }

    /// The log as it is now, whatever becomes of it.
    pub(super) fn log(&self) -> io::Result<File> {
        self.log.try_clone()
    }
}

/// Reads events in a log, many at once where they are side by side.
pub(super) struct Texts<'l> {
    log: &'l File,
    /// Where the bytes begin in the log.
    start: u64,
    bytes: Vec<u8>,
}

impl<'l> Texts<'l> {
    pub(super) fn of(log: &'l File) -> Self {
        Self { log, start: 0, bytes: Vec::new() }
    }

    /// An event's JSON text; `None` if it is damaged.
    pub(super) fn read(&mut self, number: u64, entry: &Entry) -> io::Result<Option<String>> {
        let size = entry.size as usize;
        let mut place = entry.offset.checked_sub(self.start).and_then(|place| usize::try_from(place).ok());
        if place.is_none_or(|place| place + size > self.bytes.len()) {
            self.bytes.clear();
            self.start = entry.offset;
            self.log.seek(SeekFrom::Start(entry.offset))?;
            self.log.take(size.max(CHUNK) as u64).read_to_end(&mut self.bytes)?;
            place = Some(0);
        }
        let bytes = place.and_then(|place| self.bytes.get(place..place + size)).unwrap_or_default();
        Ok(match record::read(bytes) {
            Found::Record(Record::Event(event), _) if event.number == number => Some(event.json.to_owned()),
            _ => None,
        })
    }
}

/// The end of a record, which is no shorter than its header.
fn tail(record: &[u8]) -> Tail {
    record.last_chunk().copied().unwrap_or_default()
}

/// Waits for the lock.
fn acquire(lock: &File, folder: &Path, patience: Duration) -> Result<(), SpoolError> {
    let until = Instant::now() + patience;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => return Err(SpoolError::Locked { path: folder.into() }),
            Err(TryLockError::Error(source)) => return Err(SpoolError::File { path: folder.into(), source }),
        }
    }
}

/// Makes the folder, but none above it. One with something else in it is not ours to use.
fn make_folder(folder: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let is_ours = path.file_name().is_some_and(|name| name == LOCK || name == DAMAGED)
            || path.to_string_lossy().ends_with(NEW)
            || number_of(&path).is_some();
        if !is_ours && !folder.join(LOCK).exists() {
            return Err(io::Error::other("a folder with something else in it"));
        }
    }
    narrow(folder)
}

/// The log that counts, or a new one. What an end in the middle of a rewriting has left is removed.
fn current(folder: &Path) -> io::Result<(File, PathBuf)> {
    let mut logs = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.to_string_lossy().ends_with(NEW) {
            fs::remove_file(path)?;
        } else if let Some(number) = number_of(&path) {
            logs.push((number, path));
        }
    }
    logs.sort();
    let last = logs.pop();
    for (_, old) in logs {
        fs::remove_file(old)?;
    }
    let is_new = last.is_none();
    let path = last.map_or_else(|| folder.join(name(1)), |(_, path)| path);
    let mut log = open_private(OpenOptions::new().read(true).write(true).truncate(false), &path)?;
    if is_new {
        let mut head = Vec::new();
        record::write(&Record::Head { version: VERSION, event: 1, batch: 1 }, &mut head)?;
        log.write_all(&head)?;
        sync_folder(folder);
    }
    Ok((log, path))
}

fn name(number: u64) -> String {
    let mut random = [0; 4];
    if getrandom::fill(&mut random).is_err() {
        random = std::process::id().to_be_bytes();
    }
    format!("{number:08}-{:08x}{LOG}", u32::from_be_bytes(random))
}

fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(LOG)?.split_once('-')?.0.parse().ok()
}

/// A new name is on disk only when its folder is.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}
