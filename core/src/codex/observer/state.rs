//! What an observer remembers, its caps, and its saved form.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::catalog::Install;
use super::inquiries::OpenInquiry;
use super::limits::{MAX_MENTION_BYTES, ObserverLimits};
use super::mentions::{Connector, KnownPlugin, KnownSkill, Mentions};
use super::profile::TurnRequest;
use super::thread::{Thread, Turn};
use crate::capped::{Capped, Few, Saved};
use crate::codex::catalog::PluginToggle;
use crate::codex::content::Expected;
use crate::codex::settings::{Overrides, Settings};
use crate::dialect::Dialect;
use crate::event::common::{InitializationMode, RpcTransport};
use crate::id::{ConnectionId, Id, RequestId, TurnKey, TurnRef};
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::TextKey;
use crate::protocol::approval::ServerRequest;
use crate::protocol::enums::{Personality, ReasoningEffort};
use crate::protocol::notification::ItemCompleted;
use crate::protocol::request::InitializeParams;
use crate::sharing::Recent;
use crate::time::{Clock, Elapsed, UnixMillis};

/// The connections heard from, with or without an `initialize`.
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
    /// The version of Codex that answers it.
    pub(super) server_version: Id,
}

impl Connection {
    fn dialect(&self) -> &'static Dialect {
        Dialect::of(&self.server_version)
    }
}

/// A client's request that waits for its response.
#[derive(Clone, Debug, Write, Read)]
pub(super) enum Pending {
    Initialize(InitializeParams),
    Thread {
        mode: InitializationMode,
        personality: Option<Personality>,
    },
    TurnStart(Box<PendingTurn>),
    TurnSteer,
    /// At what time, in Unix milliseconds.
    TurnInterrupt {
        thread_id: Id,
        turn_id: Id,
        at: u64,
    },
    CompactStart {
        thread_id: Id,
    },
    PluginInstall {
        plugin_name: Id,
        marketplace: Option<Id>,
        /// Where the marketplace is, by hash, if its name is not known.
        #[serde(default)]
        path: Option<TextKey>,
    },
    PluginUninstall {
        plugin_id: Id,
    },
    PluginRead {
        /// Where the marketplace is, by hash.
        #[serde(default)]
        path: Option<TextKey>,
    },
    PluginList,
    ModelList,
    ConfigWrite(Vec<PluginToggle>),
    SkillsList,
    AppList,
    ApiKeyLogin,
    AccountRead,
    AgentImport {
        source: Option<Id>,
        provider_id: Id,
    },
}

/// A turn that a client asked for.
#[derive(Clone, Debug, Default, Write, Read)]
pub(super) struct PendingTurn {
    pub(super) thread_id: Id,
    pub(super) num_input_images: u64,
    pub(super) overrides: Overrides,
    pub(super) cwd: Option<TextKey>,
    pub(super) mentions: Mentions,
    #[serde(default)]
    pub(super) request: Option<Box<TurnRequest>>,
}

/// A request of the server.
#[derive(Clone, Debug, Write, Read)]
pub(super) struct Approval {
    pub(super) request: ServerRequest,
    /// Whether it was answered or cleared. Anything after that is a repetition.
    pub(super) settled: bool,
}

impl Pending {
    /// What it holds beyond a few ids.
    fn mention_bytes(&self) -> usize {
        match self {
            Self::TurnStart(turn) => turn.mentions.bytes(),
            Self::ConfigWrite(toggles) => {
                toggles.iter().map(|toggle| size_of::<PluginToggle>() + toggle.plugin_id.len()).sum()
            }
            _ => 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) now: Elapsed,
    /// Nothing expires before.
    due: Elapsed,
    /// The shortest time that an entry may go unused.
    idle_ms: u64,
    /// How many there were.
    pub(super) messages: u64,
    pub(super) speakers: Speakers,
    /// Whether any server was 0.169 or later. If none was, nothing is looked for that only those report.
    pub(super) reports_more: bool,
    newest: &'static Dialect,
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
    /// Plugins that were or were not installed from a marketplace whose name is not known yet; the latest.
    pub(super) installs: Vec<Install>,
    /// Calls that told an agent something, by the agent's thread: it may have been a new task.
    pub(super) agents_told: Few<Id, Box<ItemCompleted>>,
    /// How much listed models reason by default.
    pub(super) models: Few<Id, ReasoningEffort>,
    /// Where imports from other agents were asked for, and the agents' providers.
    pub(super) imports: Few<Id, (Option<Id>, Id)>,
    /// Questions to the user that were not answered.
    pub(super) inquiries: Few<RequestId, OpenInquiry>,
    /// Whether the user has signed in with an API key. Compactions then run locally.
    pub(super) uses_api_key: bool,
    /// The latest settings of threads. Most threads share one of them.
    settings: Recent<Arc<Settings>>,
    mention_bytes: usize,
}

/// The saved form of an observer. It holds hashes, and no path.
#[derive(Debug, Write, Read)]
pub(crate) struct SavedObserver {
    now: Elapsed,
    #[serde(default)]
    seen: UnixMillis,
    #[serde(default)]
    doubted: UnixMillis,
    #[serde(default)]
    messages: u64,
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
    #[serde(default)]
    installs: Vec<Install>,
    #[serde(default)]
    agents_told: Few<Id, Box<ItemCompleted>>,
    #[serde(default)]
    models: Few<Id, ReasoningEffort>,
    #[serde(default)]
    imports: Few<Id, (Option<Id>, Id)>,
    #[serde(default)]
    inquiries: Few<RequestId, OpenInquiry>,
    uses_api_key: bool,
}

impl State {
    pub(super) fn new(limits: &ObserverLimits) -> Self {
        Self {
            now: Elapsed::default(),
            due: Elapsed::default(),
            idle_ms: limits.idle_ms(),
            messages: 0,
            speakers: Speakers::default(),
            reports_more: false,
            newest: Dialect::unknown(),
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
            installs: Vec::new(),
            agents_told: Few::default(),
            models: Few::default(),
            imports: Few::default(),
            inquiries: Few::default(),
            uses_api_key: false,
            settings: Recent::new(),
            mention_bytes: 0,
        }
    }

    pub(super) fn save(&self, rpc_transport: RpcTransport, clock: &Clock) -> SavedObserver {
        SavedObserver {
            now: clock.elapsed,
            seen: clock.seen,
            doubted: clock.doubted,
            messages: self.messages,
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
            installs: self.installs.clone(),
            agents_told: self.agents_told.clone(),
            models: self.models.clone(),
            imports: self.imports.clone(),
            inquiries: self.inquiries.clone(),
            uses_api_key: self.uses_api_key,
        }
    }

    pub(super) fn load(limits: &ObserverLimits, mut saved: SavedObserver) -> (RpcTransport, Clock, Self) {
        let mention_bytes = saved.requests.iter().map(|(_, _, request)| request.mention_bytes()).sum();
        let mut settings: Recent<Arc<Settings>> = Recent::new();
        for (_, _, thread) in &mut saved.threads {
            thread.settings = settings.share(Settings::clone(&thread.settings));
        }
        let newest = saved.connections.iter().map(|(_, _, connection)| connection.dialect()).max();
        let newest = newest.unwrap_or(Dialect::unknown());
        let state = Self {
            now: saved.now,
            due: Elapsed::default(),
            idle_ms: limits.idle_ms(),
            messages: saved.messages,
            speakers: saved.speakers,
            reports_more: newest.reports_more(),
            newest,
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
            installs: saved.installs,
            agents_told: saved.agents_told,
            models: saved.models,
            imports: saved.imports,
            inquiries: saved.inquiries,
            uses_api_key: saved.uses_api_key,
            settings,
            mention_bytes,
        };
        let clock = Clock { elapsed: saved.now, seen: saved.seen, doubted: saved.doubted };
        (saved.rpc_transport, clock, state)
    }

    /// A server was heard from.
    pub(super) fn answers(&mut self, connection: &Connection) {
        self.newest = self.newest.max(connection.dialect());
        self.reports_more = self.newest.reports_more();
    }

    pub(super) fn speaks(&mut self, connection: ConnectionId) {
        match self.speakers {
            Speakers::Nobody => self.speakers = Speakers::One(connection),
            Speakers::One(first) if first != connection => self.speakers = Speakers::Several,
            Speakers::One(_) | Speakers::Several => {}
        }
    }

    /// Moves to `now`, and forgets what was idle for too long. The reducer discards its own part.
    pub(super) fn advance(&mut self, now: Elapsed) {
        self.now = now;
        if self.due <= now {
            self.expire(now);
            // What comes from here on is used from here on.
            self.due = self.first_due().min(now.after(self.idle_ms));
        }
    }

    /// When the first entry expires.
    pub(super) fn first_due(&self) -> Elapsed {
        [
            self.connections.due(),
            self.requests.due(),
            self.approvals.due(),
            self.threads.due(),
            self.turns.due(),
            self.shown.due(),
            self.reported.due(),
            self.skills.due(),
            self.apps.due(),
            self.app_slugs.due(),
            self.plugins.due(),
            self.reviewed_connectors.due(),
            self.marketplaces.due(),
        ]
        .into_iter()
        .fold(Elapsed::NEVER, Elapsed::min)
    }

    #[inline(never)]
    fn expire(&mut self, now: Elapsed) {
        self.connections.expire(now);
        // Before the requests: closing one uses its thread.
        self.threads.expire(now);
        while let Some((_, request)) = self.requests.pop_expired(now) {
            self.close_request(&request);
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

    /// How the response to a client's request is read.
    pub(super) fn expected(&self, connection: ConnectionId, id: &RequestId) -> Expected {
        match self.requests.peek(&(connection, id.clone())) {
            None => Expected::Nothing,
            Some(Pending::Initialize(_)) => Expected::Initialize,
            Some(Pending::Thread { .. }) => Expected::Thread,
            Some(Pending::TurnStart(_)) => Expected::TurnStart,
            Some(Pending::TurnSteer) => Expected::TurnSteer,
            Some(Pending::PluginRead { .. }) => Expected::PluginRead,
            Some(Pending::ModelList) => Expected::ModelList,
            Some(Pending::PluginList) => Expected::PluginList,
            Some(Pending::SkillsList) => Expected::SkillsList,
            Some(Pending::AppList) => Expected::AppList,
            Some(Pending::AccountRead) => Expected::AccountRead,
            Some(Pending::AgentImport { .. }) => Expected::AgentImport,
            Some(
                Pending::CompactStart { .. }
                | Pending::TurnInterrupt { .. }
                | Pending::PluginInstall { .. }
                | Pending::PluginUninstall { .. }
                | Pending::ConfigWrite(_)
                | Pending::ApiKeyLogin,
            ) => Expected::Success,
        }
    }

    /// Remembers a client's request. Returns whether its mentions are too many; they are then dropped.
    pub(super) fn open_request(&mut self, connection: ConnectionId, id: RequestId, mut request: Pending) -> bool {
        let key = (connection, id);
        if let Some((_, replaced)) = self.requests.remove(&key) {
            self.close_request(&replaced);
        }
        let is_too_large = self.mention_bytes + request.mention_bytes() > MAX_MENTION_BYTES;
        match &mut request {
            Pending::TurnStart(turn) if is_too_large => turn.mentions = Mentions::default(),
            Pending::ConfigWrite(toggles) if is_too_large => *toggles = Vec::new(),
            _ => {}
        }
        self.mention_bytes += request.mention_bytes();
        if let Some((_, evicted)) = self.requests.insert(self.now, key, request) {
            self.close_request(&evicted);
        }
        is_too_large
    }

    /// A request is not open any more.
    pub(super) fn close_request(&mut self, request: &Pending) {
        self.mention_bytes -= request.mention_bytes();
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

    /// A thread; created if it is new, since the server may run threads by itself.
    pub(super) fn thread_or_new(&mut self, id: &Id) -> &mut Thread {
        if !self.threads.contains(id) {
            self.threads.insert(self.now, id.clone(), Thread::default());
        }
        // It was there or was just inserted, and the cap is at least one.
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
        // It was there or was just inserted, and the cap is at least one.
        self.turns.get_mut(self.now, &key).unwrap_or_else(|| unreachable!("the turn was just inserted"))
    }

    /// The dialect of a thread's server.
    pub(super) fn dialect(&self, thread: &Id) -> &'static Dialect {
        let connection = self.threads.peek(thread).and_then(|thread| thread.connection);
        let connection = connection.and_then(|id| self.connections.peek(&id));
        connection.map_or(Dialect::unknown(), |connection| Dialect::of(&connection.server_version))
    }

    /// The dialect of the newest server that was heard from.
    pub(super) fn newest(&self) -> &'static Dialect {
        self.newest
    }

    /// Whether `key` was reported.
    pub(super) fn was_reported(&mut self, key: &[&str]) -> bool {
        self.reported.get_mut(self.now, &TextKey::of_all(key)).is_some()
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
