//! How a ledger is set up.

use std::env;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Discard, Event, Limits, Pipeline, Policy};

use super::answers::{self, Answers};
use super::hooks::{self, HookThread, Hooks, Way};
use super::keeper::Keeper;
use super::queue::Queue;
use super::repetitions::Repetitions;
use super::sender::SenderThread;
use super::stats::Trouble;
use super::told::Told;
use super::worker::Worker;
use super::{Ledger, Shared};
use crate::Sha2;
use crate::delivery::auth::{AuthProvider, NoAuth};
use crate::delivery::{Courier, Endpoint, RetryLimits, Transport};
#[cfg(feature = "upload")]
use crate::delivery::{HttpClient, HttpClientError};
use crate::store::{MemoryStore, StoreLimits};

/// Sets up a [`Ledger`].
///
/// Without an endpoint, events go to `before_send` and into the spool, and no further.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use turnledger::Ledger;
/// use turnledger::delivery::auth::NoAuth;
/// use turnledger::delivery::{Endpoint, RetryLimits, Transport, UploadReply, UploadRequest, UploadResponse};
/// use turnledger::ledger::Flushed;
/// # use turnledger_core::fact::{Tracking, hook::HookRun};
///
/// /// A server that takes everything.
/// struct Server;
///
/// impl Transport for Server {
///     fn send(&mut self, _: UploadRequest, reply: UploadReply) {
///         reply.give(Ok(UploadResponse::new(202)));
///     }
/// }
///
/// let ledger = Ledger::builder()
///     .upload(Endpoint::new("https://analytics.example")?, Arc::new(NoAuth))
///     .transport(Server)
///     .retry(RetryLimits::default().longest_ms(10_000))
///     .start()?;
/// # ledger.track_hook_run(HookRun {
/// #     tracking: Tracking::new("thread-1", "turn-1"),
/// #     event_name: "stop".into(),
/// #     hook_source: "user".into(),
/// #     status: "completed".into(),
/// #     ..HookRun::default()
/// # });
/// assert_eq!(ledger.shutdown(Duration::from_secs(5)), Flushed::Stored { delivered: 1, waiting: 0 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LedgerBuilder {
    enabled: bool,
    queue: usize,
    digest: Sha2,
    rpc_transport: RpcTransport,
    limits: Limits,
    endpoint: Option<Endpoint>,
    timeout: Duration,
    #[cfg(feature = "upload")]
    certificates: Option<Vec<u8>>,
    transport: Option<Box<dyn Transport>>,
    auth: Arc<dyn AuthProvider>,
    retry: RetryLimits,
    spool: Option<PathBuf>,
    store: StoreLimits,
    answers: Option<Box<dyn Answers>>,
    policy: Option<Policy<Sha2>>,
    hooks: Hooks,
    linger: Duration,
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
            queue: 1 << 16,
            digest: Sha2::default(),
            rpc_transport: RpcTransport::Stdio,
            limits: Limits::default(),
            endpoint: None,
            timeout: Duration::from_secs(10),
            #[cfg(feature = "upload")]
            certificates: None,
            transport: None,
            auth: Arc::new(NoAuth),
            retry: RetryLimits::default(),
            spool: None,
            store: StoreLimits::default(),
            answers: None,
            policy: None,
            hooks: Hooks::default(),
            linger: Duration::from_secs(2),
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
    /// The HTTP client of this crate cannot be used, as its certificates cannot.
    #[cfg(feature = "upload")]
    #[error("cannot use the certificates")]
    Certificates(#[from] HttpClientError),
    /// There is somewhere to upload to, and nothing that sends: neither a [`transport`](LedgerBuilder::transport) nor the
    /// feature `upload`.
    #[error("nothing sends requests: name a transport, or turn on the feature `upload`")]
    NoTransport,
    /// The system starts no thread.
    #[error("cannot start a thread")]
    Thread(#[from] io::Error),
}

impl LedgerBuilder {
    /// Whether to do anything at all; true by default. `DO_NOT_TRACK=1` and `TURNLEDGER_DISABLED=1` in the
    /// environment turn the ledger off in any case.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// The most facts and messages that wait to be reduced; 65,536 by default, and 256 MiB together. More are
    /// dropped and counted.
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

    /// The server to send events to, and the provider that knows who is logged in and has the credentials. Requests are
    /// sent by the [`transport`](Self::transport), or by this crate's HTTP client if there is none.
    #[must_use]
    pub fn upload(mut self, endpoint: Endpoint, auth: Arc<dyn AuthProvider>) -> Self {
        (self.endpoint, self.auth) = (Some(endpoint), auth);
        self
    }

    /// The provider that knows who is logged in, for a ledger that sends nothing itself: its events wait in the spool
    /// for their accounts.
    #[must_use]
    pub fn auth(mut self, auth: Arc<dyn AuthProvider>) -> Self {
        self.auth = auth;
        self
    }

    /// The longest time of a request; 10 seconds by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What sends requests in place of this crate's HTTP client: the host's own client, with its user agent,
    /// certificates and proxy.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Box::new(transport));
        self
    }

    /// Certificates in PEM form, to trust instead of the system's. For this crate's HTTP client only.
    #[cfg(feature = "upload")]
    #[must_use]
    pub fn certificates(mut self, pem: Vec<u8>) -> Self {
        self.certificates = Some(pem);
        self
    }

    /// The delays between attempts.
    #[must_use]
    pub fn retry(mut self, limits: RetryLimits) -> Self {
        self.retry = limits;
        self
    }

    /// A folder in which events wait for delivery, also for the next process; see [`Spool::open`](crate::store::Spool::open).
    /// It is made if it is not there, but none above it.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use turnledger::{Ledger, delivery::{Endpoint, auth::NoAuth}};
    /// let ledger = Ledger::builder()
    ///     .upload(Endpoint::new("https://analytics.example")?, Arc::new(NoAuth))
    ///     .spool("/var/lib/my-server/spool".into())
    ///     .start()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn spool(mut self, path: PathBuf) -> Self {
        self.spool = Some(path);
        self
    }

    /// How much may wait, and how it is grouped into requests.
    #[must_use]
    pub fn store(mut self, limits: StoreLimits) -> Self {
        self.store = limits;
        self
    }

    /// Who answers the core's questions about repositories and skills: `turnledger_git::Answerer` for what Git and the
    /// file system say, or what the host knows. Without one, the fields that need an answer are null.
    ///
    /// From 0.155 on the event of a thread waits for the answer about its worktree, or for the end of its first turn.
    #[must_use]
    pub fn answers(mut self, by: impl Answers + 'static) -> Self {
        self.answers = Some(Box::new(by));
        self
    }

    /// What of each event may leave this machine. It is applied after [`before_send`](Self::before_send), to what then waits
    /// to be sent; [`LedgerStats::withheld`](super::LedgerStats::withheld) counts the events of which nothing leaves.
    ///
    /// A host whose policy cannot be read ([`PolicyError`](turnledger_core::policy::PolicyError)) starts no ledger that
    /// sends.
    #[must_use]
    pub fn policy(mut self, policy: Policy<Sha2>) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Called with every event before it is stored. It may change the event, or hold it back with `None`. It runs on
    /// the hooks' thread and may take its time; until it returns, the event is neither stored nor sent. If it
    /// panics, the event is held back. If more than 64 MiB wait for it, the newest events are held back.
    #[must_use]
    pub fn before_send(mut self, see: impl FnMut(Event) -> Option<Event> + Send + 'static) -> Self {
        self.hooks.before_send = Some(Box::new(see));
        self
    }

    /// Called with what yielded no event, on the hooks' thread.
    #[must_use]
    pub fn on_discard(mut self, see: impl FnMut(&Discard) + Send + 'static) -> Self {
        self.hooks.on_discard = Some(Box::new(see));
        self
    }

    /// Called when trouble begins, on the hooks' thread.
    #[must_use]
    pub fn on_trouble(mut self, see: impl FnMut(&Trouble) + Send + 'static) -> Self {
        self.hooks.on_trouble = Some(Box::new(see));
        self
    }

    /// How long dropping the last handle waits for delivery if there was no [`shutdown`](Ledger::shutdown); 2 seconds
    /// by default.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Starts the ledger, or [disables](Ledger::disabled) it if the environment or
    /// [`enabled`](Self::enabled) says so. A spool that cannot be opened does not stop it: events then wait
    /// in memory, and [`LedgerStats::spool_problem`](super::LedgerStats::spool_problem) says why.
    ///
    /// # Errors
    ///
    /// [`StartError`] if nothing can send requests, the certificates cannot be used, or no thread can be started.
    pub fn start(mut self) -> Result<Ledger, StartError> {
        if !self.enabled || disabled_by_environment().is_some() {
            return Ok(Ledger::disabled());
        }
        let courier = self.courier()?;
        let Self { digest, rpc_transport, limits, auth, policy, retry, spool, store, .. } = self;
        let (queue, jobs) = Queue::new(self.queue);
        let queue = Arc::new(queue);
        let hooks = (!self.hooks.is_empty()).then(hooks::queue);
        let told = Arc::new(Told::new(hooks.as_ref().map(|(to, _)| to.clone())));
        let memory = Arc::new(Mutex::new(MemoryStore::new(store)));
        let sender =
            courier.map(|courier| SenderThread::new(courier, retry, spool.clone(), memory.clone(), told.clone()));
        let (sender, to_sender) = sender.unzip();
        // Events wait for what is known of their repository: late is better than never.
        let judges_repositories = policy.as_ref().is_some_and(|policy| policy.repositories::<()>().is_some());
        let start = |by| answers::start(by, queue.clone(), told.clone(), judges_repositories);
        let ask = self.answers.map(start).transpose()?;
        if let Some(sender) = sender {
            run("turnledger-sender", "delivering", &told, move || sender.run())?;
        }
        let (its_queue, its_told, host_hooks) = (queue.clone(), told.clone(), self.hooks);
        // The spool is opened there: a disk that is slow delays nobody who starts.
        let work = move || {
            let keeper = Keeper::new(policy, spool, memory, to_sender, its_told.clone());
            let way = match hooks {
                None => Way::Straight(Box::new(keeper)),
                Some(ends) => {
                    let (thread, way) = HookThread::new(host_hooks, keeper, ends, its_told.clone());
                    if let Err(problem) = run("turnledger-hooks", "storing", &its_told, move || thread.run()) {
                        // Without its hooks nothing may go out.
                        tracing::error!(%problem, "cannot start the thread of the hooks");
                        return;
                    }
                    way
                }
            };
            let mut pipeline = Pipeline::new(digest, rpc_transport, limits);
            if ask.is_some() {
                pipeline = pipeline.asking_worktrees();
            }
            if judges_repositories {
                pipeline = pipeline.asking_directories();
            }
            Worker { pipeline, auth, ask, way, judges_repositories, queue: its_queue, told: its_told }.run(&jobs);
        };
        run("turnledger", "reducing", &told, work)?;
        let repetitions = Mutex::new(Repetitions::new());
        let filtered = AtomicU64::new(0);
        Ok(Ledger { shared: Some(Arc::new(Shared { queue, filtered, repetitions, told, linger: self.linger })) })
    }

    /// What delivers, if there is somewhere to deliver to.
    fn courier(&mut self) -> Result<Option<Courier>, StartError> {
        let Some(endpoint) = self.endpoint.take() else { return Ok(None) };
        let transport = match self.transport.take() {
            Some(transport) => transport,
            None => self.own_client()?,
        };
        Ok(Some(Courier::new(endpoint, transport, self.auth.clone(), self.timeout)))
    }

    #[cfg(feature = "upload")]
    fn own_client(&self) -> Result<Box<dyn Transport>, StartError> {
        Ok(Box::new(HttpClient::new(self.certificates.as_deref())?))
    }

    #[cfg(not(feature = "upload"))]
    #[allow(clippy::unused_self, reason = "the feature's client has certificates")]
    fn own_client(&self) -> Result<Box<dyn Transport>, StartError> {
        Err(StartError::NoTransport)
    }
}

/// Starts a thread. If it panics, that is counted and told: the mistake is ours.
fn run(name: &str, what: &'static str, told: &Arc<Told>, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let told = told.clone();
    let work = move || {
        told.guard(what, work);
    };
    thread::Builder::new().name(name.into()).spawn(work).map(drop)
}
