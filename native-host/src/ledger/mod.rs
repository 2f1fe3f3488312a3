//! The ledger: what an app-server embeds.
//!
//! Every call that takes a fact or a message returns at once. It puts it in a bounded queue, or counts it as dropped
//! if the queue is full. One thread reduces and stores, another sends, and a third answers the core's questions about the
//! file system. The host's hooks, if there are any, have a thread of their own before the store. No thread waits for
//! another. No async runtime is needed, and nothing here keeps the app-server alive.

mod answers;
mod builder;
mod ending;
mod hooks;
mod keeper;
mod passing;
mod queue;
mod repetitions;
#[cfg(feature = "runtime")]
mod runtime;
mod sender;
mod settings;
mod stats;
mod told;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use turnledger_core::fact::app::{AppMentioned, AppUsed};
use turnledger_core::fact::compaction::Compaction;
use turnledger_core::fact::guardian::GuardianReview;
use turnledger_core::fact::hook::HookRun;
use turnledger_core::fact::plugin::{PluginStateChanged, PluginUsed};
use turnledger_core::fact::protocol::{
    ClientRequestReceived, ClientResponseSent, EffectivePermissionsApprovalResponse, ErrorResponseSent, Initialize,
    ServerRequestAborted, ServerRequestSent, ServerResponseReceived,
};
use turnledger_core::fact::skill::SkillInvoked;
use turnledger_core::fact::subagent::SubAgentThreadStarted;
use turnledger_core::fact::turn::{TurnResolvedConfig, TurnTokenUsage};
use turnledger_core::is_surely_irrelevant;
use turnledger_core::protocol::notification::Notification;
use turnledger_core::{ConnectionId, Direction, Fact};

pub use self::answers::Answers;
pub use self::builder::{LedgerBuilder, StartError, disabled_by_environment};
pub use self::ending::Flushing;
use self::queue::{Flush, Job, Queue};
use self::repetitions::Repetitions;
#[cfg(feature = "runtime")]
pub use self::runtime::{runtime, special_folders};
pub use self::stats::{Flushed, LedgerStats, Trouble};
use self::told::Told;
use crate::clock::now;

/// A handle on the analytics of one app-server process. Clones share it.
///
/// ```
/// use std::sync::mpsc::channel;
/// use std::time::Duration;
///
/// use turnledger::Ledger;
/// use turnledger_core::fact::Tracking;
/// use turnledger_core::fact::hook::HookRun;
///
/// let (made, events) = channel();
/// let ledger = Ledger::builder()
///     .before_send(move |event| {
///         made.send(event.event_type()).ok()?;
///         Some(event)
///     })
///     .start()?;
/// ledger.track_hook_run(HookRun {
///     tracking: Tracking::new("thread-1", "turn-1"),
///     event_name: "stop".into(),
///     hook_source: "user".into(),
///     status: "completed".into(),
///     ..HookRun::default()
/// });
/// assert!(ledger.shutdown(Duration::from_secs(5)).is_complete());
/// assert_eq!(events.recv(), Ok("codex_hook_run"));
/// assert_eq!(ledger.stats().unkept, 1, "there is neither a server nor a spool");
/// # Ok::<(), turnledger::ledger::StartError>(())
/// ```
///
/// A program in which clones live on somewhere ends the ledger with a [`ShutdownGuard`].
///
/// If the last clone is dropped without a [`shutdown`](Self::shutdown), everything that was taken is still reduced and
/// stored, and what waits is sent. The drop waits for this, for the time of [`linger`](LedgerBuilder::linger) at
/// most.
#[derive(Clone, Debug)]
pub struct Ledger {
    shared: Option<Arc<Shared>>,
}

struct Shared {
    queue: Arc<Queue>,
    /// What was not queued: irrelevant messages and repeated uses.
    filtered: AtomicU64,
    repetitions: Mutex<Repetitions>,
    told: Arc<Told>,
    linger: Duration,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Shared({} waiting)", self.queue.waiting())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !self.queue.is_closed() {
            self.ask(self.linger, true);
        }
    }
}

/// Declares the methods that take a fact of each family.
macro_rules! track {
    ($($(#[$meta:meta])* $name:ident($fact:ty);)+) => {
        $(
            $(#[$meta])*
            pub fn $name(&self, fact: $fact) {
                self.track(fact);
            }
        )+
    };
}

impl Ledger {
    /// A ledger that does nothing: no thread, no file, no socket.
    pub const fn disabled() -> Self {
        Self { shared: None }
    }

    /// Where a ledger that does something begins.
    pub fn builder() -> LedgerBuilder {
        LedgerBuilder::default()
    }

    /// Whether it does anything. If not, a host need not make facts.
    pub fn is_enabled(&self) -> bool {
        self.shared.is_some()
    }

    /// Takes a message that passed, for a host that has no facts. A message that is surely of no interest
    /// is neither copied nor queued.
    pub fn observe(&self, connection: impl Into<ConnectionId>, direction: Direction, message: &[u8]) {
        let Some(shared) = &self.shared else { return };
        if is_surely_irrelevant(direction, message) {
            shared.filtered.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let (bytes, connection) = (message.len() as u64, connection.into());
        shared.queue.offer(bytes, || Job::Message { at: now(), connection, direction, text: message.into() });
    }

    track! {
        /// A connection was initialised.
        track_initialize(Initialize);
        /// A client's `turn/start` or `turn/steer` is about to be dispatched.
        track_request(ClientRequestReceived);
        /// A request succeeded.
        track_response(ClientResponseSent);
        /// A `turn/start` or `turn/steer` failed.
        track_error_response(ErrorResponseSent);
        /// The server asked a client.
        track_server_request(ServerRequestSent);
        /// A client answered.
        track_server_response(ServerResponseReceived);
        /// What was really granted to a request for permissions.
        track_effective_permissions_response(EffectivePermissionsApprovalResponse);
        /// A server request will not be answered any more.
        track_server_request_aborted(ServerRequestAborted);
        /// The server emitted a notification.
        track_notification(Notification);
        /// The server itself started a thread.
        track_subagent_thread_started(SubAgentThreadStarted);
        /// A turn's settings were resolved.
        track_turn_resolved_config(TurnResolvedConfig);
        /// A turn's use of tokens is known.
        track_turn_token_usage(TurnTokenUsage);
        /// A compaction was attempted.
        track_compaction(Compaction);
        /// An automatic review ended.
        track_guardian_review(GuardianReview);
        /// A hook ran.
        track_hook_run(HookRun);
        /// A plugin was installed, removed, turned on or turned off.
        track_plugin_state_changed(PluginStateChanged);
    }

    /// Skills were used. Nothing is queued for none.
    pub fn track_skill_invocations(&self, fact: SkillInvoked) {
        if !fact.invocations.is_empty() {
            self.track(fact);
        }
    }

    /// The user named apps. Nothing is queued for none.
    pub fn track_app_mentioned(&self, fact: AppMentioned) {
        if !fact.mentions.is_empty() {
            self.track(fact);
        }
    }

    /// An app's tool was called: reported once a turn for each connector.
    pub fn track_app_used(&self, fact: AppUsed) {
        let turn = fact.tracking.turn_id.clone();
        let key = fact.app.connector_id.clone();
        let key = turn.as_deref().zip(key.as_deref()).map(|(turn, connector)| ["app", turn, connector, ""]);
        self.track_once(key, fact.into());
    }

    /// The user named a plugin: reported once a turn. Plugins are told apart by name and marketplace, those without a
    /// name by their remote id. One without either is reported each time.
    pub fn track_plugin_used(&self, fact: PluginUsed) {
        let (turn, plugin) = (fact.tracking.turn_id.clone(), fact.plugin.clone());
        let key = turn.as_deref().and_then(|turn| match &plugin.remote_plugin_id {
            _ if !plugin.plugin_name.is_empty() => {
                Some(["plugin", turn, &*plugin.plugin_name, &*plugin.marketplace_name])
            }
            Some(remote) if !remote.is_empty() => Some(["remote plugin", turn, &**remote, ""]),
            _ => None,
        });
        self.track_once(key, fact.into());
    }

    /// Takes a fact of any kind.
    pub fn track(&self, fact: impl Into<Fact>) {
        if let Some(shared) = &self.shared {
            shared.take(fact.into());
        }
    }

    /// Takes a fact unless one with this key was taken before; a fact that is dropped was not.
    fn track_once(&self, key: Option<[&str; 4]>, fact: Fact) {
        let Some(shared) = &self.shared else { return };
        let Some(key) = key else { return self.track(fact) };
        let mut repetitions = shared.repetitions.lock().unwrap_or_else(PoisonError::into_inner);
        if repetitions.contains(key) {
            shared.filtered.fetch_add(1, Ordering::Relaxed);
        } else if shared.take(fact) {
            repetitions.insert(key);
        }
    }

    /// Waits until everything that was taken before is reduced and its events are stored: with a spool,
    /// on disk. Returns whether that was so within `timeout`.
    pub fn sync(&self, timeout: Duration) -> bool {
        let Some(shared) = &self.shared else { return true };
        let until = Instant::now() + timeout;
        let (reply, answer) = bounded(1);
        shared.queue.ask(Job::Sync { reply }) && answer.recv_deadline(until).is_ok()
    }

    /// Waits until everything that was taken before is reduced and stored, and delivered as far as that
    /// goes within `timeout`.
    ///
    /// What is stored on disk is tried once and kept, and what would be lost with the process is tried until the time
    /// is over; never against a server's `Retry-After`.
    pub fn flush(&self, timeout: Duration) -> Flushed {
        self.shared.as_ref().map_or(Flushed::Nothing, |shared| shared.ask(timeout, false))
    }

    /// Like [`flush`](Self::flush), and ends the ledger. Whatever is taken after it is dropped.
    ///
    /// This blocks. On an async runtime use [`begin_shutdown`](Self::begin_shutdown): if the runtime has one thread,
    /// the credentials may be renewed on that very thread.
    pub fn shutdown(&self, timeout: Duration) -> Flushed {
        self.shared.as_ref().map_or(Flushed::Nothing, |shared| shared.ask(timeout, true))
    }

    /// A guard that calls [`shutdown`](Self::shutdown) when it goes.
    pub fn shutdown_guard(&self, timeout: Duration) -> ShutdownGuard {
        ShutdownGuard { ledger: self.clone(), timeout }
    }

    /// A [`flush`](Self::flush) that goes on by itself.
    pub fn begin_flush(&self, timeout: Duration) -> Flushing {
        self.begin(timeout, false)
    }

    /// A [`shutdown`](Self::shutdown) that goes on by itself. Whatever is taken after this call is dropped.
    pub fn begin_shutdown(&self, timeout: Duration) -> Flushing {
        self.begin(timeout, true)
    }

    fn begin(&self, timeout: Duration, ends: bool) -> Flushing {
        let Some(shared) = &self.shared else { return Flushing::done(Flushed::Nothing) };
        let asked = shared.begin(timeout, ends);
        let (flushing, finish) = Flushing::new();
        let shared = shared.clone();
        let waiting = move || finish(asked.map_or(Flushed::Ended, |asked| shared.wait(&asked)));
        if let Err(problem) = thread::Builder::new().name("turnledger-flush".into()).spawn(waiting) {
            // Without the thread nobody reports what came of the flush.
            tracing::warn!(%problem, "cannot wait for a flush");
            return Flushing::done(Flushed::TimedOut);
        }
        flushing
    }

    /// How much went through, and what is still there.
    pub fn stats(&self) -> LedgerStats {
        let Some(shared) = &self.shared else { return LedgerStats::default() };
        let mut stats = shared.told.stats().clone();
        stats.queued = shared.queue.waiting();
        stats.dropped = shared.queue.dropped();
        stats.late = shared.queue.late();
        stats.filtered = shared.filtered.load(Ordering::Relaxed);
        stats
    }
}

/// Ends the ledger when it goes, whoever still holds a clone: for `main`, or for what lives as long as the app-server.
#[derive(Debug)]
#[must_use = "the ledger ends where the guard goes"]
pub struct ShutdownGuard {
    ledger: Ledger,
    timeout: Duration,
}

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        self.ledger.shutdown(self.timeout);
    }
}

/// A flush that was asked for.
struct Asked {
    until: Instant,
    /// Events that were delivered before.
    before: u64,
    stored: crossbeam_channel::Receiver<()>,
    sent: crossbeam_channel::Receiver<u64>,
}

impl Shared {
    /// Never blocks. Returns whether there was room.
    fn take(&self, fact: Fact) -> bool {
        let bytes = fact.text_bytes();
        self.queue.offer(bytes, || Job::Fact { at: now(), fact, bytes })
    }

    /// Asks for a flush; `None` if the ledger has ended.
    fn begin(&self, timeout: Duration, ends: bool) -> Option<Asked> {
        let until = Instant::now() + timeout;
        let before = self.told.stats().delivered;
        let ((stored, is_stored), (sent, is_sent)) = (bounded(1), bounded(1));
        let flush = Flush { until, ends, stored, sent };
        self.queue.ask(Job::Flush(flush)).then_some(Asked { until, before, stored: is_stored, sent: is_sent })
    }

    fn wait(&self, asked: &Asked) -> Flushed {
        if let Err(error) = asked.stored.recv_deadline(asked.until) {
            return match error {
                RecvTimeoutError::Timeout => Flushed::TimedOut,
                RecvTimeoutError::Disconnected => Flushed::Ended,
            };
        }
        // The sender may be in a request, which ends by itself.
        let _ = asked.sent.recv_deadline(asked.until);
        let stats = self.told.stats();
        Flushed::Stored { delivered: stats.delivered - asked.before, waiting: stats.waiting.events }
    }

    fn ask(&self, timeout: Duration, ends: bool) -> Flushed {
        self.begin(timeout, ends).map_or(Flushed::Ended, |asked| self.wait(&asked))
    }
}
