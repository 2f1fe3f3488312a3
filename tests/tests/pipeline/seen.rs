//! What this version does not know is counted by name, and a name is all that is kept of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Direction, Limits, Output, Pipeline, Stats, UnixMillis, UnknownKind};
use turnledger_tests::golden::{VERSIONS, folder, observe, pipeline, recording};

use Direction::{ClientToServer, ServerToClient};
use UnknownKind::{Item, Member, Method, Value as Word, Version};

/// The counts of messages that pass on a connection each.
fn stats(messages: &[(u64, Direction, Value)]) -> Stats {
    let mut pipeline = pipeline(Sha2::default());
    let mut output = Output::default();
    for (connection, direction, message) in messages {
        let text = message.to_string();
        let _ = pipeline.observe(UnixMillis(1_000), *connection, *direction, text.as_bytes(), &mut output);
    }
    pipeline.stats().clone()
}

type Counted = Vec<(UnknownKind, String, u64)>;

fn counted(stats: &Stats) -> Counted {
    stats.unknown.iter().map(|(kind, name, count)| (kind, name.to_owned(), count)).collect()
}

fn of(messages: &[(Direction, Value)]) -> Counted {
    let messages: Vec<_> = messages.iter().map(|(direction, message)| (1, *direction, message.clone())).collect();
    counted(&stats(&messages))
}

fn names(counts: &[(UnknownKind, &str, u64)]) -> Counted {
    counts.iter().map(|(kind, name, count)| (*kind, (*name).to_owned(), *count)).collect()
}

fn initialized(version: &str) -> [(Direction, Value); 2] {
    [
        (
            ClientToServer,
            json!({ "id": 1, "method": "initialize", "params": { "clientInfo": { "name": "c", "version": "1" } } }),
        ),
        (ServerToClient, json!({ "id": 1, "result": { "userAgent": format!("c/{version} (Linux 1; x86_64)") } })),
    ]
}

fn item(item: Value) -> (Direction, Value) {
    let params = json!({ "threadId": "T", "turnId": "U", "startedAtMs": 1, "item": item });
    (ServerToClient, json!({ "method": "item/started", "params": params }))
}

fn turn(more: Value) -> (Direction, Value) {
    let mut turn = json!({ "id": "U", "status": "inProgress" });
    for (name, value) in more.as_object().expect("an object") {
        turn[name] = value.clone();
    }
    (ServerToClient, json!({ "method": "turn/started", "params": { "threadId": "T", "turn": turn } }))
}

/// Nothing that recorded sessions say is missed.
#[test]
fn of_recordings() {
    for version in VERSIONS {
        let mut sum = Stats::default();
        for scenario in std::fs::read_dir(folder().join(version)).expect("the recordings") {
            let name = scenario.expect("a scenario").file_name().into_string().expect("a name");
            let mut pipeline = pipeline(Sha2::default());
            for message in recording(version, &name).messages() {
                observe(&mut pipeline, &message, &mut Output::default());
            }
            sum.add(pipeline.stats());
        }
        assert_eq!(counted(&sum), [], "{version}");
    }
}

#[test]
fn each_kind() {
    let (client, server) = (ClientToServer, ServerToClient);
    let seen = of(&[
        (client, json!({ "id": 1, "method": "thread/teleport", "params": { "to": "/secret" } })),
        (server, json!({ "method": "thread/goal/shared", "params": {} })),
        // In whatever order.
        (server, json!({ "params": {}, "method": "thread/goal/shared" })),
        (server, json!({ "id": 7, "method": "item/tool/vote" })),
        // A method has a direction.
        (server, json!({ "id": 8, "method": "model/list" })),
        (client, json!({ "id": 9, "method": "model/list" })),
        item(json!({ "type": "hologram", "id": "h", "path": "/secret" })),
        item(json!({ "id": "h", "type": "hologram" })),
        item(json!({ "type": "reasoning", "id": "r", "newMember": 1 })),
        item(json!({ "type": "fileChange", "id": "f", "status": "paused", "changes": [
            { "path": "/secret", "kind": { "type": "merge" }, "diff": "secret", "author": "secret" },
            { "path": "/secret", "kind": { "type": "add" }, "diff": "secret" },
        ] })),
        turn(json!({ "mood": "secret", "itemsView": "full", "error": { "message": "m", "codexErrorInfo": "bored" } })),
        turn(json!({ "error": { "message": "m", "codexErrorInfo": { "tooSoon": { "secret": "secret" } } } })),
        (
            server,
            json!({ "method": "hook/completed", "params": { "threadId": "T", "run": {
            "id": "/secret", "eventName": "preTurn", "source": "unknown", "status": "completed" } } }),
        ),
        (
            client,
            json!({ "id": 10, "method": "turn/start", "params": { "threadId": "T", "approvalPolicy": "rarely",
            "sandboxPolicy": { "type": "chroot" }, "serviceTier": "acme-internal", "input": [
                { "type": "text", "text": "secret" }, { "type": "smell", "of": "secret" } ] } }),
        ),
    ]);
    assert_eq!(
        seen,
        names(&[
            (Method, "item/tool/vote", 1),
            (Method, "model/list", 1),
            (Method, "thread/goal/shared", 2),
            (Method, "thread/teleport", 1),
            (Item, "hologram", 2),
            (Word, "AskForApproval.rarely", 1),
            (Word, "CodexErrorInfo.bored", 1),
            (Word, "CodexErrorInfo.tooSoon", 1),
            (Word, "HookEventName.preTurn", 1),
            (Word, "ItemStatus.paused", 1),
            (Word, "PatchKind.merge", 1),
            (Word, "SandboxPolicy.chroot", 1),
            (Word, "UserInput.smell", 1),
            (Member, "Change.author", 1),
            (Member, "Turn.mood", 1),
        ])
    );
}

#[test]
fn guardian_actions() {
    let review = |action: Value| {
        let params = json!({ "threadId": "T", "turnId": "U", "startedAtMs": 1, "completedAtMs": 2, "reviewId": "r",
            "review": { "status": "approved" }, "action": action });
        (ServerToClient, json!({ "method": "item/autoApprovalReview/completed", "params": params }))
    };
    let actions = [json!({ "type": "applyPatch" }), json!({ "type": "teleport", "cwd": "/secret" })];
    assert_eq!(of(&actions.map(review)), names(&[(Word, "GuardianAction.teleport", 1)]));
}

/// Of a message that cannot be read, a discard says so, and nothing else is counted.
#[test]
fn nothing_of_what_cannot_be_read() {
    let bad = (ServerToClient, json!({ "method": "of/aNewerVersion", "params": {}, "id": "i".repeat(251) }));
    assert_eq!(of(&[bad, item(json!({ "type": "hologram" })), turn(json!({ "mood": 1, "status": 7 }))]), {
        names(&[(Item, "hologram", 1)])
    });
}

/// Of a version that is newer than any known one, each connection is counted.
#[test]
fn newer_versions() {
    let mut messages = Vec::new();
    for (connection, version) in [(1, "0.171.4"), (2, "0.180.1"), (3, "0.180.1-alpha.2"), (4, "1.0.0"), (5, "local")] {
        messages.extend(initialized(version).map(|(direction, message)| (connection, direction, message)));
    }
    let seen = stats(&messages);
    assert_eq!(counted(&seen), names(&[(Version, "0.180.1", 2), (Version, "1.0.0", 1)]));
    assert_eq!(
        seen.unknown.to_string(),
        "Codex 0.180.1 is newer than the newest known one (0.171): read as that; \
         Codex 1.0.0 is newer than the newest known one (0.171): read as that"
    );
}

/// A saved session goes on counting.
#[test]
fn saved_with_the_session() {
    let mut whole = pipeline(Sha2::default());
    let mut broken = pipeline(Sha2::default());
    let mut output = Output::default();
    for number in 0..2_000 {
        let (_, message) = turn(json!({ "mood": number }));
        for pipeline in [&mut whole, &mut broken] {
            let text = message.to_string();
            assert_eq!(pipeline.observe(UnixMillis(1_000), 1, ServerToClient, text.as_bytes(), &mut output), Ok(()));
        }
        if number % 500 == 0 {
            broken = Pipeline::restore(Sha2::default(), Limits::default(), &broken.snapshot()).expect("its snapshot");
        }
    }
    assert_eq!(broken.stats(), whole.stats());
    // All of the first 128, and one of 256 of the others.
    assert_eq!(counted(whole.stats()), names(&[(Member, "Turn.mood", 128 + 7)]));
}

#[test]
fn names_are_few() {
    let letter = |number: usize| char::from(b"abcdefghijklmnop"[number % 16]);
    let method = |number: usize| [number / 256, number / 16, number].map(letter).into_iter().collect::<String>();
    let methods: Vec<_> =
        (0..4_000).map(|number| (ServerToClient, json!({ "method": format!("new/{}", method(number)) }))).collect();
    let seen = of(&methods);
    assert_eq!(seen.len(), 129);
    assert_eq!(seen[0], (Method, "(other)".to_owned(), 4_000 - 128));
    // A long message is no way around it.
    let members: BTreeMap<_, _> = (0..4_000).map(|number| (format!("x{}", method(number)), 0)).collect();
    let seen = of(&[turn(json!(members)), turn(json!({}))]);
    assert_eq!(seen.len(), 64);
}

/// Where names may be the user's, nothing is counted, whatever it looks like.
#[test]
fn maps_are_no_members() {
    let seen = of(&[
        item(json!({ "type": "collabAgentToolCall", "id": "c", "tool": "wait", "status": "completed",
            "receiverThreadIds": [], "agentsStates": { "secret": { "status": "running", "message": "secret" } } })),
        (
            ClientToServer,
            json!({ "id": 1, "method": "turn/start", "params": { "threadId": "T", "input": [],
            "responsesapiClientMetadata": { "secret": "secret" }, "outputSchema": { "secret": {} } } }),
        ),
        (
            ClientToServer,
            json!({ "id": 2, "method": "config/value/write", "params": { "keyPath": "plugins",
            "value": { "secret": { "secret": true } }, "mergeStrategy": "replace" } }),
        ),
        (
            ClientToServer,
            json!({ "id": 3, "method": "thread/start", "params": { "config": { "secret": 1 }, "secret-tool": null } }),
        ),
    ]);
    assert_eq!(seen, names(&[(Member, "ThreadOpenParams.secret-tool", 1)]));
}

/// Texts of users: prose, paths, URLs, commands, ids, keys, other scripts.
fn prose() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}( [a-z]{1,8}){1,5}",
        "(/[a-z]{1,8}){2,5}",
        "[A-Z]:(\\\\[a-z]{1,8}){1,4}",
        "[a-z]{1,8}(/[a-z]{1,8}){1,3}\\.[a-z]{1,3}",
        "https://[a-z]{1,8}\\.[a-z]{2}/[a-z]{0,8}",
        "[a-z]{1,8}@[a-z]{1,8}\\.[a-z]{2}",
        "[0-9a-f]{8}-[0-9]{4}-[0-9]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "sk-[a-z]{2}[0-9]{5,40}",
        "[à-ÿ]{1,8}",
        "[a-z]{65,200}",
        "[a-z]{1,8}[;|&=()\"'`\\n][a-z]{1,8}",
    ]
}

proptest! {
    /// No text of a user's stays, wherever a name is expected.
    #[test]
    fn no_prose(secret in prose()) {
        let (client, server) = (ClientToServer, ServerToClient);
        let messages = [
            (client, json!({ "id": 1, "method": secret })),
            (server, json!({ "method": secret, "params": { &secret: &secret } })),
            item(json!({ "type": secret, "id": "i" })),
            item(json!({ "type": "fileChange", "id": "f", "status": secret, &secret: 1,
                "changes": [{ "kind": { "type": secret }, &secret: 1 }] })),
            turn(json!({ "status": secret, &secret: 1, "error": { "codexErrorInfo": { &secret: 1 } } })),
            (client, json!({ "id": 2, "method": "turn/start", "params": { "threadId": "T", "effort": secret, &secret: 1,
                "approvalPolicy": secret, "sandboxPolicy": { "type": secret }, "input": [{ "type": secret }] } })),
            (server, json!({ "id": 3, "method": secret })),
        ];
        let mut messages: Vec<_> = messages.into_iter().map(|(direction, message)| (1, direction, message)).collect();
        messages.extend(initialized(&secret).map(|(direction, message)| (2, direction, message)));
        let seen = stats(&messages);
        let quoted = json!(secret).to_string();
        prop_assert!(!seen.to_json().contains(quoted.trim_matches('"')), "{}", seen.to_json());
        prop_assert!(!seen.unknown.to_string().contains(&secret), "{}", seen.unknown);
        let others = counted(&seen);
        prop_assert!(others.iter().all(|(_, name, _)| name == "(other)"), "{:?}", others);
        prop_assert_eq!(others.len(), 4, "methods, items, values and members");
    }
}

/// The counts hold nothing else of a session: not even of one whose every message is new.
#[test]
fn other_transports_count_alike() {
    let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Websocket, Limits::default());
    let text = json!({ "method": "new/method", "params": { "secret": "secret" } }).to_string();
    let mut output = Output::default();
    assert_eq!(pipeline.observe(UnixMillis(1), 1, ServerToClient, text.as_bytes(), &mut output), Ok(()));
    assert_eq!(output, Output::default());
    assert_eq!(
        pipeline.stats().to_json(),
        r#"{"messages":1,"irrelevant_messages":1,"facts":{},"events":{},"discards":[],"unknown":[["method","new/method",1]]}"#
    );
}
