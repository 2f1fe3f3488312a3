//! What is not committed yet, as trees that exist in memory alone.

use std::borrow::Cow;
use std::fs;
use std::io::Read;
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
        Ok(Step::between(StepKind::Staged, self.head_tree()?, self.staged_tree()?))
    }

    /// What is in the working tree, staged or not, untracked files and all but ignored ones, compared
    /// with `HEAD`.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the repository is bare or cannot be read.
    pub fn worktree(&self) -> Result<Step, GitError> {
        let root = self.repo.workdir().ok_or(GitError::Bare)?;
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
            let reason = if is_filtered { Some(Unread::Filtered) } else { self.unreadable(&root.join(native(path))) };
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
        Ok(Step { unread, ..Step::between(StepKind::Worktree, self.head_tree()?, tree) })
    }

    /// Why a file of the working tree has no lines, if it has none.
    fn unreadable(&self, path: &Path) -> Option<Unread> {
        let file = path.symlink_metadata().ok().filter(fs::Metadata::is_file)?;
        if file.len() >= self.large_file() {
            return Some(Unread::TooLarge);
        }
        // Where Git looks for what makes a file binary.
        let mut start = Vec::with_capacity(8000);
        fs::File::open(path).ok()?.take(8000).read_to_end(&mut start).ok()?;
        start.contains(&0).then_some(Unread::Binary)
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

    fn head_tree(&self) -> Result<ObjectId, GitError> {
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
