//! Which lines of a change match lines that an agent's turns left accepted.
//!
//! A line matches, or nothing is said: a line that does not match may still be an agent's, and no line is
//! ever said to be a person's. Lines are compared by the hash of their normal form, so a rebase, a squash,
//! an amend, a rename or a new indentation changes nothing. One accepted line matches one line, so a common
//! line is not claimed more often than it was accepted.

mod events;
mod files;
mod pool;
mod report;
mod standing;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use turnledger_core::accepted_lines::{DiffLine, DiffParser, LineBuffer, line_hash, lines as split, path_hash};
use turnledger_core::{DigestValue, Id};

pub use self::events::{AcceptedEvents, EventReader, Skipped, TOLERANCE};
pub use self::files::{EventsError, files_of};
pub use self::report::{BlameLine, Counts, FileReport, Match, Report, StepReport, ThreadReport};
pub use self::standing::Standing;
use crate::repository::{ChangeReader, FileChange, Git, GitError, Step, StepKind, Unread};
use pool::Pool;
use turnledger_core::digest::Sha2;

/// A file that a step changed, with hashes in place of its lines.
#[derive(Clone, Default)]
pub struct ChangedFile {
    path: String,
    renamed_from: Option<String>,
    added: u64,
    /// Those of the added lines that can be compared, and when each was committed.
    lines: Vec<(DigestValue, Option<i64>)>,
    /// The deleted lines that had claimed something, and how many of each were kept.
    kept: HashMap<DigestValue, usize>,
    in_no_parent: u64,
    unread: Option<Unread>,
}

/// Shows no path.
impl fmt::Debug for ChangedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ChangedFile({} added)", self.added)
    }
}

/// Matches one step after another with accepted lines.
#[derive(Debug)]
pub struct Attributor {
    digest: Sha2,
    pool: Pool,
    buffer: LineBuffer,
    threads: BTreeMap<(Id, Option<Id>), (u64, u64)>,
    steps: Vec<StepReport>,
    /// How many commits are cut off or not read.
    unknown: u64,
}

impl Attributor {
    /// An attributor of lines that `events` accepted; `digest` is what made their hashes.
    pub fn new(digest: Sha2, events: AcceptedEvents) -> Self {
        let pool = events.into_pool();
        Self { digest, pool, buffer: LineBuffer::default(), threads: BTreeMap::new(), steps: Vec::new(), unknown: 0 }
    }

    /// A changed file as this attributor compares it.
    pub fn changed_file(&mut self, change: &FileChange<'_>) -> ChangedFile {
        let mut hash = |line: &&[u8]| line_hash(&self.digest, line, &mut self.buffer);
        let lines: Vec<_> = change.added.iter().filter_map(|line| Some((hash(&line.text)?, line.at))).collect();
        let mut kept = HashMap::new();
        let old_path = change.renamed_from.as_ref().unwrap_or(&change.path);
        if !change.is_copy && !change.deleted.is_empty() && self.pool.has_claims(&path_hash(&self.digest, old_path)) {
            kept.extend(change.deleted.iter().filter_map(&mut hash).map(|line| (line, 0)));
            for line in split(change.text).filter_map(|line| hash(&line)) {
                kept.entry(line).and_modify(|count| *count += 1);
            }
            for (line, _) in &lines {
                kept.entry(*line).and_modify(|count: &mut usize| *count = count.saturating_sub(1));
            }
        }
        ChangedFile {
            path: change.path.clone(),
            renamed_from: change.renamed_from.clone(),
            added: change.added.len() as u64,
            lines,
            kept,
            in_no_parent: change.in_no_parent,
            unread: change.unread,
        }
    }

    /// A reader of a diff's files, which are one step.
    pub fn diff(&self) -> DiffFiles {
        DiffFiles {
            digest: self.digest.clone(),
            parser: DiffParser::default(),
            buffer: LineBuffer::default(),
            files: Vec::new(),
        }
    }

    /// Attributes the files of a step; `step` is `None` for those of a diff. `unread` are the commits, the
    /// step itself or those that it merges, whose lines are unknown.
    ///
    /// Lines that are gone after the step give back what they had claimed. Lines at the path where they
    /// were accepted come before those that were accepted elsewhere.
    pub fn step(&mut self, step: Option<&Step>, files: &[ChangedFile], unread: &[&Step]) {
        let hashes: Vec<_> = files.iter().map(|file| path_hash(&self.digest, &file.path)).collect();
        for (file, path) in files.iter().zip(&hashes) {
            let old = file.renamed_from.as_ref().map_or(*path, |old| path_hash(&self.digest, old));
            for (line, still) in &file.kept {
                self.pool.release(&old, line, *still);
            }
            if old != *path {
                self.pool.rename(&old, *path);
            }
        }
        let mut reports: Vec<_> = files.iter().map(FileReport::unmatched).collect();
        let mut left = Vec::new();
        for (index, (file, path)) in files.iter().zip(&hashes).enumerate() {
            for (line, at) in &file.lines {
                match self.pool.claim_here(*path, *line, *at) {
                    Some(source) => {
                        reports[index].counts.matched += 1;
                        self.threads.entry(source).or_default().0 += 1;
                    }
                    None => left.push((index, *path, *line, *at)),
                }
            }
        }
        for (index, path, line, at) in left {
            if let Some(source) = self.pool.claim_elsewhere(path, line, at) {
                reports[index].counts.moved += 1;
                self.threads.entry(source).or_default().1 += 1;
            }
        }
        reports.sort_by(|one, other| one.path.cmp(&other.path));
        let mut counts = Counts::default();
        for report in &reports {
            counts += report.counts;
        }
        let cut_off = step.into_iter().flat_map(Step::all).filter(|step| step.is_cut_off).count();
        self.unknown += (cut_off + unread.len()) as u64;
        self.steps.push(StepReport {
            kind: step.map_or(StepKind::Diff, |step| step.kind),
            commit: step.and_then(|step| step.commit.clone()),
            is_cut_off: step.is_some_and(|step| step.is_cut_off),
            merged: step.and_then(|step| step.merged.as_deref()).map(ids).unwrap_or_default(),
            wrong_dates: ids(step.into_iter().flat_map(Step::all).filter(|step| step.has_wrong_date)),
            unread: ids(unread.iter().copied()),
            in_no_parent: files.iter().map(|file| file.in_no_parent).sum(),
            counts,
            files: reports,
        });
    }

    /// Takes steps, one after another, as a repository has them. `told` is told each step, and which of it cannot be read;
    /// its error ends this.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the repository has only a part of its objects, or if what is not committed cannot be read.
    pub fn follow<'s>(
        &mut self,
        git: &Git,
        steps: impl IntoIterator<Item = &'s Step>,
        mut told: impl FnMut(&'s Step, &[&'s Step]) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        let mut reader = ChangeReader::new(git)?;
        for step in steps {
            let mut files = Vec::new();
            let unread = match reader.read(step, |change| files.push(self.changed_file(change))) {
                Ok(unread) => unread,
                Err(error @ GitError::Partial(_)) => return Err(error),
                Err(error) if step.commit.is_none() => return Err(error),
                Err(_) => {
                    files.clear();
                    vec![step]
                }
            };
            self.step(Some(step), &files, &unread);
            told(step, &unread)?;
        }
        Ok(())
    }

    /// Marks the lines of a whole file, from its first to its last, as it was at a time in Unix seconds;
    /// `None` is now.
    pub fn blame(&mut self, path: &str, lines: &[&[u8]], at: Option<i64>) -> Vec<BlameLine> {
        let path = path_hash(&self.digest, path);
        let mut marks = Vec::with_capacity(lines.len());
        for line in lines {
            let hash = line_hash(&self.digest, line, &mut self.buffer);
            let found = hash.and_then(|hash| self.pool.claim_here(path, hash, at));
            marks.push((hash, found.map(|source| (Match::Matched, source))));
        }
        let mut number = 0;
        let mut finish = |(hash, found): (Option<DigestValue>, Option<_>)| {
            number += 1;
            let moved = || Some((Match::Moved, self.pool.claim_elsewhere(path, hash?, at)?));
            let (kind, source) = found.or_else(moved).map_or((None, None), |(kind, source)| (Some(kind), Some(source)));
            let (thread_id, model_slug) = source.map_or((None, None), |(thread, model)| (Some(thread), model));
            BlameLine { line: number, is_effective: hash.is_some(), found: kind, thread_id, model_slug }
        };
        marks.into_iter().map(&mut finish).collect()
    }

    /// What was found.
    pub fn report(self) -> Report {
        let mut total = Counts::default();
        for step in &self.steps {
            total += step.counts;
        }
        let thread = |((thread_id, model_slug), (matched, moved))| ThreadReport {
            thread_id,
            model_slug,
            counts: Counts { matched, moved, ..total },
        };
        Report {
            total,
            unknown_commits: self.unknown,
            steps: self.steps,
            threads: self.threads.into_iter().map(thread).collect(),
        }
    }
}

fn ids<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<String> {
    steps.into_iter().filter_map(|step| Some(step.commit.as_ref()?.id.clone())).collect()
}

/// Reads the files of a diff.
#[derive(Debug)]
pub struct DiffFiles {
    digest: Sha2,
    parser: DiffParser,
    buffer: LineBuffer,
    files: Vec<ChangedFile>,
}

/// What the lines of a diff belong to that names no file.
const UNNAMED: &str = "(unnamed)";

impl DiffFiles {
    /// Takes the next line of the diff, without its line end.
    pub fn line(&mut self, line: &[u8]) {
        match self.parser.line(line) {
            DiffLine::File(path) => {
                let path = path.unwrap_or(UNNAMED).into();
                self.files.push(ChangedFile { path, ..ChangedFile::default() });
            }
            DiffLine::Added(text) => {
                if self.files.is_empty() {
                    self.files.push(ChangedFile { path: UNNAMED.into(), ..ChangedFile::default() });
                }
                if let Some(file) = self.files.last_mut() {
                    file.added += 1;
                    file.lines.extend(line_hash(&self.digest, text, &mut self.buffer).map(|line| (line, None)));
                }
            }
            _ => {}
        }
    }

    /// The files; `None` if this was no diff.
    pub fn finish(mut self) -> Option<Vec<ChangedFile>> {
        self.files.retain(|file| file.path != UNNAMED || file.added > 0);
        self.parser.is_diff().then_some(self.files)
    }
}
