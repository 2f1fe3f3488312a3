//! What was imported, so that another import reads only what is new.
//!
//! A thread is known by its id, a file by a hash of its path. Neither a path nor any text of a file is remembered.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{self, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use turnledger::private_file::{make_private_folder, open_private};
use turnledger_core::digest::Sha2;
use turnledger_core::{Digest as _, DigestValue, UnixMillis};

/// How long a session that goes on may be silent.
const BETWEEN_LINES: Duration = Duration::from_secs(600);

/// The version of the form; a memory of another version counts as none.
const VERSION: u32 = 1;

/// How long after a file's latest change its state is kept: a file that grows later is read anew, and only what is new of
/// it is told.
const STATES_FOR: Duration = Duration::from_secs(14 * 24 * 3600);

/// What earlier imports to one place told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    version: u32,
    /// The length of the file that the events went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_bytes: Option<u64>,
    files: HashMap<Key, Seen>,
    threads: HashMap<String, Told>,
}

/// A hash of a file's path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn of(path: &Path) -> Self {
        let whole = path::absolute(path);
        let path = whole.as_deref().unwrap_or(path).as_os_str().as_encoded_bytes();
        let hash = Sha2::default().digest(&[path]);
        Self(DigestValue::new(&hash.as_bytes()[..16]).to_string())
    }
}

/// A file as it was when it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) bytes: u64,
    /// When it was changed: nanoseconds since 1970.
    pub(super) changed: u64,
}

impl Seen {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        let changed = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |at| u64::try_from(at.as_nanos()).unwrap_or(u64::MAX));
        Self { bytes: metadata.len(), changed }
    }

    /// Whether it was not changed since.
    pub(super) fn is_before(self, UnixMillis(since): UnixMillis) -> bool {
        self.changed > 0 && self.changed / 1_000_000 < since
    }

    /// Whether it may be being written.
    pub(super) fn is_fresh(self) -> bool {
        self.is_younger(BETWEEN_LINES)
    }

    fn is_younger(self, than: Duration) -> bool {
        let changed = UNIX_EPOCH + Duration::from_nanos(self.changed);
        // A clock may have been set back.
        SystemTime::now().duration_since(changed).unwrap_or_default() < than
    }
}

/// What was told of a thread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    /// How many events its lines made.
    pub(super) events: u64,
    /// Of what its end made: the kind of event and what it is about, hashed. If the file grows, its lines tell them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) at_end: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
}

/// A place in a file from which reading can go on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) file: Key,
    pub(super) bytes: u64,
    pub(super) lines: u64,
    /// How many events the lines before it made.
    pub(super) events: u64,
    pub(super) rollout: String,
    pub(super) pipeline: String,
}

impl Memory {
    /// Reads the memory from a file. It is empty if there is no such file, or if another version wrote it.
    pub fn load(path: &Path) -> Self {
        let memory = fs::read(path).ok().and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        memory.filter(|memory| memory.version == VERSION).unwrap_or_default()
    }

    /// Saves it in a file, which only its owner can read, with the folder around it.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn save(&mut self, path: &Path) -> io::Result<()> {
        self.version = VERSION;
        self.forget_old_states();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_private_folder(folder)?;
        // Readers see the old one or the new one.
        let mut file = NamedTempFile::new_in(folder)?;
        let mut buffered = io::BufWriter::new(file.as_file_mut());
        serde_json::to_writer(&mut buffered, self)?;
        buffered.flush()?;
        drop(buffered);
        file.persist(path)?;
        Ok(())
    }

    /// The length of the file that the events went to, behind the latest import.
    pub fn output_bytes(&self) -> Option<u64> {
        self.output_bytes
    }

    /// Remembers the length of the file that the events went to.
    pub fn set_output_bytes(&mut self, bytes: u64) {
        self.output_bytes = Some(bytes);
    }

    /// Whether nothing was imported.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether a file is as it was when it was read.
    pub(super) fn knows(&self, key: &Key, seen: Seen) -> bool {
        self.files.get(key) == Some(&seen)
    }

    pub(super) fn told(&self, thread: &str) -> Option<&Told> {
        self.threads.get(thread)
    }

    pub(super) fn saw(&mut self, key: Key, seen: Seen) {
        self.files.insert(key, seen);
    }

    pub(super) fn tell(&mut self, thread: String, told: Told) {
        self.threads.insert(thread, told);
    }

    fn forget_old_states(&mut self) {
        for told in self.threads.values_mut() {
            let is_recent =
                |place: &mut Place| self.files.get(&place.file).is_some_and(|seen| seen.is_younger(STATES_FOR));
            told.place.take_if(|place| !is_recent(place));
        }
    }
}

/// Holds a memory for one import at a time.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "it is held")] File);

impl Lock {
    /// Takes the memory at `path`; `None` if another import has it.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        if let Some(folder) = path.parent() {
            make_private_folder(folder)?;
        }
        let file = open_private(File::options().write(true).truncate(false), &lock_path(path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Key, Lock, Memory, Place, Seen, Told};

    #[test]
    fn what_is_saved_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("imports/one.json");
        assert_eq!(Memory::load(&path), Memory::default());
        let file = folder.path().join("rollout.jsonl");
        fs::write(&file, "one").expect("a file");
        let (key, seen) = (Key::of(&file), Seen::of(&fs::metadata(&file).expect("a file")));
        let place = Place { file: key.clone(), bytes: 3, rollout: "state".into(), ..Place::default() };
        let mut memory = Memory::default();
        memory.saw(key.clone(), seen);
        memory.tell("recent".into(), Told { events: 2, at_end: vec![7], place: Some(place.clone()) });
        memory.tell("old".into(), Told { place: Some(Place { file: Key::default(), ..place }), ..Told::default() });
        memory.set_output_bytes(9);
        memory.save(&path).expect("it is saved");
        let again = Memory::load(&path);
        assert_eq!(again, memory);
        assert!(again.knows(&key, seen) && !again.knows(&key, Seen { bytes: 4, ..seen }));
        let has_place = |thread| again.told(thread).expect("the thread").place.is_some();
        assert!(has_place("recent") && !has_place("old"));
        let text = fs::read_to_string(&path).expect("the memory");
        assert!(!text.contains("rollout.jsonl"), "{text}");
        fs::write(&path, text.replace("\"version\":1", "\"version\":0")).expect("a file");
        assert_eq!(Memory::load(&path), Memory::default());
    }

    #[test]
    fn one_import_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("one.json");
        let held = Lock::take(&path).expect("a lock");
        assert!(held.is_some() && Lock::take(&path).expect("a lock").is_none());
        drop(held);
        assert!(Lock::take(&path).expect("a lock").is_some());
    }
}
