//! `codex_app_mentioned` and `codex_app_used` (contract `events.md` 11).

use super::common::{InvocationType, event_structs};
use crate::id::Id;

event_structs! {
    /// The user named an app, or a tool of one was called.
    AppEvent {
        connector_id: Option<Id>,
        thread_id: Id,
        turn_id: Id,
        app_name: Option<Id>,
        product_client_id: Id,
        invoke_type: Option<InvocationType>,
        model_slug: Option<Id>,
    }
}
