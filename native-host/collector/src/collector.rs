//! What all routes share.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::sync::Semaphore;
use turnledger_archive::{Archive, ArchiveError};
use turnledger_core::UnixMillis;

use crate::accounts::{Accounts, AccountsError};
use crate::peer::{Peer, Wait, Wrongs};

/// How many questions are asked of the store at once. Each has a connection and a thread.
const READERS: usize = 4;

/// What time it is.
type Clock = Box<dyn Fn() -> UnixMillis + Send + Sync>;

/// How a collector works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The data folder. It is made if there is none.
    pub data: PathBuf,
    /// In which days are counted.
    pub time_zone: TimeZone,
    /// The fewest persons whose numbers a viewer sees together. A count.
    pub smallest_group: u32,
}

impl Options {
    /// A collector in this folder, with 5 persons as the smallest group, and the machine's time zone.
    pub fn new(data: PathBuf) -> Self {
        Self { data, time_zone: TimeZone::system(), smallest_group: 5 }
    }

    /// The file of the events.
    pub fn store(&self) -> PathBuf {
        self.data.join("store.sqlite")
    }

    /// The file of tokens and users.
    pub fn accounts(&self) -> PathBuf {
        self.data.join("accounts.sqlite")
    }
}

/// Why a collector cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectorError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] ArchiveError),
    /// The accounts cannot be used.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// A collector: what all routes share. A clone is the same collector.
#[derive(Clone)]
pub struct Collector {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    accounts: Accounts,
    store: PathBuf,
    clock: Clock,
    readers: Arc<Semaphore>,
    wrongs: Wrongs,
}

impl Collector {
    /// Opens the files of a data folder, and makes them if there are none.
    ///
    /// # Errors
    ///
    /// [`CollectorError`] if one of them cannot be used.
    pub fn open(options: Options) -> Result<Self, CollectorError> {
        Self::with_clock(options, turnledger::now)
    }

    /// [`open`](Self::open) with another clock.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn with_clock(
        options: Options,
        clock: impl Fn() -> UnixMillis + Send + Sync + 'static,
    ) -> Result<Self, CollectorError> {
        let store = options.store();
        drop(Archive::open(&store)?);
        let accounts = Accounts::open(&options.accounts())?;
        let readers = Arc::new(Semaphore::new(READERS));
        let (clock, wrongs) = (Box::new(clock), Wrongs::new());
        Ok(Self { shared: Arc::new(Shared { options, accounts, store, clock, readers, wrongs }) })
    }

    /// Who may send and who may look. Its calls block for a moment.
    pub fn accounts(&self) -> &Accounts {
        &self.shared.accounts
    }

    /// The store's file.
    pub fn store(&self) -> &Path {
        &self.shared.store
    }

    /// What time it is.
    pub fn now(&self) -> UnixMillis {
        (self.shared.clock)()
    }

    /// In which days are counted.
    pub fn time_zone(&self) -> &TimeZone {
        &self.shared.options.time_zone
    }

    /// The fewest persons whose numbers a viewer sees together. A count.
    pub fn smallest_group(&self) -> u32 {
        self.shared.options.smallest_group
    }

    /// Counts a wrong token or key of a peer. The error is that there were too many: 429.
    pub(crate) fn wrong_secret(&self, peer: Peer) -> Result<(), Wait> {
        self.shared.wrongs.count(peer)
    }

    /// Asks the store, on a thread where one may wait. A few questions run at once, the others wait for their turn.
    ///
    /// # Errors
    ///
    /// What the question says, and what opening the store says.
    pub async fn read<T, E>(&self, ask: impl FnOnce(&Archive) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<ArchiveError> + Send + 'static,
    {
        // Nobody closes it.
        let turn = Arc::clone(&self.shared.readers).acquire_owned().await.ok();
        let store = self.shared.store.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            ask(&Archive::open_read_only(&store)?)
        });
        match asked.await {
            Ok(answer) => answer,
            // The question panicked: the one who asked does, too.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Collector").field("store", &self.shared.store).finish_non_exhaustive()
    }
}
