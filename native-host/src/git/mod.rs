//! What Turnledger reads of a Git repository: its remotes, its history as steps, and what each step
//! adds and deletes.
//!
//! It reads with `gix`, runs no program (neither a shell nor the filters and drivers that a
//! repository's configuration names) and writes nothing.

mod change;
mod history;
mod uncommitted;

use std::path::{Path, PathBuf};

use gix::bstr::{BStr, ByteSlice};

pub use self::change::{ChangeReader, FileChange, Unread};
pub use self::history::{CommitId, Step, StepKind};

/// Why a repository cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no repository.
    #[error("{}: not in a Git repository", .0.display())]
    NoRepository(PathBuf),
    /// A revision names nothing.
    #[error("{revision:?} names no commit{}", if *shallow { ": the clone is shallow, `git fetch --unshallow` brings what is missing" } else { "" })]
    UnknownRevision {
        /// What was given.
        revision: String,
        /// Whether the repository lacks a part of its history.
        shallow: bool,
    },
    /// A range has no commit.
    #[error("{0:?} is an empty range: no commit is in it")]
    EmptyRange(String),
    /// The repository has no working tree.
    #[error("the repository is bare: it has neither staged changes nor a working tree")]
    Bare,
    /// A file is not in a revision.
    #[error("{path}: no such file in {place}")]
    NoFile {
        /// The file's path from the repository's root.
        path: String,
        /// A revision, or the working tree.
        place: String,
    },
    /// Something could not be read.
    #[error("cannot read the repository")]
    Read(#[source] Box<gix::Error>),
    /// A file of the working tree could not be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
}

impl From<gix::Error> for GitError {
    fn from(error: gix::Error) -> Self {
        Self::Read(Box::new(error))
    }
}

/// A Git repository.
#[derive(Debug)]
pub struct Git {
    repo: gix::Repository,
}

/// Files from this size on are not read: no one writes so many lines by hand.
const LARGE_FILE: u64 = 64 << 20;

impl Git {
    /// Opens the repository at a folder or above it.
    ///
    /// # Errors
    ///
    /// [`GitError::NoRepository`] if there is none that can be opened.
    pub fn open(folder: &Path) -> Result<Self, GitError> {
        let mut repo = gix::discover(folder).map_err(|_| GitError::NoRepository(folder.into()))?;
        let mut config = repo.config_snapshot_mut();
        // Filters are programs.
        let filters: Vec<_> = config
            .sections_by_name("filter")
            .into_iter()
            .flatten()
            .filter_map(|section| section.header().subsection_name().map(ToOwned::to_owned))
            .collect();
        for filter in filters {
            config.remove_section("filter", Some(filter.as_bstr()));
        }
        if matches!(config.integer("core.bigFileThreshold"), Ok(None)) {
            let threshold = LARGE_FILE.to_string();
            // A new value of a valid key always fits.
            let _ = config.set_raw_value("core.bigFileThreshold", threshold.as_str());
        }
        config.commit()?;
        // Trees and blobs of neighbouring commits are mostly the same; what is written stays in memory.
        repo.object_cache_size_if_unset(64 << 20);
        Ok(Self { repo: repo.with_object_memory() })
    }

    /// The URL by which events know the repository: that of `origin`, or of the remote with the
    /// smallest name (contract `rules.md` 8.5).
    pub fn remote_url(&self) -> Option<String> {
        let names = self.repo.remote_names();
        let names: Vec<_> = names.iter().map(|name| name.as_bstr()).collect();
        names.iter().filter(|name| **name == "origin").chain(&names).find_map(|name| self.url_of(name))
    }

    /// The URLs that the remotes are fetched from.
    pub fn remote_urls(&self) -> Vec<String> {
        let names = self.repo.remote_names();
        names.iter().filter_map(|name| self.url_of(name.as_bstr())).collect()
    }

    fn url_of(&self, remote: &BStr) -> Option<String> {
        let remote = self.repo.find_remote(remote).ok()?;
        Some(remote.url(gix::remote::Direction::Fetch)?.to_bstring().to_str_lossy().into_owned())
    }

    /// The content of a file at a revision, or in the working tree, and its path from the repository's
    /// root. A relative `path` is looked for from `folder`.
    ///
    /// # Errors
    ///
    /// [`GitError`] if there is no such revision or file.
    pub fn file(&self, revision: Option<&str>, folder: &Path, path: &Path) -> Result<(String, Vec<u8>), GitError> {
        let relative = self.path_in_worktree(&folder.join(path)).unwrap_or_else(|| path.into());
        let name = relative.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let Some(revision) = revision else {
            let path = self.repo.workdir().ok_or(GitError::Bare)?.join(&relative);
            return match std::fs::read(&path) {
                Ok(content) => Ok((name, content)),
                Err(source) => Err(GitError::File { path, source }),
            };
        };
        let tree = self.commit(revision)?.tree()?;
        match tree.lookup_entry_by_path(&relative)? {
            Some(entry) if entry.mode().is_blob_or_symlink() => Ok((name, entry.object()?.data.clone())),
            _ => Err(GitError::NoFile { path: name, place: revision.into() }),
        }
    }

    /// A path as the repository has it, if it lies in the working tree.
    fn path_in_worktree(&self, path: &Path) -> Option<PathBuf> {
        let root = self.repo.workdir()?.canonicalize().ok()?;
        // The file itself may be gone; its folder is what can be resolved.
        let folder = path.parent()?.canonicalize().ok()?;
        Some(folder.join(path.file_name()?).strip_prefix(root).ok()?.into())
    }
}
