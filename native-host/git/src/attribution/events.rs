//! Reads accepted-line events from files with one event or one request body a line.

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::io::{self, BufRead};

use serde::Deserialize;
use serde_json::value::RawValue;
use turnledger_core::digest::Scheme;
use turnledger_core::event::accepted_lines::{AcceptedLineFingerprints, LineFingerprint};
use turnledger_core::git_remote::repo_hashes;
use turnledger_core::{Digest, DigestValue, Event, Id};

use super::pool::{Pool, Source};
use crate::fingerprint::UNNAMED;
use crate::repository::is_plausible;
use turnledger::lines::{MAX_LINE, read_line};
use turnledger::now;
use turnledger_core::digest::Sha2;

/// What was read but is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Events whose hashes were made with another algorithm or key, by scheme.
    pub other_scheme: BTreeMap<Scheme, u64>,
    /// Events from another repository.
    pub other_repository: u64,
    /// Copies of events.
    pub repeated: u64,
}

/// How many seconds an agent's clock may be ahead of a committer's. If the beginning of a turn is
/// unknown, its event counts from this long before its own time.
pub const TOLERANCE: i64 = 300;

/// Reads accepted lines, as their events tell them, in any order.
#[derive(Debug)]
pub struct EventReader {
    scheme: Scheme,
    /// The hashes by which the repository is known; `None` if any event will do.
    repositories: Option<Vec<DigestValue>>,
    /// Each event once, by hash.
    events: HashMap<u64, Read>,
    /// When turns began, in Unix seconds.
    turns: HashMap<Turn, Start>,
    hasher: RandomState,
    now: u64,
}

/// A thread and its turn.
type Turn = (Id, Id);

/// An event, and how often it was read.
#[derive(Debug)]
struct Read {
    turn: Turn,
    /// The time of a turn without a name, which tells it from others.
    unnamed_at: Option<u64>,
    model_slug: Option<Id>,
    /// The earliest of its copies: two hosts that see one turn have two clocks.
    completed_at: u64,
    /// Added and deleted lines: none of them in a turn's later events.
    counts: (u64, u64),
    /// How many lines it has.
    size: u64,
    /// Whether all of them are one.
    is_uniform: bool,
    copies: u64,
    scheme: Scheme,
    origin: Origin,
    /// None of an event that is not used.
    lines: Vec<LineFingerprint>,
}

/// The repository that an event comes from. Of copies, the best known counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    NotSaid,
    OtherRepository,
    ThisRepository,
}

/// When a turn began: the earliest time of those that can be true, and whether there was another.
#[derive(Clone, Copy, Debug, Default)]
struct Start {
    at: Option<i64>,
    is_wrong: bool,
}

/// Accepted lines that are used.
#[derive(Debug)]
pub struct AcceptedEvents {
    scheme: Scheme,
    pub(super) accepted: Vec<Accepted>,
    /// Events that are not used.
    pub skipped: Skipped,
    /// Used events that do not name their repository.
    pub unknown_repository: u64,
    /// Used events without hashes.
    pub without_lines: u64,
    /// Used events with an impossible time: they count for commits of any time.
    pub wrong_times: u64,
    /// Used events whose turn has an impossible beginning: they count from [`TOLERANCE`] before their own
    /// time.
    pub wrong_starts: u64,
}

#[derive(Debug)]
pub(super) struct Accepted {
    /// From when on commits can have the lines, in Unix seconds.
    pub(super) from: i64,
    completed_at: u64,
    turn: Turn,
    pub(super) source: Source,
    pub(super) lines: Vec<LineFingerprint>,
}

impl Accepted {
    fn hashes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().map(|line| (line.path_hash.as_bytes(), line.line_hash.as_bytes()))
    }
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

impl EventReader {
    /// No events yet. Only those of `digest`'s scheme will be used, and if the repository is known by
    /// the URLs of its remotes, only those from it.
    pub fn new(digest: &Sha2, remote_urls: Option<&[String]>) -> Self {
        let hashes = |urls: &[String]| urls.iter().flat_map(|url| repo_hashes(digest, url)).collect();
        Self {
            scheme: digest.scheme(),
            repositories: remote_urls.map(hashes),
            events: HashMap::new(),
            turns: HashMap::new(),
            hasher: RandomState::new(),
            now: now().as_secs(),
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

    /// Takes an event that is read already; only accepted lines are of interest.
    pub fn take(&mut self, event: Event) {
        if let Event::AcceptedLineFingerprints(event) = event {
            self.event(*event);
        }
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
        match (line.event_type.as_deref(), line.event_params) {
            (Some("codex_accepted_line_fingerprints"), Some(params)) => {
                self.event(serde_json::from_str(params.get())?);
                Ok(())
            }
            (Some("codex_turn_event"), Some(params)) => {
                self.turn(params);
                Ok(())
            }
            (Some(_), Some(_)) => Ok(()),
            _ => Err(serde::de::Error::custom("neither an event nor a request body")),
        }
    }

    /// Takes the beginning of a turn, if the event says it.
    fn turn(&mut self, params: &RawValue) {
        #[derive(Deserialize)]
        struct TurnEvent {
            thread_id: Id,
            turn_id: Id,
            started_at: i64,
        }
        let Ok(TurnEvent { thread_id, turn_id, started_at }) = serde_json::from_str(params.get()) else { return };
        let start = self.turns.entry((thread_id, turn_id)).or_default();
        if is_plausible(started_at, self.now) {
            start.at = Some(start.at.map_or(started_at, |at| at.min(started_at)));
        } else {
            start.is_wrong = true;
        }
    }

    fn event(&mut self, event: AcceptedLineFingerprints) {
        let scheme = event.fingerprint_scheme.unwrap_or_else(|| scheme_by_length(&event.line_fingerprints));
        let origin = match (event.repo_hash, &self.repositories) {
            (None, _) => Origin::NotSaid,
            (Some(repository), Some(known)) if !known.contains(&repository) => Origin::OtherRepository,
            (Some(_), _) => Origin::ThisRepository,
        };
        let counts = (event.accepted_added_lines, event.accepted_deleted_lines);
        let lines = event.line_fingerprints;
        let turn = (event.thread_id, event.turn_id);
        let unnamed_at = (&*turn.1 == UNNAMED).then_some(event.completed_at);
        let key = self.hasher.hash_one((&turn, unnamed_at, counts, &scheme, &lines));
        let read = self.events.entry(key).or_insert_with(|| Read {
            turn,
            unnamed_at,
            model_slug: None,
            completed_at: event.completed_at,
            counts,
            size: lines.len() as u64,
            is_uniform: lines.iter().all(|line| *line == lines[0]),
            copies: 0,
            scheme,
            origin: Origin::NotSaid,
            lines: Vec::new(),
        });
        let is_first = read.copies == 0;
        read.copies += 1;
        read.completed_at = read.completed_at.min(event.completed_at);
        if event.model_slug > read.model_slug {
            read.model_slug = event.model_slug;
        }
        if is_first || origin > read.origin {
            read.origin = origin;
            let is_used = read.scheme == self.scheme && origin != Origin::OtherRepository;
            read.lines = if is_used { lines } else { Vec::new() };
        }
    }

    /// What was read, each event once, whatever the order in which it came.
    pub fn finish(self) -> AcceptedEvents {
        let Self { scheme, events, turns, now, .. } = self;
        let sizes = Turns::of(events.values());
        let mut used = AcceptedEvents {
            scheme,
            accepted: Vec::new(),
            skipped: Skipped::default(),
            unknown_repository: 0,
            without_lines: 0,
            wrong_times: 0,
            wrong_starts: 0,
        };
        for read in events.into_values() {
            let times = sizes.times(&read);
            used.skipped.repeated += read.copies - times;
            used.add(read, times, &turns, now);
        }
        // One order for all orders of reading.
        used.accepted.sort_by(|one, other| {
            let key = |event: &Accepted| (event.from, event.completed_at);
            key(one)
                .cmp(&key(other))
                .then_with(|| one.turn.cmp(&other.turn))
                .then_with(|| one.hashes().cmp(other.hashes()))
        });
        used
    }
}

/// What is known of each turn's events together.
#[derive(Default)]
struct Turns(HashMap<(Turn, Option<u64>), TurnSize>);

#[derive(Clone, Copy, Default)]
struct TurnSize {
    /// How many lines the turn added, as its first event says.
    added: u64,
    /// How many lines its events have, each counted once.
    lines: u64,
    /// How many lines its largest event has.
    largest: u64,
}

impl Turns {
    fn of<'a>(events: impl Iterator<Item = &'a Read>) -> Self {
        let mut turns = Self::default();
        for read in events {
            let size = turns.0.entry((read.turn.clone(), read.unnamed_at)).or_default();
            size.added += read.counts.0;
            size.lines += read.size;
            size.largest = size.largest.max(read.size);
        }
        turns
    }

    /// How many different events a repeated text stands for. Most repetitions are copies, from uploads
    /// that were tried again or folders that hold a file twice. Two different events can have one text
    /// only if all their lines are equal, if they are as large as events get, and if their turn added
    /// that many lines.
    fn times(&self, read: &Read) -> u64 {
        let size = self.0.get(&(read.turn.clone(), read.unnamed_at)).copied().unwrap_or_default();
        if read.counts != (0, 0) || !read.is_uniform || read.size == 0 || read.size < size.largest {
            return 1;
        }
        read.copies.min(1 + size.added.saturating_sub(size.lines) / read.size)
    }
}

impl AcceptedEvents {
    fn add(&mut self, read: Read, times: u64, turns: &HashMap<Turn, Start>, now: u64) {
        if read.scheme != self.scheme {
            *self.skipped.other_scheme.entry(read.scheme).or_default() += times;
            return;
        }
        match read.origin {
            Origin::OtherRepository => {
                self.skipped.other_repository += times;
                return;
            }
            Origin::NotSaid => self.unknown_repository += times,
            Origin::ThisRepository => {}
        }
        self.without_lines += if read.lines.is_empty() { times } else { 0 };
        let completed_at = i64::try_from(read.completed_at).ok().filter(|at| is_plausible(*at, now));
        let start = turns.get(&read.turn).copied().unwrap_or_default();
        // No turn ends before it begins.
        let begins = start.at.filter(|at| completed_at.is_none_or(|end| *at <= end + TOLERANCE));
        if begins.is_none() && completed_at.is_none() {
            self.wrong_times += times;
        } else if begins.is_none() && (start.is_wrong || start.at.is_some()) {
            self.wrong_starts += times;
        }
        let from = begins.or(completed_at.map(|at| at - TOLERANCE)).unwrap_or(i64::MIN);
        let source = (read.turn.0.clone(), read.model_slug);
        for _ in 1..times {
            let (turn, source, lines) = (read.turn.clone(), source.clone(), read.lines.clone());
            self.accepted.push(Accepted { from, completed_at: read.completed_at, turn, source, lines });
        }
        let (turn, lines) = (read.turn, read.lines);
        self.accepted.push(Accepted { from, completed_at: read.completed_at, turn, source, lines });
    }

    /// The scheme of the events that are used.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// How many lines they have.
    pub fn lines(&self) -> u64 {
        self.accepted.iter().map(|event| event.lines.len() as u64).sum()
    }

    /// Whether no event is used.
    pub fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    pub(super) fn into_pool(self) -> Pool {
        let mut pool = Pool::default();
        for Accepted { from, source, lines, .. } in self.accepted {
            pool.accept(from, source, &lines);
        }
        pool
    }
}

/// The scheme of hashes that do not tell theirs: Codex once used SHA-1, the contract says SHA-256.
fn scheme_by_length(lines: &[LineFingerprint]) -> Scheme {
    let is_sha1 = lines.first().is_some_and(|line| line.line_hash.as_bytes().len() == 20);
    Scheme::new(if is_sha1 { Scheme::SHA1 } else { Scheme::SHA256 })
}
