//! Facts in, events out: the state machine of `docs/contract/rules.md`.
//!
//! The rule for each event stands in the file of its name: `thread`, `turn`, `steer`, `item`, `review`, `guardian`,
//! `guardian_v2`, `compaction`, `skill`, `app`, `plugin`, `hook`, `goal`, `onboarding`. `calls` says what made a tool's
//! call. `requests` and `approvals` match requests with their answers and
//! call a rule with what it needs. `state` has the maps; each is capped and expires by the time in the facts.

mod app;
mod approvals;
mod calls;
mod compaction;
mod connection;
mod goal;
mod guardian;
mod guardian_v2;
mod hook;
mod item;
mod onboarding;
mod plugin;
mod repository;
mod requests;
mod review;
mod skill;
mod state;
mod steer;
mod thread;
mod turn;
mod worktree;

pub use state::Limits;
pub(crate) use state::SavedState;

use state::State;

use crate::digest::{Digest, Scheme};
use crate::event::common::InitializationMode;
use crate::fact::Fact;
use crate::output::Output;
use crate::protocol::notification::Notification;
use crate::protocol::request::{ClientRequest, ClientResponse};
use crate::time::{Clock, Elapsed, UnixMillis};

/// The state machine that turns facts into events.
///
/// One reducer serves one app-server process: the server's request ids are its own.
///
/// ```
/// # #[cfg(feature = "sha2")] {
/// use turnledger_core::digest::Sha2;
/// use turnledger_core::event::common::{RpcTransport, Runtime};
/// use turnledger_core::fact::protocol::{ClientResponseSent, Initialize};
/// use turnledger_core::protocol::request::{ClientInfo, ClientResponse, InitializeParams};
/// use turnledger_core::protocol::thread::{Thread, ThreadResponse};
/// use turnledger_core::{Event, Output, Reducer, UnixMillis, reducer};
///
/// let client_info = ClientInfo { name: "editor".into(), version: "1".into() };
/// let params = InitializeParams { client_info, ..InitializeParams::default() };
/// let thread = Thread { id: "thread-1".into(), ..Thread::default() };
/// let opened = ThreadResponse { thread, model: "gpt-5".into(), ..ThreadResponse::default() };
///
/// let mut reducer = Reducer::new(Sha2::default(), reducer::Limits::default());
/// let (mut output, at) = (Output::default(), UnixMillis(1_700_000_000_000));
/// reducer.apply(at, Initialize::new(1, params, Runtime::default(), RpcTransport::Stdio), &mut output);
/// reducer.apply(at, ClientResponseSent::new(1, 1, ClientResponse::ThreadStart(Box::new(opened))), &mut output);
/// let [Event::ThreadInitialized(event)] = &output.events[..] else { panic!("{output:?}") };
/// assert_eq!((&*event.thread_id, event.model.as_deref()), ("thread-1", Some("gpt-5")));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Reducer<D> {
    digest: D,
    limits: Limits,
    /// Of a reducer without a pipeline.
    clock: Clock,
    state: State,
    asks_worktrees: bool,
}

impl<D: Digest> Reducer<D> {
    /// A reducer without any state.
    pub fn new(digest: D, limits: Limits) -> Self {
        Self { digest, limits, clock: Clock::default(), state: State::new(&limits), asks_worktrees: false }
    }

    /// Asks the host whether a thread works in a linked worktree: see
    /// [`Pipeline::asking_worktrees`](crate::Pipeline::asking_worktrees).
    #[must_use]
    pub fn asking_worktrees(mut self) -> Self {
        self.asks_worktrees = true;
        self
    }

    /// Takes a fact and appends what it yields to `output`.
    ///
    /// `at` is the time at which the fact is reduced. A clock that was set, or that one fact has wrong, ends nothing
    /// that is open: see [`Pipeline`](crate::Pipeline#time).
    pub fn apply(&mut self, at: UnixMillis, fact: impl Into<Fact>, output: &mut Output) {
        self.clock.see(at);
        self.advance(self.clock.elapsed, at, output);
        self.reduce(at, fact.into(), output);
    }

    /// Takes a fact at the time that [`advance`](Self::advance) set.
    pub(crate) fn reduce(&mut self, at: UnixMillis, fact: Fact, output: &mut Output) {
        if let Some(discard) = fact.with_long_id(at) {
            output.discards.push(discard);
            return;
        }
        match fact {
            Fact::Initialize(fact) => self.initialize(*fact, output),
            Fact::ClientRequest(fact) => match fact.request {
                ClientRequest::TurnStart(params) => {
                    self.turn_start(fact.connection_id, fact.request_id, *params, output);
                }
                ClientRequest::TurnSteer(params) => {
                    self.turn_steer(at, fact.connection_id, fact.request_id, params, output);
                }
            },
            Fact::ClientResponse(fact) => {
                let (connection, request) = (fact.connection_id, fact.request_id);
                match fact.response {
                    ClientResponse::ThreadStart(response) => {
                        self.thread_answered(connection, InitializationMode::New, *response, output);
                    }
                    ClientResponse::ThreadResume(response) => {
                        self.thread_answered(connection, InitializationMode::Resumed, *response, output);
                    }
                    ClientResponse::ThreadFork(response) => {
                        self.thread_answered(connection, InitializationMode::Forked, *response, output);
                    }
                    ClientResponse::TurnStart(response) => {
                        self.turn_start_accepted(at, connection, request, response.turn.id, output);
                    }
                    ClientResponse::TurnSteer(response) => {
                        self.steer_accepted(connection, request, response.turn_id, output);
                    }
                }
            }
            Fact::ErrorResponse(fact) => self.request_failed(fact, output),
            Fact::ServerRequest(fact) => self.approval_requested(fact, output),
            Fact::ServerResponse(fact) => self.approval_answered(&fact, output),
            Fact::EffectivePermissionsApprovalResponse(fact) => self.permissions_granted(&fact, output),
            Fact::ServerRequestAborted(fact) => self.approval_aborted(&fact, output),
            Fact::Notification(notification) => match notification {
                Notification::TurnStarted(started) => self.turn_started(&started, output),
                Notification::TurnCompleted(completed) => self.turn_completed(at, *completed, output),
                Notification::TurnDiffUpdated(updated) => self.turn_diff_updated(updated, output),
                Notification::ItemStarted(started) => self.item_started(&started, output),
                Notification::ItemCompleted(completed) => self.item_completed(*completed, output),
                Notification::GuardianReviewCompleted(review) => self.guardian_decided(*review, output),
            },
            Fact::SubAgentThreadStarted(fact) => self.subagent_thread_started(*fact, output),
            Fact::Compaction(fact) => self.compacted(*fact, output),
            Fact::GuardianReview(fact) => self.guardian_reviewed(*fact, output),
            Fact::TurnResolvedConfig(fact) => self.turn_config_resolved(at, *fact, output),
            Fact::TurnTokenUsage(fact) => self.turn_tokens_used(at, &fact, output),
            Fact::TurnProfiled(fact) => self.turn_profiled(*fact, output),
            Fact::TurnInterrupted(fact) => self.turn_interrupted(&fact),
            Fact::TurnErrorKind(fact) => self.turn_failed(&fact, output),
            Fact::SkillInvoked(fact) => self.skills_invoked(fact, output),
            Fact::AppMentioned(fact) => self.apps_mentioned(fact, output),
            Fact::AppUsed(fact) => self.app_used(fact, output),
            Fact::HookRun(fact) => self.hook_ran(fact, output),
            Fact::PluginUsed(fact) => self.plugin_used(*fact, output),
            Fact::PluginStateChanged(fact) => self.plugin_state_changed(fact, output),
            Fact::GoalChanged(fact) => self.goal_changed(*fact, output),
            Fact::ThreadArchived(fact) => self.thread_archived(fact, output),
            Fact::ThreadHinted(fact) => self.thread_hinted(fact, output),
            Fact::PluginInstallFailed(fact) => self.plugin_install_failed(*fact, output),
            Fact::PluginInstallRequested(fact) => self.plugin_install_requested(*fact, output),
            Fact::PluginMeasured(fact) => self.plugin_measured(*fact, output),
            Fact::ArtifactOperated(fact) => self.artifact_operated(*fact, output),
            Fact::GuardianV2Classified(fact) => self.guardian_v2_classified(*fact, output),
            Fact::GuardianV2Decided(fact) => self.guardian_v2_decided(*fact, output),
            Fact::AgentImportCompleted(fact) => self.agent_import_completed(*fact, output),
            Fact::AgentImportFailed(fact) => self.agent_import_failed(*fact, output),
            Fact::ModelResponded(fact) => self.model_responded(fact, output),
            Fact::CodeCall(fact) => self.code_called(fact),
            Fact::McpElicited(fact) => self.mcp_elicited(&fact, output),
            Fact::SourceOpened(fact) => self.source_opened(*fact, output),
            Fact::ThreadOpened(fact) => self.thread_found(*fact, output),
            Fact::TurnSteered(fact) => self.turn_steered(fact, output),
            Fact::DirectoriesNamed(fact) => self.directories_named(fact, output),
            Fact::RepositoryAnswered(fact) => self.repository_answered(&fact, output),
            Fact::WorktreeAnswered(fact) => self.worktree_answered(&fact, output),
            Fact::SkillAnswered(fact) => self.skill_answered(&fact, output),
        }
    }

    /// Ends the session. What still waits yields an event with what is known, or a discard that says
    /// what it waited for. Connections and threads stay.
    pub fn finish(&mut self, at: UnixMillis, output: &mut Output) {
        self.clock.see(at);
        self.advance(self.clock.elapsed, at, output);
        self.end(output);
    }

    pub(crate) fn end(&mut self, output: &mut Output) {
        self.release_threads(|_| true, output);
        self.finish_skills(output);
        self.release_calls(output);
        self.state.finish(output);
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.digest.scheme()
    }

    pub(crate) fn save(&self) -> SavedState {
        self.state.save(&self.digest)
    }

    pub(crate) fn load(digest: D, limits: Limits, saved: SavedState) -> Self {
        Self { digest, limits, clock: Clock::default(), state: State::load(&limits, saved), asks_worktrees: false }
    }

    pub(crate) fn threads(&self) -> impl Iterator<Item = &crate::id::Id> {
        self.state.threads.iter().map(|(_, id, _)| id)
    }

    pub(crate) fn first_due(&self) -> Elapsed {
        self.state.first_due()
    }

    /// Moves to `now`, when the host's clock shows `at`, and drops what was idle for too long.
    pub(crate) fn advance(&mut self, now: Elapsed, at: UnixMillis, output: &mut Output) {
        if self.state.advance(now, at) {
            self.expire(output);
        }
    }

    #[inline(never)]
    fn expire(&mut self, output: &mut Output) {
        for parked in self.state.expire(output) {
            self.emit_skill(parked, None, output);
        }
    }
}
