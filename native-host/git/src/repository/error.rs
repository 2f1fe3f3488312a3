//! Why a repository cannot be read.

use std::path::PathBuf;

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
    #[error("{revision:?} names no commit{}", if *shallow { ": the clone is shallow, `git fetch --unshallow` fetches the rest" } else { "" })]
    UnknownRevision {
        /// What was given.
        revision: String,
        /// Whether the repository lacks a part of its history.
        shallow: bool,
    },
    /// The ends of a range have nothing in common.
    #[error("{0:?}: the two ends have no common ancestor")]
    Unrelated(String),
    /// A commit's changes are unknown.
    #[error("{0:?}: the shallow clone ends here, so its changes are unknown; `git fetch --unshallow` fetches the rest")]
    CutOff(String),
    /// A commit that cannot be read.
    #[error("{0:?}: the commit cannot be read, so its changes are unknown; `git fsck` says what is wrong")]
    Unreadable(String),
    /// An object is missing that the clone's filter left out.
    #[error(
        "a file of the history is missing, because the clone is partial; \
         `git fetch --refetch --no-filter` fetches everything, `git log --patch RANGE` what a range needs"
    )]
    Partial(#[source] Box<gix::Error>),
    /// The references are of a form that cannot be read.
    #[error(
        "the branches and tags are in a reftable, which cannot be read; \
         use full commit ids, or a copy made with `git clone --ref-format=files`"
    )]
    Reftable,
    /// A file does not belong to the repository.
    #[error("{}: outside the repository", .0.display())]
    Outside(PathBuf),
    /// A range has no commit.
    #[error("{0:?} is an empty range: it has no commit")]
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
    /// The objects that the environment names cannot be used.
    #[error("cannot use GIT_OBJECT_DIRECTORY or GIT_ALTERNATE_OBJECT_DIRECTORIES")]
    Objects {
        /// What the file system says.
        source: std::io::Error,
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
