//! What Turnledger reads of a Git repository: its remotes, its history as steps, and what each step
//! adds and deletes.
//!
//! It reads with `gix`, runs no program (neither a shell nor the filters and drivers that a
//! repository's configuration names) and writes nothing.

mod change;
mod commit;
mod error;
mod history;
mod merged;
mod objects;
mod range;
mod remotes;
mod uncommitted;

use std::fmt;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::discover::upwards;
use gix::discover::upwards::TrustPolicy;
use gix::sec::trust::Mapping;
use tempfile::TempDir;

pub use self::change::{AddedLine, ChangeReader, FileChange, Unread};
pub(crate) use self::commit::is_plausible;
pub use self::error::GitError;
pub use self::history::{CommitId, Step, StepKind};
use turnledger::now;

/// A Git repository.
#[derive(Debug)]
pub struct Git {
    repo: gix::Repository,
    /// The filters that its configuration names; they are programs, and do not run.
    filters: Vec<BString>,
    /// Lists the folders of objects that the environment names; the objects are read through it.
    _objects: Option<TempDir>,
}

/// A whole file.
#[non_exhaustive]
pub struct WholeFile {
    /// Its path from the repository's root.
    pub path: String,
    /// What it has.
    pub content: Vec<u8>,
    /// When the commit was made that it is of, in Unix seconds; `None` for the working tree, and where the
    /// commit's date cannot be true.
    pub at: Option<i64>,
}

/// Shows neither the path nor a line.
impl fmt::Debug for WholeFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WholeFile({} bytes)", self.content.len())
    }
}

/// Files of this size or more are not read, unless `core.bigFileThreshold` says otherwise: nobody writes
/// so many lines.
const LARGE_FILE: u64 = 16 << 20;

/// From how many files on a changed file is not looked for under another name: every deleted file is
/// compared with every added one.
const MOST_RENAMES: i64 = 300;

impl Git {
    /// Opens the repository at a folder or above it; without a folder, at the current one or where
    /// `GIT_DIR` says.
    ///
    /// # Errors
    ///
    /// [`GitError::NoRepository`] if there is none that can be opened.
    pub fn open(folder: Option<&Path>) -> Result<Self, GitError> {
        // Whose files they are makes no difference: nothing that they name is run.
        let trust = TrustPolicy::Assume(gix::sec::Trust::Full);
        let options = upwards::Options { trust, ..upwards::Options::default() };
        let found = match folder {
            Some(folder) => gix::ThreadSafeRepository::discover_opts(folder, options, Mapping::default()),
            None => {
                gix::ThreadSafeRepository::discover_with_environment_overrides_opts(".", options, Mapping::default())
            }
        };
        let path = folder.unwrap_or(Path::new("."));
        let mut repo = found
            .map_err(|error| GitError::NoRepository { path: path.into(), reason: error.to_string() })?
            .to_thread_local();
        let mut config = repo.config_snapshot_mut();
        let filters: Vec<_> = config
            .sections_by_name("filter")
            .into_iter()
            .flatten()
            .filter_map(|section| section.header().subsection_name().map(ToOwned::to_owned))
            .collect();
        for filter in &filters {
            config.remove_section("filter", Some(filter.as_bstr()));
        }
        // A new value of a valid key always fits.
        if matches!(config.integer("core.bigFileThreshold"), Ok(None)) {
            let _ = config.set_raw_value("core.bigFileThreshold", LARGE_FILE.to_string().as_str());
        }
        let renames =
            config.integer("diff.renameLimit").ok().flatten().filter(|limit| (1..MOST_RENAMES).contains(limit));
        let _ = config.set_raw_value("diff.renameLimit", renames.unwrap_or(MOST_RENAMES).to_string().as_str());
        config.commit()?;
        let objects = objects::of_environment(&mut repo).map_err(|source| GitError::Objects { source })?;
        // Trees and blobs of neighbouring commits are mostly the same; what is written stays in memory.
        repo.object_cache_size_if_unset(64 << 20);
        Ok(Self { repo: repo.with_object_memory(), filters, _objects: objects })
    }

    /// The root of the working tree; `None` of a bare repository.
    pub(crate) fn root(&self) -> Option<&Path> {
        self.repo.workdir()
    }

    /// The content of a file at a revision, or in the working tree as the repository would have it. A
    /// relative `path` is looked for from `folder`. Of a link it is what the link says.
    ///
    /// # Errors
    ///
    /// [`GitError`] if there is no such revision or file.
    pub fn file(&self, revision: Option<&str>, folder: &Path, path: &Path) -> Result<WholeFile, GitError> {
        let relative = match self.repo.workdir() {
            Some(root) => from_root(root, &folder.join(path)).ok_or_else(|| GitError::Outside(path.into()))?,
            None => path.into(),
        };
        let name = relative.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let Some(revision) = revision else {
            let place = self.repo.workdir().ok_or(GitError::Bare)?.join(&relative);
            let content = self.worktree_file(&name, &place)?;
            return Ok(WholeFile { path: name, content, at: None });
        };
        let commit = self.commit(revision)?;
        let content = self.file_of_tree(commit.tree, &relative).map_err(|error| self.explained(error))?;
        match content {
            Some(content) => Ok(WholeFile { path: name, content, at: commit.at(now().as_secs()) }),
            None => Err(GitError::NoFile { path: name, place: revision.into() }),
        }
    }

    fn file_of_tree(&self, tree: ObjectId, path: &Path) -> Result<Option<Vec<u8>>, GitError> {
        match self.repo.find_tree(tree)?.lookup_entry_by_path(path)? {
            Some(entry) if entry.mode().is_blob_or_symlink() => Ok(Some(entry.object()?.detach().data)),
            _ => Ok(None),
        }
    }

    /// Says of an object that is missing why it is, where the repository tells.
    pub(super) fn explained(&self, error: GitError) -> GitError {
        match error {
            GitError::Read(error) if self.is_partial() && error.is_not_found() => GitError::Partial(error),
            error => error,
        }
    }

    /// Whether objects were left out when the repository was cloned.
    fn is_partial(&self) -> bool {
        let config = self.repo.config_snapshot();
        let mut remotes = config.plumbing().sections_by_name("remote").into_iter().flatten();
        config.string("extensions.partialClone").is_some()
            || remotes.any(|remote| remote.value("promisor").is_some_and(|value| value != "false"))
    }

    /// Whether references are kept in a form that cannot be read.
    fn has_reftable(&self) -> bool {
        self.repo.config_snapshot().string("extensions.refStorage").is_some_and(|form| form.as_slice() == b"reftable")
    }

    /// From which size on a file is not read.
    fn large_file(&self) -> u64 {
        self.repo.big_file_threshold().unwrap_or(LARGE_FILE)
    }
}

/// A path as the repository has it, if it lies in the working tree and is none of Git's own files.
fn from_root(root: &Path, path: &Path) -> Option<PathBuf> {
    // The file itself may be gone, or a link; its folder is what can be resolved.
    let name = path.file_name()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let relative = folder.canonicalize().ok()?.join(name).strip_prefix(root.canonicalize().ok()?).ok()?.to_owned();
    (!relative.starts_with(".git")).then_some(relative)
}
