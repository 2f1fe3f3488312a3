//! Revisions and ranges as steps, oldest first.

use std::collections::{HashMap, HashSet};
use std::fmt;

use gix::ObjectId;
use gix::objs::{Kind, TagRefIter};
use gix::prelude::ObjectIdExt;
use gix::revision::plumbing::Spec;

use super::change::Unread;
use super::commit::{Commit, DAY};
use super::{Git, GitError};
use turnledger::now;

/// A commit, for people.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
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
    /// When the commit was made, in Unix seconds; `None` if this is not a commit, or its date is impossible.
    pub at: Option<i64>,
    /// Whether this is a commit with an impossible date: before 1980, after now, or more than a day
    /// before an earlier commit.
    pub has_wrong_date: bool,
    /// Whether the tree before it is missing, at the end of a shallow clone: its changes are unknown.
    pub is_cut_off: bool,
    /// Whether the commit cannot be read: its changes are unknown.
    pub is_unreadable: bool,
    /// The commits of the range that a merge brings, oldest first; `None` of a step that stands for all
    /// that it adds.
    pub merged: Option<Vec<Self>>,
    pub(super) old_tree: ObjectId,
    pub(super) new_tree: ObjectId,
    /// What a merge has beside its first parent.
    pub(super) other_parents: Vec<ObjectId>,
    /// Files that were not read.
    pub(super) unread: Vec<(String, Unread)>,
}

/// The steps of a range, as they are found.
struct Range<'a> {
    git: &'a Git,
    /// The commits of the range that are no step yet.
    left: HashSet<ObjectId>,
    /// The latest date of each step's commit and those before it, as far as it can be true.
    latest: HashMap<ObjectId, i64>,
    now: u64,
}

impl Git {
    /// The steps of a commit (`HEAD`) or a range (`main..topic`, `main...topic`), oldest first.
    ///
    /// A range has the commits that `git rev-list main..topic` names. Those along first parents are steps;
    /// each of the others is one of those that a merge among them brings.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the text names no commit, or if the range is empty.
    pub fn steps(&self, revisions: &str) -> Result<Vec<Step>, GitError> {
        let (from, to) = match self.spec(revisions)? {
            Spec::Include(id) | Spec::ExcludeParents(id) => {
                return Ok(vec![Range::new(self, HashSet::new()).step(self.peel(id, revisions)?, None)]);
            }
            Spec::Range { from, to } => (from, to),
            Spec::Merge { theirs, ours } => (theirs, ours),
            Spec::Exclude(_) | Spec::IncludeOnlyParents(_) => return Err(self.unknown(revisions)),
        };
        let (from, to) = (self.peel(from, revisions)?, self.peel(to, revisions)?);
        let commits = self.commits_between(from, to)?;
        let mut chain = Vec::new();
        let mut next = Some(to);
        while let Some(id) = next.filter(|id| commits.contains(id)) {
            chain.push(id);
            next = self.parents(id).into_iter().next();
        }
        if chain.is_empty() {
            return Err(GitError::EmptyRange(revisions.into()));
        }
        let mut range = Range::new(self, commits);
        Ok(chain.into_iter().rev().map(|id| range.step_with_merged(id)).collect())
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
                let step = Range::new(self, HashSet::new()).step(self.peel(id, revisions)?, None);
                return match step {
                    Step { is_cut_off: true, .. } => Err(GitError::CutOff(revisions.into())),
                    Step { is_unreadable: true, .. } => Err(GitError::Unreadable(revisions.into())),
                    step => Ok(step),
                };
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
        let (old, new) = (self.read_commit(from)?, self.read_commit(to)?);
        Ok(Step { at: new.at(now().as_secs()), ..Step::between(StepKind::Range, old.tree, new.tree) })
    }

    /// All that the latest commit has, as one step that adds it. It counts as of now.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the commit cannot be read.
    pub fn whole(&self) -> Result<Step, GitError> {
        let nothing = ObjectId::empty_tree(self.repo.object_hash());
        Ok(Step::between(StepKind::Range, nothing, self.head_tree()?))
    }

    /// The commit that a text names.
    pub(super) fn commit(&self, revision: &str) -> Result<Commit, GitError> {
        match self.spec(revision)? {
            Spec::Include(id) => self.read_commit(self.peel(id, revision)?),
            _ => Err(self.unknown(revision)),
        }
    }

    fn spec(&self, revisions: &str) -> Result<Spec, GitError> {
        Ok(self.repo.rev_parse(revisions).map_err(|_| self.unknown(revisions))?.detach())
    }

    fn unknown(&self, revision: &str) -> GitError {
        if self.has_reftable() {
            return GitError::Reftable;
        }
        let shallow = self.repo.is_shallow().unwrap_or(false);
        GitError::UnknownRevision { revision: revision.into(), shallow }
    }

    /// The commit behind an annotated tag.
    fn peel(&self, mut id: ObjectId, revision: &str) -> Result<ObjectId, GitError> {
        loop {
            let object = self.repo.find_object(id).map_err(|_| self.unknown(revision))?;
            match object.kind {
                Kind::Commit => return Ok(id),
                Kind::Tag => {
                    let target = TagRefIter::from_bytes(&object.data, self.repo.object_hash()).target_id();
                    id = target.map_err(|_| self.unknown(revision))?;
                }
                Kind::Tree | Kind::Blob => return Err(self.unknown(revision)),
            }
        }
    }

    fn parents(&self, commit: ObjectId) -> Vec<ObjectId> {
        self.read_commit(commit).map(|commit| commit.parents).unwrap_or_default()
    }
}

impl<'a> Range<'a> {
    fn new(git: &'a Git, commits: HashSet<ObjectId>) -> Self {
        Self { git, left: commits, latest: HashMap::new(), now: now().as_secs() }
    }

    /// A step along first parents, with what it merges. The steps before it are those of its first parent.
    fn step_with_merged(&mut self, id: ObjectId) -> Step {
        self.left.remove(&id);
        let others = self.git.parents(id).into_iter().skip(1);
        let mut merged = Vec::new();
        // Parents come before their children.
        let mut path: Vec<(ObjectId, bool)> = others.map(|parent| (parent, false)).collect();
        while let Some((id, is_after_parents)) = path.pop() {
            if is_after_parents {
                merged.push(self.step(id, Some(Vec::new())));
            } else if self.left.remove(&id) {
                path.push((id, true));
                path.extend(self.git.parents(id).into_iter().map(|parent| (parent, false)));
            }
        }
        self.step(id, Some(merged))
    }

    /// A commit as a step.
    fn step(&mut self, id: ObjectId, merged: Option<Vec<Step>>) -> Step {
        self.try_step(id, merged).unwrap_or_else(|_| {
            let null = self.git.repo.object_hash().null();
            let commit = CommitId::new(self.git, id, "", false);
            Step { commit: Some(commit), is_unreadable: true, ..Step::between(StepKind::Commit, null, null) }
        })
    }

    fn try_step(&mut self, id: ObjectId, merged: Option<Vec<Step>>) -> Result<Step, GitError> {
        let git = self.git;
        let commit = git.read_commit(id)?;
        let old_tree = match commit.parents.first() {
            _ if commit.is_cut_off => commit.tree,
            None => git.repo.empty_tree().id,
            Some(parent) => git.read_commit(*parent)?.tree,
        };
        let is_merge = commit.parents.len() > 1;
        let (at, has_wrong_date) = self.date(id, &commit);
        Ok(Step {
            commit: Some(CommitId::new(git, id, &commit.summary, is_merge)),
            at,
            has_wrong_date,
            is_cut_off: commit.is_cut_off,
            merged: merged.filter(|_| is_merge),
            other_parents: commit.parents.iter().skip(1).copied().collect(),
            ..Step::between(StepKind::Commit, old_tree, commit.tree)
        })
    }

    /// A commit's date, if it can be true, and whether it cannot.
    fn date(&mut self, id: ObjectId, commit: &Commit) -> (Option<i64>, bool) {
        let of_parent = |parent: &ObjectId| match self.latest.get(parent) {
            Some(latest) => Some(*latest),
            None => self.git.read_commit(*parent).ok()?.at(self.now),
        };
        let before = commit.parents.iter().filter_map(of_parent).max();
        let at = commit.at(self.now).filter(|at| before.is_none_or(|before| *at + DAY >= before));
        if let Some(latest) = at.max(before) {
            self.latest.insert(id, latest);
        }
        (at, at.is_none())
    }
}

impl CommitId {
    fn new(git: &Git, id: ObjectId, summary: &str, is_merge: bool) -> Self {
        let short =
            id.attach(&git.repo).shorten().map_or_else(|_| id.to_hex_with_len(7).to_string(), |id| id.to_string());
        Self { id: id.to_string(), short, summary: summary.into(), is_merge }
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
        Self {
            kind,
            commit: None,
            at: None,
            has_wrong_date: false,
            is_cut_off: false,
            is_unreadable: false,
            merged: None,
            old_tree,
            new_tree,
            other_parents: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// Itself and what it merges.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.merged.iter().flatten())
    }
}
