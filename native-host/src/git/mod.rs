//! What Turnledger reads of a Git repository: its remotes, its history as steps, and what each step
//! adds and deletes.
//!
//! It reads with `gix`, runs no program (neither a shell nor the filters and drivers that a
//! repository's configuration names) and writes nothing.

mod change;
mod history;
mod uncommitted;

use std::fs;
use std::path::{Path, PathBuf};

use gix::bstr::{BString, ByteSlice};
use gix::discover::upwards;
use gix::discover::upwards::TrustPolicy;
use gix::sec::trust::Mapping;

pub use self::change::{ChangeReader, FileChange, Unread};
pub use self::history::{CommitId, Step, StepKind};

/// Why a repository cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no repository, or none that can be opened.
    #[error("{}: cannot open a Git repository: {reason}", path.display())]
    NoRepository {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A revision names nothing.
    #[error("{revision:?} names no commit{}", if *shallow { ": the clone is shallow, `git fetch --unshallow` brings what is missing" } else { "" })]
    UnknownRevision {
        /// What was given.
        revision: String,
        /// Whether the repository lacks a part of its history.
        shallow: bool,
    },
    /// The ends of a range have nothing in common.
    #[error("{0:?}: its ends have no common ancestor")]
    Unrelated(String),
    /// A commit's changes are unknown.
    #[error(
        "{0:?}: the shallow clone ends here, and what changed is unknown; `git fetch --unshallow` brings what is missing"
    )]
    CutOff(String),
    /// A file does not belong to the repository.
    #[error("{}: outside the repository", .0.display())]
    Outside(PathBuf),
    /// A range has no commit.
    #[error("{0:?} is an empty range: no commit is in it")]
    EmptyRange(String),
    /// The repository has no working tree.
    #[error("the repository is bare: it has neither staged changes nor a working tree")]
    Bare,
    /// The index is of a form that cannot be compared.
    #[error("the index is sparse; `git sparse-checkout reapply --no-sparse-index` makes it whole")]
    SparseIndex,
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
    /// The filters that its configuration names; they are programs, and do not run.
    filters: Vec<BString>,
}

/// Files from this size on are not read, unless `core.bigFileThreshold` says otherwise: no one writes
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
        // Trees and blobs of neighbouring commits are mostly the same; what is written stays in memory.
        repo.object_cache_size_if_unset(64 << 20);
        Ok(Self { repo: repo.with_object_memory(), filters })
    }

    /// The URL by which events know the repository: that of `origin`, or of the remote with the
    /// smallest name (contract `rules.md` 8.5).
    pub fn remote_url(&self) -> Option<String> {
        let names = self.repo.remote_names();
        let names: Vec<_> = names.iter().map(|name| name.as_bstr()).collect();
        names
            .iter()
            .filter(|name| **name == "origin")
            .chain(&names)
            .find_map(|name| self.url_of_remote(&name.to_str_lossy()))
    }

    /// The URLs that the remotes are fetched from.
    pub fn remote_urls(&self) -> Vec<String> {
        let names = self.repo.remote_names();
        names.iter().filter_map(|name| self.url_of_remote(&name.to_str_lossy())).collect()
    }

    /// A remote's URL as `git remote` shows it, letter by letter: a hash is made of it.
    pub fn url_of_remote(&self, remote: &str) -> Option<String> {
        let config = self.repo.config_snapshot();
        let url = config.string(format!("remote.{remote}.url").as_str())?.to_str_lossy().into_owned();
        // The longest prefix that another URL stands for.
        let mut rewrite: Option<(usize, String)> = None;
        for section in config.plumbing().sections_by_name("url").into_iter().flatten() {
            let Some(base) = section.header().subsection_name() else { continue };
            for prefix in section.values("insteadOf") {
                let length = rewrite.as_ref().map_or(0, |(length, _)| *length);
                if prefix.len() > length && url.as_bytes().starts_with(&prefix) {
                    rewrite = Some((prefix.len(), base.to_str_lossy().into_owned()));
                }
            }
        }
        Some(match rewrite {
            Some((length, base)) => base + url.get(length..).unwrap_or_default(),
            None => url,
        })
    }

    /// The content of a file at a revision, or in the working tree, and its path from the repository's
    /// root. A relative `path` is looked for from `folder`. Of a link it is what the link says.
    ///
    /// # Errors
    ///
    /// [`GitError`] if there is no such revision or file.
    pub fn file(&self, revision: Option<&str>, folder: &Path, path: &Path) -> Result<(String, Vec<u8>), GitError> {
        let relative = match self.repo.workdir() {
            Some(root) => from_root(root, &folder.join(path)).ok_or_else(|| GitError::Outside(path.into()))?,
            None => path.into(),
        };
        let name = relative.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let Some(revision) = revision else {
            let path = self.repo.workdir().ok_or(GitError::Bare)?.join(&relative);
            let content = match fs::read_link(&path) {
                Ok(target) => Ok(target.to_string_lossy().into_owned().into_bytes()),
                Err(_) => fs::read(&path),
            };
            return content.map(|content| (name, content)).map_err(|source| GitError::File { path, source });
        };
        let tree = self.commit(revision)?.tree()?;
        match tree.lookup_entry_by_path(&relative)? {
            Some(entry) if entry.mode().is_blob_or_symlink() => Ok((name, entry.object()?.data.clone())),
            _ => Err(GitError::NoFile { path: name, place: revision.into() }),
        }
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
