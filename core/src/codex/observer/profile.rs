//! What a turn's time went into, as far as messages show it (0.169 and later).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Observer, Step};
use crate::fact::Fact;
use crate::fact::turn::{MultiAgentVersion, TurnInterrupted, TurnProfile, TurnProfiled, TurnResolvedConfig};
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::TextKey;
use crate::protocol::enums::{ContentKind, ServiceTier};
use crate::protocol::item::{Item, SandboxBackend};
use crate::protocol::notification::{ItemCompleted, ItemContext};
use crate::protocol::turn::TurnStartParams;
use crate::time::to_u64;

/// Whether the model is shown an image by it.
fn shows_images(item: &Item) -> bool {
    match item {
        Item::ImageGeneration(_) => true,
        Item::ControlToolCall(call) => &*call.tool == "view_image",
        Item::DynamicToolCall(call) => {
            call.content_items.iter().flatten().any(|content| content.kind == ContentKind::InputImage)
        }
        _ => false,
    }
}

/// What a turn's time goes into.
#[derive(Clone, Copy, Debug, Default, Write, Read)]
#[serde(default)]
pub(super) struct Times {
    tools: Span,
    compactions: Span,
    /// Requests to the model that said what they used.
    requests: u64,
    retries: u64,
}

/// What a `turn/start` says of its turn that only 0.169 and later report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[serde(default)]
pub(super) struct TurnRequest {
    pub(super) trigger: Option<Id>,
    pub(super) workspace_kind: Option<Id>,
    pub(super) used_dictation: Option<bool>,
    pub(super) service_tier: Option<ServiceTier>,
    /// By the hash of their ids.
    pub(super) disabled_plugins: Vec<TextKey>,
}

impl TurnRequest {
    /// `None` if it says nothing.
    pub(super) fn new(params: &TurnStartParams) -> Option<Box<Self>> {
        let client = params.responsesapi_client_metadata.clone().unwrap_or_default();
        let request = Self {
            trigger: params.turn_trigger.clone(),
            workspace_kind: client.workspace_kind,
            used_dictation: client.codex_app_used_dictation.filter(|used| *used),
            service_tier: params.service_tier_for_turn,
            disabled_plugins: params.disabled_plugin_ids.iter().flatten().map(|id| TextKey::of(id)).collect(),
        };
        (request != Self::default()).then(|| Box::new(request))
    }
}

/// The time in which at least one of several things was open.
#[derive(Clone, Copy, Debug, Default, Write, Read)]
#[serde(default)]
struct Span {
    open: u64,
    /// When the first of the open ones began, in Unix milliseconds.
    since: u64,
    total_ms: u64,
}

impl Span {
    fn begin(&mut self, at: u64) {
        if self.open == 0 {
            self.since = at;
        }
        self.open += 1;
    }

    fn end(&mut self, at: u64) {
        match self.open {
            0 => {}
            1 => self.close(at),
            _ => self.open -= 1,
        }
    }

    fn close(&mut self, at: u64) {
        if core::mem::take(&mut self.open) > 0 {
            self.total_ms += at.saturating_sub(self.since);
        }
    }
}

impl Times {
    pub(super) fn used_tokens(&mut self) {
        self.requests += 1;
    }

    pub(super) fn retries(&mut self) {
        self.retries += 1;
    }

    fn begin(&mut self, item: &Item, at: i64) {
        if let Some((span, at)) = self.span(item).zip(to_u64(at)) {
            span.begin(at);
        }
    }

    fn end(&mut self, item: &Item, at: i64) {
        if let Some((span, at)) = self.span(item).zip(to_u64(at)) {
            span.end(at);
        }
    }

    fn span(&mut self, item: &Item) -> Option<&mut Span> {
        match item {
            Item::ContextCompaction(_) => Some(&mut self.compactions),
            item => item.tool_id().map(|_| &mut self.tools),
        }
    }

    /// The profile of a turn that ended; what was open ends with it.
    fn profile(mut self, at: u64) -> TurnProfile {
        self.tools.close(at);
        self.compactions.close(at);
        TurnProfile {
            compaction_ms: Some(self.compactions.total_ms),
            tool_blocking_ms: Some(self.tools.total_ms),
            sampling_request_count: Some(self.requests),
            sampling_retry_count: Some(self.retries),
            ..TurnProfile::default()
        }
    }
}

impl Observer {
    /// A `turn/interrupt` succeeded.
    pub(super) fn turn_interrupted(&mut self, thread_id: Id, turn_id: Id, requested_at_ms: u64, step: &mut Step<'_>) {
        if self.state.dialect(&thread_id).reports_more() {
            step.fact(Fact::TurnInterrupted(TurnInterrupted { turn_id, thread_id, requested_at_ms }));
        } else {
            step.out.irrelevant = true;
        }
    }

    /// An item began.
    pub(super) fn began(&mut self, thread_id: &Id, turn_id: &Id, item: &Item, at: i64) {
        if self.state.reports_more
            && let Some(turn) = self.state.turn(thread_id, turn_id)
        {
            turn.times.begin(item, at);
            if let Item::McpToolCall(call) = item {
                turn.mcp_call_began(call.id.clone(), call.server.clone());
            }
        }
    }

    /// An item ended.
    pub(super) fn ended(&mut self, thread_id: &Id, turn_id: &Id, item: &Item, at: i64) {
        if self.state.reports_more
            && let Some(turn) = self.state.turn(thread_id, turn_id)
        {
            turn.times.end(item, at);
            turn.has_images |= shows_images(item);
            if let Item::McpToolCall(call) = item {
                turn.mcp_calls.retain(|(item_id, _)| *item_id != call.id);
            }
        }
    }

    /// The settings under which an item runs.
    pub(super) fn context_of_item(&mut self, thread_id: &Id, turn_id: &Id) -> Option<Box<ItemContext>> {
        if !self.state.reports_more || !self.state.dialect(thread_id).reports_more() {
            return None;
        }
        let settings = self.settings_of(thread_id, turn_id)?;
        let by_default = settings.model.as_ref().and_then(|model| self.state.models.get(model).copied());
        let turn = self.state.turn(thread_id, turn_id);
        let request = turn.and_then(|turn| turn.request.as_deref());
        Some(Box::new(ItemContext {
            model_slug: settings.model.clone(),
            reasoning_effort: settings.effort.or(by_default),
            turn_trigger: request.and_then(|request| request.trigger.clone()),
        }))
    }

    /// What confined a command that ended: nothing, if its turn has full access; what ran in a sandbox is not shown.
    pub(super) fn confine(&mut self, completed: &mut ItemCompleted) {
        let ItemCompleted { thread_id, turn_id, item: Item::CommandExecution(command), .. } = completed else { return };
        if !self.state.reports_more || !self.state.dialect(thread_id).reports_more() || command.exit_code.is_none() {
            return;
        }
        let has_full_access = self.settings_of(thread_id, turn_id).is_some_and(|settings| settings.has_full_access());
        command.sandbox_backend = has_full_access.then_some(SandboxBackend::None);
    }

    /// Adds to a turn's settings what only 0.169 and later report, and says what its time went into.
    pub(super) fn report_more(&mut self, config: &mut TurnResolvedConfig, step: &mut Step<'_>) {
        let thread_id = config.thread_id.clone();
        let dialect = self.state.dialect(&thread_id);
        if !dialect.reports_more() {
            return;
        }
        let has_agents_v2 = self.state.thread_or_new(&thread_id).has_agents_v2;
        let turn = self.state.turn(&thread_id, &config.turn_id);
        let (request, times, has_images) =
            turn.map(|turn| (turn.request.take(), turn.times, turn.has_images)).unwrap_or_default();
        let request = request.map(|request| *request).unwrap_or_default();
        let plugins = self.state.plugins.iter().filter(|(_, _, plugin)| plugin.usable).map(|(_, id, _)| id);
        let active = plugins.filter(|id| !request.disabled_plugins.contains(&TextKey::of(id)));
        config.active_plugin_ids_at_turn_start = Some(active.cloned().collect());
        config.turn_trigger = request.trigger;
        config.workspace_kind = request.workspace_kind;
        config.used_dictation = request.used_dictation;
        let of_turn = request.service_tier.filter(|_| dialect.has_tiers_of_turns());
        config.service_tier = of_turn.or(config.service_tier);
        config.multi_agent_version = Some(if has_agents_v2 { MultiAgentVersion::V2 } else { MultiAgentVersion::V1 });
        step.fact(Fact::TurnProfiled(Box::new(TurnProfiled {
            turn_id: config.turn_id.clone(),
            thread_id,
            profile: times.profile(step.at.0),
            critical_path: None,
            image_preparations: (config.num_input_images == 0 && !has_images).then(Vec::new),
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn overlapping_times_count_once() {
        let mut span = Span::default();
        span.begin(10);
        span.begin(12);
        span.end(20);
        span.end(25);
        span.end(90);
        span.begin(30);
        span.end(31);
        span.begin(40);
        span.begin(41);
        span.close(44);
        assert_eq!(span.total_ms, 20);
    }
}
