//! What clients list, install and turn on or off, in what is said of later turns (contract `derived.md` 8, 10).

#![allow(clippy::needless_pass_by_value, reason = "`json!` values read best where they are used")]

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::Direction::{ClientToServer, ServerToClient};
use turnledger_core::{Direction, Output, Pipeline, UnixMillis};
use turnledger_tests::golden::{pipeline, types, values};

struct Session {
    pipeline: Pipeline<Sha2>,
    requests: u64,
}

impl Session {
    fn new() -> Self {
        let mut session = Self { pipeline: pipeline(Sha2::default()), requests: 0 };
        session.call(
            "initialize",
            json!({ "clientInfo": { "name": "e", "version": "1" } }),
            json!({ "userAgent": "e/0.131.0" }),
        );
        session
    }

    fn observe(&mut self, direction: Direction, message: Value) -> Vec<Value> {
        let mut output = Output::default();
        self.pipeline.observe(UnixMillis(1), 1, direction, message.to_string().as_bytes(), &mut output);
        values(&output.events)
    }

    /// The events of a request and its response.
    fn call(&mut self, method: &str, params: Value, result: Value) -> Vec<Value> {
        let id = self.requests;
        self.requests += 1;
        let mut events = self.observe(ClientToServer, json!({ "id": id, "method": method, "params": params }));
        events.extend(self.observe(ServerToClient, json!({ "id": id, "result": result })));
        events
    }

    /// The events of a turn that names something.
    fn turn(&mut self, id: &str, path: &str) -> Vec<Value> {
        let input = json!([{ "type": "mention", "name": "n", "path": path }]);
        self.call(
            "turn/start",
            json!({ "threadId": "t", "input": input }),
            json!({ "turn": { "id": id, "status": "inProgress" } }),
        )
    }
}

#[test]
fn a_plugin_that_is_off_is_not_used_whether_it_was_listed_or_not() {
    let mut session = Session::new();
    let path = "plugin://linear@acme";
    assert_eq!(types(&session.turn("1", path)), ["codex_plugin_used"]);
    let key = "plugins.linear@acme.enabled";
    let off = session.call("config/value/write", json!({ "keyPath": key, "value": false }), json!({}));
    assert_eq!(types(&off), ["codex_plugin_disabled"]);
    assert_eq!(session.turn("2", path), [] as [Value; 0]);
    let on = session.call("config/value/write", json!({ "keyPath": key, "value": true }), json!({}));
    assert_eq!(types(&on), ["codex_plugin_enabled"]);
    assert_eq!(types(&session.turn("3", path)), ["codex_plugin_used"]);
    let gone = session.call("plugin/uninstall", json!({ "pluginId": "linear@acme" }), json!({}));
    assert_eq!(types(&gone), ["codex_plugin_uninstalled"]);
    assert_eq!(session.turn("4", path), [] as [Value; 0]);
}

#[test]
fn a_review_without_an_apps_name_leaves_the_listed_one() {
    let mut session = Session::new();
    session.call("app/list", json!({}), json!({ "data": [{ "id": "calendar", "name": "Calendar" }] }));
    let action = json!({ "type": "mcpToolCall", "server": "codex_apps", "toolName": "l", "connectorId": "calendar", "connectorName": null });
    let review = json!({ "threadId": "t", "turnId": "1", "reviewId": "r", "targetItemId": "i", "startedAtMs": 1,
        "completedAtMs": 2, "action": action, "review": { "status": "approved" } });
    session.observe(ServerToClient, json!({ "method": "item/autoApprovalReview/completed", "params": review }));
    let item = json!({ "type": "mcpToolCall", "id": "i", "server": "codex_apps", "tool": "l", "status": "inProgress" });
    let started = json!({ "threadId": "t", "turnId": "1", "startedAtMs": 3, "item": item });
    let used = session.observe(ServerToClient, json!({ "method": "item/started", "params": started }));
    let expected = json!({ "connector_id": "calendar", "thread_id": "t", "turn_id": "1", "app_name": "Calendar",
        "product_client_id": "e", "invoke_type": "implicit", "model_slug": null });
    assert_eq!(used, [json!({ "event_type": "codex_app_used", "event_params": expected })]);
    let mentioned = session.turn("2", "app://calendar");
    assert_eq!(mentioned[0]["event_params"]["app_name"], "Calendar");
}
