//! What can go wrong with accounts.

use std::io;
use std::path::PathBuf;

/// A name that cannot be used: it is empty, longer than 100 characters, or has control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 100 characters, and none that cannot be seen")]
#[non_exhaustive]
pub struct InvalidName;

/// Why accounts could not be opened, read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The file cannot be made, or is another user's.
    #[error("{}: cannot open the accounts", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is another program's database.
    #[error("{}: another program's database: name another data folder", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version of the program wrote the file.
    #[error(
        "{}: the accounts have version {found}, and this program knows {known}: use the program that wrote them, or a newer \
         one",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// SQLite refuses.
    #[error("{}: the accounts cannot be used", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A name cannot be used.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// There is a user of this name, who is not revoked.
    #[error("there is a user of this name: revoke that one first, or take another name")]
    Taken,
    /// The system has no randomness to make a secret of.
    #[error("the system gives no random numbers")]
    Randomness(#[source] getrandom::Error),
}
