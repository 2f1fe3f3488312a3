//! Who may send and who may look: `accounts.sqlite`.
//!
//! Several processes may use the file at the same time: what one changes holds for the others at once.

mod error;
mod schema;
mod sign_ins;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use turnledger::private_file::{make_private, make_private_folder};

pub use error::{AccountsError, InvalidName};
pub(crate) use sign_ins::Pseudonyms;
pub use tokens::{Holder, Token};
pub use users::{Role, User, UserKind};

/// How long one process waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest name of a person, a team or a user. Characters.
const LONGEST_NAME: usize = 100;

/// The accounts of a collector.
#[derive(Debug)]
pub struct Accounts {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Accounts {
    /// Opens the file, and makes one if there is none. Only the owner can read it.
    ///
    /// # Errors
    ///
    /// [`AccountsError::File`] if the file cannot be made, [`AccountsError::Foreign`] for another program's database,
    /// [`AccountsError::Version`] for a later version's, and [`AccountsError::Sqlite`] for everything else.
    pub fn open(path: &Path) -> Result<Self, AccountsError> {
        let file = |source| AccountsError::File { path: path.into(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            make_private_folder(folder).map_err(file)?;
        }
        make_private(path).map_err(file)?;
        let sqlite = |source| AccountsError::Sqlite { path: path.into(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        connection.busy_timeout(PATIENCE).map_err(sqlite)?;
        if schema::is_foreign(&connection).map_err(sqlite)? {
            return Err(AccountsError::Foreign { path: path.into() });
        }
        let found = schema::prepare(&mut connection).map_err(sqlite)?;
        if found > schema::VERSION {
            return Err(AccountsError::Version { path: path.into(), found, known: schema::VERSION });
        }
        Ok(Self { path: path.into(), connection: Mutex::new(connection) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Brings all into the one file, if nobody else uses it now.
    pub(crate) fn settle(&self) -> Result<(), AccountsError> {
        // It says whether it could.
        self.with(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
    }

    /// Uses the connection. It blocks for as long as another writes.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, AccountsError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&mut connection).map_err(|source| AccountsError::Sqlite { path: self.path.clone(), source })
    }
}

/// A name as a person sees it: neither empty nor long, and without control characters.
fn checked(name: &str) -> Result<&str, InvalidName> {
    let name = name.trim();
    let is_fine = !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if is_fine { Ok(name) } else { Err(InvalidName) }
}
