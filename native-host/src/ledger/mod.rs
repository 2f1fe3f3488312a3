//! The ledger: what an app-server embeds.
//!
//! Every call returns at once: it puts a fact or a message in a bounded queue, or counts it as dropped
//! if the queue is full. One thread of its own reduces, stores and delivers; a second one answers the
//! core's questions about the file system. Nothing of an async runtime is needed or kept alive, and
//! nothing here holds on to the app-server.

mod answers;
mod builder;
mod repetitions;
mod runtime;
mod stats;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender, TrySendError, bounded};
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
use turnledger_core::protocol::is_surely_irrelevant;
use turnledger_core::protocol::notification::Notification;
use turnledger_core::{ConnectionId, Direction, Fact, UnixMillis};

pub use self::answers::Answerer;
pub use self::builder::{LedgerBuilder, StartError, disabled_by_environment};
use self::repetitions::Repetitions;
pub use self::runtime::runtime;
pub use self::stats::{Flushed, LedgerStats};
use crate::clock::now;

/// A handle on the analytics of one app-server process. Clones share it; when the last one goes, the
/// worker ends.
#[derive(Clone, Debug)]
pub struct Ledger {
    shared: Option<Arc<Shared>>,
}

/// What the worker is asked to do.
enum Job {
    Fact(UnixMillis, Fact),
    Message {
        at: UnixMillis,
        connection: ConnectionId,
        direction: Direction,
        text: Box<[u8]>,
    },
    /// Store what there is; then say so.
    Sync {
        reply: Sender<()>,
    },
    /// Deliver what waits, until a time; then say what came of it, and end if that is asked.
    Flush {
        until: Instant,
        ends: bool,
        reply: Sender<Flushed>,
    },
}

/// How many bytes of messages wait for the worker at most.
const MOST_BYTES: u64 = 256 << 20;

struct Shared {
    queue: Sender<Job>,
    /// The bytes of the messages in it.
    queued_bytes: Arc<AtomicU64>,
    /// What was dropped because the queue was full.
    dropped: AtomicU64,
    /// What never came into the queue: messages of no interest, and repeated uses.
    filtered: AtomicU64,
    repetitions: Mutex<Repetitions>,
    stats: Arc<Mutex<LedgerStats>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Shared({} waiting)", self.queue.len())
    }
}

/// Declares the methods that take a fact of each family.
macro_rules! track {
    ($($(#[$meta:meta])* $name:ident($fact:ty) => |$value:ident| $make:expr;)+) => {
        $(
            $(#[$meta])*
            pub fn $name(&self, $value: $fact) {
                if self.shared.is_some() {
                    self.track($make);
                }
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

    /// Whether it does anything; a host can spare itself the making of facts if not.
    pub fn is_enabled(&self) -> bool {
        self.shared.is_some()
    }

    /// Takes a message that passed, for a host that has no facts. A message that is surely of no interest
    /// is neither copied nor queued.
    pub fn observe(&self, connection: ConnectionId, direction: Direction, message: &[u8]) {
        let Some(shared) = &self.shared else { return };
        if is_surely_irrelevant(direction, message) {
            shared.filtered.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // A full queue is told before the message is copied.
        let bytes = message.len() as u64;
        if shared.queue.is_full() || shared.queued_bytes.load(Ordering::Relaxed).saturating_add(bytes) > MOST_BYTES {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        shared.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        if !shared.send(Job::Message { at: now(), connection, direction, text: message.into() }) {
            shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    track! {
        /// A connection was initialised.
        track_initialize(Initialize) => |fact| Fact::Initialize(Box::new(fact));
        /// A client's `turn/start` or `turn/steer` is about to be dispatched.
        track_request(ClientRequestReceived) => |fact| Fact::ClientRequest(fact);
        /// A request succeeded.
        track_response(ClientResponseSent) => |fact| Fact::ClientResponse(fact);
        /// A `turn/start` or `turn/steer` failed.
        track_error_response(ErrorResponseSent) => |fact| Fact::ErrorResponse(fact);
        /// The server asked a client.
        track_server_request(ServerRequestSent) => |fact| Fact::ServerRequest(fact);
        /// A client answered.
        track_server_response(ServerResponseReceived) => |fact| Fact::ServerResponse(fact);
        /// What was really granted to a request for permissions.
        track_effective_permissions_response(EffectivePermissionsApprovalResponse) =>
            |fact| Fact::EffectivePermissionsApprovalResponse(fact);
        /// A server request will not be answered any more.
        track_server_request_aborted(ServerRequestAborted) => |fact| Fact::ServerRequestAborted(fact);
        /// The server emitted a notification.
        track_notification(Notification) => |fact| Fact::Notification(fact);
        /// The server itself started a thread.
        track_subagent_thread_started(SubAgentThreadStarted) => |fact| Fact::SubAgentThreadStarted(Box::new(fact));
        /// A turn's settings were resolved.
        track_turn_resolved_config(TurnResolvedConfig) => |fact| Fact::TurnResolvedConfig(Box::new(fact));
        /// A turn's use of tokens is known.
        track_turn_token_usage(TurnTokenUsage) => |fact| Fact::TurnTokenUsage(fact);
        /// A compaction was attempted.
        track_compaction(Compaction) => |fact| Fact::Compaction(Box::new(fact));
        /// An automatic review ended.
        track_guardian_review(GuardianReview) => |fact| Fact::GuardianReview(Box::new(fact));
        /// A hook ran.
        track_hook_run(HookRun) => |fact| Fact::HookRun(fact);
        /// A plugin was installed, removed, turned on or turned off.
        track_plugin_state_changed(PluginStateChanged) => |fact| Fact::PluginStateChanged(fact);
    }

    /// Skills were used. Nothing is queued for none.
    pub fn track_skill_invocations(&self, fact: SkillInvoked) {
        if !fact.invocations.is_empty() {
            self.track(Fact::SkillInvoked(fact));
        }
    }

    /// The user named apps. Nothing is queued for none.
    pub fn track_app_mentioned(&self, fact: AppMentioned) {
        if !fact.mentions.is_empty() {
            self.track(Fact::AppMentioned(fact));
        }
    }

    /// An app's tool was called: reported once a turn for each connector.
    pub fn track_app_used(&self, fact: AppUsed) {
        let turn = fact.tracking.turn_id.clone();
        let key = fact.app.connector_id.clone();
        let key = turn.as_deref().zip(key.as_deref()).map(|(turn, connector)| ["app", turn, connector]);
        self.track_once(key, Fact::AppUsed(fact));
    }

    /// The user named a plugin: reported once a turn.
    pub fn track_plugin_used(&self, fact: PluginUsed) {
        let turn = fact.tracking.turn_id.clone();
        let plugin = format!("{}@{}", fact.plugin.plugin_name, fact.plugin.marketplace_name);
        let key = turn.as_deref().map(|turn| ["plugin", turn, plugin.as_str()]);
        self.track_once(key, Fact::PluginUsed(Box::new(fact)));
    }

    /// Takes a fact of any kind.
    pub fn track(&self, fact: Fact) {
        if let Some(shared) = &self.shared {
            shared.send(Job::Fact(now(), fact));
        }
    }

    /// Takes a fact unless one with this key was taken before; a fact that is dropped was not.
    fn track_once(&self, key: Option<[&str; 3]>, fact: Fact) {
        let Some(shared) = &self.shared else { return };
        let Some(key) = key else { return self.track(fact) };
        let mut repetitions = shared.repetitions.lock().unwrap_or_else(PoisonError::into_inner);
        if repetitions.contains(key) {
            shared.filtered.fetch_add(1, Ordering::Relaxed);
        } else if shared.send(Job::Fact(now(), fact)) {
            repetitions.insert(key);
        }
    }

    /// Waits until everything that was taken before is reduced and its events are stored: with a spool,
    /// on disk. Returns whether that was so within `timeout`.
    pub fn sync(&self, timeout: Duration) -> bool {
        let Some(shared) = &self.shared else { return true };
        let until = Instant::now() + timeout;
        let (reply, answer) = bounded(1);
        shared.queue.send_timeout(Job::Sync { reply }, timeout).is_ok() && answer.recv_deadline(until).is_ok()
    }

    /// Waits until everything that was taken before is reduced and stored, and delivered as far as that
    /// goes within `timeout`.
    pub fn flush(&self, timeout: Duration) -> Flushed {
        self.ask(timeout, false)
    }

    /// Like [`flush`](Self::flush), and ends the worker. Whatever is taken after it is dropped.
    pub fn shutdown(&self, timeout: Duration) -> Flushed {
        let flushed = self.ask(timeout, true);
        if flushed.is_complete()
            && let Some(shared) = &self.shared
            && let Some(worker) = shared.worker.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            // It has answered, and has nothing left to do but to end.
            let _ = worker.join();
        }
        flushed
    }

    /// How much went through, and what is still there.
    pub fn stats(&self) -> LedgerStats {
        let Some(shared) = &self.shared else { return LedgerStats::default() };
        let mut stats = shared.stats.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stats.queued = shared.queue.len() as u64;
        stats.dropped = shared.dropped.load(Ordering::Relaxed);
        stats.filtered = shared.filtered.load(Ordering::Relaxed);
        stats
    }

    fn ask(&self, timeout: Duration, ends: bool) -> Flushed {
        let Some(shared) = &self.shared else { return Flushed::Nothing };
        let until = Instant::now() + timeout;
        let (reply, answer) = bounded(1);
        match shared.queue.send_timeout(Job::Flush { until, ends, reply }, timeout) {
            Ok(()) => {}
            Err(SendTimeoutError::Timeout(_)) => return Flushed::TimedOut,
            Err(SendTimeoutError::Disconnected(_)) => return Flushed::Ended,
        }
        // The worker may be in the middle of a request, which ends by itself.
        answer.recv_deadline(until).unwrap_or(Flushed::TimedOut)
    }
}

impl Shared {
    /// Never blocks. Returns whether there was room.
    fn send(&self, job: Job) -> bool {
        match self.queue.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }
}
