//! The maps of the reducer (contract `rules.md` 1), their caps, and their saved form.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::connection::Connection;
use super::item::ItemState;
use super::review::PendingReview;
use super::skill::ParkedSkill;
use super::thread::Thread;
use super::turn::Turn;
use crate::capped::{Cap, Capped, Equivalent, Saved};
use crate::digest::{Digest, DigestValue};
use crate::discard::{Ids, Reason, Subject};
use crate::event::Shared;
use crate::event::common::{ConnectionContext, Lineage, Runtime, ThreadContext};
use crate::id::{ConnectionId, Id, RequestId, TurnKey, TurnRef};
use crate::output::Output;
use crate::question::QuestionId;
use crate::read::Read;
use crate::sharing::Recent;
use crate::time::UnixMillis;
use crate::write::Write;

/// How much state a reducer holds, and for how long what is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
pub struct Limits {
    /// Connections.
    pub connections: Cap,
    /// Threads.
    pub threads: Cap,
    /// Turns that have not had their event.
    pub turns: Cap,
    /// Items that have not completed.
    pub items: Cap,
    /// Requests of clients that were not answered.
    pub requests: Cap,
    /// Approvals that were not answered.
    pub reviews: Cap,
    /// Questions about repositories, and their answers, which only fingerprints of accepted lines use.
    pub repositories: Cap,
    /// Skills that wait for an answer.
    pub skills: Cap,
    /// The largest diff that is held until its turn ends, in bytes.
    pub max_diff_bytes: usize,
    /// The most that the diffs of all running turns may hold, in bytes.
    pub max_held_diff_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: Cap::days(1 << 16, 90),
            threads: Cap::days(1 << 20, 90),
            turns: Cap::days(1 << 16, 7),
            items: Cap::days(1 << 16, 7),
            requests: Cap::days(1 << 14, 1),
            reviews: Cap::days(1 << 14, 7),
            repositories: Cap::days(1 << 20, 90),
            skills: Cap::days(1 << 12, 1),
            max_diff_bytes: 16 << 20,
            max_held_diff_bytes: 256 << 20,
        }
    }
}

/// An item, by its thread, its turn and its own id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Write, Read)]
pub(super) struct ItemKey {
    pub(super) thread: Id,
    pub(super) turn: Id,
    pub(super) item: Id,
}

/// A borrowed [`ItemKey`].
#[derive(Hash)]
pub(super) struct ItemRef<'a> {
    pub(super) thread: &'a Id,
    pub(super) turn: &'a Id,
    pub(super) item: &'a Id,
}

impl Equivalent<ItemKey> for ItemRef<'_> {
    fn equivalent(&self, key: &ItemKey) -> bool {
        *self.item == key.item && *self.turn == key.turn && *self.thread == key.thread
    }
}

/// A client's request that waits for its response.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct PendingRequest {
    pub(super) thread_id: Id,
    pub(super) num_input_images: u64,
    pub(super) kind: RequestKind,
}

#[derive(Clone, Debug, Write, Read)]
pub(super) enum RequestKind {
    TurnStart {
        /// The question about the working directory that the turn moves to.
        repository: Option<QuestionId>,
    },
    TurnSteer {
        expected_turn_id: Id,
        /// Unix seconds.
        created_at: u64,
    },
}

pub(super) type RequestKey = (ConnectionId, RequestId);

#[derive(Clone, Debug)]
pub(super) struct State {
    /// The latest time in any fact.
    pub(super) now: UnixMillis,
    pub(super) connections: Capped<ConnectionId, Connection>,
    pub(super) threads: Capped<Id, Thread>,
    pub(super) turns: Capped<TurnKey, Turn>,
    pub(super) items: Capped<ItemKey, ItemState>,
    pub(super) requests: Capped<RequestKey, PendingRequest>,
    pub(super) reviews: Capped<RequestId, PendingReview>,
    /// The hash of a repository's remote, once the host has answered.
    pub(super) repositories: Capped<QuestionId, Option<Arc<DigestValue>>>,
    pub(super) skills: Capped<QuestionId, ParkedSkill>,
    /// The bytes of all diffs that are held.
    pub(super) held_diff_bytes: usize,
    pub(super) next_question: u64,
    /// The process-wide originator, once a client has set it.
    pub(super) originator: Option<Id>,
    /// What runs, by the latest connection.
    pub(super) runtime: Option<Runtime>,
    /// The latest lineages of threads, and hashes of repositories: most threads have one of them.
    pub(super) lineages: Recent<Shared<Lineage>>,
    pub(super) hashes: Recent<Arc<DigestValue>>,
}

/// The saved form of a [`State`]: no diff, no path, no question's content.
#[derive(Debug, Write, Read)]
pub(crate) struct SavedState {
    now: UnixMillis,
    connections: Saved<ConnectionId, Connection>,
    threads: Saved<Id, Thread>,
    turns: Saved<TurnKey, Turn>,
    items: Saved<ItemKey, ItemState>,
    requests: Saved<RequestKey, PendingRequest>,
    reviews: Saved<RequestId, PendingReview>,
    repositories: Saved<QuestionId, Option<Arc<DigestValue>>>,
    skills: Saved<QuestionId, ParkedSkill>,
    next_question: u64,
    originator: Option<Id>,
    runtime: Option<Runtime>,
}

impl State {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            now: UnixMillis::default(),
            connections: Capped::new(limits.connections),
            threads: Capped::new(limits.threads),
            turns: Capped::new(limits.turns),
            items: Capped::new(limits.items),
            requests: Capped::new(limits.requests),
            reviews: Capped::new(limits.reviews),
            repositories: Capped::new(limits.repositories),
            skills: Capped::new(limits.skills),
            held_diff_bytes: 0,
            next_question: 0,
            originator: None,
            runtime: None,
            lineages: Recent::new(),
            hashes: Recent::new(),
        }
    }

    pub(super) fn save(&self, digest: &impl Digest) -> SavedState {
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
            next_question: self.next_question,
            originator: self.originator.clone(),
            runtime: self.runtime.clone(),
        }
    }

    pub(super) fn load(limits: &Limits, mut saved: SavedState) -> Self {
        let mut lineages: Recent<Shared<Lineage>> = Recent::new();
        for metadata in saved.threads.iter_mut().filter_map(|(_, _, thread)| thread.metadata.as_mut()) {
            metadata.lineage = lineages.share(Lineage::clone(&metadata.lineage));
        }
        let mut hashes: Recent<Arc<DigestValue>> = Recent::new();
        for hash in saved.repositories.iter_mut().filter_map(|(_, _, answer)| answer.as_mut()) {
            *hash = hashes.share(**hash);
        }
        Self {
            now: saved.now,
            connections: Capped::load(limits.connections, saved.connections),
            threads: Capped::load(limits.threads, saved.threads),
            turns: Capped::load(limits.turns, saved.turns),
            items: Capped::load(limits.items, saved.items),
            requests: Capped::load(limits.requests, saved.requests),
            reviews: Capped::load(limits.reviews, saved.reviews),
            repositories: Capped::load(limits.repositories, saved.repositories),
            skills: Capped::load(limits.skills, saved.skills),
            // A saved turn holds hashes.
            held_diff_bytes: 0,
            next_question: saved.next_question,
            originator: saved.originator,
            runtime: saved.runtime,
            lineages,
            hashes,
        }
    }

    pub(super) fn ask(&mut self) -> QuestionId {
        let id = QuestionId(self.next_question);
        self.next_question += 1;
        id
    }

    /// A connection's context; using it keeps it from expiring.
    pub(super) fn connection(&mut self, id: ConnectionId) -> Option<&Connection> {
        self.connections.get_mut(self.now, &id).map(|connection| &*connection)
    }

    /// The connection that has a thread (contract `rules.md` 1.1).
    pub(super) fn thread_connection(&mut self, thread_id: &Id) -> Result<Shared<ConnectionContext>, Reason> {
        let thread = self.threads.get_mut(self.now, thread_id).ok_or(Reason::UnknownThread)?;
        let connection = thread.connection_id.ok_or(Reason::ThreadWithoutConnection)?;
        self.connection(connection).map(|connection| connection.context.clone()).ok_or(Reason::UnknownConnection)
    }

    /// A thread's connection and lineage, in this order of what can be missing.
    pub(super) fn thread_context(&mut self, thread_id: &Id) -> Result<ThreadContext, Reason> {
        let connection = self.thread_connection(thread_id)?;
        let lineage = self.lineage(thread_id).ok_or(Reason::UnknownThread)?;
        Ok(ThreadContext { connection, lineage })
    }

    pub(super) fn lineage(&self, thread_id: &Id) -> Option<Shared<Lineage>> {
        self.threads.peek(thread_id)?.metadata.as_ref().map(|metadata| metadata.lineage.clone())
    }

    /// Whether a thread's server is newer than the contract's 0.131.
    pub(super) fn is_newer(&self, thread_id: &Id) -> bool {
        let connection = self.threads.peek(thread_id).and_then(|thread| thread.connection_id);
        connection.and_then(|id| self.connections.peek(&id)).is_some_and(|connection| connection.is_newer)
    }

    /// The product id of skill, app and plugin events (contract `facts.md` 2).
    pub(super) fn product_client_id(&self) -> Id {
        self.originator.clone().unwrap_or_else(|| "codex_cli_rs".into())
    }

    pub(super) fn turn_mut(&mut self, thread: &Id, turn: &Id) -> Option<&mut Turn> {
        self.turns.get_mut(self.now, &TurnRef { thread, turn })
    }

    /// The state of a turn, made if there is none.
    pub(super) fn turn_or_new(&mut self, thread: &Id, turn: &Id, output: &mut Output) -> &mut Turn {
        let key = TurnRef { thread, turn };
        if !self.turns.contains(&key)
            && let Some((key, turn)) = self.turns.insert(self.now, key.to_owned(), Turn::default())
        {
            self.held_diff_bytes -= turn.held_diff_bytes();
            turn.discard(self.now, &key, Some(Reason::Evicted), output);
        }
        // It was there or has just been put in, and the cap is at least one.
        self.turns.get_mut(self.now, &key).unwrap_or_else(|| unreachable!("the turn was just inserted"))
    }

    /// Removes a client's request, and tells its thread that it is no longer open.
    pub(super) fn take_request(&mut self, key: &RequestKey) -> Option<PendingRequest> {
        let (_, request) = self.requests.remove(key)?;
        self.close_request(&request);
        Some(request)
    }

    pub(super) fn close_request(&mut self, request: &PendingRequest) {
        if let RequestKind::TurnStart { .. } = request.kind
            && let Some(thread) = self.threads.get_mut(self.now, &request.thread_id)
        {
            thread.open_turn_starts = thread.open_turn_starts.saturating_sub(1);
        }
    }

    /// Drops what was idle for too long. Returns the skills among it: their events need no answer.
    pub(super) fn expire(&mut self, output: &mut Output) -> Vec<ParkedSkill> {
        let now = self.now;
        while let Some((id, _)) = self.connections.pop_expired(now) {
            let ids = Ids { connection_id: Some(id), ..Ids::default() };
            output.discard(now, Subject::Connection, Reason::Expired, ids);
        }
        while let Some((id, _)) = self.threads.pop_expired(now) {
            output.discard(now, Subject::Thread, Reason::Expired, Ids::thread(&id));
        }
        while let Some((key, turn)) = self.turns.pop_expired(now) {
            self.held_diff_bytes -= turn.held_diff_bytes();
            turn.discard(now, &key, Some(Reason::Expired), output);
        }
        while let Some((key, _)) = self.items.pop_expired(now) {
            output.discard(now, Subject::Item, Reason::Expired, Ids::item(&key.thread, &key.turn, &key.item));
        }
        while let Some((key, request)) = self.requests.pop_expired(now) {
            self.close_request(&request);
            output.discard(now, Subject::Request, Reason::Expired, Ids::request(Some(key.0), &key.1));
        }
        while let Some((id, review)) = self.reviews.pop_expired(now) {
            output.discard(now, Subject::Review, Reason::Expired, review.ids(&id));
        }
        self.repositories.expire(now);
        let mut skills = Vec::new();
        while let Some((_, skill)) = self.skills.pop_expired(now) {
            skills.push(skill);
        }
        skills
    }

    /// Drops everything that waits, each with the reason why it yielded nothing.
    pub(super) fn finish(&mut self, output: &mut Output) {
        let now = self.now;
        for ((connection, id), request) in self.requests.take_where(|_, _| true) {
            self.close_request(&request);
            output.discard(now, Subject::Request, Reason::NotAnswered, Ids::request(Some(connection), &id));
        }
        for (id, review) in self.reviews.take_where(|_, _| true) {
            output.discard(now, Subject::Review, Reason::NotAnswered, review.ids(&id));
        }
        for (key, item) in self.items.take_where(|_, _| true) {
            if item.started_at_ms.is_some() {
                output.discard(
                    now,
                    Subject::Item,
                    Reason::NotCompletedItem,
                    Ids::item(&key.thread, &key.turn, &key.item),
                );
            }
        }
        self.held_diff_bytes = 0;
        for (key, turn) in self.turns.take_where(|_, _| true) {
            turn.discard(now, &key, None, output);
        }
    }
}
