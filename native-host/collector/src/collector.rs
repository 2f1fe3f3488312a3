//! What all routes share.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::tz::TimeZone;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use turnledger_archive::{Archive, ArchiveError};
use turnledger_core::UnixMillis;
use turnledger_core::delivery::Hold;

use crate::accounts::{Accounts, AccountsError};
use crate::forward::{self, Bell, Receiver, StartError};
use crate::health::Health;
use crate::ingest::{Memory, Writer};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::peer::{Peer, Wait, Wrongs};
use crate::refusal::Refusal;
use crate::with_causes;

/// How many questions are asked of the store at once. Each has a connection and a thread.
const READERS: usize = 4;
/// How many seconds' requests of a token may come at once.
const BURST_SECONDS: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
/// How long a body waits to be unpacked.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is known which requests were stored. A client sends again for 30 days.
const RECEIPTS: Duration = Duration::from_secs(31 * 24 * 3600);

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
    /// How much is taken.
    pub limits: Limits,
    /// Tells a person in one line what goes wrong while requests are answered. It has no secret and no event.
    pub tell: fn(&str),
}

impl Options {
    /// A collector in this folder, with 5 persons as the smallest group, and the machine's time zone.
    pub fn new(data: PathBuf) -> Self {
        Self { data, time_zone: TimeZone::system(), smallest_group: 5, limits: Limits::default(), tell: |_| () }
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
    /// The system gives no thread.
    #[error("the system gives no thread")]
    Thread(#[source] io::Error),
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
    sending: DefaultKeyedRateLimiter<i64>,
    /// When tokens were used, as far as the file does not say it yet.
    used: Mutex<HashMap<i64, UnixMillis>>,
    memory: Memory,
    unpacking: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    writer: Writer,
    thread: Mutex<Option<JoinHandle<()>>>,
    bell: Bell,
    forwarding: Mutex<Option<JoinHandle<()>>>,
    health: Health,
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
        let archive = Archive::open(&store)?;
        let accounts = Accounts::open(&options.accounts())?;
        let (limits, metrics, bell) = (options.limits, Arc::new(Metrics::new()), Bell::default());
        let (writer, thread) = Writer::start(archive, limits.queue, metrics.clone(), bell.clone(), options.tell)
            .map_err(CollectorError::Thread)?;
        let burst = limits.requests_per_second.saturating_mul(BURST_SECONDS);
        let quota = Quota::per_second(limits.requests_per_second).allow_burst(burst);
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            shared: Arc::new(Shared {
                accounts,
                health: Health::new(store.clone()),
                store,
                clock: Box::new(clock),
                readers: Arc::new(Semaphore::new(READERS)),
                wrongs: Wrongs::new(),
                sending: RateLimiter::keyed(quota),
                used: Mutex::default(),
                memory: Memory::new(limits.memory_bytes),
                unpacking: Arc::new(Semaphore::new(processors)),
                metrics,
                writer,
                thread: Mutex::new(Some(thread)),
                bell,
                forwarding: Mutex::default(),
                options,
            }),
        })
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

    pub(crate) fn limits(&self) -> Limits {
        self.shared.options.limits
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.shared.memory
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.shared.writer
    }

    pub(crate) fn health(&self) -> &Health {
        &self.shared.health
    }

    /// Tells a person what is wrong with the collector.
    pub(crate) fn tell_line(&self, line: &str) {
        (self.shared.options.tell)(line);
    }

    /// Tells a person of an error that is not the client's.
    pub(crate) fn tell(&self, error: &dyn Error) {
        (self.shared.options.tell)(&with_causes(error));
    }

    /// Counts a request of a token. The error is that there were too many: 429.
    pub(crate) fn may_send(&self, token: i64) -> Result<(), Wait> {
        let checked = self.shared.sending.check_key(&token);
        checked.map_err(|until| Wait::new(until.wait_time_from(DefaultClock::default().now())))?;
        self.shared.used.lock().unwrap_or_else(PoisonError::into_inner).insert(token, self.now());
        Ok(())
    }

    /// One body is unpacked on each processor, the others wait a little.
    pub(crate) async fn turn_to_unpack(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let turn = timeout(PATIENCE, Arc::clone(&self.shared.unpacking).acquire_owned()).await;
        let busy = || Refusal::busy("there is too much to do now", Wait::new(PATIENCE));
        turn.ok().and_then(Result::ok).ok_or_else(busy)
    }

    /// What is to be done once a minute: notes which tokens were used, and forgets who may send again.
    pub(crate) async fn tidy(&self) {
        self.shared.wrongs.tidy();
        self.shared.sending.retain_recent();
        let used = std::mem::take(&mut *self.shared.used.lock().unwrap_or_else(PoisonError::into_inner));
        if used.is_empty() {
            return;
        }
        let collector = self.clone();
        let noted = spawn_blocking(move || collector.accounts().tokens_used(used)).await;
        if let Ok(Err(error)) = noted {
            self.tell(&error);
        }
    }

    /// Forgets which requests were stored, once no client sends them again.
    pub(crate) async fn forget_receipts(&self) {
        let age = u64::try_from(RECEIPTS.as_millis()).unwrap_or(u64::MAX);
        self.writer().forget_receipts(UnixMillis(self.now().0.saturating_sub(age))).await;
    }

    /// Takes no more events, and waits until those that were taken are on disk and the store's file is whole by itself.
    pub async fn end(&self) {
        self.tidy().await;
        self.writer().end().await;
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic in it was told.
            let _ = spawn_blocking(move || thread.join()).await;
        }
        let collector = self.clone();
        let settled = spawn_blocking(move || collector.accounts().settle()).await;
        if let Ok(Err(error)) = settled {
            self.tell(&error);
        }
    }

    /// Sends all events on that come from now on, and those that a receiver of this name has not got before. Events are sent
    /// without who brought them.
    ///
    /// # Errors
    ///
    /// [`CollectorError`] if the store cannot be used, or the system gives no thread.
    pub fn forward(&self, receiver: Receiver) -> Result<(), CollectorError> {
        let archive = Archive::open(&self.shared.store)?;
        let (bell, metrics) = (self.shared.bell.clone(), self.shared.metrics.clone());
        let started = forward::start(archive, receiver, bell, metrics, self.shared.options.tell);
        let thread = started.map_err(|error| match error {
            StartError::Store(error) => CollectorError::Store(error),
            StartError::Thread(error) => CollectorError::Thread(error),
        })?;
        *self.shared.forwarding.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Why the receiver does not take events now. `None` if it does, or if no receiver is set.
    pub(crate) fn forwarding_hold(&self) -> Option<Hold> {
        self.shared.bell.hold()
    }

    /// Sends on what is stored, for at most so long. It is called when no more comes.
    pub async fn end_forwarding(&self, time: Duration) {
        let thread = self.shared.forwarding.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        self.shared.bell.end(Instant::now() + time);
        // A request that runs has its own time.
        let _ = timeout(time, spawn_blocking(move || thread.join())).await;
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
        let asked = spawn_blocking(move || {
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
