//! Folders whose files go on: their events come as the lines are written.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher};

use super::file::{Imported, Reading};
use super::find::{Head, is_rollout, walk};
use super::memory::{Key, Memory, Seen};
use super::{Found, ImportError, Options, Rollouts, Summary, Watch, import};

/// Lines that are written together are read together.
const TOGETHER: Duration = Duration::from_millis(100);
/// How often it looks whether it is to end.
const TICK: Duration = Duration::from_millis(200);
/// How often all folders are looked through, where the system tells of changes, and where it does not.
const LOOK_ROUND: Duration = Duration::from_secs(60);
const LOOK_ROUND_ALONE: Duration = Duration::from_millis(500);
/// How often the memory is saved.
const SAVE: Duration = Duration::from_secs(10);
/// How many files are kept open.
const OPEN: usize = 64;

/// Imports what is at `paths`, as [`import`] does, and goes on as files grow and new ones come, until `stop` is true.
/// `save` is handed the memory from time to time, and at the end. Where the system does not tell of changes, the folders
/// are looked through twice a second; a note says so.
///
/// # Errors
///
/// [`ImportError`] if one of `paths` cannot be read, or the output cannot be written.
pub fn follow(
    paths: &[PathBuf],
    options: &Options,
    memory: &mut Memory,
    lines: &mut dyn Write,
    watch: &mut dyn Watch,
    save: &mut dyn FnMut(&mut Memory),
    stop: &AtomicBool,
) -> Result<Summary, ImportError> {
    let options = Options { follows: true, ..options.clone() };
    // The system may tell of changes by paths without links.
    let paths: Vec<_> = paths.iter().map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())).collect();
    let paths = &paths[..];
    // Before the first look, so that nothing is missed in between.
    let (changes, mut watcher, is_told) = watch_changes(paths, watch);
    let rollouts = Rollouts::find(paths, &options, memory)?;
    let summary = import(&rollouts, &options, memory, lines, watch)?;
    watch.caught_up(&summary);
    save(memory);
    let every = if is_told { LOOK_ROUND } else { LOOK_ROUND_ALONE };
    let mut following = Following { options, memory, lines, watch, open: HashMap::new(), summary };
    let (mut looked, mut saved, mut is_saved) = (Instant::now(), Instant::now(), true);
    while !stop.load(Ordering::Relaxed) {
        let mut changed = next_changes(&changes, every.min(TICK));
        if looked.elapsed() >= every || changed.is_none() {
            changed = Some(all_files(paths));
            looked = Instant::now();
        }
        for path in changed.iter().flatten() {
            watch_new(watcher.as_mut(), path);
            is_saved &= !following.take(path)?;
        }
        if !is_saved && saved.elapsed() >= SAVE {
            save(following.memory);
            (saved, is_saved) = (Instant::now(), true);
        }
    }
    let summary = following.summary;
    save(memory);
    Ok(summary)
}

/// What the system tells of changes; whether it does.
fn watch_changes(
    paths: &[PathBuf],
    watch: &mut dyn Watch,
) -> (Receiver<notify::Result<notify::Event>>, Option<RecommendedWatcher>, bool) {
    let (sender, changes) = channel();
    // A link might lead out of the folder.
    let config = Config::default().with_follow_symlinks(false);
    let started = RecommendedWatcher::new(sender, config).and_then(|mut watcher| {
        paths.iter().try_for_each(|path| watcher.watch(path, RecursiveMode::Recursive))?;
        Ok(watcher)
    });
    match started {
        Ok(watcher) => (changes, Some(watcher), true),
        Err(error) => {
            watch.note(&format!("the system does not tell of changes ({}): looking twice a second", cause(&error)));
            (changes, None, false)
        }
    }
}

/// Watches a folder that is new. Under Linux each folder has a watch of its own, and what is made in one before it has
/// its watch is not told: folders that come in a row, as those of a year, a month and a day, could stay without.
fn watch_new(watcher: Option<&mut RecommendedWatcher>, path: &Path) {
    if let Some(watcher) = watcher.filter(|_| cfg!(target_os = "linux"))
        && fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
    {
        // The folders are looked through all the same, once a minute.
        let _ = watcher.watch(path, RecursiveMode::Recursive);
    }
}

/// The cause alone: the whole message names paths.
fn cause(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::Io(error) => error.to_string(),
        notify::ErrorKind::MaxFilesWatch => "too many files are watched".into(),
        _ => "watching failed".into(),
    }
}

/// The paths that changed, with those that change at the same moment; `None` if some changes were missed.
fn next_changes(changes: &Receiver<notify::Result<notify::Event>>, wait: Duration) -> Option<BTreeSet<PathBuf>> {
    let mut paths = BTreeSet::new();
    let mut is_missed = false;
    let mut until = Instant::now() + wait;
    loop {
        match changes.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Ok(event)) => {
                is_missed |= event.need_rescan();
                // Reading is no change.
                if !event.kind.is_access() {
                    if paths.is_empty() {
                        until = Instant::now() + TOGETHER;
                    }
                    paths.extend(event.paths);
                }
            }
            Ok(Err(_)) => is_missed = true,
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => {
                // Nothing is watched.
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                break;
            }
        }
    }
    (!is_missed).then_some(paths)
}

/// All files that may be rollouts.
fn all_files(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        // What cannot be read now may be read next time.
        if path.is_dir() {
            let _ = walk(path, &mut files);
        } else {
            files.push(path.clone());
        }
    }
    files.into_iter().collect()
}

struct Following<'f> {
    options: Options,
    memory: &'f mut Memory,
    lines: &'f mut dyn Write,
    watch: &'f mut dyn Watch,
    open: HashMap<PathBuf, Reading>,
    summary: Summary,
}

impl Following<'_> {
    /// Reads what is new in a file, or in the files below a folder. Returns whether something was.
    fn take(&mut self, path: &Path) -> Result<bool, ImportError> {
        // A link is neither.
        let Ok(metadata) = fs::symlink_metadata(path) else {
            self.open.remove(path);
            return Ok(false);
        };
        if metadata.is_dir() {
            let mut files = Vec::new();
            let _ = walk(path, &mut files);
            let mut is_new = false;
            for file in files {
                is_new |= self.take(&file)?;
            }
            return Ok(is_new);
        }
        if !metadata.is_file() || !is_rollout(path) {
            return Ok(false);
        }
        let (key, seen) = (Key::of(path), Seen::of(&metadata));
        if self.memory.knows(&key, seen) {
            return Ok(false);
        }
        let reading = self.open.remove(path).filter(|reading| reading.can_go_on(seen.bytes));
        let Some(mut reading) = reading.or_else(|| self.start(path, key.clone(), seen)) else { return Ok(false) };
        reading.go_on(&self.options).map_err(ImportError::Waiting)?;
        reading.complain();
        let Imported { mut events, notes, summary } = reading.take();
        self.summary.add(&summary);
        for note in &notes {
            self.watch.note(note);
        }
        let write = |_, event: &[u8]| self.lines.write_all(event).and_then(|()| self.lines.write_all(b"\n"));
        events.drain(write).and_then(|()| self.lines.flush()).map_err(ImportError::Write)?;
        if reading.is_settled() {
            self.memory.saw(key, seen);
        }
        if let Some((thread, told)) = reading.told() {
            self.memory.tell(thread, told);
        }
        if self.open.len() == OPEN {
            self.open.clear();
        }
        self.open.insert(path.to_owned(), reading);
        Ok(true)
    }

    /// Opens a file that is wanted, once it says what it is.
    fn start(&mut self, path: &Path, key: Key, seen: Seen) -> Option<Reading> {
        let head = Head::of(path);
        if !head.is_wanted(&self.options) {
            return None;
        }
        let thread = head.thread?;
        let told = self.memory.told(&thread).cloned();
        if told.is_none() {
            self.summary.files += 1;
            self.summary.sessions += 1;
        }
        let (path, start, bytes) = (path.to_owned(), head.start, seen.bytes);
        let found = Found { path, thread: Some(thread), start, bytes, key, seen, told };
        // A file that cannot be opened now may be opened at its next change.
        Reading::open(&found, &self.options).ok()
    }
}
