//! Whether the store can be written.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// How long an answer holds: asking often costs no more.
const HOLDS: Duration = Duration::from_secs(1);
/// How long one that writes is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a store can be written.
#[derive(Debug)]
pub(crate) struct Health {
    store: PathBuf,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Health {
    pub(crate) const fn new(store: PathBuf) -> Self {
        Self { store, last: Mutex::const_new(None) }
    }

    /// Writes to the store, and says whether that worked.
    pub(crate) async fn is_writable(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, is_writable)) = *last
            && at.elapsed() < HOLDS
        {
            return is_writable;
        }
        let store = self.store.clone();
        let is_writable = spawn_blocking(move || write(&store).is_ok()).await.unwrap_or(false);
        *last = Some((Instant::now(), is_writable));
        is_writable
    }
}

/// Writes what is there already: that needs a lock, room on the disk, and a disk that takes it.
fn write(store: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(store, flags)?;
    connection.busy_timeout(PATIENCE)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::write;

    #[test]
    fn a_store_is_written_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.sqlite");
        assert!(write(&store).is_err(), "there is none");
        drop(turnledger_archive::Archive::open(&store).unwrap());
        assert!(write(&store).is_ok());
        assert!(turnledger_archive::Archive::open_read_only(&store).is_ok(), "it is as it was");
        fs::write(&store, "no store").unwrap();
        assert!(write(&store).is_err());
    }
}
