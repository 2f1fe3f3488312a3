//! Events that wait on disk, for this process, those beside it and the next one.
//!
//! A spool is a folder with a [log](super::log). With the feature `spool-sqlite` a file is read as an SQLite database.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use turnledger_core::{DigestValue, UnixMillis};

use super::log::Log;
#[cfg(feature = "spool-sqlite")]
use super::sqlite::Sqlite;
use super::{StoreLimits, StoredBatch, StoredEvent, Waiting, Wanted};
use crate::delivery::account::AccountKey;

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// A newer program made it.
    #[error("{}: a spool of version {found}; this program knows version {known}", path.display())]
    Version {
        /// The spool.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that can be read.
        known: i64,
    },
    /// A file or folder cannot be made, made private, read or written.
    #[error("{}: cannot use the spool: {source}", path.display())]
    File {
        /// The spool.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has used it for longer than the patience lasts.
    #[error("{}: cannot use the spool: it is locked by another process", path.display())]
    Locked {
        /// The spool.
        path: PathBuf,
    },
    /// The file is damaged, or something else.
    #[error("{}: the spool is damaged: {source}", path.display())]
    Damaged {
        /// The spool.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The SQLite database cannot be read or written now.
    #[error("{}: cannot use the spool: {source}", path.display())]
    Database {
        /// The spool.
        path: PathBuf,
        /// What SQLite says.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl SpoolError {
    /// Whether it stays so until somebody sets the spool aside.
    pub const fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}

/// What could not be read in a log. It was set aside; the events around it are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// Places in the log, one for each run of bytes that cannot be read.
    pub places: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { places, bytes } = self;
        let (s, were) = if *places == 1 { ("", "was") } else { ("s", "were") };
        write!(
            formatter,
            "{places} damaged place{s} of the spool ({bytes} bytes) {were} set aside in its file `{}`; \
             the events around are kept",
            super::log::DAMAGED
        )
    }
}

/// What a spool holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpoolStatus {
    /// What waits and what was refused.
    pub waiting: Waiting,
    /// Of the events that wait, how many are in a batch that a process is sending, or was when it ended.
    pub in_batches: u64,
    /// When the oldest and the newest event that wait came out.
    pub span: Option<(UnixMillis, UnixMillis)>,
    /// Events that the server refused for good, by its status.
    pub refused: BTreeMap<u16, u64>,
    /// Events that wait, by the account that they belong to.
    pub accounts: BTreeMap<AccountKey, u64>,
}

/// How far an event in a spool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It waits.
    Waiting,
    /// It is in a batch that is being sent, or was when a process ended.
    InBatch,
    /// The server refused its batch for good.
    Refused {
        /// With this status.
        status: u16,
    },
}

/// An event in a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its number, which no other event of the spool ever has.
    pub number: u64,
    /// When it came out.
    pub at: UnixMillis,
    /// How far it is.
    pub state: State,
    /// Its JSON text.
    pub json: String,
}

/// What goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clear {
    /// What was refused.
    Refused,
    /// Everything: also what a process is sending, which may arrive all the same.
    Everything,
}

/// Events that wait on disk. Several processes, and several of these in one process, may share one.
///
/// Every method waits for another process that writes the spool, up to the patience it was opened with.
#[derive(Debug)]
pub struct Spool(Kind);

#[derive(Debug)]
enum Kind {
    Log(Log),
    #[cfg(feature = "spool-sqlite")]
    Sqlite(Sqlite),
}

/// The same call for each kind.
macro_rules! call {
    ($spool:expr, $store:ident => $call:expr) => {
        match $spool {
            Kind::Log($store) => $call,
            #[cfg(feature = "spool-sqlite")]
            Kind::Sqlite($store) => $call,
        }
    };
}

impl Spool {
    /// Opens the spool at a path, and makes a folder with a log if nothing is there; its parent must be. A file is an
    /// SQLite spool, which needs the feature `spool-sqlite`; an empty file becomes one. What is made is readable and
    /// writable by its owner alone, and what is wider is narrowed.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if there is something else, it is damaged, of a newer version, or cannot be written.
    pub fn open(path: &Path, limits: StoreLimits, patience: Duration) -> Result<Self, SpoolError> {
        if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
            return Log::open(path, limits, patience).map(|log| Self(Kind::Log(log)));
        }
        #[cfg(feature = "spool-sqlite")]
        return Sqlite::open(path, limits, patience).map(|database| Self(Kind::Sqlite(database)));
        #[cfg(not(feature = "spool-sqlite"))]
        Err(foreign(path))
    }

    /// Renames a spool, whatever is in it, to a name that is free. Returns the new path. The next
    /// [`open`](Self::open) makes a new spool.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be renamed.
    pub fn set_aside(path: &Path, now: UnixMillis) -> io::Result<PathBuf> {
        let free = (0..).map(|more| with_suffix(path, &format!(".damaged-{}", now.as_secs() + more)));
        let aside = free.into_iter().find(|aside| !aside.exists()).ok_or(io::ErrorKind::AlreadyExists)?;
        fs::rename(path, &aside)?;
        // What SQLite keeps beside a database.
        for beside in BESIDE {
            match fs::rename(with_suffix(path, beside), with_suffix(&aside, beside)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(aside)
    }

    /// Takes over what waits in a file that is an SQLite spool, and what was refused there. Batches keep their keys. What
    /// another process is sending stays; with the last event the file goes. Returns how many events came.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if either cannot be read or written; then what has not come over is still in the file.
    #[cfg(feature = "spool-sqlite")]
    pub fn take_over(&mut self, file: &Path, now: UnixMillis, patience: Duration) -> Result<u64, SpoolError> {
        match &mut self.0 {
            Kind::Log(log) if file.is_file() => Sqlite::open(file, log.limits(), patience)?.hand_over(log, now),
            Kind::Log(_) | Kind::Sqlite(_) => Ok(0),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        call!(&self.0, store => store.path())
    }

    /// How much it holds.
    pub fn limits(&self) -> StoreLimits {
        call!(&self.0, store => store.limits())
    }

    /// Bytes on disk; zero if they cannot be counted.
    pub fn size(&self) -> u64 {
        let size = |path: &Path| path.metadata().map_or(0, |file| file.len());
        match fs::read_dir(self.path()) {
            Ok(files) => files.flatten().map(|file| size(&file.path())).sum(),
            Err(_) => {
                size(self.path()) + BESIDE.map(|beside| size(&with_suffix(self.path(), beside))).iter().sum::<u64>()
            }
        }
    }

    /// Damage that was found since this was last asked, if there was any.
    pub fn take_damage(&mut self) -> Option<Damage> {
        match &mut self.0 {
            Kind::Log(log) => log.take_damage(),
            #[cfg(feature = "spool-sqlite")]
            Kind::Sqlite(_) => None,
        }
    }

    /// The file with everything that could not be read, and its bytes, if there was ever any.
    pub fn damaged_file(&self) -> Option<(PathBuf, u64)> {
        let path = self.path().join(super::log::DAMAGED);
        let bytes = path.metadata().ok()?.len();
        Some((path, bytes))
    }

    /// Takes events; when this returns they are on disk. Returns how many others had to go for them.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if they could not be written; then none is.
    pub fn append(&mut self, events: &[StoredEvent], now: UnixMillis) -> Result<u64, SpoolError> {
        call!(&mut self.0, store => store.append(events, now))
    }

    /// Takes what another store held: events, and batches that may have arrived already, which keep their keys; a
    /// batch whose key is there already is left out. Returns how many others had to go for them.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if they could not be written; then none is.
    pub fn take_in(
        &mut self,
        events: &[StoredEvent],
        batches: &[(DigestValue, Vec<StoredEvent>)],
        now: UnixMillis,
    ) -> Result<u64, SpoolError> {
        call!(&mut self.0, store => store.take_in(events, batches, now))
    }

    /// The batch to send next: one that another attempt or process left behind, or a new one; those that were
    /// deferred come last. It is this process's for as long as the lease lasts. `None` if nothing of the account
    /// waits, or what waits may still get company.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be read or written.
    pub fn next(&mut self, wanted: &Wanted) -> Result<Option<StoredBatch>, SpoolError> {
        call!(&mut self.0, store => store.next(wanted))
    }

    /// The server took a batch: its events are deleted.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if they could not be; they will be sent again, with the same key.
    pub fn delivered(&mut self, batch: &StoredBatch) -> Result<(), SpoolError> {
        call!(&mut self.0, store => store.delivered(batch))
    }

    /// The server will never take a batch: its events stay to be looked at, and are not sent again. The
    /// newest hundred of such batches are kept.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be written.
    pub fn refused(&mut self, batch: &StoredBatch, status: u16) -> Result<(), SpoolError> {
        call!(&mut self.0, store => store.refused(batch, status))
    }

    /// Gives a batch back before its lease ends, so that another process, or this one, can send it; if it is deferred,
    /// behind the others.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be written.
    pub fn release(&mut self, batch: &StoredBatch, is_deferred: bool) -> Result<(), SpoolError> {
        call!(&mut self.0, store => store.release(batch, is_deferred))
    }

    /// A batch is too large: its events wait again, without it and its key.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be written.
    pub fn dissolve(&mut self, batch: &StoredBatch) -> Result<(), SpoolError> {
        call!(&mut self.0, store => store.dissolve(batch))
    }

    /// Makes a batch this process's again, for as long as a lease lasts, before it is sent once more. Returns
    /// whether it is: not if it was another process's meanwhile.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be written.
    pub fn renew(&mut self, batch: &mut StoredBatch, now: UnixMillis) -> Result<bool, SpoolError> {
        call!(&mut self.0, store => store.renew(batch, now))
    }

    /// What waits.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be read.
    pub fn waiting(&self) -> Result<Waiting, SpoolError> {
        call!(&self.0, store => store.waiting())
    }

    /// Until when the server at a URL wants no request from anybody who uses this spool, if it said so and that is not
    /// over.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be read.
    pub fn asked_until(&self, url: &str, now: UnixMillis) -> Result<Option<UnixMillis>, SpoolError> {
        call!(&self.0, store => store.asked_until(url, now))
    }

    /// The server at a URL wants no request until then.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be written.
    pub fn ask_until(&mut self, url: &str, until: UnixMillis) -> Result<(), SpoolError> {
        call!(&mut self.0, store => store.ask_until(url, until))
    }

    /// What it holds.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be read.
    pub fn status(&mut self) -> Result<SpoolStatus, SpoolError> {
        call!(&mut self.0, store => store.status())
    }

    /// Shows every event, the oldest first, until `see` says that it has seen enough.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be read.
    pub fn list(&self, see: impl FnMut(Listed) -> bool) -> Result<(), SpoolError> {
        call!(&self.0, store => store.list(see))
    }

    /// Deletes events. Returns how many.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be written; then none is.
    pub fn clear(&mut self, what: Clear) -> Result<u64, SpoolError> {
        call!(&mut self.0, store => store.clear(what))
    }

    /// Lets what was refused wait again, in new batches. Returns how many events that is.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be written; then none is.
    pub fn retry_refused(&mut self) -> Result<u64, SpoolError> {
        call!(&mut self.0, store => store.retry_refused())
    }

    /// Gives the room of deleted events back to the disk.
    ///
    /// # Errors
    ///
    /// [`SpoolError`] if the spool cannot be written, or another process uses it.
    pub fn shrink(&self) -> Result<(), SpoolError> {
        call!(&self.0, store => store.shrink())
    }
}

/// What SQLite keeps beside a database.
pub(super) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A path with more at its end.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A file where a folder belongs.
#[cfg(not(feature = "spool-sqlite"))]
fn foreign(path: &Path) -> SpoolError {
    let mut head = [0; 16];
    let is_sqlite = fs::File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut head)).is_ok()
        && head == *b"SQLite format 3\0";
    let path = path.to_owned();
    if is_sqlite {
        let source = io::Error::other("an SQLite database, and this program is built without `spool-sqlite`");
        return SpoolError::File { path, source };
    }
    SpoolError::Damaged { path, source: "a file where a folder with a log belongs".into() }
}
