//! Several clients of one server: what each of them is shown counts once, and the first answer
//! counts, whoever gives it.

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::{Direction, Fact, Output, Pipeline, UnixMillis};
use turnledger_tests::golden::{
    Message, Recording, VERSIONS, feed, pipeline, reasons, recording, recordings, replay, values,
};
use turnledger_tests::server::{item, with};

/// The messages that the server sends to every client of a thread.
fn is_shared(message: &Value) -> bool {
    message.get("method").is_some() && message.get("id").is_none()
        || message["method"].as_str().is_some_and(|method| method.ends_with("/requestApproval"))
}

/// The session, with a second client that is shown everything that is not the first one's own, a little later. Its own
/// `initialize` may have come too early to be seen.
fn watched(recording: &Recording, is_introduced: bool) -> Vec<Message> {
    let mut messages = Vec::new();
    for message in recording.messages() {
        let second = Message { connection_id: 2.into(), at: UnixMillis(message.at.0 + 5), ..message.clone() };
        let value: Value = serde_json::from_str(&message.text).expect("a message");
        let initialises = value["method"] == "initialize" || value["result"].get("userAgent").is_some();
        let shared = message.direction == Direction::ServerToClient && is_shared(&value);
        messages.push(message);
        if shared || initialises && is_introduced {
            messages.push(second);
        }
    }
    messages
}

#[test]
fn a_second_client_changes_nothing() {
    for recording in VERSIONS.into_iter().flat_map(recordings) {
        let alone = replay(Sha2::default(), &recording.messages());
        for is_introduced in [true, false] {
            let watched = replay(Sha2::default(), &watched(&recording, is_introduced));
            assert_eq!(values(&watched.events), values(&alone.events), "{} {is_introduced}", recording.name);
        }
    }
}

/// Of one client nothing can be shown twice, and between turns nothing is open.
#[test]
fn one_client_between_turns_is_little_to_remember() {
    for version in VERSIONS {
        let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
        for message in recording(version, "plain_turn").messages() {
            feed(&mut session, &message, &mut output);
        }
        let snapshot: Value = serde_json::from_str(&session.snapshot()).expect("a snapshot is JSON");
        let threads = snapshot["observer"]["threads"].as_array().expect("a list of threads");
        let open: Vec<_> = threads.iter().map(|thread| &thread[2]["open"]).collect();
        assert_eq!((&snapshot["observer"]["shown"], open), (&json!([]), vec![&Value::Null]), "{version}");
    }
}

struct Server {
    pipeline: Pipeline<Sha2>,
    output: Output,
    at: u64,
}

impl Server {
    fn empty() -> Self {
        Self { pipeline: pipeline(Sha2::default()), output: Output::default(), at: 1_000_000 }
    }

    /// A server with two clients and a thread `t` that the first one has opened and started turn `u` in.
    fn new() -> Self {
        let mut server = Self::empty();
        for client in [1, 2] {
            let name = format!("client-{client}");
            server.call(
                client,
                0,
                "initialize",
                json!({ "clientInfo": { "name": name, "version": "1" } }),
                json!({ "userAgent": "a/0.131.0 (L 1; x86_64)", "platformOs": "linux" }),
            );
        }
        server.call(1, 1, "thread/start", json!({}), json!({ "thread": { "id": "t", "createdAt": 5 }, "model": "m" }));
        server.call(1, 2, "turn/start", json!({ "threadId": "t", "input": [] }), json!({ "turn": { "id": "u" } }));
        server.show(&[1, 2], "turn/started", json!({ "threadId": "t", "turn": { "id": "u", "status": "inProgress" } }));
        server.output.clear();
        server
    }

    fn send(&mut self, connection: u64, direction: Direction, message: &Value) {
        self.at += 10;
        let connection_id = connection.into();
        let message = Message { at: UnixMillis(self.at), connection_id, direction, text: message.to_string() };
        feed(&mut self.pipeline, &message, &mut self.output);
    }

    fn call(&mut self, client: u64, id: u64, method: &str, params: Value, result: Value) {
        self.send(client, Direction::ClientToServer, &json!({ "id": id, "method": method, "params": params }));
        self.send(client, Direction::ServerToClient, &json!({ "id": id, "result": result }));
    }

    fn show(&mut self, clients: &[u64], method: &str, params: Value) {
        for client in clients {
            self.send(*client, Direction::ServerToClient, &json!({ "method": method, "params": params }));
        }
    }

    fn ask(&mut self, client: u64, id: u64, item: &str, more: Value) {
        let mut params = json!({ "threadId": "t", "turnId": "u", "itemId": item, "startedAtMs": 1_000_000 });
        params.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let request = json!({ "id": id, "method": "item/commandExecution/requestApproval", "params": params });
        self.send(client, Direction::ServerToClient, &request);
    }

    fn answer(&mut self, client: u64, id: u64, decision: &str) {
        self.send(client, Direction::ClientToServer, &json!({ "id": id, "result": { "decision": decision } }));
    }

    /// The reviews that came out, as (review, client of the thread, status, network access asked for).
    fn reviews(&mut self) -> Vec<(String, String, String)> {
        let events = values(&self.output.events);
        self.output.events.clear();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let params = events.iter().map(|event| &event["event_params"]);
        params
            .map(|params| {
                (text(&params["review_id"]), text(&params["app_server_client"]["client_name"]), text(&params["status"]))
            })
            .collect()
    }
}

fn review(id: &str, status: &str) -> (String, String, String) {
    (format!("user:{id}"), "client-1".into(), status.into())
}

/// The third client's `initialize` was not seen.
#[test]
fn a_client_that_is_not_known_takes_no_thread() {
    let mut server = Server::new();
    let thread = json!({ "thread": { "id": "t", "createdAt": 5 }, "model": "m" });
    server.call(3, 1, "thread/resume", json!({ "threadId": "t" }), thread);
    let source = json!({ "subAgent": { "thread_spawn": { "parent_thread_id": "t", "depth": 1 } } });
    let agent = json!({ "id": "agent", "createdAt": 6, "source": source });
    server.show(&[1], "thread/started", json!({ "thread": agent }));
    server.ask(1, 7, "i", json!({}));
    server.answer(1, 7, "decline");
    assert_eq!(server.reviews(), [(String::new(), "client-1".into(), String::new()), review("7", "denied")]);
}

#[test]
fn the_first_answer_counts_whoever_gives_it() {
    let mut server = Server::new();
    server.ask(1, 7, "i", json!({}));
    server.ask(2, 7, "i", json!({}));
    server.answer(2, 7, "decline");
    assert_eq!(server.reviews(), [review("7", "denied")]);
    server.answer(1, 7, "accept");
    server.show(&[1, 2], "serverRequest/resolved", json!({ "threadId": "t", "requestId": 7 }));
    assert_eq!(server.reviews(), []);
    assert_eq!(reasons(&server.output), [(Subject::Review, Reason::UnknownRequest)], "the second answer");
}

#[test]
fn a_request_repeated_to_a_late_client_is_the_same_request() {
    let mut server = Server::new();
    server.ask(1, 7, "i", json!({ "additionalPermissions": { "network": { "enabled": true } } }));
    // A client that takes part in no experiment is not shown the permissions.
    server.ask(2, 7, "i", json!({}));
    server.answer(1, 7, "accept");
    let events = values(&server.output.events);
    assert_eq!(events[0]["event_params"]["trigger"], "network_policy_denial", "the first form counts");
    assert_eq!(server.reviews(), [review("7", "approved")]);
    server.ask(2, 7, "i", json!({}));
    server.answer(2, 7, "decline");
    assert_eq!(server.reviews(), [], "it was settled before");
}

#[test]
fn a_cancelled_request_is_an_aborted_review() {
    let mut server = Server::new();
    server.ask(1, 7, "i", json!({}));
    server.show(&[1, 2], "serverRequest/resolved", json!({ "threadId": "t", "requestId": 7 }));
    assert_eq!(server.reviews(), [review("7", "aborted")]);

    server.ask(1, 8, "i", json!({}));
    server.send(1, Direction::ClientToServer, &json!({ "id": 8, "error": { "code": -1, "message": "closed" } }));
    assert_eq!(server.reviews(), [review("8", "aborted")]);

    server.ask(1, 9, "i", json!({}));
    server.ask(1, 9, "another item", json!({}));
    assert_eq!(server.reviews(), [review("9", "aborted")], "another request with the same id supersedes it");
    server.answer(1, 9, "accept");
    assert_eq!(server.reviews(), [review("9", "approved")]);

    server.ask(1, 10, "i", json!({}));
    server.show(&[1, 2], "turn/completed", json!({ "threadId": "t", "turn": { "id": "u", "status": "interrupted" } }));
    assert_eq!(server.reviews(), [review("10", "aborted")], "the end of the turn clears it");
}

#[test]
fn an_answer_that_does_not_fit_settles_nothing() {
    let mut server = Server::new();
    server.ask(1, 7, "i", json!({}));
    server.answer(1, 7, "nonsense");
    server.show(&[1], "serverRequest/resolved", json!({ "threadId": "t", "requestId": 7 }));
    server.show(&[1], "turn/completed", json!({ "threadId": "t", "turn": { "id": "u", "status": "completed" } }));
    assert_eq!(server.reviews(), []);
    assert_eq!(reasons(&server.output), [(Subject::Review, Reason::UnfittingResult)]);
}

#[test]
fn responses_belong_to_the_connection_that_asked() {
    let mut server = Server::new();
    // The same id on two connections is two requests.
    let steer = |id: u64| json!({ "id": id, "method": "turn/steer", "params": { "threadId": "t", "expectedTurnId": "u", "input": [] } });
    server.send(1, Direction::ClientToServer, &steer(5));
    server.send(2, Direction::ClientToServer, &steer(5));
    server.send(
        2,
        Direction::ServerToClient,
        &json!({ "id": 5, "error": { "code": -32600, "message": "input must not be empty" } }),
    );
    server.send(1, Direction::ServerToClient, &json!({ "id": 5, "result": { "turnId": "u" } }));
    let steers: Vec<_> = values(&server.output.events)
        .iter()
        .map(|event| {
            let params = &event["event_params"];
            (
                params["app_server_client"]["client_name"].clone(),
                params["result"].clone(),
                params["rejection_reason"].clone(),
            )
        })
        .collect();
    assert_eq!(
        steers,
        [
            (json!("client-2"), json!("rejected"), json!("empty_input")),
            (json!("client-1"), json!("accepted"), Value::Null)
        ]
    );
}

/// Whichever client is shown something first: each thing counts once.
#[test]
fn what_the_second_client_is_shown_first_counts_as_well() {
    let mut server = Server::new();
    let shown = |id: &str| {
        let item = with(item("fileChange"), json!({ "id": id }));
        json!({ "threadId": "t", "turnId": "u", "startedAtMs": 1, "completedAtMs": 2, "item": item })
    };
    for (item, clients) in [("a", vec![1, 2]), ("b", vec![2, 1]), ("only the second's", vec![2])] {
        server.show(&clients, "item/started", shown(item));
        server.show(&clients, "item/completed", shown(item));
    }
    // What one client is shown twice happened twice.
    server.show(&[1, 1], "item/completed", shown("c"));
    let items: Vec<_> =
        values(&server.output.events).iter().map(|event| event["event_params"]["item_id"].clone()).collect();
    assert_eq!(items, ["a", "b", "only the second's"]);
    assert_eq!(reasons(&server.output), [(Subject::Item, Reason::NeverStarted); 2]);
}

/// An app-server's own helpers name neither the product nor its originator.
#[test]
fn the_originator_is_the_first_clients() {
    let originator = |clients: &[(&str, &str)]| {
        let mut server = Server::empty();
        for (client, (name, user_agent)) in (1..).zip(clients) {
            let params = json!({ "clientInfo": { "name": name, "version": "1" } });
            server.call(client, 1, "initialize", params, json!({ "userAgent": user_agent }));
        }
        let mention = json!({ "app_mentioned": { "tracking": { "model_slug": "m", "thread_id": "t", "turn_id": "u" },
            "mentions": [{ "connector_id": "a", "app_name": null, "invocation_type": null }] } });
        let fact: Fact = serde_json::from_value(mention).expect("a fact");
        server.pipeline.ingest(UnixMillis(server.at), fact, &mut server.output);
        values(&server.output.events)[0]["event_params"]["product_client_id"].clone()
    };
    assert_eq!(originator(&[("first", "of_the_server/1.0"), ("second", "another/1.0")]), "of_the_server");
    assert_eq!(originator(&[("first", "no version")]), "first");
    assert_eq!(originator(&[("codex-backend", "no version")]), "codex_cli_rs");
    assert_eq!(originator(&[("codex_app_server_daemon", "no version"), ("second", "no version")]), "second");
    assert_eq!(originator(&[("größer", "no version"), ("second", "no version")]), "second", "no header can carry it");
}
