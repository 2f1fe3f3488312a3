//! Uncommitted changes, as trees in memory.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::diff::index::Action;
use gix::objs::tree::EntryKind;
use gix::status::tree_index::TrackRenames;
use gix::status::{UntrackedFiles, index_worktree};
use gix::worktree::stack::state::attributes::Source;

use super::change::Unread;
use super::{Git, GitError, Step, StepKind};

impl Git {
    /// What is staged, compared with `HEAD`.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the repository is bare or cannot be read.
    pub fn staged(&self) -> Result<Step, GitError> {
        if self.repo.workdir().is_none() {
            return Err(GitError::Bare);
        }
        let trees = || Ok((self.head_tree()?, self.staged_tree()?));
        let (old, new) = trees().map_err(|error| self.explained(error))?;
        Ok(Step::between(StepKind::Staged, old, new))
    }

    /// What is in the working tree, staged or not, untracked files and all but ignored ones, compared
    /// with `HEAD`.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the repository is bare or cannot be read.
    pub fn worktree(&self) -> Result<Step, GitError> {
        self.try_worktree().map_err(|error| self.explained(error))
    }

    fn try_worktree(&self) -> Result<Step, GitError> {
        let root = self.repo.workdir().ok_or(GitError::Bare)?;
        let head = self.head_tree()?;
        let mut unread = Vec::new();
        let mut edits = Edits::default();
        let (mut pipeline, index) = self.repo.filter_pipeline(None)?;
        let mut attributes = self.repo.attributes_only(&index, Source::WorktreeThenIdMapping)?;
        let mut found = attributes.selected_attribute_matches(["filter"]);
        let status = self.repo.status(gix::progress::Discard)?;
        let changes = status
            .untracked_files(UntrackedFiles::Files)
            .index_worktree_rewrites(None)
            .index_worktree_submodules(None)
            .into_index_worktree_iter(Vec::new())?;
        for change in changes {
            let change = change?;
            if let index_worktree::Item::DirectoryContents { entry, .. } = &change
                && entry.status != gix::dir::entry::Status::Untracked
            {
                continue;
            }
            let path = change.rela_path();
            attributes.at_entry(path, None).map_err(gix::Error::from_error)?.matching_attributes(&mut found);
            let is_filtered = found.iter_selected().any(|found| {
                found.assignment.state.as_bstr().is_some_and(|name| self.filters.iter().any(|known| known == name))
            });
            let is_large = || self.is_large(&root.join(native(path))).then_some(Unread::TooLarge);
            let reason = if is_filtered { Some(Unread::Filtered) } else { is_large() };
            if let Some(reason) = reason {
                unread.push((path.to_str_lossy().into_owned(), reason));
                continue;
            }
            match pipeline.worktree_file_to_object(path, &index)? {
                Some((_, EntryKind::Commit | EntryKind::Tree, _)) => {}
                Some((id, kind, _)) => edits.written.push((path.to_owned(), kind, id)),
                None => edits.removed.push(path.to_owned()),
            }
        }
        let tree = self.edited(self.staged_tree()?, &edits)?;
        Ok(Step { unread, ..Step::between(StepKind::Worktree, head, tree) })
    }

    /// Whether a file is too large to be read.
    fn is_large(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|file| file.is_file() && file.len() > self.large_file())
    }

    /// A file of the working tree as the repository would have it; as it is where a filter stands between.
    pub(super) fn worktree_file(&self, name: &str, place: &Path) -> Result<Vec<u8>, GitError> {
        let (mut pipeline, index) = self.repo.filter_pipeline(None)?;
        let found = pipeline.worktree_file_to_object(name.into(), &index);
        if let Ok(Some((id, kind, _))) = found
            && kind != EntryKind::Commit
        {
            return Ok(self.repo.find_object(id)?.detach().data);
        }
        fs::read(place).map_err(|source| GitError::File { path: place.into(), source })
    }

    fn edited(&self, tree: ObjectId, edits: &Edits) -> Result<ObjectId, GitError> {
        let mut editor = self.repo.edit_tree(tree)?;
        // A folder may stand where a file was.
        for path in &edits.removed {
            editor.remove(path)?;
        }
        for (path, kind, id) in &edits.written {
            editor.upsert(path, *kind, *id)?;
        }
        Ok(editor.write()?.detach())
    }

    pub(super) fn head_tree(&self) -> Result<ObjectId, GitError> {
        // Its `HEAD` names a branch that does not exist.
        if self.has_reftable() {
            return Err(GitError::Reftable);
        }
        Ok(self.repo.head_tree_id_or_empty()?.detach())
    }

    fn staged_tree(&self) -> Result<ObjectId, GitError> {
        let head = self.head_tree()?;
        let index = self.repo.index_or_empty()?;
        if index.is_sparse() {
            return Err(GitError::SparseIndex);
        }
        let mut edits = Edits::default();
        self.repo.tree_index_status(&head, &index, None, TrackRenames::Disabled, |change, _, _| {
            use gix::diff::index::ChangeRef;
            match change {
                ChangeRef::Addition { location, entry_mode, id, .. }
                | ChangeRef::Modification { location, entry_mode, id, .. }
                | ChangeRef::Rewrite { location, entry_mode, id, .. } => {
                    if let Some(mode) = entry_mode.to_tree_entry_mode() {
                        edits.written.push((location.into_owned(), mode.kind(), id.into_owned()));
                    }
                }
                ChangeRef::Deletion { location, .. } => edits.removed.push(location.into_owned()),
            }
            Ok(Action::Continue(()))
        })?;
        self.edited(head, &edits)
    }
}

/// What makes one tree of another.
#[derive(Default)]
struct Edits {
    removed: Vec<BString>,
    written: Vec<(BString, EntryKind, ObjectId)>,
}

fn native(path: &BStr) -> PathBuf {
    gix::path::from_bstr(path).map_or_else(|_| path.to_str_lossy().as_ref().into(), Cow::into_owned)
}
