//! `codex_app_mentioned` and `codex_app_used` (`docs/contract/events.md`).

use super::Versioned;
use super::common::{InvocationType, event_groups, event_structs};
use super::tool::ElicitationType;
use crate::id::Id;

event_structs! {
    /// The user named an app, or a tool of one was called.
    #[non_exhaustive]
    AppEvent {
        /// The app's connector.
        /// Null when it is unknown, as of a call seen in traffic without its review. Source: the fact's `connector_id`.
        connector_id: Option<Id>,
        /// The thread. Source: `tracking.thread_id`.
        thread_id: Id,
        /// The turn; empty when it is unknown. Source: `tracking.turn_id`.
        turn_id: Id,
        /// The app's name. Null when the app is not listed. Source: the fact's `app_name`.
        app_name: Option<Id>,
        /// The originator: what started the server. Source: the first `initialize`.
        product_client_id: Id,
        /// Who asked for the app. Null when it is unknown. Source: the fact's `invocation_type`.
        invoke_type: Option<InvocationType>,
        /// The turn's model. Null when it is unknown. Source: `tracking.model_slug`.
        model_slug: Option<Id>,
        /// What the user was asked.
        #[serde(flatten)]
        elicitation: Versioned<AppElicitation>,
    }
}

event_groups! {
    /// What the user was asked in the course of an app's call; only of apps that were used (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    AppElicitation {
        /// The voice session of the turn. Null without one, and from traffic. Source: a host's own fact.
        voice_session_id: Option<Id>,
        /// What the user was asked. Null when nothing was, and from traffic. Source: the fact's `elicitation_type`.
        elicitation_type: Option<ElicitationType>,
    }
}
