//! What the scripted app-server for embedders' tests says is what the protocol of the real binaries allows.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};
use turnledger_core::Direction::ClientToServer;
use turnledger_testing::{AppServer, Message};
use turnledger_tests::golden::VERSIONS;
use turnledger_tests::protocol::{methods, schema};

/// A message of each kind.
fn session(version: &str) -> Vec<Message> {
    let server = AppServer::new(version);
    let thread = server.start_thread();
    let turn = thread.start_turn("Make the tests pass");
    turn.command_execution("cargo test").fail(101);
    turn.command_execution("cargo build").request_approval().accept_for_session().complete();
    turn.command_execution("rm -rf /").request_approval().decline();
    turn.steer("And the lints");
    for (before, after) in [("", "a\n"), ("a\n", "b\n"), ("b\n", "")] {
        turn.file_change("src/lib.rs", before, after).request_approval().accept().complete();
    }
    turn.file_change("src/main.rs", "a", "b").request_approval().decline();
    turn.file_change("src/main.rs", "a", "b").fail();
    turn.mcp_tool_call("docs", "lookup").complete();
    turn.mcp_tool_call("docs", "lookup").fail();
    turn.complete();
    thread.compact();
    for failure in ["usageLimitExceeded", "responseStreamDisconnected"] {
        thread.start_turn("Go on").fail(failure);
    }
    let turn = thread.start_turn("Go on");
    let asked = turn.command_execution("sleep 9").request_approval();
    turn.interrupt();
    drop(asked);
    server.take_steps().into_iter().flat_map(|step| step.messages).collect()
}

/// Checks messages against a version's schema.
struct Protocol {
    schema: Value,
    validators: BTreeMap<String, Validator>,
    /// Where the results of methods are defined.
    results: BTreeMap<String, String>,
}

impl Protocol {
    fn new(version: &str) -> Self {
        let schema = schema(version);
        let methods = methods(&schema);
        let asked = methods.client_requests.into_iter().chain(methods.server_requests);
        let results = asked.filter_map(|method| Some((method.name, method.result?))).collect();
        Self { schema, validators: BTreeMap::new(), results }
    }

    fn check(&mut self, place: &str, value: &Value) {
        let validator = self.validators.entry(place.to_owned()).or_insert_with(|| {
            let schema = json!({
                "$schema": "http://json-schema.org/draft-07/schema#",
                "definitions": self.schema["definitions"],
                "allOf": [{ "$ref": format!("#/{place}") }],
            });
            jsonschema::validator_for(&schema).expect("a schema")
        });
        let problems: Vec<_> = validator.iter_errors(value).map(|problem| problem.to_string()).collect();
        assert_eq!(problems, [""; 0], "{place}: {value}");
    }
}

#[test]
fn a_scripted_session_keeps_to_the_protocol() {
    for version in VERSIONS {
        let mut protocol = Protocol::new(version);
        let mut seen = BTreeSet::new();
        let mut asked = BTreeMap::new();
        for Message { direction, text, .. } in session(version) {
            let message: Value = serde_json::from_str(&text).expect("JSON");
            let is_clients = direction == ClientToServer;
            match (message["method"].as_str(), message.get("id")) {
                (Some(method), id) => {
                    let kind = match (is_clients, id) {
                        (true, Some(_)) => "ClientRequest",
                        (true, None) => "ClientNotification",
                        (false, Some(_)) => "ServerRequest",
                        (false, None) => "ServerNotification",
                    };
                    protocol.check(&format!("definitions/{kind}"), &message);
                    seen.insert(method.to_owned());
                    if let Some(id) = id {
                        asked.insert((is_clients, id.to_string()), method.to_owned());
                    }
                }
                (None, id) => {
                    let id = id.expect("an id").to_string();
                    let method = asked.remove(&(!is_clients, id)).expect("an answer to a request");
                    let place = protocol.results[&method].clone();
                    protocol.check(&place, &message["result"]);
                }
            }
        }
        // Nobody answered it.
        assert_eq!(asked.into_values().collect::<Vec<_>>(), ["item/commandExecution/requestApproval"]);
        assert_eq!(
            seen.iter().map(String::as_str).collect::<Vec<_>>(),
            [
                "account/read",
                "error",
                "initialize",
                "initialized",
                "item/commandExecution/requestApproval",
                "item/completed",
                "item/fileChange/requestApproval",
                "item/started",
                "serverRequest/resolved",
                "thread/compact/start",
                "thread/start",
                "thread/started",
                "thread/tokenUsage/updated",
                "turn/completed",
                "turn/diff/updated",
                "turn/interrupt",
                "turn/start",
                "turn/started",
                "turn/steer",
            ],
            "{version}"
        );
    }
}
