//! What an observer remembers, its caps, and its saved form.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::mentions::{Connector, KnownPlugin, KnownSkill, Mentions};
use super::settings::{Overrides, Settings};
use super::thread::{Thread, Turn};
use crate::capped::{Cap, Capped, Saved};
use crate::event::common::{InitializationMode, RpcTransport};
use crate::id::{ConnectionId, Id, RequestId, TurnKey, TurnRef};
use crate::private::TextKey;
use crate::protocol::approval::ServerRequest;
use crate::protocol::catalog::PluginToggle;
use crate::protocol::enums::Personality;
use crate::protocol::message::Expected;
use crate::protocol::request::InitializeParams;
use crate::read::Read;
use crate::sharing::Recent;
use crate::time::UnixMillis;
use crate::write::Write;

/// How much an observer remembers, and for how long what is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
pub struct ObserverLimits {
    /// Connections.
    pub connections: Cap,
    /// Requests of clients that were not answered.
    pub requests: Cap,
    /// Requests of the server, answered or not.
    pub approvals: Cap,
    /// Threads.
    pub threads: Cap,
    /// Turns that have not ended.
    pub turns: Cap,
    /// Notifications that another connection may repeat, and what is reported once a turn.
    pub repetitions: Cap,
    /// Skills, apps and plugins that were listed.
    pub catalog: Cap,
}

impl Default for ObserverLimits {
    fn default() -> Self {
        Self {
            connections: Cap::days(1 << 16, 90),
            requests: Cap::days(1 << 14, 1),
            approvals: Cap::days(1 << 14, 7),
            threads: Cap::days(1 << 20, 90),
            turns: Cap::days(1 << 16, 7),
            repetitions: Cap::days(1 << 15, 1),
            catalog: Cap::days(1 << 12, 90),
        }
    }
}

/// Whose messages were seen, be it that their `initialize` was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Write, Read)]
pub(super) enum Speakers {
    #[default]
    Nobody,
    One(ConnectionId),
    Several,
}

/// A client, as its `initialize` showed it.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct Connection {
    pub(super) client_name: Id,
    pub(super) client_version: Id,
    /// Whether the server is newer than the contract's 0.131.
    pub(super) is_newer: bool,
}

/// A client's request that waits for its response.
#[derive(Clone, Debug, Write, Read)]
pub(super) enum Pending {
    Initialize(InitializeParams),
    Thread { mode: InitializationMode, personality: Option<Personality> },
    TurnStart(Box<PendingTurn>),
    TurnSteer,
    CompactStart { thread_id: Id },
    PluginInstall { plugin_name: Id, marketplace: Option<Id> },
    PluginUninstall { plugin_id: Id },
    PluginRead,
    PluginList,
    ConfigWrite(Vec<PluginToggle>),
    SkillsList,
    AppList,
    ApiKeyLogin,
    AccountRead,
}

/// A turn that a client asked for.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct PendingTurn {
    pub(super) thread_id: Id,
    pub(super) num_input_images: u64,
    pub(super) overrides: Overrides,
    pub(super) cwd: Option<TextKey>,
    pub(super) mentions: Mentions,
}

/// A request of the server.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct Approval {
    pub(super) request: ServerRequest,
    /// Whether it was answered or cleared: what comes then is a repetition.
    pub(super) settled: bool,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) now: UnixMillis,
    pub(super) speakers: Speakers,
    pub(super) connections: Capped<ConnectionId, Connection>,
    pub(super) requests: Capped<(ConnectionId, RequestId), Pending>,
    pub(super) approvals: Capped<RequestId, Approval>,
    pub(super) threads: Capped<Id, Thread>,
    pub(super) turns: Capped<TurnKey, Turn>,
    /// Which connection showed a notification first.
    pub(super) shown: Capped<TextKey, ConnectionId>,
    /// What is reported once a turn and was.
    pub(super) reported: Capped<TextKey, ()>,
    /// Listed skills, by the hash of their path and of their name.
    pub(super) skills: Capped<TextKey, KnownSkill>,
    /// Listed apps: their names by connector id, and their ids by the hash of their slug.
    pub(super) apps: Capped<Id, Option<Id>>,
    pub(super) app_slugs: Capped<TextKey, Id>,
    pub(super) plugins: Capped<Id, KnownPlugin>,
    /// The connectors of calls that were reviewed, by the hash of thread and item.
    pub(super) reviewed_connectors: Capped<TextKey, Connector>,
    /// Marketplaces, by the hash of their path.
    pub(super) marketplaces: Capped<TextKey, Id>,
    /// Whether the user is signed in by an API key: compactions then run locally.
    pub(super) uses_api_key: bool,
    /// The settings that threads got latest: most threads have one of them.
    settings: Recent<Arc<Settings>>,
}

/// The saved form of an observer: hashes where it remembers hashes, and no path.
#[derive(Debug, Write, Read)]
pub(crate) struct SavedObserver {
    now: UnixMillis,
    rpc_transport: RpcTransport,
    speakers: Speakers,
    connections: Saved<ConnectionId, Connection>,
    requests: Saved<(ConnectionId, RequestId), Pending>,
    approvals: Saved<RequestId, Approval>,
    threads: Saved<Id, Thread>,
    turns: Saved<TurnKey, Turn>,
    shown: Saved<TextKey, ConnectionId>,
    reported: Saved<TextKey, ()>,
    skills: Saved<TextKey, KnownSkill>,
    apps: Saved<Id, Option<Id>>,
    app_slugs: Saved<TextKey, Id>,
    plugins: Saved<Id, KnownPlugin>,
    reviewed_connectors: Saved<TextKey, Connector>,
    marketplaces: Saved<TextKey, Id>,
    uses_api_key: bool,
}

impl State {
    pub(super) fn new(limits: &ObserverLimits) -> Self {
        Self {
            now: UnixMillis::default(),
            speakers: Speakers::default(),
            connections: Capped::new(limits.connections),
            requests: Capped::new(limits.requests),
            approvals: Capped::new(limits.approvals),
            threads: Capped::new(limits.threads),
            turns: Capped::new(limits.turns),
            shown: Capped::new(limits.repetitions),
            reported: Capped::new(limits.repetitions),
            skills: Capped::new(limits.catalog),
            apps: Capped::new(limits.catalog),
            app_slugs: Capped::new(limits.catalog),
            plugins: Capped::new(limits.catalog),
            reviewed_connectors: Capped::new(limits.repetitions),
            marketplaces: Capped::new(limits.catalog),
            uses_api_key: false,
            settings: Recent::new(),
        }
    }

    pub(super) fn save(&self, rpc_transport: RpcTransport) -> SavedObserver {
        SavedObserver {
            now: self.now,
            rpc_transport,
            speakers: self.speakers,
            connections: self.connections.save(),
            requests: self.requests.save(),
            approvals: self.approvals.save(),
            threads: self.threads.save(),
            turns: self.turns.save(),
            shown: self.shown.save(),
            reported: self.reported.save(),
            skills: self.skills.save(),
            apps: self.apps.save(),
            app_slugs: self.app_slugs.save(),
            plugins: self.plugins.save(),
            reviewed_connectors: self.reviewed_connectors.save(),
            marketplaces: self.marketplaces.save(),
            uses_api_key: self.uses_api_key,
        }
    }

    pub(super) fn load(limits: &ObserverLimits, mut saved: SavedObserver) -> (RpcTransport, Self) {
        let mut settings: Recent<Arc<Settings>> = Recent::new();
        for (_, _, thread) in &mut saved.threads {
            thread.settings = settings.share(Settings::clone(&thread.settings));
        }
        let state = Self {
            now: saved.now,
            speakers: saved.speakers,
            connections: Capped::load(limits.connections, saved.connections),
            requests: Capped::load(limits.requests, saved.requests),
            approvals: Capped::load(limits.approvals, saved.approvals),
            threads: Capped::load(limits.threads, saved.threads),
            turns: Capped::load(limits.turns, saved.turns),
            shown: Capped::load(limits.repetitions, saved.shown),
            reported: Capped::load(limits.repetitions, saved.reported),
            skills: Capped::load(limits.catalog, saved.skills),
            apps: Capped::load(limits.catalog, saved.apps),
            app_slugs: Capped::load(limits.catalog, saved.app_slugs),
            plugins: Capped::load(limits.catalog, saved.plugins),
            reviewed_connectors: Capped::load(limits.repetitions, saved.reviewed_connectors),
            marketplaces: Capped::load(limits.catalog, saved.marketplaces),
            uses_api_key: saved.uses_api_key,
            settings,
        };
        (saved.rpc_transport, state)
    }

    pub(super) fn speaks(&mut self, connection: ConnectionId) {
        match self.speakers {
            Speakers::Nobody => self.speakers = Speakers::One(connection),
            Speakers::One(first) if first != connection => self.speakers = Speakers::Several,
            Speakers::One(_) | Speakers::Several => {}
        }
    }

    /// Forgets what was idle for too long. What the reducer holds of it, it discards itself.
    pub(super) fn expire(&mut self) {
        let now = self.now;
        self.connections.expire(now);
        // Before the requests: closing one uses its thread.
        self.threads.expire(now);
        while let Some((_, request)) = self.requests.pop_expired(now) {
            self.close_turn_start(&request);
        }
        self.approvals.expire(now);
        self.turns.expire(now);
        self.shown.expire(now);
        self.reported.expire(now);
        self.skills.expire(now);
        self.apps.expire(now);
        self.app_slugs.expire(now);
        self.plugins.expire(now);
        self.reviewed_connectors.expire(now);
        self.marketplaces.expire(now);
    }

    /// What the response to a client's request is read as.
    pub(super) fn expected(&self, connection: ConnectionId, id: &RequestId) -> Expected {
        match self.requests.peek(&(connection, id.clone())) {
            None => Expected::Nothing,
            Some(Pending::Initialize(_)) => Expected::Initialize,
            Some(Pending::Thread { .. }) => Expected::Thread,
            Some(Pending::TurnStart(_)) => Expected::TurnStart,
            Some(Pending::TurnSteer) => Expected::TurnSteer,
            Some(Pending::PluginRead) => Expected::PluginRead,
            Some(Pending::PluginList) => Expected::PluginList,
            Some(Pending::SkillsList) => Expected::SkillsList,
            Some(Pending::AppList) => Expected::AppList,
            Some(Pending::AccountRead) => Expected::AccountRead,
            Some(
                Pending::CompactStart { .. }
                | Pending::PluginInstall { .. }
                | Pending::PluginUninstall { .. }
                | Pending::ConfigWrite(_)
                | Pending::ApiKeyLogin,
            ) => Expected::Success,
        }
    }

    pub(super) fn close_turn_start(&mut self, request: &Pending) {
        if let Pending::TurnStart(turn) = request
            && let Some(open) = self.thread(&turn.thread_id).and_then(|thread| thread.open.as_mut())
        {
            open.turn_starts = open.turn_starts.saturating_sub(1);
        }
    }

    /// A thread that was seen before.
    pub(super) fn thread(&mut self, id: &Id) -> Option<&mut Thread> {
        self.threads.get_mut(self.now, id)
    }

    /// A thread, made if it is new: it may be one that the server runs by itself.
    pub(super) fn thread_or_new(&mut self, id: &Id) -> &mut Thread {
        if !self.threads.contains(id) {
            self.threads.insert(self.now, id.clone(), Thread::default());
        }
        // It was there or has just been put in, and the cap is at least one.
        self.threads.get_mut(self.now, id).unwrap_or_else(|| unreachable!("the thread was just inserted"))
    }

    /// Changes a thread's settings. Threads with the same ones share them.
    pub(super) fn change_settings(&mut self, thread_id: &Id, change: impl FnOnce(&mut Settings)) -> Arc<Settings> {
        let current = self.thread_or_new(thread_id).settings.clone();
        let mut changed = Settings::clone(&current);
        change(&mut changed);
        if changed == *current {
            return current;
        }
        let shared = self.settings.share(changed);
        self.thread_or_new(thread_id).settings = shared.clone();
        shared
    }

    pub(super) fn turn(&mut self, thread: &Id, turn: &Id) -> Option<&mut Turn> {
        self.turns.get_mut(self.now, &TurnRef { thread, turn })
    }

    pub(super) fn turn_or_new(&mut self, thread: &Id, turn: &Id) -> &mut Turn {
        let key = TurnRef { thread, turn };
        if !self.turns.contains(&key) {
            self.turns.insert(self.now, key.to_owned(), Turn::default());
        }
        // It was there or has just been put in, and the cap is at least one.
        self.turns.get_mut(self.now, &key).unwrap_or_else(|| unreachable!("the turn was just inserted"))
    }

    /// Whether a thread's server is newer than the contract's 0.131.
    pub(super) fn is_newer(&self, thread: &Id) -> bool {
        let connection = self.threads.peek(thread).and_then(|thread| thread.connection);
        connection.and_then(|id| self.connections.peek(&id)).is_some_and(|connection| connection.is_newer)
    }

    /// Whether this is the first time that `key` is to be reported.
    pub(super) fn report_once(&mut self, key: &[&str]) -> bool {
        let key = TextKey::of_all(key);
        if self.reported.get_mut(self.now, &key).is_some() {
            return false;
        }
        self.reported.insert(self.now, key, ());
        true
    }
}
