//! Revisions and ranges as steps, oldest first.

use std::collections::HashSet;
use std::fmt;

use gix::ObjectId;
use gix::revision::plumbing::Spec;

use super::change::Unread;
use super::{Git, GitError};

/// A commit, for people.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct CommitId {
    /// Its id.
    pub id: String,
    /// The beginning of its id that tells it apart.
    #[serde(skip)]
    pub short: String,
    /// The first line of its message.
    pub summary: String,
    /// Whether it has several parents.
    pub is_merge: bool,
}

/// Shows no message.
impl fmt::Debug for CommitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CommitId({})", self.id)
    }
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// A commit, compared with its first parent.
    Commit,
    /// The ends of a range.
    Range,
    /// What is staged.
    Staged,
    /// What is not committed.
    Worktree,
    /// A diff, which needs no repository.
    Diff,
}

/// From one tree to the next.
#[derive(Clone)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// The commit, if it is one.
    pub commit: Option<CommitId>,
    /// Whether the tree before it is missing, at the end of a shallow clone: its changes are unknown.
    pub is_cut_off: bool,
    pub(super) old_tree: ObjectId,
    pub(super) new_tree: ObjectId,
    /// What a merge is compared with beside its first parent.
    pub(super) others: Vec<Other>,
    /// Files that were not read.
    pub(super) unread: Vec<(String, Unread)>,
}

/// Another parent of a merge, or where such a parent left what is not in the range.
#[derive(Clone, Debug)]
pub(super) struct Other {
    pub(super) tree: ObjectId,
    pub(super) is_parent: bool,
    /// Whether its commits are part of the range, so that what it brings is new.
    pub(super) is_in_range: bool,
}

/// The commits that a range has, and the one that it does not have.
struct Range {
    commits: HashSet<ObjectId>,
    from: ObjectId,
}

impl Git {
    /// The steps of a commit (`HEAD`) or a range (`main..topic`, `main...topic`), oldest first.
    ///
    /// They follow first parents, so that together they are the change from where the ends of the range
    /// parted to its end: a merge is the step that brings what was merged. What it brings from outside
    /// the range is not its own.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the text names no commit, or if the range is empty.
    pub fn steps(&self, revisions: &str) -> Result<Vec<Step>, GitError> {
        let (from, to) = match self.spec(revisions)? {
            Spec::Include(id) | Spec::ExcludeParents(id) => {
                return Ok(vec![self.step(self.peel(id, revisions)?, None)?]);
            }
            Spec::Range { from, to } => (from, to),
            Spec::Merge { theirs, ours } => (theirs, ours),
            Spec::Exclude(_) | Spec::IncludeOnlyParents(_) => return Err(self.unknown(revisions)),
        };
        let (from, to) = (self.peel(from, revisions)?, self.peel(to, revisions)?);
        let walk = self.repo.rev_walk([to]).with_hidden([from]).all()?;
        let commits = walk.map(|commit| Ok(commit?.id)).collect::<Result<_, gix::Error>>()?;
        let range = Range { commits, from };
        let mut steps = Vec::new();
        let mut next = Some(to);
        while let Some(id) = next.filter(|id| range.commits.contains(id)) {
            steps.push(self.step(id, Some(&range))?);
            next = self.repo.find_commit(id)?.parent_ids().next().map(gix::Id::detach);
        }
        if steps.is_empty() {
            return Err(GitError::EmptyRange(revisions.into()));
        }
        steps.reverse();
        Ok(steps)
    }

    /// A range as the one step that `git diff` shows: from its beginning, or from where its ends
    /// parted (`...`), to its end.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the text names no commit, or if both ends are one.
    pub fn span(&self, revisions: &str) -> Result<Step, GitError> {
        let (from, to) = match self.spec(revisions)? {
            Spec::Include(id) | Spec::ExcludeParents(id) => {
                let step = self.step(self.peel(id, revisions)?, None)?;
                return if step.is_cut_off { Err(GitError::CutOff(revisions.into())) } else { Ok(step) };
            }
            Spec::Range { from, to } => (from, to),
            Spec::Merge { theirs, ours } => {
                let (theirs, ours) = (self.peel(theirs, revisions)?, self.peel(ours, revisions)?);
                let base = self.repo.merge_base(theirs, ours).ok().flatten();
                (base.ok_or_else(|| GitError::Unrelated(revisions.into()))?.detach(), ours)
            }
            Spec::Exclude(_) | Spec::IncludeOnlyParents(_) => return Err(self.unknown(revisions)),
        };
        let (from, to) = (self.peel(from, revisions)?, self.peel(to, revisions)?);
        if from == to {
            return Err(GitError::EmptyRange(revisions.into()));
        }
        Ok(Step::between(StepKind::Range, self.tree(from)?, self.tree(to)?))
    }

    /// The commit that a text names.
    pub(super) fn commit(&self, revision: &str) -> Result<gix::Commit<'_>, GitError> {
        match self.spec(revision)? {
            Spec::Include(id) => Ok(self.repo.find_commit(self.peel(id, revision)?)?),
            _ => Err(self.unknown(revision)),
        }
    }

    fn spec(&self, revisions: &str) -> Result<Spec, GitError> {
        Ok(self.repo.rev_parse(revisions).map_err(|_| self.unknown(revisions))?.detach())
    }

    fn unknown(&self, revision: &str) -> GitError {
        let shallow = self.repo.is_shallow().unwrap_or(false);
        GitError::UnknownRevision { revision: revision.into(), shallow }
    }

    /// The commit behind an annotated tag.
    fn peel(&self, id: ObjectId, revision: &str) -> Result<ObjectId, GitError> {
        let object = self.repo.find_object(id).map_err(|_| self.unknown(revision))?;
        Ok(object.peel_to_commit().map_err(|_| self.unknown(revision))?.id)
    }

    fn tree(&self, commit: ObjectId) -> Result<ObjectId, GitError> {
        Ok(self.repo.find_commit(commit)?.tree_id()?.detach())
    }

    /// A commit as a step; all its parents are in range unless `range` says which commits are.
    fn step(&self, id: ObjectId, range: Option<&Range>) -> Result<Step, GitError> {
        let commit = self.repo.find_commit(id)?;
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        let is_cut_off = self.repo.shallow_commits()?.is_some_and(|shallow| shallow.contains(&id));
        let new_tree = commit.tree_id()?.detach();
        let mut step = match parents.first() {
            None => Step::between(StepKind::Commit, self.repo.empty_tree().id, new_tree),
            Some(_) if is_cut_off => Step { is_cut_off, ..Step::between(StepKind::Commit, new_tree, new_tree) },
            Some(first) => Step::between(StepKind::Commit, self.tree(*first)?, new_tree),
        };
        if !is_cut_off {
            for parent in parents.iter().skip(1) {
                let is_in_range = range.is_none_or(|range| range.commits.contains(parent));
                step.others.push(Other { tree: self.tree(*parent)?, is_parent: true, is_in_range });
                // A branch of the range may itself have begun, or merged, outside.
                if let Some(range) = range.filter(|_| is_in_range)
                    && let Ok(Some(base)) = self.repo.merge_base(range.from, *parent)
                {
                    step.others.push(Other { tree: self.tree(base.detach())?, is_parent: false, is_in_range: false });
                }
            }
        }
        step.commit = Some(CommitId {
            id: id.to_string(),
            short: commit.short_id()?.to_string(),
            summary: commit.message()?.summary().to_string(),
            is_merge: parents.len() > 1,
        });
        Ok(step)
    }
}

/// Shows neither a message nor a path.
impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.commit.as_ref().map_or("", |commit| &commit.short);
        write!(formatter, "Step({:?} {id})", self.kind)
    }
}

impl Step {
    pub(super) fn between(kind: StepKind, old_tree: ObjectId, new_tree: ObjectId) -> Self {
        Self { kind, commit: None, is_cut_off: false, old_tree, new_tree, others: Vec::new(), unread: Vec::new() }
    }
}
