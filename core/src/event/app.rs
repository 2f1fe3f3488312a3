//! `codex_app_mentioned` and `codex_app_used` (`docs/contract/events.md`).

use super::common::{InvocationType, event_structs};
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
    }
}
