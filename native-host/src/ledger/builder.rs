//! How a ledger is set up.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Discard, Event, Limits};

use super::repetitions::Repetitions;
use super::stats::LedgerStats;
use super::worker::Worker;
use super::{Ledger, Shared, answers};
use crate::Sha2;
use crate::delivery::auth::{AuthProvider, NoAuth};
use crate::delivery::{Courier, Endpoint, HttpClient, InvalidEndpoint, RetryLimits};
use crate::store::StoreLimits;

pub(super) type BeforeSend = Box<dyn FnMut(Event) -> Option<Event> + Send>;
pub(super) type OnDiscard = Box<dyn FnMut(&Discard) + Send>;

/// Sets up a [`Ledger`].
///
/// Without an endpoint, events go to `before_send` and into the spool, and no further.
pub struct LedgerBuilder {
    pub(super) enabled: bool,
    pub(super) queue: usize,
    pub(super) digest: Sha2,
    pub(super) rpc_transport: RpcTransport,
    pub(super) limits: Limits,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) timeout: Duration,
    pub(super) certificates: Option<Vec<u8>>,
    pub(super) auth: Arc<dyn AuthProvider>,
    pub(super) retry: RetryLimits,
    pub(super) spool: Option<PathBuf>,
    pub(super) store: StoreLimits,
    pub(super) answers_questions: bool,
    pub(super) before_send: Option<BeforeSend>,
    pub(super) on_discard: Option<OnDiscard>,
}

impl fmt::Debug for LedgerBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LedgerBuilder").field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

impl Default for LedgerBuilder {
    fn default() -> Self {
        Self {
            enabled: true,
            queue: 4096,
            digest: Sha2::default(),
            rpc_transport: RpcTransport::Stdio,
            limits: Limits::default(),
            endpoint: None,
            timeout: Duration::from_secs(10),
            certificates: None,
            auth: Arc::new(NoAuth),
            retry: RetryLimits::default(),
            spool: None,
            store: StoreLimits::default(),
            answers_questions: true,
            before_send: None,
            on_discard: None,
        }
    }
}

/// The variable of the environment that turns analytics off, if one does: `DO_NOT_TRACK` or
/// `TURNLEDGER_DISABLED`, if it is neither empty nor `0`.
pub fn disabled_by_environment() -> Option<&'static str> {
    let says_no = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    ["DO_NOT_TRACK", "TURNLEDGER_DISABLED"].into_iter().find(says_no)
}

/// Why a ledger cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The certificates are none.
    #[error("cannot use the certificates: {0}")]
    Certificates(#[from] InvalidEndpoint),
    /// There is no thread to be had.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

impl LedgerBuilder {
    /// Whether to do anything at all. `DO_NOT_TRACK=1` and `TURNLEDGER_DISABLED=1` in the environment say
    /// no, whatever is said here.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// How many facts and messages wait for the worker at most; 4096 if it is not said.
    #[must_use]
    pub fn queue(mut self, most: usize) -> Self {
        self.queue = most.max(1);
        self
    }

    /// What makes the hashes.
    #[must_use]
    pub fn digest(mut self, digest: Sha2) -> Self {
        self.digest = digest;
        self
    }

    /// How observed connections reach the server.
    #[must_use]
    pub fn rpc_transport(mut self, transport: RpcTransport) -> Self {
        self.rpc_transport = transport;
        self
    }

    /// How much state the core holds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where events go, and what puts credentials on requests.
    #[must_use]
    pub fn upload(mut self, endpoint: Endpoint, auth: Arc<dyn AuthProvider>) -> Self {
        (self.endpoint, self.auth) = (Some(endpoint), auth);
        self
    }

    /// How long a request takes at most; 10 seconds if it is not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Certificates in PEM form that replace those of the public authorities.
    #[must_use]
    pub fn certificates(mut self, pem: Vec<u8>) -> Self {
        self.certificates = Some(pem);
        self
    }

    /// How attempts are spread.
    #[must_use]
    pub fn retry(mut self, limits: RetryLimits) -> Self {
        self.retry = limits;
        self
    }

    /// A file in which events wait for delivery, also for the next process.
    #[must_use]
    pub fn spool(mut self, path: PathBuf) -> Self {
        self.spool = Some(path);
        self
    }

    /// How much waits, and in what portions it goes.
    #[must_use]
    pub fn store(mut self, limits: StoreLimits) -> Self {
        self.store = limits;
        self
    }

    /// Whether to ask Git and the file system for repositories and skills; otherwise the fields that need
    /// them are null.
    #[must_use]
    pub fn answers_questions(mut self, answers: bool) -> Self {
        self.answers_questions = answers;
        self
    }

    /// Sees every event before it is stored: it may change it, or hold it back with `None`. It runs on the
    /// worker's thread; if it panics, the event is held back.
    #[must_use]
    pub fn before_send(mut self, see: impl FnMut(Event) -> Option<Event> + Send + 'static) -> Self {
        self.before_send = Some(Box::new(see));
        self
    }

    /// Sees what yielded no event. It runs on the worker's thread.
    #[must_use]
    pub fn on_discard(mut self, see: impl FnMut(&Discard) + Send + 'static) -> Self {
        self.on_discard = Some(Box::new(see));
        self
    }

    /// Starts the ledger, or [disables](Ledger::disabled) it if the environment or
    /// [`enabled`](Self::enabled) says so. A spool that cannot be opened does not stop it: events then wait
    /// in memory, and [`LedgerStats::spool_problem`] says why.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the certificates cannot be used or no thread can be started.
    pub fn start(mut self) -> Result<Ledger, StartError> {
        if !self.enabled || disabled_by_environment().is_some() {
            return Ok(Ledger::disabled());
        }
        let client =
            self.endpoint.take().map(|endpoint| HttpClient::new(endpoint, self.timeout, self.certificates.as_deref()));
        let courier = client.transpose()?.map(|client| Courier::new(client, self.auth.clone()));
        let (queue, jobs) = bounded(self.queue);
        let queued_bytes = Arc::new(AtomicU64::new(0));
        let stats = Arc::new(Mutex::new(LedgerStats::default()));
        let shared = Arc::new(Shared {
            queue,
            queued_bytes: queued_bytes.clone(),
            dropped: AtomicU64::new(0),
            filtered: AtomicU64::new(0),
            repetitions: Mutex::new(Repetitions::new()),
            stats: stats.clone(),
            worker: Mutex::new(None),
        });
        let ask = if self.answers_questions { Some(answers::start(Arc::downgrade(&shared))?) } else { None };
        let worker = thread::Builder::new()
            .name("turnledger".into())
            .spawn(move || Worker::new(self, courier, ask, stats).run(&jobs, &queued_bytes))?;
        if let Ok(mut held) = shared.worker.lock() {
            *held = Some(worker);
        }
        Ok(Ledger { shared: Some(shared) })
    }
}
