//! What yields no event is said, with the reason and every id that is known (`docs/contract/rules.md` 1.1).

use crate::support::{completed, config};
use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::{Cap, Direction, Limits, UnixMillis, reducer};
use turnledger_tests::server::{Server, item, with};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// What a step yields in place of an event.
fn discards(server: &mut Server, step: impl FnOnce(&mut Server)) -> Vec<(Subject, Reason, Value)> {
    step(server);
    server.discards()
}

fn of_item() -> Value {
    json!({ "threadId": "T", "turnId": "U", "itemId": "i" })
}

fn command_approval(id: u64, ids: Value) -> Value {
    let params = with(json!({ "threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 1 }), ids);
    json!({ "id": id, "method": "item/commandExecution/requestApproval", "params": params })
}

fn guardian(more: Value) -> Value {
    let review = json!({ "status": "approved" });
    let times = json!({ "startedAtMs": 1, "completedAtMs": 2, "reviewId": "r", "targetItemId": "i" });
    let action = json!({ "action": { "type": "applyPatch" }, "review": review });
    with(with(with(json!({ "threadId": "T", "turnId": "U" }), times), action), more)
}

/// Shows an item of thread `T` and turn `U`.
fn show(server: &mut Server, method: &str, at: i64, item: Value) {
    server
        .note(method, json!({ "threadId": "T", "turnId": "U", "startedAtMs": at, "completedAtMs": at, "item": item }));
}

fn compaction() -> Value {
    json!({ "type": "contextCompaction", "id": "c" })
}

/// What belongs to a connection, a thread or a request that nobody knows.
#[test]
fn of_strangers() {
    let request = json!({ "connectionId": 1, "requestId": 5 });
    let thread = json!({ "thread": { "id": "T" }, "model": "m" });
    assert_eq!(
        discards(&mut Server::empty(), |server| server.call("thread/start", json!({}), thread)),
        [(Subject::Thread, Reason::UnknownConnection, json!({ "connectionId": 1, "threadId": "T" }))]
    );
    let response = |method: &str, result: Value| json!({ "client_response": { "connection_id": 1, "request_id": 5, "response": { "method": method, "result": result } } });
    let started = response("turn/start", json!({ "turn": { "id": "V" } }));
    assert_eq!(
        discards(&mut Server::new(), |server| server.fact(started)),
        [(Subject::Turn, Reason::UnknownRequest, with(request.clone(), json!({ "turnId": "V" })))]
    );
    let steered = response("turn/steer", json!({ "turnId": "U" }));
    assert_eq!(
        discards(&mut Server::new(), |server| server.fact(steered)),
        [(Subject::Steer, Reason::UnknownRequest, request.clone())]
    );
    let failed = json!({ "error_response": { "connection_id": 1, "request_id": 5, "error_type": null } });
    assert_eq!(
        discards(&mut Server::new(), |server| server.fact(failed)),
        [(Subject::Request, Reason::UnknownRequest, request.clone())]
    );
    let steer = |server: &mut Server| {
        server.ask(json!({ "id": 5, "method": "turn/steer", "params": { "threadId": "X", "expectedTurnId": "U", "input": [] } }));
        server.answer(json!({ "id": 5, "result": { "turnId": "U" } }));
    };
    let of_steer = with(request, json!({ "threadId": "X" }));
    assert_eq!(discards(&mut Server::new(), steer), [(Subject::Steer, Reason::UnknownThread, of_steer.clone())]);
    assert_eq!(discards(&mut Server::empty(), steer), [(Subject::Steer, Reason::UnknownConnection, of_steer)]);
    for question in ["repository_answered", "worktree_answered", "skill_answered"] {
        let answer = json!({ question: { "question": 7, "remote_url": null, "skill_path": "/s", "repository_root": null, "is_worktree": null } });
        assert_eq!(
            discards(&mut Server::new(), |server| server.fact(answer)),
            [(Subject::Answer, Reason::UnknownQuestion, json!({}))]
        );
    }
}

/// Reviews without what they need.
#[test]
fn of_reviews() {
    let with_request = with(of_item(), json!({ "requestId": 5 }));
    assert_eq!(
        discards(&mut Server::new(), |server| server.answer(command_approval(5, json!({ "startedAtMs": -1 })))),
        [(Subject::Review, Reason::NegativeTime, with_request.clone())]
    );
    let answer = json!({ "server_response": { "completed_at_ms": 2, "connection_id": 1, "request_id": 5, "response": { "command_approval": "accept" } } });
    assert_eq!(
        discards(&mut Server::new(), |server| server.fact(answer)),
        [(Subject::Review, Reason::UnknownRequest, json!({ "requestId": 5 }))]
    );
    let answered = |result: Value| {
        move |server: &mut Server| {
            server.answer(command_approval(5, json!({})));
            server.ask(json!({ "id": 5, "result": result }));
        }
    };
    assert_eq!(
        discards(&mut Server::new(), answered(json!({ "decision": 7 }))),
        [(Subject::Review, Reason::UnfittingResult, with_request.clone())]
    );
    let mut server = Server::new();
    assert_eq!(discards(&mut server, answered(json!({ "decision": "accept" }))), []);
    assert_eq!(
        discards(&mut server, |server| server.ask(json!({ "id": 5, "result": { "decision": "accept" } }))),
        [(Subject::Review, Reason::UnknownRequest, with_request)]
    );
    let elsewhere = json!({ "threadId": "X", "turnId": "U", "itemId": "i" });
    let review = |server: &mut Server| {
        server.answer(command_approval(6, json!({ "threadId": "X" })));
        server.ask(json!({ "id": 6, "result": { "decision": "accept" } }));
    };
    assert_eq!(discards(&mut Server::new(), review), [(Subject::Review, Reason::UnknownThread, elsewhere.clone())]);

    let reviewed = |more: Value| {
        discards(&mut Server::new(), |server| server.note("item/autoApprovalReview/completed", guardian(more)))
    };
    assert_eq!(reviewed(json!({})), []);
    for (more, reason) in [
        (json!({ "review": { "status": "inProgress" } }), Reason::NotFinal),
        (json!({ "review": { "status": "newer" } }), Reason::UnknownStatus),
        (json!({ "action": { "type": "newer" } }), Reason::UnknownStatus),
        (json!({ "startedAtMs": -1 }), Reason::NegativeTime),
    ] {
        assert_eq!(reviewed(more), [(Subject::Review, reason, of_item())]);
    }
    assert_eq!(
        reviewed(json!({ "threadId": "X" })),
        [
            (Subject::GuardianReview, Reason::UnknownThread, elsewhere.clone()),
            (Subject::Review, Reason::UnknownThread, elsewhere)
        ]
    );
}

/// Items and compactions that began at no time, or never did.
#[test]
fn of_items_and_compactions() {
    let turn = json!({ "threadId": "T", "turnId": "U" });
    assert_eq!(
        discards(&mut Server::new(), |server| show(server, "item/started", -1, item("fileChange"))),
        [(Subject::Item, Reason::NegativeTime, of_item())]
    );
    assert_eq!(
        discards(&mut Server::new(), |server| show(server, "item/completed", 1, item("fileChange"))),
        [(Subject::Item, Reason::NeverStarted, of_item())]
    );
    assert_eq!(
        discards(&mut Server::new(), |server| show(server, "item/completed", 1, compaction())),
        [(Subject::Compaction, Reason::NeverStarted, turn.clone())]
    );
    let end = |method, at, status: &str| {
        discards(&mut Server::new(), |server| {
            show(server, "item/started", at, compaction());
            let turn = json!({ "id": "U", "status": status });
            match method {
                "turn/completed" => server.note(method, json!({ "threadId": "T", "turn": turn })),
                _ => show(server, method, at, compaction()),
            }
        })
    };
    assert_eq!(end("turn/completed", 1, "interrupted"), [(Subject::Compaction, Reason::Interrupted, turn.clone())]);
    assert_eq!(end("item/completed", -1, ""), [(Subject::Compaction, Reason::NegativeTime, turn)]);
}

/// A message that cannot be read is lost, but whoever waits for it does not wait on.
#[test]
fn of_messages() {
    let mut server = Server::new();
    let broken = json!({ "method": "turn/started", "params": { "threadId": 7 } });
    assert!(server.send(Direction::ServerToClient, &broken).is_some());
    assert_eq!(server.discards(), [(Subject::Message, Reason::WrongShape, json!({ "connectionId": 1 }))]);

    server.ask(json!({ "id": 5, "method": "turn/start", "params": { "threadId": "T", "input": [] } }));
    server.answer(json!({ "id": 5, "result": { "turn": 7 } }));
    let request = json!({ "connectionId": 1, "requestId": 5 });
    assert_eq!(server.discards(), [(Subject::Message, Reason::WrongShape, request)]);
    server.finish();
    assert_eq!(
        server.discards(),
        [(Subject::Turn, Reason::NotCompleted, json!({ "threadId": "T", "turnId": "U" }))],
        "the request is over"
    );
}

/// What is no JSON says nothing of a request, nor does what a client says of its own.
#[test]
fn of_messages_that_leave_requests_open() {
    let mut server = Server::new();
    server.ask(
        json!({ "id": 5, "method": "turn/steer", "params": { "threadId": "T", "expectedTurnId": "U", "input": [] } }),
    );
    assert_eq!(server.send_text(Direction::ServerToClient, r#"{"id":5,"result":{"turnId":"U"}"#), Some(32));
    assert_eq!(server.send_text(Direction::ClientToServer, r#"{"id":5,"error":7}"#), Some(17));
    let request = json!({ "connectionId": 1, "requestId": 5 });
    assert_eq!(
        server.discards(),
        [(Subject::Message, Reason::NotJson, request.clone()), (Subject::Message, Reason::WrongShape, request)]
    );
    assert_eq!(server.send(Direction::ServerToClient, &json!({ "id": 5, "result": { "turnId": "U" } })), None);
    assert_eq!(server.one()["result"], "accepted");
}

/// What the turns that are left waited for.
#[test]
fn of_turns_by_what_they_waited_for() {
    let mut server = Server::new();
    server.ask(json!({ "id": 5, "method": "turn/start", "params": { "threadId": "T", "input": [] } }));
    server.fact(config("T", "A"));
    server.fact(completed("T", "B"));
    server.fact(completed("T", "C"));
    server.fact(config("T", "C"));
    server.finish();
    let turn = |turn: &str, reason| (Subject::Turn, reason, json!({ "threadId": "T", "turnId": turn }));
    let mut discards = server.discards();
    assert_eq!(discards.remove(0).0, Subject::Request);
    discards.sort_by_key(|(_, _, ids)| ids.to_string());
    assert_eq!(
        discards,
        [
            turn("A", Reason::NotCompleted),
            turn("B", Reason::NoResolvedConfig),
            turn("C", Reason::NoStartResponse),
            turn("U", Reason::NotCompleted),
        ]
    );
}

/// Everything is counted.
#[test]
fn counted() {
    let mut server = Server::new();
    server.answer(json!({ "method": "item/agentMessage/delta", "params": {} }));
    for _ in 0..2 {
        server.answer(command_approval(5, json!({ "startedAtMs": -1 })));
        server.answer(command_approval(6, json!({})));
        server.ask(json!({ "id": 6, "result": { "decision": "accept" } }));
        server.answer(json!({ "method": "serverRequest/resolved", "params": { "threadId": "T", "requestId": 6 } }));
    }
    let stats = json!({
        "messages": 14,
        "irrelevant_messages": 5,
        "facts": { "initialize": 1, "client_response": 1, "notification": 1, "server_request": 2, "server_response": 1 },
        "events": { "codex_thread_initialized": 1, "codex_review_event": 1 },
        "discards": [[["review", "unknown_request"], 1], [["review", "negative_time"], 1]],
    });
    let counted: Value = serde_json::from_str(&server.stats().to_json()).expect("JSON");
    assert_eq!(counted, stats);
}

/// One of each that nothing ever ends: a request, an approval, an item and a turn.
fn abandon(server: &mut Server) {
    server.ask(json!({ "id": 5, "method": "turn/start", "params": { "threadId": "T", "input": [] } }));
    server.answer(command_approval(6, json!({})));
    show(server, "item/started", 1, item("fileChange"));
}

fn abandoned(reasons: [Reason; 4]) -> Vec<(Subject, Reason, Value)> {
    let ids = [
        json!({ "connectionId": 1, "requestId": 5 }),
        with(of_item(), json!({ "requestId": 6 })),
        of_item(),
        json!({ "threadId": "T", "turnId": "U" }),
    ];
    let subjects = [Subject::Request, Subject::Review, Subject::Item, Subject::Turn];
    subjects.into_iter().zip(reasons).zip(ids).map(|((subject, reason), ids)| (subject, reason, ids)).collect()
}

#[test]
fn of_what_the_end_of_a_session_leaves() {
    let mut server = Server::new();
    abandon(&mut server);
    server.finish();
    assert_eq!(
        server.discards(),
        abandoned([Reason::NotAnswered, Reason::NotAnswered, Reason::NotCompletedItem, Reason::NotCompleted])
    );
}

#[test]
fn of_what_is_idle_for_too_long() {
    let mut server = Server::new();
    abandon(&mut server);
    server.now = UnixMillis(365 * DAY);
    server.tick();
    server.fact(json!({ "error_response": { "connection_id": 2, "request_id": 5, "error_type": null } }));
    let mut expected = vec![
        (Subject::Connection, Reason::Expired, json!({ "connectionId": 1 })),
        (Subject::Thread, Reason::Expired, json!({ "threadId": "T" })),
    ];
    let [request, review, item, turn] = abandoned([Reason::Expired; 4]).try_into().expect("four");
    expected.extend([turn, item, request, review]);
    expected.push((Subject::Request, Reason::UnknownRequest, json!({ "connectionId": 2, "requestId": 5 })));
    assert_eq!(server.discards(), expected);
}

/// Each makes room for another one of its kind.
#[test]
fn of_what_makes_room() {
    let one = Cap::new(1, DAY);
    let limits =
        reducer::Limits::default().connections(one).threads(one).turns(one).items(one).requests(one).reviews(one);
    let mut server = Server::limited(Limits::default().reducer(limits));
    server.begin();
    abandon(&mut server);
    assert_eq!(server.discards(), []);
    server.ask(json!({ "id": 7, "method": "turn/start", "params": { "threadId": "T", "input": [] } }));
    server.answer(command_approval(8, json!({ "itemId": "j" })));
    show(&mut server, "item/started", 1, with(item("fileChange"), json!({ "id": "j" })));
    server.note("turn/started", json!({ "threadId": "S", "turn": { "id": "V", "status": "inProgress" } }));
    assert_eq!(server.discards(), abandoned([Reason::Evicted; 4]));
    server.call("thread/start", json!({}), json!({ "thread": { "id": "N" }, "model": "m" }));
    assert_eq!(server.discards(), [(Subject::Thread, Reason::Evicted, json!({ "threadId": "T" }))]);
    let other = json!({ "initialize": { "connection_id": 2, "product_client_id": "c", "params": { "clientInfo": { "name": "c", "version": "1" } },
        "runtime": { "codex_rs_version": "1", "runtime_os": "l", "runtime_os_version": "1", "runtime_arch": "x" }, "rpc_transport": "stdio" } });
    server.fact(other);
    assert_eq!(server.discards(), [(Subject::Connection, Reason::Evicted, json!({ "connectionId": 1 }))]);
}
