//! Facts for ledgers.

use serde_json::json;
use turnledger_core::Fact;

/// A fact that is an event by itself: a hook that ran in a thread.
///
/// # Panics
///
/// If the form of facts has changed.
pub fn hook(thread: &str) -> Fact {
    let tracking = json!({ "model_slug": "m", "thread_id": thread, "turn_id": "t" });
    let hook = json!({ "tracking": tracking, "event_name": "stop", "hook_source": "user", "status": "completed" });
    serde_json::from_value(json!({ "hook_run": hook })).expect("a fact")
}
