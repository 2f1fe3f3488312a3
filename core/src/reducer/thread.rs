//! `codex_thread_initialized` (`docs/contract/rules.md` 2.2, 2.3, 9.1, 9.2).

use alloc::boxed::Box;

use super::Reducer;
use super::state::{Metadata, Origin, SessionOf, Thread};
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::common::{
    Client, ConnectionContext, InitializationMode, Lineage, RpcTransport, Session, ThreadSource,
};
use crate::event::thread::{Fork, ThreadInitialized, Worktree};
use crate::fact::opened::ThreadOpened;
use crate::fact::subagent::SubAgentThreadStarted;
use crate::id::{ConnectionId, Id};
use crate::output::Output;
use crate::protocol::thread::ThreadResponse;
use crate::question::QuestionId;
use crate::time::to_u64;

impl<D: Digest> Reducer<D> {
    /// A response of `thread/start`, `thread/resume` or `thread/fork`: the connection has the thread
    /// from here on, whichever had it before.
    pub(super) fn thread_answered(
        &mut self,
        connection_id: ConnectionId,
        initialization_mode: InitializationMode,
        response: ThreadResponse,
        output: &mut Output,
    ) {
        let ThreadResponse { thread, model, cwd, is_worktree, .. } = response;
        let opened = ThreadOpened {
            model: Some(model),
            is_worktree,
            ..ThreadOpened::new(connection_id, initialization_mode, thread)
        };
        let worktree = if self.asks_worktrees { cwd.clone() } else { None };
        let thread_id = opened.thread.id.clone();
        self.thread_opened(opened, output, |reducer, output| {
            cwd.map(|cwd| reducer.ask_repository(cwd, thread_id, output))
        });
        if let Some(cwd) = worktree {
            self.ask_worktree(cwd, output);
        }
    }

    /// A file says that a thread was opened, and in which repository.
    pub(super) fn thread_found(&mut self, mut fact: ThreadOpened, output: &mut Output) {
        let remote_url = fact.remote_url.take();
        self.thread_opened(fact, output, |reducer, _| remote_url.map(|url| reducer.know_repository(&url)));
    }

    fn thread_opened(
        &mut self,
        opened: ThreadOpened,
        output: &mut Output,
        repository: impl FnOnce(&mut Self, &mut Output) -> Option<QuestionId>,
    ) {
        let ThreadOpened { connection_id, initialization_mode, thread, parent_thread_id, model, is_worktree, .. } =
            opened;
        let known = self.state.connection(connection_id);
        let Some((known, dialect)) = known.map(|known| (known.clone(), known.dialect)) else {
            let ids = Ids { connection_id: Some(connection_id), ..Ids::thread(&thread.id) };
            output.discard(self.state.at, Subject::Thread, Reason::UnknownConnection, ids);
            return;
        };
        let source = thread.source.subagent();
        let named_parent = thread.parent_thread_id.filter(|id| dialect.names_parents() && !id.is_too_long());
        let lineage = Lineage {
            thread_source: thread.thread_source.into(),
            subagent_source: source.map(crate::protocol::thread::SubAgentSource::name),
            parent_thread_id: named_parent
                .or_else(|| source.and_then(|source| source.parent_thread_id().cloned()))
                .or(parent_thread_id),
        };
        let session = SessionOf::new(&thread.id, thread.session_id);
        let originator = thread.originator.filter(|_| dialect.knows_forks_of_agents());
        let origin = Origin { lineage: lineage.clone().into(), session, originator };
        let event = ThreadInitialized {
            thread_id: thread.id.clone(),
            session: dialect.members(|| Session { session_id: origin.session.id(&thread.id) }),
            connection: known.context_of(Some(&origin)),
            model,
            ephemeral: thread.ephemeral,
            worktree: dialect.members(|| Worktree { is_worktree }),
            thread_source: lineage.thread_source.clone(),
            initialization_mode,
            subagent_source: lineage.subagent_source.clone(),
            parent_thread_id: lineage.parent_thread_id.clone(),
            fork: dialect
                .members(|| Fork { forked_from_thread_id: thread.forked_from_id.filter(|id| !id.is_too_long()) }),
            created_at: to_u64(thread.created_at).unwrap_or(0),
        };
        let repository = repository(self, output);
        let open_turn_starts = self.state.threads.peek(&thread.id).map_or(0, |thread| thread.open_turn_starts);
        let origin = self.state.origins.share(origin);
        let metadata = Some(Metadata { origin, initialization_mode });
        self.insert_thread(
            thread.id,
            Thread { connection_id: Some(connection_id), metadata, repository, open_turn_starts },
            output,
        );
        output.events.push(Event::ThreadInitialized(Box::new(event)));
    }

    /// The server started a thread itself. Its event needs nothing but the fact, and what is already
    /// known of the thread stays.
    pub(super) fn subagent_thread_started(&mut self, fact: SubAgentThreadStarted, output: &mut Output) {
        let parent_thread_id = fact.parent_thread_id.or_else(|| fact.subagent_source.parent_thread_id().cloned());
        let lineage = Lineage {
            thread_source: fact.thread_source.unwrap_or(ThreadSource::Subagent).into(),
            subagent_source: Some(fact.subagent_source.name()),
            parent_thread_id,
        };
        let latest = self.state.latest_dialect();
        let parent_id = lineage.parent_thread_id.as_ref();
        let parent = parent_id.and_then(|parent| self.state.threads.peek(parent));
        let (parent_connection, parent_repository) =
            parent.map_or((None, None), |parent| (parent.connection_id, parent.repository));
        let parent_originator =
            parent.and_then(|parent| parent.metadata.as_ref()).and_then(|known| known.origin.originator.clone());
        let parent_session = || parent_id.and_then(|parent| self.state.session(parent).session_id);
        let session_id = fact.session_id.filter(|id| !id.is_too_long()).or_else(parent_session);

        let mut thread = self.state.threads.remove(&fact.thread_id).map_or_else(Thread::default, |(_, thread)| thread);
        thread.connection_id = thread.connection_id.or(parent_connection);
        thread.repository = thread.repository.or(parent_repository);
        if thread.metadata.is_none() {
            let session = SessionOf::new(&fact.thread_id, session_id.clone());
            let lineage = lineage.clone().into();
            // A product that is no more than the client's name says nothing of its own.
            let own = Some(&fact.product_client_id).filter(|product| **product != fact.client_name).cloned();
            let originator = own.or(parent_originator).filter(|_| latest.knows_forks_of_agents());
            let origin = self.state.origins.share(Origin { lineage, session, originator });
            thread.metadata = Some(Metadata { origin, initialization_mode: InitializationMode::New });
        }
        self.insert_thread(fact.thread_id.clone(), thread, output);
        let dialect = self.state.dialect(&fact.thread_id);
        if dialect.names_parents() && (fact.client_name.is_empty() || fact.client_version.is_empty()) {
            // Its client is not known: its events are its parent's.
            return;
        }

        let connection = ConnectionContext {
            app_server_client: Client {
                product_client_id: fact.product_client_id,
                client_name: Some(fact.client_name),
                client_version: Some(fact.client_version),
                rpc_transport: Some(RpcTransport::InProcess),
                experimental_api_enabled: None,
            },
            runtime: self.state.runtime.clone().unwrap_or_default(),
            source: None,
        };
        output.events.push(Event::ThreadInitialized(Box::new(ThreadInitialized {
            thread_id: fact.thread_id,
            session: dialect.members(|| Session { session_id }),
            connection: connection.into(),
            model: Some(fact.model),
            ephemeral: fact.ephemeral,
            worktree: dialect.members(Worktree::default),
            thread_source: lineage.thread_source,
            initialization_mode: InitializationMode::New,
            subagent_source: lineage.subagent_source,
            parent_thread_id: lineage.parent_thread_id,
            fork: dialect
                .members(|| Fork { forked_from_thread_id: fact.forked_from_thread_id.filter(|id| !id.is_too_long()) }),
            created_at: fact.created_at,
        })));
    }

    fn insert_thread(&mut self, id: Id, thread: Thread, output: &mut Output) {
        if let Some((evicted, _)) = self.state.threads.insert(self.state.now, id, thread) {
            output.discard(self.state.at, Subject::Thread, Reason::Evicted, Ids::thread(&evicted));
        }
    }
}
