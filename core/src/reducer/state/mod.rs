//! The maps of the reducer (`docs/contract/rules.md` 1), their caps, and their saved form.

mod calls;
mod config;
mod connection;
mod item;
mod keys;
mod limits;
mod request;
mod review;
mod skill;
mod thread;
mod turn;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(crate) use calls::{Call, WaitingCall};
pub(crate) use config::Config;
pub(crate) use connection::Connection;
pub(crate) use item::{ItemState, NewerItem};
pub(crate) use keys::{ItemKey, ItemRef, RequestKey};
pub use limits::Limits;
pub(crate) use request::{PendingRequest, RequestKind};
pub(crate) use review::{PendingReview, ReviewSubject};
pub(crate) use skill::ParkedSkill;
pub(crate) use thread::{Metadata, Origin, SessionOf, Thread};
pub(crate) use turn::{Completed, Diff, Turn};

use crate::capped::{Capped, Few, Saved};
use crate::dialect::Dialect;
use crate::digest::{Digest, DigestValue};
use crate::discard::{Ids, Reason, Subject};
use crate::event::Shared;
use crate::event::common::{ConnectionContext, Lineage, Runtime, Session, ThreadContext};
use crate::event::thread::ThreadInitialized;
use crate::fact::Tracking;
use crate::id::{ConnectionId, Id, RequestId, TurnKey, TurnRef};
use crate::json::read::Read;
use crate::json::write::Write;
use crate::output::Output;
use crate::question::QuestionId;
use crate::sharing::Recent;
use crate::time::{Elapsed, UnixMillis};

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) now: Elapsed,
    /// Nothing expires before.
    due: Elapsed,
    /// The shortest time that an entry may go unused.
    idle_ms: u64,
    /// What the host's clock shows.
    pub(crate) at: UnixMillis,
    pub(crate) connections: Capped<ConnectionId, Connection>,
    pub(crate) threads: Capped<Id, Thread>,
    pub(crate) turns: Capped<TurnKey, Turn>,
    pub(crate) items: Capped<ItemKey, ItemState>,
    pub(crate) requests: Capped<RequestKey, PendingRequest>,
    pub(crate) reviews: Capped<RequestId, PendingReview>,
    /// The hash of a repository's remote, once the host has answered.
    pub(crate) repositories: Capped<QuestionId, Option<Arc<DigestValue>>>,
    pub(crate) skills: Capped<QuestionId, ParkedSkill>,
    /// Events of threads that wait for an answer about their worktree.
    pub(crate) waiting_threads: Few<QuestionId, Box<ThreadInitialized>>,
    /// What made tool calls.
    pub(crate) calls: Capped<ItemKey, Call>,
    /// The calls that run cells of code. The key has the cell's id where others have an item's.
    pub(crate) cells: Few<ItemKey, Id>,
    pub(crate) waiting_calls: Few<ItemKey, WaitingCall>,
    /// The bytes of all diffs that are held.
    pub(crate) held_diff_bytes: usize,
    pub(crate) next_question: u64,
    /// The process-wide originator, once a client has set it.
    pub(crate) originator: Option<Id>,
    /// What runs, by the latest connection.
    pub(crate) runtime: Option<Runtime>,
    /// The latest origins of threads, and hashes of repositories: most threads have one of them.
    pub(crate) origins: Recent<Arc<Origin>>,
    pub(crate) hashes: Recent<Arc<DigestValue>>,
}

/// The saved form of a [`State`]: no diff, no path, no question's content.
#[derive(Debug, Write, Read)]
pub(crate) struct SavedState {
    now: Elapsed,
    connections: Saved<ConnectionId, Connection>,
    threads: Saved<Id, Thread>,
    turns: Saved<TurnKey, Turn>,
    items: Saved<ItemKey, ItemState>,
    requests: Saved<RequestKey, PendingRequest>,
    reviews: Saved<RequestId, PendingReview>,
    repositories: Saved<QuestionId, Option<Arc<DigestValue>>>,
    skills: Saved<QuestionId, ParkedSkill>,
    #[serde(default)]
    waiting_threads: Few<QuestionId, Box<ThreadInitialized>>,
    #[serde(default)]
    calls: Saved<ItemKey, Call>,
    #[serde(default)]
    cells: Few<ItemKey, Id>,
    #[serde(default)]
    waiting_calls: Few<ItemKey, WaitingCall>,
    next_question: u64,
    originator: Option<Id>,
    runtime: Option<Runtime>,
}

impl State {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            now: Elapsed::default(),
            due: Elapsed::default(),
            idle_ms: limits.idle_ms(),
            at: UnixMillis::default(),
            connections: Capped::new(limits.connections),
            threads: Capped::new(limits.threads),
            turns: Capped::new(limits.turns),
            items: Capped::new(limits.items),
            requests: Capped::new(limits.requests),
            reviews: Capped::new(limits.reviews),
            repositories: Capped::new(limits.repositories),
            skills: Capped::new(limits.skills),
            waiting_threads: Few::default(),
            calls: Capped::new(limits.calls),
            cells: Few::default(),
            waiting_calls: Few::default(),
            held_diff_bytes: 0,
            next_question: 0,
            originator: None,
            runtime: None,
            origins: Recent::new(),
            hashes: Recent::new(),
        }
    }

    pub(crate) fn save(&self, digest: &impl Digest) -> SavedState {
        SavedState {
            now: self.now,
            connections: self.connections.save(),
            threads: self.threads.save(),
            turns: self.turns.save_with(|turn| turn.without_text(digest)),
            items: self.items.save(),
            requests: self.requests.save(),
            reviews: self.reviews.save(),
            repositories: self.repositories.save(),
            skills: self.skills.save(),
            waiting_threads: self.waiting_threads.clone(),
            calls: self.calls.save(),
            cells: self.cells.clone(),
            waiting_calls: self.waiting_calls.clone(),
            next_question: self.next_question,
            originator: self.originator.clone(),
            runtime: self.runtime.clone(),
        }
    }

    pub(crate) fn load(limits: &Limits, mut saved: SavedState) -> Self {
        let mut origins: Recent<Arc<Origin>> = Recent::new();
        for metadata in saved.threads.iter_mut().filter_map(|(_, _, thread)| thread.metadata.as_mut()) {
            metadata.origin = origins.share(Origin::clone(&metadata.origin));
        }
        let mut hashes: Recent<Arc<DigestValue>> = Recent::new();
        for hash in saved.repositories.iter_mut().filter_map(|(_, _, answer)| answer.as_mut()) {
            *hash = hashes.share(**hash);
        }
        // If there is no room for all diffs, the least recently used turns keep only their counts.
        let mut held_diff_bytes = 0;
        for (_, _, turn) in saved.turns.iter_mut().rev() {
            held_diff_bytes += turn.held_diff_bytes();
            if held_diff_bytes > limits.max_held_diff_bytes {
                held_diff_bytes -= turn.held_diff_bytes();
                turn.forget_lines();
            }
        }
        Self {
            now: saved.now,
            due: Elapsed::default(),
            idle_ms: limits.idle_ms(),
            at: UnixMillis::default(),
            connections: Capped::load(limits.connections, saved.connections),
            threads: Capped::load(limits.threads, saved.threads),
            turns: Capped::load(limits.turns, saved.turns),
            items: Capped::load(limits.items, saved.items),
            requests: Capped::load(limits.requests, saved.requests),
            reviews: Capped::load(limits.reviews, saved.reviews),
            repositories: Capped::load(limits.repositories, saved.repositories),
            skills: Capped::load(limits.skills, saved.skills),
            waiting_threads: saved.waiting_threads,
            calls: Capped::load(limits.calls, saved.calls),
            cells: saved.cells,
            waiting_calls: saved.waiting_calls,
            held_diff_bytes,
            next_question: saved.next_question,
            originator: saved.originator,
            runtime: saved.runtime,
            origins,
            hashes,
        }
    }

    pub(crate) fn ask(&mut self) -> QuestionId {
        let id = QuestionId(self.next_question);
        self.next_question += 1;
        id
    }

    /// A connection's context; using it keeps it from expiring.
    pub(crate) fn connection(&mut self, id: ConnectionId) -> Option<&Connection> {
        self.connections.get_mut(self.now, &id).map(|connection| &*connection)
    }

    /// The connection that has a thread (`docs/contract/rules.md` 1.1).
    pub(crate) fn thread_connection(&mut self, thread_id: &Id) -> Result<Shared<ConnectionContext>, Reason> {
        let thread = self.threads.get_mut(self.now, thread_id).ok_or(Reason::UnknownThread)?;
        let connection = thread.connection_id.ok_or(Reason::ThreadWithoutConnection)?;
        let origin = self.origin(thread_id);
        let connection = self.connection(connection).ok_or(Reason::UnknownConnection)?;
        Ok(connection.context_of(origin.as_deref()))
    }

    /// Where a thread comes from, once that was told.
    pub(crate) fn origin(&self, thread_id: &Id) -> Option<Arc<Origin>> {
        self.threads.peek(thread_id)?.metadata.as_ref().map(|metadata| metadata.origin.clone())
    }

    /// A thread's connection and lineage, in this order of what can be missing.
    pub(crate) fn thread_context(&mut self, thread_id: &Id) -> Result<ThreadContext, Reason> {
        let connection = self.thread_connection(thread_id)?;
        let lineage = self.lineage(thread_id).ok_or(Reason::UnknownThread)?;
        Ok(ThreadContext { connection, lineage })
    }

    pub(crate) fn lineage(&self, thread_id: &Id) -> Option<Shared<Lineage>> {
        self.threads.peek(thread_id)?.metadata.as_ref().map(|metadata| metadata.origin.lineage.clone())
    }

    /// The session of a thread, for events of 0.169 and later.
    pub(crate) fn session(&self, thread_id: &Id) -> Session {
        let metadata = self.threads.peek(thread_id).and_then(|thread| thread.metadata.as_ref());
        Session { session_id: metadata.and_then(|metadata| metadata.origin.session.id(thread_id)) }
    }

    /// The dialect of a thread's server.
    pub(crate) fn dialect(&self, thread_id: &Id) -> &'static Dialect {
        let connection = self.threads.peek(thread_id).and_then(|thread| thread.connection_id);
        connection.and_then(|id| self.connections.peek(&id)).map_or(Dialect::unknown(), |connection| connection.dialect)
    }

    /// The dialect of the server that runs.
    pub(crate) fn latest_dialect(&self) -> &'static Dialect {
        self.runtime.as_ref().map_or(Dialect::unknown(), |runtime| Dialect::of(&runtime.codex_rs_version))
    }

    /// The product id of the events of the process (`docs/contract/facts.md` 2).
    pub(crate) fn product_client_id(&self) -> Id {
        self.originator.clone().unwrap_or_else(|| "codex_cli_rs".into())
    }

    /// The product id of skill, app, plugin and hook events: what the fact says, or else the thread's originator, or else
    /// that of the process.
    pub(crate) fn product_of(&self, tracking: &Tracking) -> Id {
        let of_thread = || {
            let thread = self.threads.peek(&tracking.thread_id)?;
            thread.metadata.as_ref()?.origin.originator.clone()
        };
        tracking.product_client_id.clone().or_else(of_thread).unwrap_or_else(|| self.product_client_id())
    }

    pub(crate) fn turn_mut(&mut self, thread: &Id, turn: &Id) -> Option<&mut Turn> {
        self.turns.get_mut(self.now, &TurnRef { thread, turn })
    }

    /// The state of a turn; created if it does not exist.
    pub(crate) fn turn_or_new(&mut self, thread: &Id, turn: &Id, output: &mut Output) -> &mut Turn {
        let key = TurnRef { thread, turn };
        if !self.turns.contains(&key)
            && let Some((key, turn)) = self.turns.insert(self.now, key.to_owned(), Turn::default())
        {
            self.held_diff_bytes -= turn.held_diff_bytes();
            turn.discard(self.at, &key, Some(Reason::Evicted), output);
        }
        // It was there or was just inserted, and the cap is at least one.
        self.turns.get_mut(self.now, &key).unwrap_or_else(|| unreachable!("the turn was just inserted"))
    }

    /// Removes a client's request, and tells its thread that it is no longer open.
    pub(crate) fn take_request(&mut self, key: &RequestKey) -> Option<PendingRequest> {
        let (_, request) = self.requests.remove(key)?;
        self.close_request(&request);
        Some(request)
    }

    pub(crate) fn close_request(&mut self, request: &PendingRequest) {
        if let RequestKind::TurnStart { .. } = request.kind
            && let Some(thread) = self.threads.get_mut(self.now, &request.thread_id)
        {
            thread.open_turn_starts = thread.open_turn_starts.saturating_sub(1);
        }
    }

    /// When the first entry expires.
    pub(crate) fn first_due(&self) -> Elapsed {
        [
            self.connections.due(),
            self.threads.due(),
            self.turns.due(),
            self.items.due(),
            self.requests.due(),
            self.reviews.due(),
            self.repositories.due(),
            self.skills.due(),
            self.calls.due(),
        ]
        .into_iter()
        .fold(Elapsed::NEVER, Elapsed::min)
    }

    /// Moves to `now`. Returns whether something may have been idle for too long.
    pub(crate) fn advance(&mut self, now: Elapsed, at: UnixMillis) -> bool {
        (self.now, self.at) = (now, at);
        self.due <= now
    }

    /// Drops what was idle for too long. Returns the skills among it, which are reported without an answer.
    pub(crate) fn expire(&mut self, output: &mut Output) -> Vec<ParkedSkill> {
        let (now, at) = (self.now, self.at);
        while let Some((id, _)) = self.connections.pop_expired(now) {
            let ids = Ids { connection_id: Some(id), ..Ids::default() };
            output.discard(at, Subject::Connection, Reason::Expired, ids);
        }
        while let Some((id, _)) = self.threads.pop_expired(now) {
            output.discard(at, Subject::Thread, Reason::Expired, Ids::thread(&id));
        }
        while let Some((key, turn)) = self.turns.pop_expired(now) {
            self.held_diff_bytes -= turn.held_diff_bytes();
            turn.discard(at, &key, Some(Reason::Expired), output);
        }
        while let Some((key, _)) = self.items.pop_expired(now) {
            output.discard(at, Subject::Item, Reason::Expired, Ids::item(&key.thread, &key.turn, &key.item));
        }
        while let Some((key, request)) = self.requests.pop_expired(now) {
            self.close_request(&request);
            output.discard(at, Subject::Request, Reason::Expired, Ids::request(Some(key.0), &key.1));
        }
        while let Some((id, review)) = self.reviews.pop_expired(now) {
            output.discard(at, Subject::Review, Reason::Expired, review.ids(&id));
        }
        self.repositories.expire(now);
        self.calls.expire(now);
        let mut skills = Vec::new();
        while let Some((_, skill)) = self.skills.pop_expired(now) {
            skills.push(skill);
        }
        // What comes from here on is used from here on.
        self.due = self.first_due().min(now.after(self.idle_ms));
        skills
    }

    /// Drops everything that waits, each with a discard that says why.
    pub(crate) fn finish(&mut self, output: &mut Output) {
        let at = self.at;
        for ((connection, id), request) in self.requests.take_where(|_, _| true) {
            self.close_request(&request);
            output.discard(at, Subject::Request, Reason::NotAnswered, Ids::request(Some(connection), &id));
        }
        for (id, review) in self.reviews.take_where(|_, _| true) {
            output.discard(at, Subject::Review, Reason::NotAnswered, review.ids(&id));
        }
        for (key, item) in self.items.take_where(|_, _| true) {
            if item.started_at_ms.is_some() {
                output.discard(
                    at,
                    Subject::Item,
                    Reason::NotCompletedItem,
                    Ids::item(&key.thread, &key.turn, &key.item),
                );
            }
        }
        self.held_diff_bytes = 0;
        for (key, turn) in self.turns.take_where(|_, _| true) {
            turn.discard(at, &key, None, output);
        }
    }
}
