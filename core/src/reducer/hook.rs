//! `codex_hook_run` (`docs/contract/events.md`, `docs/contract/rules.md` 9.5).

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::event::Event;
use crate::event::hook::{
    HookExecutionMode, HookHandlerType, HookManner, HookName, HookProduct, HookRunEvent, HookSource, HookStatus,
};
use crate::fact::hook::HookRun;
use crate::output::Output;
use crate::protocol::enums;

impl<D: Digest> Reducer<D> {
    pub(super) fn hook_ran(&self, fact: HookRun, output: &mut Output) {
        let dialect = self.state.dialect(&fact.tracking.thread_id);
        let product = dialect.members(|| HookProduct { product_client_id: self.state.product_of(&fact.tracking) });
        output.events.push(Event::HookRun(Box::new(HookRunEvent {
            thread_id: fact.tracking.thread_id,
            turn_id: fact.tracking.turn_id,
            product,
            model_slug: fact.tracking.model_slug,
            hook_name: name(fact.event_name),
            hook_source: source(fact.hook_source),
            manner: dialect.members(|| HookManner {
                handler_type: fact.handler_type.and_then(handler_type),
                execution_mode: fact.execution_mode.and_then(execution_mode),
            }),
            status: match fact.status {
                enums::HookRunStatus::Completed => Some(HookStatus::Completed),
                enums::HookRunStatus::Failed | enums::HookRunStatus::Running => Some(HookStatus::Failed),
                enums::HookRunStatus::Blocked => Some(HookStatus::Blocked),
                enums::HookRunStatus::Stopped => Some(HookStatus::Stopped),
                enums::HookRunStatus::Unknown => None,
            },
        })));
    }
}

fn handler_type(wire: enums::HookHandlerType) -> Option<HookHandlerType> {
    match wire {
        enums::HookHandlerType::Command => Some(HookHandlerType::Command),
        enums::HookHandlerType::Prompt => Some(HookHandlerType::Prompt),
        enums::HookHandlerType::Agent => Some(HookHandlerType::Agent),
        enums::HookHandlerType::Unknown => None,
    }
}

fn execution_mode(wire: enums::HookExecutionMode) -> Option<HookExecutionMode> {
    match wire {
        enums::HookExecutionMode::Sync => Some(HookExecutionMode::Sync),
        enums::HookExecutionMode::Async => Some(HookExecutionMode::Async),
        enums::HookExecutionMode::Unknown => None,
    }
}

fn name(event_name: enums::HookEventName) -> HookName {
    use enums::HookEventName as Wire;
    match event_name {
        Wire::PreToolUse => HookName::PreToolUse,
        Wire::PermissionRequest => HookName::PermissionRequest,
        Wire::PostToolUse => HookName::PostToolUse,
        Wire::PreCompact => HookName::PreCompact,
        Wire::PostCompact => HookName::PostCompact,
        Wire::SessionStart => HookName::SessionStart,
        Wire::SessionEnd => HookName::SessionEnd,
        Wire::PreModelRequest => HookName::PreModelRequest,
        Wire::PostModelRequest => HookName::PostModelRequest,
        Wire::UserPromptSubmit => HookName::UserPromptSubmit,
        Wire::SubagentStart => HookName::SubagentStart,
        Wire::SubagentStop => HookName::SubagentStop,
        Wire::Stop => HookName::Stop,
        Wire::Interrupt => HookName::Interrupt,
        Wire::Unknown => HookName::Unknown,
    }
}

fn source(source: enums::HookSource) -> HookSource {
    use enums::HookSource as Wire;
    match source {
        Wire::System => HookSource::System,
        Wire::User => HookSource::User,
        Wire::Project => HookSource::Project,
        Wire::Mdm => HookSource::Mdm,
        Wire::SessionFlags => HookSource::SessionFlags,
        Wire::Plugin => HookSource::Plugin,
        Wire::CloudRequirements => HookSource::CloudRequirements,
        Wire::CloudManagedConfig => HookSource::CloudManagedConfig,
        Wire::LegacyManagedConfigFile => HookSource::LegacyManagedConfigFile,
        Wire::LegacyManagedConfigMdm => HookSource::LegacyManagedConfigMdm,
        Wire::Unknown => HookSource::Unknown,
    }
}
