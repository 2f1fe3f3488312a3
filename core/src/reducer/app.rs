//! `codex_app_mentioned` and `codex_app_used` (`docs/contract/events.md`).

use alloc::boxed::Box;

use super::Reducer;
use crate::digest::Digest;
use crate::event::app::{AppElicitation, AppEvent};
use crate::event::{Event, Versioned};
use crate::fact::Tracking;
use crate::fact::app::{App, AppMentioned, AppUsed};
use crate::output::Output;

impl<D: Digest> Reducer<D> {
    pub(super) fn apps_mentioned(&mut self, fact: AppMentioned, output: &mut Output) {
        for app in fact.mentions {
            let event = self.app_event(&fact.tracking, app);
            output.events.push(Event::AppMentioned(Box::new(event)));
        }
    }

    pub(super) fn app_used(&mut self, fact: AppUsed, output: &mut Output) {
        let mut event = self.app_event(&fact.tracking, fact.app);
        let elicitation = AppElicitation { voice_session_id: None, elicitation_type: fact.elicitation_type };
        event.elicitation = self.state.dialect(&fact.tracking.thread_id).members(|| elicitation);
        output.events.push(Event::AppUsed(Box::new(event)));
    }

    fn app_event(&self, tracking: &Tracking, app: App) -> AppEvent {
        AppEvent {
            connector_id: app.connector_id,
            thread_id: tracking.thread_id.clone(),
            turn_id: tracking.turn_id.clone().unwrap_or_default(),
            app_name: app.app_name,
            product_client_id: self.state.product_of(tracking),
            invoke_type: app.invocation_type,
            model_slug: tracking.model_slug.clone(),
            elicitation: Versioned::ABSENT,
        }
    }
}
