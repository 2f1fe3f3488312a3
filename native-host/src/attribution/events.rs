//! Reading accepted-line events: from files that have an event or a request body a line.

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::hash::BuildHasher;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use turnledger_core::digest::Scheme;
use turnledger_core::event::accepted_lines::{AcceptedLineFingerprints, LineFingerprint};
use turnledger_core::{Digest, DigestValue, Id};

use super::pool::{Pool, Source};
use crate::Sha2;
use crate::recording::{MAX_LINE, read_line};

/// Why events cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// There is no such file or folder, or it cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// A folder has no file of events.
    #[error("{}: no .jsonl, .ndjson or .json file in this folder, plain or compressed (.gz, .zst)", .0.display())]
    NoFiles(PathBuf),
}

/// What was read but is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Events whose hashes were made with another algorithm or key, by scheme.
    pub other_scheme: BTreeMap<Scheme, u64>,
    /// Events from another repository.
    pub other_repository: u64,
    /// Events that were read before.
    pub repeated: u64,
}

/// Accepted lines, as their events tell them.
#[derive(Debug)]
pub struct AcceptedEvents {
    scheme: Scheme,
    /// The hashes by which the repository is known; `None` if any event will do.
    repositories: Option<Vec<DigestValue>>,
    accepted: Vec<Accepted>,
    /// The events that were read, by hash.
    seen: HashSet<u64>,
    /// How many events of a turn were read since its first.
    chunks: HashMap<(Id, Id), u64>,
    hasher: RandomState,
    /// What is not used.
    pub skipped: Skipped,
    /// Events of those that are used that do not say which repository they come from.
    pub unknown_repository: u64,
    /// Events of those that are used that have no hashes.
    pub without_lines: u64,
}

#[derive(Debug)]
struct Accepted {
    completed_at: u64,
    source: Source,
    lines: Vec<LineFingerprint>,
}

/// An event, or a request body with events.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event_params: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<Vec<&'a RawValue>>,
}

/// The lines of a file that are not events, as (number, column).
type BadLines = Vec<(u64, usize)>;

impl AcceptedEvents {
    /// No events yet. Only those of `digest`'s scheme will be used, and if the repository is known by
    /// the URLs of its remotes, only those from it.
    pub fn new(digest: &Sha2, remote_urls: Option<&[String]>) -> Self {
        let hash = |url: &String| turnledger_core::git_remote::repo_hash(digest, url);
        Self {
            scheme: digest.scheme(),
            repositories: remote_urls.map(|urls| urls.iter().map(hash).collect()),
            accepted: Vec::new(),
            seen: HashSet::new(),
            chunks: HashMap::new(),
            hasher: RandomState::new(),
            skipped: Skipped::default(),
            unknown_repository: 0,
            without_lines: 0,
        }
    }

    /// Reads a file. Returns its bad lines, each with its number and the column where it goes wrong;
    /// they are skipped.
    ///
    /// # Errors
    ///
    /// What the reader says.
    pub fn read(&mut self, reader: &mut dyn BufRead) -> io::Result<BadLines> {
        let mut bad = Vec::new();
        let mut line = Vec::new();
        let mut number = 0;
        while let Some(is_whole) = read_line(reader, &mut line)? {
            number += 1;
            if !is_whole {
                bad.push((number, MAX_LINE));
            } else if !line.trim_ascii().is_empty()
                && let Err(error) = self.line(&line)
            {
                bad.push((number, error.column()));
            }
        }
        Ok(bad)
    }

    fn line(&mut self, line: &[u8]) -> serde_json::Result<()> {
        let line: Line<'_> = serde_json::from_slice(line)?;
        if let Some(events) = line.events {
            for event in events {
                self.event_or_other(&serde_json::from_str(event.get())?)?;
            }
            return Ok(());
        }
        self.event_or_other(&line)
    }

    fn event_or_other(&mut self, line: &Line<'_>) -> serde_json::Result<()> {
        match (&line.event_type, line.event_params) {
            (Some(name), Some(params)) if name == "codex_accepted_line_fingerprints" => {
                self.event(serde_json::from_str(params.get())?);
                Ok(())
            }
            (Some(_), Some(_)) => Ok(()),
            _ => Err(serde::de::Error::custom("neither an event nor a request body")),
        }
    }

    fn event(&mut self, event: AcceptedLineFingerprints) {
        if self.is_repeated(&event) {
            self.skipped.repeated += 1;
            return;
        }
        let scheme = event.fingerprint_scheme.unwrap_or_else(|| scheme_by_length(&event.line_fingerprints));
        if scheme != self.scheme {
            *self.skipped.other_scheme.entry(scheme).or_default() += 1;
            return;
        }
        match event.repo_hash {
            Some(repository) if self.repositories.as_ref().is_some_and(|known| !known.contains(&repository)) => {
                self.skipped.other_repository += 1;
                return;
            }
            Some(_) => {}
            None => self.unknown_repository += 1,
        }
        self.without_lines += u64::from(event.line_fingerprints.is_empty());
        self.accepted.push(Accepted {
            completed_at: event.completed_at,
            source: (event.thread_id, event.model_slug),
            lines: event.line_fingerprints,
        });
    }

    /// Whether the event was read before: files may be copies of one another, and an upload that was
    /// tried again may be stored again. A turn's first event has its counts; equal events after it are
    /// other lines that read the same.
    fn is_repeated(&mut self, event: &AcceptedLineFingerprints) -> bool {
        let AcceptedLineFingerprints { thread_id, turn_id, completed_at, line_fingerprints, .. } = event;
        let counts = (event.accepted_added_lines, event.accepted_deleted_lines);
        let chunk = self.chunks.entry((thread_id.clone(), turn_id.clone())).or_default();
        *chunk = if counts == (0, 0) { *chunk + 1 } else { 0 };
        let scheme = &event.fingerprint_scheme;
        let key = (thread_id, turn_id, completed_at, counts, *chunk, scheme, line_fingerprints);
        !self.seen.insert(self.hasher.hash_one(key))
    }

    /// The scheme of the events that are used.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Whether no event is used.
    pub fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    pub(super) fn into_pool(mut self) -> Pool {
        self.accepted.sort_by_key(|accepted| accepted.completed_at);
        let mut pool = Pool::default();
        for Accepted { source, lines, .. } in self.accepted {
            pool.accept(&source, &lines);
        }
        pool
    }
}

/// The scheme of hashes that do not tell theirs: Codex once used SHA-1, the contract says SHA-256.
fn scheme_by_length(lines: &[LineFingerprint]) -> Scheme {
    let is_sha1 = lines.first().is_some_and(|line| line.line_hash.as_bytes().len() == 20);
    Scheme::new(if is_sha1 { Scheme::SHA1 } else { Scheme::SHA256 })
}

/// The files of events that a path names: itself, or those below it by name.
///
/// # Errors
///
/// [`EventsError`] if there is nothing to be read.
pub fn files_of(path: &Path) -> Result<Vec<PathBuf>, EventsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| EventsError::Unreadable { path, source }
    };
    if !fs::metadata(path).map_err(unreadable(path))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let entry = entry.map_err(unreadable(&folder))?;
            let path = entry.path();
            // A link to a folder may lead back here.
            if entry.file_type().map_err(unreadable(&path))?.is_dir() {
                folders.push(path);
            } else if is_events_file(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    if files.is_empty() { Err(EventsError::NoFiles(path.to_owned())) } else { Ok(files) }
}

fn is_events_file(path: &Path) -> bool {
    let extension = |path: &Path| path.extension().map(std::ffi::OsStr::to_os_string);
    let is_packed = extension(path).is_some_and(|extension| extension == "gz" || extension == "zst");
    let plain = if is_packed { path.with_extension("") } else { path.to_owned() };
    extension(&plain).is_some_and(|extension| ["jsonl", "ndjson", "json"].iter().any(|known| extension == *known))
}
