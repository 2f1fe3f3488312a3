//! What Codex wrote to disk becomes events: rollouts, from files and folders, in the order of time.
//!
//! A file is read and never locked or changed. A folder's symbolic links are not followed. A [`Memory`] has what was told,
//! so that a later import tells only what is new.

mod file;
mod find;
mod follow;
mod memory;
mod merge;
mod summary;
mod text;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use turnledger_core::UnixMillis;
use turnledger_core::digest::Sha2;

pub use find::{Found, Rollouts, codex_home, default_folders};
pub use follow::follow;
pub use memory::{Lock, Memory};
pub use summary::{Row, Summary};

use file::Imported;
pub(crate) use file::Reading;
use memory::Told;

/// What is imported, and how.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Only what happened then or later.
    pub since: Option<UnixMillis>,
    /// Only what happened before.
    pub until: Option<UnixMillis>,
    /// Only this thread.
    pub thread: Option<String>,
    /// Only threads of these repositories: the canonical forms of their remotes.
    pub repositories: Option<Vec<String>>,
    /// What makes the hashes.
    pub digest: Sha2,
    /// Whether every discard is explained.
    pub explain: bool,
    /// Whether the files are followed.
    follows: bool,
}

impl Options {
    /// Only what happened then or later.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<UnixMillis>>) -> Self {
        self.since = since.into();
        self
    }

    /// Only what happened before.
    #[must_use]
    pub fn until(mut self, until: impl Into<Option<UnixMillis>>) -> Self {
        self.until = until.into();
        self
    }

    /// Only this thread.
    #[must_use]
    pub fn thread(mut self, thread: impl Into<Option<String>>) -> Self {
        self.thread = thread.into();
        self
    }

    /// Only threads of these repositories: the canonical forms of their remotes
    /// ([`canonical`](turnledger_core::git_remote::canonical)).
    #[must_use]
    pub fn repositories(mut self, repositories: impl Into<Option<Vec<String>>>) -> Self {
        self.repositories = repositories.into();
        self
    }

    /// What makes the hashes.
    #[must_use]
    pub fn digest(mut self, digest: Sha2) -> Self {
        self.digest = digest;
        self
    }

    /// Whether every discard is explained.
    #[must_use]
    pub const fn explain(mut self, explain: bool) -> Self {
        self.explain = explain;
        self
    }

    fn wants(&self, at: UnixMillis) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
    }
}

/// Why an import ended early, or could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file or folder that was named cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// The events cannot be written.
    #[error("cannot write the output")]
    Write(#[source] io::Error),
    /// Events that wait for earlier ones cannot be kept in a temporary file.
    #[error("cannot keep events in a temporary file")]
    Waiting(#[source] io::Error),
}

/// What is told of an import as it goes on.
pub trait Watch {
    /// A line that could not be read, or a discard: once a file.
    fn note(&mut self, text: &str);

    /// A file was read, of so many bytes as it is stored.
    fn read(&mut self, bytes: u64);

    /// All that was there is read; what comes now is new ([`follow()`] alone).
    fn caught_up(&mut self, summary: &Summary) {
        let _ = summary;
    }
}

/// Says nothing.
impl Watch for () {
    fn note(&mut self, _: &str) {}

    fn read(&mut self, _: u64) {}
}

/// Reads the files that were found, several at a time, and writes their events, one a line, in the order of time. `memory`
/// then has what was told. If it ends with an error, `memory` is as before.
///
/// # Errors
///
/// [`ImportError`] if the output cannot be written. A file that cannot be read is counted, and the others go on.
pub fn import(
    rollouts: &Rollouts,
    options: &Options,
    memory: &mut Memory,
    lines: &mut dyn Write,
    watch: &mut dyn Watch,
) -> Result<Summary, ImportError> {
    let counted = Summary { duplicates: rollouts.duplicates, unchanged: rollouts.unchanged, ..Summary::default() };
    let files = &rollouts.files;
    let mut gathered = Gathered {
        files,
        summary: counted,
        merge: merge::Merge::default(),
        told: Vec::new(),
        done: 0,
        notes: BTreeMap::new(),
        lines,
        watch,
    };
    let threads = find::threads().min(files.len());
    if threads <= 1 {
        for (number, found) in files.iter().enumerate() {
            gathered.take(number, read(found, options))?;
        }
    } else {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(threads * WAITING);
            for _ in 0..threads {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        // Without a receiver, nothing is wanted any more.
                        let Some(found) = files.get(number) else { return };
                        if sender.send((number, read(found, options))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            receiver.into_iter().try_for_each(|(number, read)| gathered.take(number, read))
        })?;
    }
    let (told, summary) = gathered.end()?;
    for (number, Done { told, is_whole }) in told {
        let found = &files[number];
        if is_whole {
            memory.saw(found.key.clone(), found.seen);
        }
        if let Some((thread, told)) = told {
            memory.tell(thread, told);
        }
    }
    rollouts.others.iter().cloned().for_each(|(key, seen)| memory.saw(key, seen));
    Ok(summary)
}

/// How many files that were read wait for each thread: a thread that waits costs more than a small file.
const WAITING: usize = 8;

/// What came of the files that were read, in any order.
struct Gathered<'g> {
    files: &'g [Found],
    summary: Summary,
    merge: merge::Merge,
    told: Vec<(usize, Done)>,
    /// How many files are done with all those before them, and the notes of later ones.
    done: usize,
    notes: BTreeMap<usize, Vec<String>>,
    lines: &'g mut dyn Write,
    watch: &'g mut dyn Watch,
}

impl Gathered<'_> {
    fn take(&mut self, number: usize, read: io::Result<(Imported, Option<Done>)>) -> Result<(), ImportError> {
        let (Imported { events, notes, summary }, done) = read.map_err(ImportError::Waiting)?;
        self.summary.add(&summary);
        self.merge.add(number, events).map_err(ImportError::Waiting)?;
        self.told.extend(done.map(|done| (number, done)));
        self.notes.insert(number, notes);
        while let Some(notes) = self.notes.remove(&self.done) {
            for text in &notes {
                self.watch.note(text);
            }
            self.watch.read(self.files[self.done].bytes);
            self.done += 1;
        }
        // Later files begin later.
        let before = self.files.get(self.done).map(|found| found.start);
        self.merge.write(before, self.lines).map_err(ImportError::Write)
    }

    fn end(mut self) -> Result<(Vec<(usize, Done)>, Summary), ImportError> {
        let written = self.merge.write(None, self.lines).and_then(|()| self.lines.flush());
        written.map_err(ImportError::Write)?;
        Ok((self.told, self.summary))
    }
}

/// What is remembered of a file that was read.
struct Done {
    told: Option<(String, Told)>,
    /// Whether it was read to its end.
    is_whole: bool,
}

/// Reads a whole file.
fn read(found: &Found, options: &Options) -> io::Result<(Imported, Option<Done>)> {
    let mut reading = match Reading::open(found, options) {
        Ok(reading) => reading,
        Err(error) => {
            let summary = Summary { unreadable_files: 1, ..Summary::default() };
            let notes = vec![format!("cannot read {}: {error}", found.path.display())];
            return Ok((Imported { notes, summary, ..Imported::default() }, None));
        }
    };
    reading.go_on(options)?;
    // What is followed may go on.
    let goes_on = options.follows && found.seen.is_fresh();
    reading.end(goes_on, options)?;
    let imported = reading.take();
    let is_whole = imported.summary.unreadable_files == 0 && (!goes_on || reading.is_settled());
    Ok((imported, Some(Done { told: reading.told(), is_whole })))
}
