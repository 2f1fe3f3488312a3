//! Where rollouts are, and which of them are read.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use turnledger::lines::read_line;
use turnledger_core::{Observation, Rollout, Source as _, UnixMillis};

use super::memory::{Key, Memory, Seen, Told};
use super::{ImportError, Options};
use crate::recording::Source;

/// A file to read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Its thread, by its name or its first line; none if that does not say.
    pub thread: Option<String>,
    /// When its session began, by its thread's id or its first line; no event is earlier.
    pub start: UnixMillis,
    /// Its length as it is stored.
    pub bytes: u64,
    pub(super) key: Key,
    /// What it was when it was found.
    pub(super) seen: Seen,
    /// What was told of its thread before.
    pub(super) told: Option<Told>,
}

/// The files to read, in the order in which their sessions began.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Rollouts {
    /// The files.
    pub files: Vec<Found>,
    /// How many more files were of a thread that another file has.
    pub duplicates: u64,
    /// How many files more are as they were when they were imported.
    pub unchanged: u64,
    /// The files of threads that another file has.
    pub(super) others: Vec<(Key, Seen)>,
}

/// A file to look at.
struct Candidate {
    path: PathBuf,
    key: Key,
    seen: Seen,
}

/// The folders in which Codex keeps rollouts, as far as they exist: `sessions` and `archived_sessions` below `CODEX_HOME`,
/// or below `.codex` in the user's own folder.
pub fn default_folders() -> Vec<PathBuf> {
    let Some(home) = codex_home() else { return Vec::new() };
    ["sessions", "archived_sessions"].into_iter().map(|name| home.join(name)).filter(|folder| folder.is_dir()).collect()
}

/// Codex's own folder, whether it is there or not: the one that `CODEX_HOME` names, or `.codex` in the user's own folder;
/// none where nobody can tell the latter.
pub fn codex_home() -> Option<PathBuf> {
    let named = env::var_os("CODEX_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(env::home_dir()?.join(".codex")))
}

impl Rollouts {
    /// The rollouts at `paths`: files, and folders with all that is below them. A thread that is in several files is read
    /// once, from the file that has most of it. What `memory` has is not read again.
    ///
    /// # Errors
    ///
    /// [`ImportError`] if one of `paths` cannot be read. What is below a folder and cannot be read is passed over.
    pub fn find(paths: &[PathBuf], options: &Options, memory: &Memory) -> Result<Self, ImportError> {
        let mut files = Vec::new();
        for path in paths {
            let unreadable = |error| ImportError::Unreadable { path: path.clone(), error };
            if fs::metadata(path).map_err(unreadable)?.is_dir() {
                walk(path, &mut files).map_err(unreadable)?;
            } else {
                files.push(path.clone());
            }
        }
        files.sort();
        files.dedup();
        let mut rollouts = Self::default();
        let candidates = files.into_iter().filter_map(|path| {
            let seen = fs::metadata(&path).map(|metadata| Seen::of(&metadata)).unwrap_or_default();
            let key = Key::of(&path);
            if memory.knows(&key, seen) {
                rollouts.unchanged += 1;
                return None;
            }
            let is_older = options.since.is_some_and(|since| seen.is_before(since));
            (!is_older).then_some(Candidate { path, key, seen })
        });
        let candidates: Vec<_> = candidates.collect();
        let mut by_thread: HashMap<String, usize> = HashMap::new();
        for (candidate, head) in candidates.iter().zip(each(&candidates, |candidate| {
            Head::of_name(&candidate.path, options).unwrap_or_else(|| Head::of(&candidate.path))
        })) {
            if !head.is_wanted(options) {
                continue;
            }
            let told = head.thread.as_deref().and_then(|thread| memory.told(thread)).cloned();
            let found = Found {
                path: candidate.path.clone(),
                told,
                thread: head.thread,
                start: head.start,
                bytes: candidate.seen.bytes,
                key: candidate.key.clone(),
                seen: candidate.seen,
            };
            rollouts.add(found, &mut by_thread);
        }
        rollouts.files.sort_by(|one, other| (one.start, &one.path).cmp(&(other.start, &other.path)));
        Ok(rollouts)
    }

    /// Adds a file, or the one of its thread that has more.
    fn add(&mut self, mut found: Found, by_thread: &mut HashMap<String, usize>) {
        if let Some(known) = found.thread.as_ref().and_then(|thread| by_thread.get(thread)) {
            self.duplicates += 1;
            let other = &mut self.files[*known];
            if count_lines(&found.path) > count_lines(&other.path) {
                std::mem::swap(other, &mut found);
            }
            self.others.push((found.key, found.seen));
            return;
        }
        if let Some(thread) = &found.thread {
            by_thread.insert(thread.clone(), self.files.len());
        }
        self.files.push(found);
    }

    /// How many bytes the files have, as they are stored.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|found| found.bytes).sum()
    }
}

/// Adds the rollouts below a folder. A symbolic link is neither: it might lead out of the folder.
pub(super) fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let Ok(entry) = entry else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() {
            // What cannot be read lies beside what can.
            let _ = walk(&path, files);
        } else if kind.is_file() && is_rollout(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a file in a folder is a rollout, by its name.
pub(super) fn is_rollout(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".jsonl") || name.ends_with(".jsonl.zst")
}

/// What a file's first line says of it. A file that cannot be read, or is no rollout, is told so when it is read.
pub(super) struct Head {
    pub(super) thread: Option<String>,
    pub(super) start: UnixMillis,
    repository: Option<String>,
}

impl Head {
    /// As the file's name says it, if that is enough.
    fn of_name(path: &Path, options: &Options) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_prefix("rollout-")?;
        let name = name.strip_suffix(".zst").unwrap_or(name).strip_suffix(".jsonl")?;
        let id = name.get(name.len().checked_sub(36)?..)?;
        let start = UnixMillis(made_at(id)?);
        options.repositories.is_none().then(|| Self { thread: Some(id.into()), start, repository: None })
    }

    pub(super) fn of(path: &Path) -> Self {
        let mut rollout = Rollout::new(1);
        let mut line = Vec::new();
        if let Ok(mut reader) = Source::File(path.to_owned()).open(|reader| reader)
            && matches!(read_line(&mut *reader, &mut line), Ok(Some(true)))
        {
            rollout.line(&line, &mut Observation::default());
        }
        let thread = rollout.thread_id().map(ToString::to_string);
        Self { thread, start: rollout.at(), repository: rollout.repository() }
    }

    pub(super) fn is_wanted(&self, options: &Options) -> bool {
        let is_later = options.until.is_some_and(|until| self.thread.is_some() && self.start >= until);
        let is_thread = options.thread.as_ref().is_none_or(|thread| self.thread.as_ref() == Some(thread));
        let is_of = |known: &String| self.repository.as_ref() == Some(known);
        !is_later && is_thread && options.repositories.as_ref().is_none_or(|known| known.iter().any(is_of))
    }
}

/// When a UUID of version 7 was made: Unix milliseconds.
fn made_at(id: &str) -> Option<u64> {
    let is_uuid = id.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        14 => byte == b'7',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    });
    let time = is_uuid.then(|| [&id[..8], &id[9..13]].concat())?;
    u64::from_str_radix(&time, 16).ok()
}

/// How many lines a file has, as far as it can be read.
fn count_lines(path: &Path) -> u64 {
    let Ok(mut reader) = Source::File(path.to_owned()).open(|reader| reader) else { return 0 };
    let (mut count, mut line) = (0, Vec::new());
    while let Ok(Some(_)) = read_line(&mut *reader, &mut line) {
        count += 1;
    }
    count
}

/// How many files are read at a time.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What `work` makes of each item, in their order; several at a time.
pub(super) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if threads().min(items.len()) <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let mut made: Vec<(usize, R)> = thread::scope(|scope| {
        let worker = || {
            let mut made = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { return made };
                made.push((index, work(item)));
            }
        };
        let workers: Vec<_> = (0..threads().min(items.len())).map(|_| scope.spawn(worker)).collect();
        // A panic goes on where it is waited for.
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<(usize, R)>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    });
    made.sort_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Head, Options};

    #[test]
    fn names_that_say_enough() {
        let of = |name: &str| {
            let head = Head::of_name(Path::new(name), &Options::default())?;
            Some((head.thread.unwrap_or_default(), head.start.0))
        };
        let id = "01a22148-d13b-7570-9767-875653775563";
        let known = Some((id.to_owned(), 0x01a2_2148_d13b));
        assert_eq!(of(&format!("a/rollout-2026-11-28T08-32-30-{id}.jsonl")), known);
        assert_eq!(of(&format!("rollout-2026-11-28T08-32-30-{id}.jsonl.zst")), known);
        for name in
            ["rollout-a.jsonl", "rollout-ä1a22148-d13b-7570-9767-875653775563.jsonl", "x.jsonl", "rollout-.jsonl"]
        {
            assert_eq!(of(name), None, "{name}");
        }
        assert_eq!(of(&format!("rollout-{}.jsonl", id.replace("-7570", "-4570"))), None);
        assert_eq!(of(&format!("rollout-{id}.json")), None);
    }
}
