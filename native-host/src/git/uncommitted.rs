//! What is not committed yet, as trees that exist in memory alone.

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::diff::index::Action;
use gix::objs::tree::EntryKind;
use gix::status::tree_index::TrackRenames;
use gix::status::{UntrackedFiles, index_worktree};

use super::change::Unread;
use super::{Git, GitError, LARGE_FILE, Step, StepKind};

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
        let mut editor = self.repo.edit_tree(self.staged_tree()?)?;
        let (mut pipeline, index) = self.repo.filter_pipeline(None)?;
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
            if root.join(native(path)).symlink_metadata().is_ok_and(|file| file.len() >= LARGE_FILE) {
                unread.push((path.to_str_lossy().into_owned(), Unread::TooLarge));
                continue;
            }
            match pipeline.worktree_file_to_object(path, &index)? {
                Some((_, EntryKind::Commit | EntryKind::Tree, _)) => {}
                Some((id, kind, _)) => {
                    editor.upsert(path, kind, id)?;
                }
                None => {
                    editor.remove(path)?;
                }
            }
        }
        Ok(Step { unread, ..Step::between(StepKind::Worktree, self.head_tree()?, editor.write()?.detach()) })
    }

    fn head_tree(&self) -> Result<ObjectId, GitError> {
        Ok(self.repo.head_tree_id_or_empty()?.detach())
    }

    fn staged_tree(&self) -> Result<ObjectId, GitError> {
        let head = self.head_tree()?;
        let index = self.repo.index_or_empty()?;
        let mut editor = self.repo.edit_tree(head)?;
        self.repo.tree_index_status(&head, &index, None, TrackRenames::Disabled, |change, _, _| {
            use gix::diff::index::ChangeRef;
            match change {
                ChangeRef::Addition { location, entry_mode, id, .. }
                | ChangeRef::Modification { location, entry_mode, id, .. }
                | ChangeRef::Rewrite { location, entry_mode, id, .. } => {
                    if let Some(mode) = entry_mode.to_tree_entry_mode() {
                        editor.upsert(location.as_ref(), mode.kind(), id.into_owned())?;
                    }
                }
                ChangeRef::Deletion { location, .. } => {
                    editor.remove(location.as_ref())?;
                }
            }
            Ok(Action::Continue(()))
        })?;
        Ok(editor.write()?.detach())
    }
}

fn native(path: &BStr) -> std::path::PathBuf {
    gix::path::from_bstr(path).map_or_else(|_| path.to_str_lossy().as_ref().into(), std::borrow::Cow::into_owned)
}
