//! Revisions and ranges as steps, oldest first.

use std::collections::HashSet;

use gix::ObjectId;
use gix::revision::plumbing::Spec;

use super::change::Unread;
use super::{Git, GitError};

/// A commit, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
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
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// The commit, if it is one.
    pub commit: Option<CommitId>,
    /// Whether the tree before it is missing, at the end of a shallow clone: its changes are unknown.
    pub is_cut_off: bool,
    pub(super) old_tree: ObjectId,
    pub(super) new_tree: ObjectId,
    /// The trees of the other parents of a merge.
    pub(super) others: Vec<OtherParent>,
    /// Files that were not read.
    pub(super) unread: Vec<(String, Unread)>,
}

#[derive(Clone, Debug)]
pub(super) struct OtherParent {
    pub(super) tree: ObjectId,
    /// Whether its commits are part of the range, so that what it brings is new.
    pub(super) is_in_range: bool,
}

impl Git {
    /// The steps of a commit (`HEAD`) or a range (`main..topic`, `main...topic`), oldest first.
    ///
    /// They follow first parents, so that together they are the change from the range's beginning to
    /// its end: a merge is the step that brings what was merged. What it brings from outside the
    /// range is not its own.
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
        let range = walk.map(|commit| Ok(commit?.id)).collect::<Result<HashSet<_>, gix::Error>>()?;
        let mut steps = Vec::new();
        let mut next = Some(to);
        while let Some(id) = next.filter(|id| range.contains(id)) {
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
            Spec::Include(id) | Spec::ExcludeParents(id) => return self.step(self.peel(id, revisions)?, None),
            Spec::Range { from, to } => (from, to),
            Spec::Merge { theirs, ours } => {
                let (theirs, ours) = (self.peel(theirs, revisions)?, self.peel(ours, revisions)?);
                let base = self.repo.merge_base(theirs, ours)?.ok_or_else(|| self.unknown(revisions))?;
                (base.detach(), ours)
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
    fn step(&self, id: ObjectId, range: Option<&HashSet<ObjectId>>) -> Result<Step, GitError> {
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
                let is_in_range = range.is_none_or(|range| range.contains(parent));
                step.others.push(OtherParent { tree: self.tree(*parent)?, is_in_range });
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

impl Step {
    pub(super) fn between(kind: StepKind, old_tree: ObjectId, new_tree: ObjectId) -> Self {
        Self { kind, commit: None, is_cut_off: false, old_tree, new_tree, others: Vec::new(), unread: Vec::new() }
    }
}
