//! Messages in, facts out (`docs/contract/derived.md`).
//!
//! The observer matches requests with responses, on each connection and in both directions. It passes
//! on messages that are facts, and derives facts that no message states. What cannot be known is null or
//! absent.

mod approvals;
mod bound;
mod catalog;
mod compaction;
mod goals;
mod guardian;
mod inquiries;
mod limits;
mod mentions;
mod profile;
mod requests;
mod runtime;
mod state;
mod subagents;
mod thread;
mod turns;

pub use crate::source::Observation;
pub use limits::ObserverLimits;
pub(crate) use state::SavedObserver;

use state::{Speakers, State};

use crate::codex::catalog::OfThread;
use crate::codex::content::{Direction, Signal};
use crate::codex::directories;
use crate::codex::message::{self, Malformed, MalformedKind, Message, Parsed};
use crate::discard::{Discard, Ids, Reason, Subject};
use crate::event::common::RpcTransport;
use crate::fact::Fact;
use crate::id::{ConnectionId, Id};
use crate::private::TextKey;
use crate::protocol::item::Item;
use crate::protocol::notification::Notification;
use crate::time::{Clock, Elapsed, UnixMillis};

/// Turns the JSON-RPC messages of an app-server's connections into facts.
///
/// One observer serves one app-server process: the server's request ids are its own.
///
/// ```
/// use turnledger_core::event::common::RpcTransport;
/// use turnledger_core::observer::ObserverLimits;
/// use turnledger_core::protocol::notification::{Notification, TurnNotification};
/// use turnledger_core::protocol::turn::Turn;
/// use turnledger_core::{Direction, Observation, Observer, UnixMillis};
///
/// let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
/// let mut seen = Observation::default();
/// let message =
///     br#"{"method":"turn/started","params":{"threadId":"thread-1","turn":{"id":"turn-1","status":"inProgress"}}}"#;
/// observer.observe(UnixMillis(1_700_000_000_000), 1, Direction::ServerToClient, message, &mut seen);
///
/// let turn = Turn { id: "turn-1".into(), status: "inProgress".into(), ..Turn::default() };
/// let started = TurnNotification { thread_id: "thread-1".into(), turn };
/// assert_eq!(seen.facts, [Notification::TurnStarted(started.into()).into()]);
/// ```
#[derive(Clone, Debug)]
pub struct Observer {
    rpc_transport: RpcTransport,
    clock: Clock,
    state: State,
    asks_directories: bool,
}

/// By how much the server's clock and the host's may differ before the server's is not believed.
const CLOCKS_DIFFER_MS: u64 = 5 * 60 * 1000;
/// In how many messages of a session unknown members are looked for. It takes time.
const ALL_OF_FIRST: u64 = 128;
/// After these, in one of so many.
const THEN_ONE_OF: u64 = 256;

/// One message's time and connection, and where its facts go.
struct Step<'o> {
    at: UnixMillis,
    connection: ConnectionId,
    out: &'o mut Observation,
}

impl Step<'_> {
    fn fact(&mut self, fact: Fact) {
        self.out.facts.push(fact);
    }

    fn discard(&mut self, subject: Subject, reason: Reason, ids: Ids) {
        self.out.discards.push(Discard { at: self.at, subject, reason, ids });
    }
}

impl Observer {
    /// An observer that has seen nothing, of connections that use `rpc_transport`.
    pub fn new(rpc_transport: RpcTransport, limits: ObserverLimits) -> Self {
        Self { rpc_transport, clock: Clock::default(), state: State::new(&limits), asks_directories: false }
    }

    /// Tells of each directory that a thread works in: see
    /// [`Pipeline::asking_directories`](crate::Pipeline::asking_directories).
    #[must_use]
    pub fn asking_directories(mut self) -> Self {
        self.asks_directories = true;
        self
    }

    /// Takes one message, as text, and appends what it amounts to to `out`.
    ///
    /// `at` is when the message passed. A clock that was set, or that one message has wrong, ends nothing that is
    /// open: see [`Pipeline`](crate::Pipeline#time).
    pub fn observe(
        &mut self,
        at: UnixMillis,
        connection: impl Into<ConnectionId>,
        direction: Direction,
        text: &[u8],
        out: &mut Observation,
    ) {
        self.take(at, connection.into(), direction, text, out);
    }

    fn take(
        &mut self,
        at: UnixMillis,
        connection: ConnectionId,
        direction: Direction,
        text: &[u8],
        out: &mut Observation,
    ) {
        self.clock.see(at);
        self.state.advance(self.clock.elapsed);
        self.state.speaks(connection);
        let messages = self.state.messages;
        self.state.messages += 1;
        let looks_at_members = messages < ALL_OF_FIRST || messages.is_multiple_of(THEN_ONE_OF);
        let expected = |id: &_| self.state.expected(connection, id);
        let (message, emitted_at) = match message::parse(text, direction, &expected, looks_at_members, &mut out.unknown)
        {
            Ok(Parsed { message, emitted_at }) => (Ok(message), emitted_at),
            Err(malformed) => (Err(malformed), None),
        };
        out.emitted_at = emitted_at.map(UnixMillis).filter(|emitted| emitted.0.abs_diff(at.0) <= CLOCKS_DIFFER_MS);
        let mut step = Step { at: out.emitted_at.unwrap_or(at), connection, out };
        let may_name_directories = self.asks_directories && message.as_ref().is_ok_and(directories::may_be_in);
        match message {
            Ok(Message::ClientRequest { id, call }) => self.client_called(id, call, &mut step),
            Ok(Message::Response { id, result }) => self.server_responded(&id, result, &mut step),
            Ok(Message::Error { id, error }) => match direction {
                Direction::ServerToClient => self.server_refused(id, error, &mut step),
                Direction::ClientToServer => self.client_refused(&id, &mut step),
            },
            Ok(Message::ServerRequest { id, request }) => self.server_asked(id, request, &mut step),
            Ok(Message::Inquiry { id, inquiry }) => self.server_inquired(id, inquiry, &mut step),
            Ok(Message::Answer { id, result }) => self.client_answered(&id, result, &mut step),
            Ok(Message::Notification(notification)) => self.notified(notification, &mut step),
            Ok(Message::Signal(signal)) => self.signalled(signal, &mut step),
            Ok(Message::Irrelevant) => step.out.irrelevant = true,
            Err(malformed) => self.malformed(malformed, direction, &mut step),
        }
        if may_name_directories {
            self.directories_named(text, &mut step);
        }
    }

    /// Tells where a thread works, without the directory that its opening was about.
    fn directories_named(&mut self, text: &[u8], step: &mut Step<'_>) {
        let Some(mut named) = directories::named(text) else { return };
        let thread = self.state.threads.peek(&named.thread_id).filter(|thread| thread.connection.is_some());
        let asked = thread.and_then(|thread| thread.cwd);
        named.directories.retain(|directory| asked != Some(TextKey::of(directory.expose())));
        if !named.directories.is_empty() {
            step.fact(Fact::DirectoriesNamed(named));
        }
    }

    /// A fact came at `at`, and no message.
    pub(crate) fn see(&mut self, at: UnixMillis) {
        self.clock.see(at);
        self.state.advance(self.clock.elapsed);
    }

    /// The session ends: appends what still waited for more messages to `out`.
    pub fn finish(&mut self, at: UnixMillis, out: &mut Observation) {
        self.see(at);
        // What waits is of no connection.
        let mut step = Step { at, connection: ConnectionId(0), out };
        self.finish_installs(&mut step);
        self.finish_agents(&mut step);
    }

    /// Nothing came until `at`.
    pub(crate) fn wait(&mut self, at: UnixMillis) {
        self.clock.wait(at);
        self.state.advance(self.clock.elapsed);
    }

    /// How long the session has gone on.
    pub(crate) fn now(&self) -> Elapsed {
        self.clock.elapsed
    }

    pub(crate) fn first_due(&self) -> Elapsed {
        self.state.first_due()
    }

    /// What the host's clock will show at this session time.
    pub(crate) fn at(&self, elapsed: Elapsed) -> UnixMillis {
        self.clock.at(elapsed)
    }

    pub(crate) fn save(&self) -> SavedObserver {
        self.state.save(self.rpc_transport, &self.clock)
    }

    pub(crate) fn load(limits: ObserverLimits, saved: SavedObserver) -> Self {
        let (rpc_transport, clock, state) = State::load(&limits, saved);
        Self { rpc_transport, clock, state, asks_directories: false }
    }

    /// Discards a message that cannot be read, and closes the request that it answers.
    fn malformed(&mut self, malformed: Malformed, direction: Direction, step: &mut Step<'_>) {
        let reason = match malformed.kind {
            MalformedKind::Json => Reason::NotJson,
            MalformedKind::Shape => Reason::WrongShape,
            MalformedKind::LongId => Reason::LongId,
        };
        if let Some(id) = &malformed.id
            && malformed.is_response
            && malformed.kind == MalformedKind::Shape
            && direction == Direction::ServerToClient
        {
            self.forget_request(id, step);
        }
        let ids = Ids { connection_id: Some(step.connection), request_id: malformed.id, ..Ids::default() };
        step.discard(Subject::Message, reason, ids);
        step.out.malformed_at = Some(malformed.column);
    }

    /// Whether another connection has already shown this notification. Repetitions on one connection
    /// are real: the server counts them, too.
    fn is_duplicate(&mut self, connection: ConnectionId, key: &[&str]) -> bool {
        if self.state.speakers != Speakers::Several {
            return false;
        }
        let (now, key) = (self.state.now, TextKey::of_all(key));
        if let Some(first) = self.state.shown.get_mut(now, &key) {
            *first != connection
        } else {
            self.state.shown.insert(now, key, connection);
            false
        }
    }

    fn notified(&mut self, notification: Notification, step: &mut Step<'_>) {
        let connection = step.connection;
        match notification {
            Notification::TurnStarted(started) => {
                if !self.is_duplicate(connection, &["turn/started", &started.thread_id, &started.turn.id]) {
                    self.turn_started(started, step);
                }
            }
            Notification::TurnCompleted(completed) => {
                if !self.is_duplicate(connection, &["turn/completed", &completed.thread_id, &completed.turn.id]) {
                    self.turn_completed(completed, step);
                }
            }
            Notification::TurnDiffUpdated(updated) => {
                // A repetition by another connection only replaces itself.
                step.fact(Fact::Notification(Notification::TurnDiffUpdated(updated)));
            }
            Notification::ItemStarted(started) => {
                if !self.is_duplicate(
                    connection,
                    &["item/started", &started.thread_id, &started.turn_id, item_id(&started.item)],
                ) {
                    self.item_started(started, step);
                }
            }
            Notification::ItemCompleted(completed) => {
                if !self.is_duplicate(
                    connection,
                    &["item/completed", &completed.thread_id, &completed.turn_id, item_id(&completed.item)],
                ) {
                    self.item_completed(completed, step);
                }
            }
            Notification::GuardianReviewCompleted(review) => {
                if !self.is_duplicate(connection, &["review", &review.thread_id, &review.turn_id, &review.review_id]) {
                    self.guardian_review_completed(*review, step);
                }
            }
        }
    }

    fn signalled(&mut self, signal: Signal, step: &mut Step<'_>) {
        match signal {
            Signal::ThreadStarted(started) => self.thread_started(&started.thread, step),
            Signal::SettingsUpdated(updated) => self.settings_updated(*updated),
            Signal::TokenUsageUpdated(updated) => self.token_usage_updated(&updated),
            Signal::QueueChanged(changed) => self.queue_changed(&changed.thread_id),
            Signal::HookCompleted(completed) => self.hook_completed(completed, step),
            Signal::ThreadCompacted(compacted) => self.thread_compacted(&compacted, step),
            Signal::Error(error) => self.error_reported(&error, step),
            Signal::ServerRequestResolved(resolved) => self.request_resolved(&resolved.request_id, step),
            Signal::AccountUpdated(updated) => self.account_updated(updated.auth_mode),
            Signal::GoalUpdated(updated) => {
                if !self.is_duplicate(step.connection, &["goal", &updated.thread_id]) {
                    self.goal_updated(*updated, step);
                }
            }
            Signal::GoalCleared(cleared) => self.goal_cleared(&cleared, step),
            Signal::ThreadArchived(OfThread { thread_id }, action) => {
                if !self.is_duplicate(step.connection, &["archive", &thread_id]) {
                    self.thread_archived(thread_id, action, step);
                }
            }
            Signal::AgentImportCompleted(completed) => self.agent_import_completed(completed, step),
        }
    }
}

fn item_id(item: &Item) -> &str {
    match item {
        Item::ContextCompaction(compaction) => &compaction.id,
        // Items without an id here are only looked for, never counted.
        item => item.tool_id().map_or("", Id::as_str),
    }
}
