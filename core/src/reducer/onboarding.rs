//! Events of the process: imports from other agents, and what plugins make and measure (`docs/contract/rules.md` 9.6).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::artifact::ArtifactOperationEvent;
use crate::event::measurement::{Measurement, PluginMeasurementEvent, is_word};
use crate::event::onboarding::{AgentImport, AgentImportCompletedEvent, AgentImportFailedEvent, ImportProvider};
use crate::fact::artifact::ArtifactOperated;
use crate::fact::onboarding::{AgentImportCompleted, AgentImportFailed};
use crate::fact::plugin::PluginMeasured;
use crate::output::Output;

/// The most numbers that a plugin may measure at once.
const MAX_ROWS: usize = 100;

impl<D: Digest> Reducer<D> {
    pub(super) fn agent_import_completed(&self, fact: AgentImportCompleted, output: &mut Output) {
        let AgentImportCompleted { import, success_count, failed_count } = fact;
        let AgentImport { import_id, source, provider_id, r#type } = import;
        let event = AgentImportCompletedEvent {
            import_id,
            source,
            provider: self.state.latest_dialect().members(|| ImportProvider { provider_id }),
            r#type,
            success_count,
            failed_count,
            product_client_id: self.state.product_client_id(),
        };
        output.events.push(Event::AgentImportCompleted(Box::new(event)));
    }

    pub(super) fn agent_import_failed(&self, fact: AgentImportFailed, output: &mut Output) {
        let AgentImportFailed { import, failure } = fact;
        let AgentImport { import_id, source, provider_id, r#type } = import;
        let event = AgentImportFailedEvent {
            import_id,
            source,
            provider: self.state.latest_dialect().members(|| ImportProvider { provider_id }),
            r#type,
            failure,
            product_client_id: self.state.product_client_id(),
        };
        output.events.push(Event::AgentImportFailed(Box::new(event)));
    }

    pub(super) fn artifact_operated(&self, fact: ArtifactOperated, output: &mut Output) {
        let product_client_id = self.state.product_of(&fact.tracking);
        output.events.push(Event::ArtifactOperation(Box::new(ArtifactOperationEvent {
            thread_id: fact.tracking.thread_id,
            turn_id: fact.tracking.turn_id.unwrap_or_default(),
            item_id: fact.item_id,
            lifecycle: fact.lifecycle,
            occurred_at_ms: fact.occurred_at_ms,
            product_client_id,
            runtime: self.state.runtime.clone().unwrap_or_default(),
            model_slug: fact.tracking.model_slug,
            plugin_id: fact.plugin_id,
            script_path: None,
            operation: fact.operation,
        })));
    }

    /// A batch that breaks the rules of measurements is discarded, and so is a row that does.
    pub(super) fn plugin_measured(&self, fact: PluginMeasured, output: &mut Output) {
        let PluginMeasured { call, rows } = fact;
        let ids = || Ids::item(&call.thread_id, &call.turn_id, &call.item_id);
        if rows.is_empty() || rows.len() > MAX_ROWS || !is_word(&call.operation) {
            output.discard(self.state.at, Subject::Plugin, Reason::WrongShape, ids());
            return;
        }
        let (valid, invalid): (Vec<_>, Vec<_>) = rows.into_iter().partition(Measurement::is_valid);
        for _ in invalid {
            output.discard(self.state.at, Subject::Plugin, Reason::WrongShape, ids());
        }
        output.events.extend(valid.into_iter().map(|mut measurement| {
            measurement.dimensions.take_if(|dimensions| dimensions.is_empty());
            Event::PluginMeasurement(Box::new(PluginMeasurementEvent { call: call.clone(), measurement }))
        }));
    }
}
