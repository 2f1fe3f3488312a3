//! Turns: where they begin and end, their settings and their tokens.

use alloc::boxed::Box;

use super::line::{FileError, Settings, TaskEnded, TaskStarted, TokenCount, TurnContext, UserMessage};
use super::patch::Patches;
use super::{Rollout, Step};
use crate::codex::tokens::Tokens;
use crate::discard::{Ids, Reason, Subject};
use crate::event::turn::MultiAgentVersion;
use crate::fact::permission::PermissionProfile;
use crate::fact::steered::TurnSteered;
use crate::fact::turn::TurnResolvedConfig;
use crate::id::Id;
use crate::private::{HostPath, is_word};
use crate::protocol::enums::{
    ApprovalsReviewer, ModeKind, Personality, ReasoningEffort, ReasoningSummary, ServiceTier, TurnStatus,
};
use crate::protocol::notification::{Notification, TurnDiffUpdated, TurnNotification};
use crate::protocol::policy::{AskForApproval, SandboxPolicy};
use crate::time::UnixMillis;

/// A turn that has not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    pub(super) id: Id,
    root_turn_id: Option<Id>,
    pub(super) trigger: Option<Id>,
    pub(super) context: Option<Context>,
    pub(super) settings: Option<Settings>,
    images: u64,
    pub(super) user_messages: u64,
    /// Whether the model did anything.
    pub(super) worked: bool,
    pub(super) had_compaction: bool,
    tokens: Tokens,
    pub(super) patches: Patches,
}

/// The settings of a turn, as `turn_context` has them.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) model: Option<Id>,
    pub(super) effort: Option<ReasoningEffort>,
    cwd: Option<HostPath>,
    root_turn_id: Option<Id>,
    summary: Option<ReasoningSummary>,
    personality: Option<Personality>,
    approval_policy: Option<AskForApproval>,
    approvals_reviewer: Option<ApprovalsReviewer>,
    profile: Option<PermissionProfile>,
    network_access: Option<bool>,
    mode: Option<ModeKind>,
    agents: Option<MultiAgentVersion>,
}

impl From<TurnContext<'_>> for Context {
    fn from(read: TurnContext<'_>) -> Self {
        let (profile, agents) = (read.profile(), read.agents());
        let of_profile = match &profile {
            Some(PermissionProfile::Disabled) => Some(true),
            _ => None,
        };
        Self {
            network_access: read.sandbox_policy.and_then(SandboxPolicy::network_access).or(of_profile),
            model: read.model,
            effort: read.effort,
            cwd: read.cwd,
            root_turn_id: read.root_turn_id,
            summary: read.summary,
            personality: read.personality,
            approval_policy: read.approval_policy,
            approvals_reviewer: read.approvals_reviewer,
            profile,
            mode: read.collaboration_mode.map(|mode| mode.mode),
            agents,
        }
    }
}

/// How a turn ended.
struct Ended<'e> {
    status: TurnStatus,
    error: Option<&'e FileError<'e>>,
    completed_at: Option<i64>,
    duration_ms: Option<i64>,
}

impl Turn {
    /// Whether the turn is past what precedes its first model request.
    pub(super) fn is_underway(&self) -> bool {
        self.user_messages > 0 || self.worked
    }
}

fn seconds(at: UnixMillis) -> i64 {
    i64::try_from(at.as_secs()).unwrap_or(i64::MAX)
}

impl Rollout {
    /// `task_started`
    pub(super) fn task_started(&mut self, started: TaskStarted, step: &mut Step<'_>) {
        let Some(id) = started.turn_id else {
            step.out.irrelevant = true;
            return;
        };
        self.has_turn_ids = true;
        // A turn that is still open was cut off.
        self.turn = None;
        let trigger = started.turn_attribution.and_then(|attribution| attribution.turn_trigger);
        let turn = Turn {
            id,
            root_turn_id: started.root_turn_id,
            trigger: trigger.filter(|trigger| is_word(trigger)),
            settings: self.settings.clone(),
            ..Turn::default()
        };
        self.begin(turn, started.started_at.unwrap_or_else(|| seconds(self.at)), step);
    }

    fn begin(&mut self, turn: Turn, started_at: i64, step: &mut Step<'_>) {
        let notified = crate::protocol::turn::Turn {
            id: turn.id.clone(),
            root_turn_id: turn.root_turn_id.clone(),
            status: TurnStatus::InProgress,
            started_at: Some(started_at).filter(|_| !self.is_bare()),
            ..Default::default()
        };
        self.turn = Some(turn);
        let started = TurnNotification { thread_id: self.thread(), turn: notified };
        step.notification(Notification::TurnStarted(Box::new(started)));
    }

    pub(super) fn is_bare(&self) -> bool {
        self.meta.as_ref().is_some_and(|meta| meta.is_bare)
    }

    /// `turn_context`: the last one before the turn's work counts.
    pub(super) fn turn_context(&mut self, read: TurnContext<'_>, step: &mut Step<'_>) {
        let turn_id = read.turn_id.clone();
        let context = Context::from(read);
        let is_of = |turn: &Turn| turn_id.as_ref().is_none_or(|id| *id == turn.id);
        match self.turn.as_mut().filter(|turn| is_of(turn)) {
            Some(turn) if turn.context.is_none() || !turn.worked => turn.context = Some(context),
            Some(_) => {}
            None => self.context = turn_id.is_none().then_some(context),
        }
        self.open(step);
    }

    /// `user_message`. In a turn with an id, each but the first steers it. Without ids, each begins a turn.
    pub(super) fn user_message(&mut self, message: &UserMessage, before: UnixMillis, step: &mut Step<'_>) {
        if self.meta.as_ref().is_some_and(|meta| meta.is_paginated) {
            step.out.irrelevant = true;
            return;
        }
        if !self.has_turn_ids {
            self.begin_without_id(before, step);
        }
        self.user_wrote(message.images(), step);
    }

    /// A user message begins a turn; the one before it ended at `before`. Its id is ours: the thread's, and its number.
    pub(super) fn begin_without_id(&mut self, before: UnixMillis, step: &mut Step<'_>) {
        self.end_of_turn_without_id(before, step);
        self.turns += 1;
        let id = alloc::format!("{}:{}", self.thread(), self.turns);
        let turn = Turn { id: id.into(), context: self.context.take(), ..Turn::default() };
        self.begin(turn, seconds(self.at), step);
    }

    /// Ends a turn of which no line says how it ended.
    pub(super) fn end_of_turn_without_id(&mut self, at: UnixMillis, step: &mut Step<'_>) {
        if self.turn.is_some() {
            let completed_at = Some(seconds(at)).filter(|_| !self.is_bare());
            let ended = Ended { status: TurnStatus::Unknown, error: None, completed_at, duration_ms: None };
            self.end_turn(&ended, step);
        }
    }

    pub(super) fn user_wrote(&mut self, images: u64, step: &mut Step<'_>) {
        self.settle_compaction(false, step);
        let thread_id = self.thread();
        let Some(turn) = &mut self.turn else { return };
        turn.user_messages += 1;
        if turn.user_messages == 1 {
            turn.images = images;
            return;
        }
        let turn_id = turn.id.clone();
        self.open(step);
        let created_at = self.at.as_secs();
        step.fact(TurnSteered { turn_id, thread_id, num_input_images: images, created_at });
    }

    /// The model did something.
    pub(super) fn worked(&mut self, step: &mut Step<'_>) {
        self.settle_compaction(false, step);
        if let Some(turn) = &mut self.turn {
            turn.worked = true;
        }
    }

    /// `token_count`: the session's total, repeated as often as not.
    pub(super) fn token_count(&mut self, count: &TokenCount) {
        let Some(info) = &count.info else { return };
        let (total, last) = (info.total_token_usage.into(), info.last_token_usage.into());
        let was_counted = self.total.is_some();
        let before = self.total.replace(total).filter(|before| !before.starts_again(total, last));
        self.context_tokens = Some(last.total_tokens);
        // What a file that goes on from another one says before the model did anything in it was used in that one.
        let is_first = !was_counted && self.meta.as_ref().is_some_and(|meta| meta.goes_on);
        if let Some(turn) = self.turn.as_mut().filter(|turn| !is_first || turn.worked) {
            turn.tokens.update(before, total, last);
        }
        self.context_counted(last.total_tokens);
    }

    /// `task_complete`
    pub(super) fn task_complete(&mut self, ended: &TaskEnded<'_>, step: &mut Step<'_>) {
        let tells = self.meta.as_ref().is_some_and(|meta| meta.dialect.files_tell_failures());
        let status = if ended.error.is_some() {
            TurnStatus::Failed
        } else if tells || ended.last_agent_message.0 {
            TurnStatus::Completed
        } else {
            // Without a last message, it may have failed.
            TurnStatus::Unknown
        };
        self.task_ended(ended, status, step);
    }

    /// `turn_aborted`
    pub(super) fn turn_aborted(&mut self, ended: &TaskEnded<'_>, step: &mut Step<'_>) {
        self.task_ended(ended, TurnStatus::Interrupted, step);
    }

    fn task_ended(&mut self, ended: &TaskEnded<'_>, status: TurnStatus, step: &mut Step<'_>) {
        let is_of = |turn: &Turn| ended.turn_id.as_ref().is_none_or(|id| *id == turn.id);
        if !self.turn.as_ref().is_some_and(is_of) {
            let ids = Ids { thread_id: Some(self.thread()), turn_id: ended.turn_id.clone(), ..Ids::default() };
            step.out.discards.push(self.discard(Subject::Turn, Reason::NeverStarted, ids));
            return;
        }
        let completed_at = Some(ended.completed_at.unwrap_or_else(|| seconds(self.at)));
        let (error, duration_ms) = (ended.error.as_ref(), ended.duration_ms);
        self.end_turn(&Ended { status, error, completed_at, duration_ms }, step);
    }

    fn end_turn(&mut self, ended: &Ended<'_>, step: &mut Step<'_>) {
        self.open(step);
        self.settle_compaction(true, step);
        if ended.error.is_some_and(FileError::is_of_compaction) {
            self.compaction_failed(step);
        }
        let thread_id = self.thread();
        let Some(mut turn) = self.turn.take() else { return };
        let turn_id = turn.id.clone();
        let patches = core::mem::take(&mut turn.patches);
        if patches.is_too_large {
            step.out.discards.push(self.discard(Subject::Diff, Reason::TooLarge, Ids::turn(&thread_id, &turn_id)));
        } else if let Some(diff) = patches.diff(self.folder(&turn)) {
            let (thread_id, turn_id) = (thread_id.clone(), turn_id.clone());
            step.notification(Notification::TurnDiffUpdated(TurnDiffUpdated { thread_id, turn_id, diff: diff.into() }));
        }
        self.resolve(&turn, ended.status, step);
        let notified = crate::protocol::turn::Turn {
            id: turn_id,
            root_turn_id: turn.root_turn_id,
            status: ended.status,
            error: ended.error.map(FileError::error),
            started_at: None,
            completed_at: ended.completed_at,
            duration_ms: ended.duration_ms,
        };
        let completed = TurnNotification { thread_id, turn: notified };
        step.notification(Notification::TurnCompleted(Box::new(completed)));
    }

    /// The working directory of a turn.
    fn folder<'r>(&'r self, turn: &'r Turn) -> Option<&'r str> {
        let of_turn = turn.context.as_ref().and_then(|context| context.cwd.as_ref());
        of_turn.or(self.meta.as_ref()?.cwd.as_ref()).map(HostPath::expose)
    }

    /// Tells a turn's settings and tokens, if it is one that the server reports: the model came to work.
    fn resolve(&mut self, turn: &Turn, status: TurnStatus, step: &mut Step<'_>) {
        let Some(meta) = &self.meta else { return };
        let was_asked = turn.context.is_some() || !self.has_turn_ids;
        let is_compaction = turn.had_compaction && !turn.is_underway();
        let is_reported = !meta.is_review && (meta.dialect.reports_turns_of_nobody() || !meta.is_subagent);
        if !was_asked || is_compaction || !is_reported {
            return;
        }
        let dialect = meta.dialect;
        let is_first_turn = !self.has_reported_turn && !(meta.is_fork && (dialect.reports_more() || !meta.is_subagent));
        // Files that count at all count every turn.
        if status != TurnStatus::Interrupted && (self.has_turn_ids || self.total.is_some()) {
            let used = turn.tokens.used(meta.id.clone(), turn.id.clone(), dialect.reports_more());
            step.fact(used);
        }
        let config = self.config(turn, is_first_turn);
        self.has_reported_turn = true;
        self.last_model.clone_from(&config.model);
        step.fact(config);
    }

    fn config(&self, turn: &Turn, is_first_turn: bool) -> TurnResolvedConfig {
        let context = turn.context.as_ref();
        let tells_style = self.meta.as_ref().is_some_and(|meta| meta.dialect.files_tell_style());
        let style = context.filter(|_| tells_style);
        let settings = turn.settings.as_ref().or(self.settings.as_ref());
        let of_settings = |choose: fn(&Settings) -> Option<Id>| settings.and_then(choose);
        let provider = of_settings(|settings| settings.model_provider_id.clone())
            .or_else(|| self.meta.as_ref().and_then(|meta| meta.model_provider.clone()));
        TurnResolvedConfig {
            turn_id: turn.id.clone(),
            thread_id: self.thread(),
            num_input_images: turn.images,
            model: context.and_then(|context| context.model.clone()),
            model_provider: provider.unwrap_or_default(),
            permission_profile: context.and_then(|context| context.profile.clone()),
            reasoning_effort: context.and_then(|context| context.effort),
            reasoning_summary: match settings {
                Some(settings) => settings.reasoning_summary,
                None => style.and_then(|context| context.summary),
            },
            // A thread's settings leave out what is not set.
            service_tier: settings.map(|settings| settings.service_tier.unwrap_or(ServiceTier::Other)),
            approval_policy: context.and_then(|context| context.approval_policy).unwrap_or(AskForApproval::Unknown),
            approvals_reviewer: context
                .and_then(|context| context.approvals_reviewer)
                .unwrap_or(ApprovalsReviewer::Unknown),
            sandbox_network_access: context.and_then(|context| context.network_access).unwrap_or(false),
            collaboration_mode: context.and_then(|context| context.mode).unwrap_or(ModeKind::Unknown),
            personality: match settings {
                Some(settings) => settings.personality,
                None => style.and_then(|context| context.personality),
            },
            is_first_turn,
            turn_trigger: turn.trigger.clone(),
            root_turn_id: context.and_then(|context| context.root_turn_id.clone()),
            multi_agent_version: context.and_then(|context| context.agents),
            ..TurnResolvedConfig::default()
        }
    }
}
