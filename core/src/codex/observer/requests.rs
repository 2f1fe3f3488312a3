//! Requests of clients and their responses (`docs/contract/derived.md` 0).

use alloc::boxed::Box;

use super::catalog::{Install, Outcome};
use super::profile::TurnRequest;
use super::state::{Connection, Pending, PendingTurn};
use super::{Observer, Step, runtime};
use crate::codex::catalog::{AuthMode, TokenBreakdown};
use crate::codex::content::{ClientCall, InitializeResult, ServerResult};
use crate::codex::settings::Overrides;
use crate::discard::{Ids, Reason, Subject};
use crate::event::common::InitializationMode;
use crate::fact::Fact;
use crate::fact::protocol::{ClientRequestReceived, ClientResponseSent, ErrorResponseSent, Initialize};
use crate::id::{Id, RequestId, TurnRef};
use crate::private::{TextKey, is_word};
use crate::protocol::enums::{Personality, TurnStatus};
use crate::protocol::error::RpcError;
use crate::protocol::input::count_images;
use crate::protocol::request::{ClientRequest, ClientResponse, InitializeParams, TurnStartResponse};
use crate::protocol::thread::{PastItemKind, ThreadResponse};
use crate::protocol::turn::TurnStartParams;

impl Observer {
    pub(super) fn client_called(&mut self, id: RequestId, call: ClientCall, step: &mut Step<'_>) {
        let opening = |mode, personality| Pending::Thread { mode, personality };
        let pending = match call {
            ClientCall::Initialize(params) => Pending::Initialize(params),
            ClientCall::ThreadStart(params) => opening(InitializationMode::New, params.personality),
            ClientCall::ThreadResume(params) => opening(InitializationMode::Resumed, params.personality),
            ClientCall::ThreadFork(params) => opening(InitializationMode::Forked, params.personality),
            ClientCall::TurnStart(mut params) => {
                let pending = self.pending_turn(&params);
                // No event has them.
                params.disabled_plugin_ids = None;
                step.client_request(&id, ClientRequest::TurnStart(params));
                pending
            }
            ClientCall::TurnSteer(params) => {
                if count_images(&params.input) > 0
                    && let Some(turn) = self.state.turn(&params.thread_id, &params.expected_turn_id)
                {
                    turn.has_images = true;
                }
                step.client_request(&id, ClientRequest::TurnSteer(params));
                Pending::TurnSteer
            }
            ClientCall::TurnInterrupt(params) => {
                Pending::TurnInterrupt { thread_id: params.thread_id, turn_id: params.turn_id, at: step.at.0 }
            }
            ClientCall::CompactStart(params) => {
                self.state.thread_or_new(&params.thread_id).open().manual_compactions += 1;
                Pending::CompactStart { thread_id: params.thread_id }
            }
            ClientCall::PluginInstall(params) => {
                let by_path = || params.marketplace_path.and_then(|path| self.state.marketplaces.peek(&path).cloned());
                let marketplace = params.remote_marketplace_name.or_else(by_path);
                let path = params.marketplace_path.filter(|_| marketplace.is_none());
                Pending::PluginInstall { plugin_name: params.plugin_name, marketplace, path }
            }
            ClientCall::PluginUninstall(params) => Pending::PluginUninstall { plugin_id: params.plugin_id },
            ClientCall::PluginRead(params) => Pending::PluginRead { path: params.marketplace_path },
            ClientCall::PluginList => Pending::PluginList,
            ClientCall::ConfigWrite(toggles) if !toggles.is_empty() => Pending::ConfigWrite(toggles),
            ClientCall::SkillsList => Pending::SkillsList,
            ClientCall::ModelList => Pending::ModelList,
            ClientCall::AppList => Pending::AppList,
            ClientCall::Login(AuthMode::ApiKey) => Pending::ApiKeyLogin,
            ClientCall::AccountRead => Pending::AccountRead,
            ClientCall::AgentImport(params) => Pending::AgentImport {
                source: params.source.filter(|source| is_word(source)),
                provider_id: params.provider_id.filter(|provider| is_word(provider)).unwrap_or_default(),
            },
            // The answer to another kind of login only begins it. `account/updated` ends it.
            ClientCall::ConfigWrite(_) | ClientCall::Login(AuthMode::Other) => {
                step.out.irrelevant = true;
                return;
            }
        };
        let (subject, thread_id) = match &pending {
            Pending::TurnStart(turn) => (Subject::Skill, Some(turn.thread_id.clone())),
            _ => (Subject::Plugin, None),
        };
        let ids = Ids { thread_id, ..Ids::request(Some(step.connection), &id) };
        if self.state.open_request(step.connection, id, pending) {
            step.discard(subject, Reason::TooLarge, ids);
        }
    }

    fn pending_turn(&mut self, params: &TurnStartParams) -> Pending {
        let thread = self.state.thread_or_new(&params.thread_id);
        let open = thread.open();
        open.settings_shown &= open.turn_starts > 0;
        open.turn_starts += 1;
        let cwd = params.cwd.as_ref().map(|cwd| TextKey::of(cwd.expose()));
        let workspace = cwd.or(thread.cwd);
        Pending::TurnStart(Box::new(PendingTurn {
            thread_id: params.thread_id.clone(),
            num_input_images: count_images(&params.input),
            overrides: Overrides::new(params),
            cwd,
            mentions: self.mentions(&params.input, workspace),
            request: TurnRequest::new(params),
        }))
    }

    pub(super) fn server_responded(&mut self, id: &RequestId, result: ServerResult, step: &mut Step<'_>) {
        let Some((_, pending)) = self.state.requests.remove(&(step.connection, id.clone())) else {
            step.out.irrelevant = true;
            return;
        };
        self.state.close_request(&pending);
        match (pending, result) {
            (Pending::Initialize(params), ServerResult::Initialize(result)) => self.initialized(params, &result, step),
            (Pending::Thread { mode, personality }, ServerResult::Thread(response)) => {
                self.thread_opened(id, mode, personality, response, step);
            }
            (Pending::TurnStart(turn), ServerResult::TurnStart(response)) => {
                self.turn_accepted(id, *turn, response, step);
            }
            (Pending::TurnSteer, ServerResult::TurnSteer(response)) => {
                step.client_response(id, ClientResponse::TurnSteer(response));
            }
            (Pending::PluginRead { path }, ServerResult::PluginRead(result)) => {
                self.plugin_read(result.plugin, path, step);
            }
            (Pending::PluginList, ServerResult::PluginList(result)) => self.plugins_listed(result, step),
            (Pending::SkillsList, ServerResult::SkillsList(result)) => self.skills_listed(result),
            (Pending::AppList, ServerResult::AppList(result)) => self.apps_listed(result.data),
            (Pending::ModelList, ServerResult::ModelList(result)) => self.models_listed(result),
            (Pending::PluginInstall { plugin_name, marketplace, path }, ServerResult::Success) => {
                self.plugin_installed(Install { plugin_name, path, outcome: Outcome::Installed }, marketplace, step);
            }
            (Pending::AgentImport { source, provider_id }, ServerResult::AgentImport(result)) => {
                self.state.imports.insert(result.import_id, (source, provider_id));
            }
            (Pending::TurnInterrupt { thread_id, turn_id, at }, ServerResult::Success) => {
                self.turn_interrupted(thread_id, turn_id, at, step);
            }
            (Pending::PluginUninstall { plugin_id }, ServerResult::Success) => {
                self.plugin_uninstalled(&plugin_id, step);
            }
            (Pending::ConfigWrite(toggles), ServerResult::Success) => self.plugins_toggled(&toggles, step),
            (Pending::ApiKeyLogin, ServerResult::Success) => self.account_updated(Some(AuthMode::ApiKey)),
            (Pending::AccountRead, ServerResult::AccountRead(result)) => {
                self.account_updated(result.account.map(|account| account.auth_mode));
            }
            _ => step.out.irrelevant = true,
        }
    }

    fn initialized(&mut self, params: InitializeParams, result: &InitializeResult, step: &mut Step<'_>) {
        let (runtime, originator) = runtime::read(result);
        let connection = Connection {
            client_name: params.client_info.name.clone(),
            client_version: params.client_info.version.clone(),
            server_version: runtime.codex_rs_version.clone(),
        };
        self.state.answers(&connection);
        self.state.connections.insert(self.state.now, step.connection, connection);
        step.fact(Fact::Initialize(Box::new(Initialize {
            connection_id: step.connection,
            product_client_id: params.client_info.name.clone(),
            params,
            runtime,
            rpc_transport: self.rpc_transport,
            originator,
        })));
    }

    fn thread_opened(
        &mut self,
        id: &RequestId,
        mode: InitializationMode,
        personality: Option<Personality>,
        mut response: Box<ThreadResponse>,
        step: &mut Step<'_>,
    ) {
        let inherited = response.thread.forked_from_id.as_ref().and_then(|id| self.state.threads.peek(id)?.last_total);
        self.state.change_settings(&response.thread.id, |settings| settings.open(&response, personality));
        // A client without an `initialize` takes no thread from a client that has one.
        let client = Some(step.connection).filter(|client| self.state.connections.contains(client));
        let thread = self.state.thread_or_new(&response.thread.id);
        thread.connection = client.or(thread.connection);
        if !self.state.dialect(&response.thread.id).reports_more() {
            response.thread.session_id = None;
        }
        let thread = self.state.thread_or_new(&response.thread.id);
        thread.is_known = true;
        thread.cwd = response.cwd.as_ref().map(|cwd| TextKey::of(cwd.expose()));
        let past = &response.thread.turns;
        let had_user_message =
            past.iter().flat_map(|turn| &turn.items).any(|item| item.kind == PastItemKind::UserMessage)
                || response.thread.preview.is_some_and(|preview| preview.0);
        thread.first_turn = mode == InitializationMode::New || !had_user_message;
        thread.last_total = match mode {
            InitializationMode::New => Some(TokenBreakdown::default()),
            InitializationMode::Forked => inherited,
            InitializationMode::Resumed => thread.last_total,
        };

        // A client that joins a running turn has missed its start.
        let running = past.iter().find(|turn| turn.status == TurnStatus::InProgress);
        let missed = running.map(|turn| (turn.id.clone(), turn.started_at));
        let thread_id = response.thread.id.clone();
        step.client_response(
            id,
            match mode {
                InitializationMode::New => ClientResponse::ThreadStart(response),
                InitializationMode::Resumed => ClientResponse::ThreadResume(response),
                InitializationMode::Forked => ClientResponse::ThreadFork(response),
            },
        );
        if let Some((turn_id, started_at)) = missed
            && self.state.turn(&thread_id, &turn_id).is_none()
        {
            self.turn_start_missed(thread_id, turn_id, started_at, step);
        }
    }

    fn turn_accepted(
        &mut self,
        id: &RequestId,
        pending: PendingTurn,
        response: TurnStartResponse,
        step: &mut Step<'_>,
    ) {
        let turn_id = response.turn.id.clone();
        let PendingTurn { thread_id, num_input_images, overrides, cwd, mentions, request } = pending;
        // It may be over already.
        let has_begun = self.state.turn(&thread_id, &turn_id).is_some_and(|turn| turn.is_started);
        let thread = self.state.thread_or_new(&thread_id);
        thread.cwd = cwd.or(thread.cwd);
        let open = thread.open();
        if !has_begun && open.running_turn.as_ref() != Some(&turn_id) {
            open.starting_turn = Some(turn_id.clone());
        }
        // The reported settings count more than the requested ones.
        let settings = if core::mem::take(&mut open.settings_shown) {
            thread.settings.clone()
        } else {
            self.state.change_settings(&thread_id, |settings| settings.apply(overrides))
        };
        let model = settings.model.clone();
        step.client_response(id, ClientResponse::TurnStart(response));
        self.report_mentions(mentions, &thread_id, &turn_id, model.as_ref(), step);

        let turn = self.state.turn_or_new(&thread_id, &turn_id);
        turn.accepted = Some((settings, num_input_images));
        turn.request = request;
        if let Some(status) = turn.completed {
            // The turn was over before its request was answered.
            self.resolve_turn(&thread_id, &turn_id, status, step);
            self.state.turns.remove(&TurnRef { thread: &thread_id, turn: &turn_id });
        }
    }

    /// The server answers a request with an error.
    pub(super) fn server_refused(&mut self, id: RequestId, error: RpcError, step: &mut Step<'_>) {
        let Some((_, pending)) = self.state.requests.remove(&(step.connection, id.clone())) else {
            step.out.irrelevant = true;
            return;
        };
        self.state.close_request(&pending);
        match pending {
            // The server recorded neither the request nor its failure. The reducer still waits for an
            // answer, and says so in the end.
            Pending::TurnSteer if error.unrecorded => step.out.irrelevant = true,
            // A refused turn has no event. Its request is only closed.
            Pending::TurnStart(_) | Pending::TurnSteer => step.error_response(id, error),
            Pending::PluginInstall { plugin_name, marketplace, path } if self.state.newest().reports_imports() => {
                let outcome = Outcome::Failed(error.install_error.map(Id::from));
                self.plugin_installed(Install { plugin_name, path, outcome }, marketplace, step);
            }
            Pending::CompactStart { thread_id } => {
                let open = self.state.thread_or_new(&thread_id).open();
                open.manual_compactions = open.manual_compactions.saturating_sub(1);
            }
            _ => step.out.irrelevant = true,
        }
    }

    /// Closes a request whose response could not be read.
    pub(super) fn forget_request(&mut self, id: &RequestId, step: &mut Step<'_>) {
        if let Some((_, pending)) = self.state.requests.remove(&(step.connection, id.clone())) {
            self.state.close_request(&pending);
            if matches!(pending, Pending::TurnStart(_)) {
                step.error_response(id.clone(), RpcError { error_type: None, unrecorded: false, install_error: None });
            }
        }
    }

    pub(super) fn account_updated(&mut self, mode: Option<AuthMode>) {
        self.state.uses_api_key = mode == Some(AuthMode::ApiKey);
    }
}

impl Step<'_> {
    fn client_request(&mut self, id: &RequestId, request: ClientRequest) {
        let (connection_id, request_id) = (self.connection, id.clone());
        self.fact(Fact::ClientRequest(ClientRequestReceived { connection_id, request_id, request }));
    }

    fn client_response(&mut self, id: &RequestId, response: ClientResponse) {
        let (connection_id, request_id) = (self.connection, id.clone());
        self.fact(Fact::ClientResponse(ClientResponseSent { connection_id, request_id, response }));
    }

    fn error_response(&mut self, request_id: RequestId, error: RpcError) {
        let (connection_id, error_type) = (self.connection, error.error_type);
        self.fact(Fact::ErrorResponse(ErrorResponseSent { connection_id, request_id, error_type }));
    }
}
